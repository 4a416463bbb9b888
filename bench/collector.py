"""What Prosody's garbage collector costs meetings and a school bell, by the line that sets it up."""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from authbridge.schools.commands.organisers import IssuedCredential
from bench import runs
from bench.environment import CHEAP, Environment
from bench.figures import Figures
from bench.load_generator import Ended
from bench.peers import CROWD, FOLDER, VERSIONS, HostedService
from bench.proc import processor_time, resident
from bench.table import Row
from tests.support.jitsi.participants import Participant, Participants, room_jid
from tests.support.jitsi.server import make_prosody, run_jitsi
from workbench.prosody import GENERATIONAL, HOST, Prosody

_LINES = {
    "as it comes": "",
    "threshold 130": "gc = { threshold = 130 }",
    "threshold 160": "gc = { threshold = 160 }",
    "generational": GENERATIONAL,
}
_ROUNDS, _SECONDS = 4, 20.0
_RATE = 60  # logins a second
_MEETINGS, _PUPILS = 12, 3
_TRANSPORTS = ("tcp", "bosh", "websocket")
_PING_PACE, _CHAT_PACE = 0.02, 3.0  # seconds between those of one person


@dataclass(slots=True)
class _Meetings:
    """A Jitsi with its meetings under way, and what was measured there."""

    prosody: Prosody
    people: Sequence[tuple[Participant, str]]  # with their rooms
    pings: list[float] = field(default_factory=list)
    logins: list[Ended] = field(default_factory=list)
    processor: float = 0.0  # seconds
    megabytes: float = 0.0


async def measure(_environment: Environment) -> list[Row]:
    """All lines of both versions take turns, each with a Jitsi of its own."""
    service = HostedService(FOLDER / "service-collector", bcrypt_cost=CHEAP, host=HOST)
    service.create_database()
    async with contextlib.AsyncExitStack() as running:
        running.callback(service.stop)
        service.start()
        crowd, leaders = list(service.issue(CROWD)), list(service.issue(_MEETINGS))
        runs.require(await runs.run(runs.at_service(service, crowd, at_once=2)), "granted")
        held = {}
        for version, (words, line) in itertools.product(VERSIONS, _LINES.items()):
            prosody = make_prosody(version, FOLDER / f"collector-{version}-{words}", service)
            prosody.gc = line
            jitsi = running.enter_context(run_jitsi(prosody))
            participants = await running.enter_async_context(jitsi.participants())
            held[version, words] = _Meetings(prosody, await _hold(participants, leaders))
        source = random.Random(1)  # noqa: S311 - no secret
        for _ in range(_ROUNDS):
            for key in source.sample(list(held), k=len(held)):
                await _slice(held[key], crowd)
    return list(itertools.chain.from_iterable(_rows(*key, meetings) for key, meetings in held.items()))


async def _hold(
    participants: Participants, leaders: Sequence[IssuedCredential]
) -> list[tuple[Participant, str]]:
    transports = itertools.cycle(_TRANSPORTS)
    people = []
    for leader in leaders:
        room = room_jid(leader.username)
        people.append((await participants.organiser(leader, room, next(transports)), room))
        people += [(await participants.pupil(room, next(transports)), room) for _ in range(_PUPILS)]
    return people


async def _slice(meetings: _Meetings, crowd: Sequence[IssuedCredential]) -> None:
    """A bell during which everybody talks and one person on each transport pings."""
    starts = runs.evenly(int(_RATE * (_SECONDS + 2)), _SECONDS + 2)
    plan = runs.at_prosody(meetings.prosody, HOST, crowd, starts=starts)
    before = processor_time(meetings.prosody.pid)
    async with runs.meanwhile(plan, to_the_end=True) as ended:
        await asyncio.sleep(1)
        pace = _CHAT_PACE / len(meetings.people)
        talks = [
            asyncio.ensure_future(_talk(person, room, number * pace))
            for number, (person, room) in enumerate(meetings.people)
        ]
        pinging = [person for person, _ in meetings.people[: len(_TRANSPORTS)]]
        samples = await asyncio.gather(*map(_ping, pinging))
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
    runs.require(ended, "success")
    meetings.processor += processor_time(meetings.prosody.pid) - before
    meetings.megabytes = max(meetings.megabytes, resident(meetings.prosody.pid))
    meetings.logins += ended
    meetings.pings += itertools.chain.from_iterable(samples)
    for person, _ in meetings.people:
        person.line.elements.clear()  # else our own process grows


async def _talk(person: Participant, room: str, start: float) -> None:
    await asyncio.sleep(start)
    message = f"<message xmlns='jabber:client' type='groupchat' to='{room}'><body>hallo</body></message>"
    while True:
        await person.line.send(message)
        await asyncio.sleep(_CHAT_PACE)


async def _ping(person: Participant) -> list[float]:
    """One ping per tick; one that is late because the one before took long counts from its tick."""
    sample = []
    tick = time.perf_counter()
    end = tick + _SECONDS
    while tick < end:
        tick += _PING_PACE
        delay = tick - time.perf_counter()
        await asyncio.sleep(max(0, delay))
        started = tick if delay < 0 else time.perf_counter()
        await person.line.ping()
        sample.append(time.perf_counter() - started)
    return sample


def _rows(version: str, words: str, meetings: _Meetings) -> list[Row]:
    spent = meetings.processor / len(meetings.logins)
    return [
        Row(
            f"gc {words}: a ping in a meeting, {_RATE} logins/s",
            version,
            Figures.of(meetings.pings),
            f"{spent * 1000:.2f} ms of Prosody's for all of it a login, {meetings.megabytes:.0f} MB",
        ),
        Row(
            f"gc {words}: a login, {_RATE}/s",
            version,
            Figures.of([login.seconds for login in meetings.logins]),
        ),
    ]
