"""From the click in the panel to the last one in the meetings; and what the guard and the feed cost."""

import asyncio
import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

from authbridge.config import read_config
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.staff.sign_in import sign_in_services_of
from authbridge.storage import schema
from authbridge.storage.database import Database
from authbridge.storage.models import Role
from bench.environment import Environment
from bench.figures import Figures
from bench.peers import FOLDER, VERSIONS
from bench.proc import processor_time
from bench.table import Row
from bench.visitor import Visitor
from tests.support.auth_server import AuthServer
from tests.support.factories import make_school
from tests.support.jitsi.participants import Participant, Participants, room_jid
from tests.support.jitsi.server import Deployment, Jitsi, make_focus, make_prosody, open_deployment
from workbench.panel import Panel
from workbench.prosody import HOST
from workbench.staff import enrol_member

_RUNS = {1: 50, 10: 10, 50: 4}  # meetings that one click ends -> how often
_PUPILS = 3  # in each
_TRANSPORTS = ("tcp", "bosh", "websocket")
_USUAL, _LONGEST = 0.1, 1.0  # seconds, with one meeting

_ROUNDS, _REQUESTS = 4, 150  # of conference requests, in turns with and without the module
_GUARD = 0.0001  # seconds of Prosody's time
_IDLE = 30  # seconds

_numbers = itertools.count(1)


async def measure(_scene: Environment) -> list[Row]:
    """Both versions, each with a service, a panel and a focus of their own."""
    folder = FOLDER / "meetings"
    template = new_template(folder)
    rows = []
    for version in VERSIONS:
        place = folder / version
        for each in ("service", "prosody", "alone"):
            (place / each).mkdir(parents=True)
        with open_deployment(version, place, template) as deployment:
            rows += await _clicks(version, deployment)
            rows += [await _guard(version, deployment, place / "alone"), await _idle(version, deployment)]
    return rows


def new_template(folder: Path) -> Path:
    """Makes the folder, and in it the SQLite file of which each service gets a copy; returns the file."""
    folder.mkdir()
    template = folder / "template.db"
    database = Database(f"sqlite:///{template}")
    schema.upgrade(database)
    database.engine.dispose()
    return template


# Clicks ---------------------------------------------------------------------------------------------


async def _clicks(version: str, deployment: Deployment) -> list[Row]:
    panel = Panel(deployment.auth.service)
    member = enrol_member(
        sign_in_services_of(read_config(panel.environ), deployment.auth.database), "bench", Role.ADMIN
    )
    panel.start()
    try:
        visitor = Visitor(panel.port)
        await asyncio.to_thread(visitor.sign_in, member)
        return [
            _row_of_clicks(
                version,
                meetings,
                [await click(deployment.auth, [deployment.jitsi], visitor, meetings) for _ in range(runs)],
            )
            for meetings, runs in _RUNS.items()
        ]
    finally:
        panel.stop()


async def click(auth: AuthServer, servers: Sequence[Jitsi], visitor: Visitor, meetings: int) -> float:
    """Suspends a school with so many meetings on each server; the seconds until the last client knew."""
    school = f"b{next(_numbers)}"
    make_school(auth.database, school)
    async with contextlib.AsyncExitStack() as screens:
        everybody: list[Participant] = []
        for server in servers:
            participants = await screens.enter_async_context(server.participants())
            for leader in [auth.issue(school) for _ in range(meetings)]:
                everybody += await _hold(participants, leader, room_jid(leader.username))
        clicked = await asyncio.to_thread(
            visitor.press, f"/schools/{school}/suspend", on=f"/schools/{school}"
        )
        outs = [seat.out for person in everybody for seat in person.seats.values()]
        async with asyncio.timeout(30):
            notices = await asyncio.gather(*outs)
    return max(notice.at for notice in notices) - clicked


async def _hold(participants: Participants, leader: IssuedCredential, room: str) -> Sequence[Participant]:
    transports = itertools.cycle(_TRANSPORTS)
    organiser = await participants.organiser(leader, room, next(transports))
    return organiser, *[await participants.pupil(room, next(transports)) for _ in range(_PUPILS)]


def _row_of_clicks(version: str, meetings: int, times: Sequence[float]) -> Row:
    figures = Figures.of(times)
    title = f"click to last notice: {meetings} meeting{'s' * (meetings > 1)}"
    beside = f"{meetings * (_PUPILS + 1)} clients"
    if meetings > 1:
        return Row(title, version, figures, beside)
    return Row(
        title,
        version,
        figures,
        beside,
        f"p50 ≤ {_USUAL * 1000:.0f}, max ≤ {_LONGEST * 1000:.0f}",
        met=figures.p50 <= _USUAL and max(times) <= _LONGEST,
    )


# Costs ----------------------------------------------------------------------------------------------


async def _guard(version: str, deployment: Deployment, folder: Path) -> Row:
    """What a conference request costs Prosody more than one where our module is not loaded."""
    guarded = deployment.jitsi
    open_to_all = {
        "authentication": "insecure",
        "insecure_open_authentication": "Yes please, I know what I'm doing!",
    }
    prosody = make_prosody(version, folder, deployment.auth.service)
    prosody = dataclasses.replace(prosody, hosts={**prosody.hosts, HOST: open_to_all})
    alone = Jitsi(prosody, make_focus(prosody))
    prosody.start()
    alone.focus.start()
    try:
        leader = deployment.auth.issue()
        spent = {id(jitsi): 0.0 for jitsi in (guarded, alone)}
        async with guarded.participants() as here, alone.participants() as there:
            asking = [(guarded, await _lead(here, leader)), (alone, await _lead(there, leader))]
            for _ in range(_ROUNDS):
                for jitsi, person in asking:
                    before = processor_time(jitsi.prosody.pid)
                    for _ in range(_REQUESTS):
                        await person.ask(room_jid("bench"))
                    spent[id(jitsi)] += processor_time(jitsi.prosody.pid) - before
    finally:
        alone.focus.close()
        prosody.stop()
    requests = _ROUNDS * _REQUESTS
    with_us, without = (spent[id(jitsi)] / requests for jitsi in (guarded, alone))
    return Row(
        f"guard: Prosody's time for a conference request more ({requests} requests)",
        version,
        Figures(1, with_us - without, longest=with_us - without),
        f"{with_us * 1000:.2f} with, {without * 1000:.2f} without",
        f"≤ {_GUARD * 1000:.1f}",
        met=with_us - without <= _GUARD,
    )


async def _lead(participants: Participants, leader: IssuedCredential) -> Participant:
    return await participants.organiser(leader, room_jid("bench"))


async def _idle(version: str, deployment: Deployment) -> Row:
    """What both sides of an open poll do while nothing happens."""
    parts: dict[str, Callable[[], int]] = {
        "Prosody": lambda: deployment.jitsi.prosody.pid,
        "the service": lambda: deployment.auth.service.process.pid,
    }
    before = {name: processor_time(pid()) for name, pid in parts.items()}
    await asyncio.sleep(_IDLE)
    shares = {name: (processor_time(pid()) - before[name]) / _IDLE for name, pid in parts.items()}
    beside = ", ".join(f"{share * 100:.1f} % {name}" for name, share in shares.items())
    return Row(f"feed: share of a core in {_IDLE} idle seconds", version, None, beside)
