"""What the rules of the meeting cost Prosody: a join, and somebody else's ping while three hundred join.

``AUTHBRIDGE_FORMER`` may name a checkout of a former commit: its modules, without rules, are then measured in
the same run.
"""

import asyncio
import contextlib
import dataclasses
import os
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.environment import Environment
from bench.figures import Figures, ratio_of_medians
from bench.meetings import new_template
from bench.peers import FOLDER, VERSIONS
from bench.proc import processor_time
from bench.table import Row
from tests.support.auth_server import AuthServer, open_auth_server
from tests.support.jitsi.participants import Participant, Participants, room_jid
from tests.support.jitsi.server import Jitsi, make_prosody, run_jitsi
from workbench.prosody import Prosody

_WITH, _WITHOUT, _FORMER = "all rules", "no rules", "former commit, no rules"
_ROUNDS, _PAGES, _TIMES = 12, 20, 8  # rounds; pages in the room; joins of each in a round
_MOST = 1.05  # times what a join costs without the module
_SECRET = "Igel-Kuchen-7"

_CROWD, _ROOMS, _WITHIN, _STORMS = 300, 10, 5.0, 3  # joins, rooms, seconds, times each variant
_PING_PACE = 0.01  # seconds
_NOISE = 1.15  # times; two runs of one variant differ by as much


@dataclass(slots=True)
class _Variant:
    """A Jitsi with its rules, and what was measured there."""

    jitsi: Jitsi
    processor: list[float] = field(default_factory=list)  # seconds a join, by round
    joins: list[float] = field(default_factory=list)
    pings: list[float] = field(default_factory=list)


async def measure(_environment: Environment) -> list[Row]:
    """Each variant has a Jitsi of its own over one service; they take turns."""
    folder = FOLDER / "meeting-rules"
    template = new_template(folder)
    rows = []
    for version in VERSIONS:
        place = folder / version
        (place / "service").mkdir(parents=True)
        with open_auth_server(place / "service", template) as auth, contextlib.ExitStack() as running:
            variants = {
                name: _Variant(running.enter_context(run_jitsi(prosody)))
                for name, prosody in _prosodys(version, place, auth).items()
            }
            await _joins(auth, variants)
            await _storms(auth, variants)
            rows += [*_rows_of_joins(version, variants), *_rows_of_pings(version, variants)]
    return rows


def _prosodys(version: str, place: Path, auth: AuthServer) -> dict[str, Prosody]:
    def prosody(number: int, rules: Mapping[str, object] | None) -> Prosody:
        folder = place / f"prosody-{number}"
        folder.mkdir()
        return make_prosody(version, folder, auth.service, rules=rules, external_auth_node=f"n{number}")

    found = {_WITH: prosody(1, {}), _WITHOUT: prosody(2, None)}
    if former := os.environ.get("AUTHBRIDGE_FORMER"):
        today = prosody(3, None)
        folders = (Path(former) / "prosody_mod", *today.module_folders[1:])
        found[_FORMER] = dataclasses.replace(today, module_folders=folders)
    return found


# A join --------------------------------------------------------------------------------------------


async def _lead(participants: Participants, auth: AuthServer, room: str) -> Participant:
    """Returns the organiser of a room with a password and without a lobby, as all variants can have it."""
    leader = await participants.organiser(auth.issue(), room)
    await leader.set_password(room, _SECRET)
    await leader.end_lobby(room)
    return leader


async def _joins(auth: AuthServer, variants: Mapping[str, _Variant]) -> None:
    source = random.Random(1)  # noqa: S311 - no secret
    room = room_jid("kosten")
    async with contextlib.AsyncExitStack() as open_pages:
        pages: dict[str, Sequence[Participant]] = {}
        for name, variant in variants.items():
            participants = await open_pages.enter_async_context(variant.jitsi.participants())
            await _lead(participants, auth, room)
            pages[name] = [await participants.guest() for _ in range(_PAGES)]
        for round_number in range(_ROUNDS + 1):  # the first warms up
            for name in source.sample(list(variants), k=len(variants)):
                variant = variants[name]
                before, started = processor_time(variant.jitsi.prosody.pid), time.perf_counter()
                for _ in range(_TIMES):
                    for page in pages[name]:
                        await _join(page, room)
                    for page in pages[name]:
                        await page.leave_room(room)
                if round_number:
                    count = _TIMES * _PAGES
                    variant.processor.append((processor_time(variant.jitsi.prosody.pid) - before) / count)
                    variant.joins.append((time.perf_counter() - started) / count)


async def _join(page: Participant, room: str) -> None:
    answer = await page.wait_for_host(room)
    if answer.error:
        message = f"the focus refuses: {answer.error}"
        raise RuntimeError(message)
    await page.join(room, password=_SECRET)


def _rows_of_joins(version: str, variants: Mapping[str, _Variant]) -> list[Row]:
    ours = variants[_WITH]
    rows = []
    for name, variant in variants.items():
        beside = f"{Figures.of(variant.processor).p50 * 1000:.2f} ms of Prosody's"
        target, met = "", None
        if name != _WITH:
            ratio, low, high = ratio_of_medians(ours.processor, variant.processor)
            whole, _, _ = ratio_of_medians(ours.joins, variant.joins)
            beside += f"; all rules ×{ratio:.3f} ({low:.3f} to {high:.3f}) of it, ×{whole:.3f} in time"
        if name == _WITHOUT:
            target, met = f"all rules ≤ ×{_MOST}", ratio <= _MOST
        words = f"request, join and leave: {name}"
        rows.append(Row(words, version, Figures.of(variant.joins), beside, target, met=met))
    return rows


# Three hundred joins -------------------------------------------------------------------------------


async def _storms(auth: AuthServer, variants: Mapping[str, _Variant]) -> None:
    source = random.Random(2)  # noqa: S311 - no secret
    for number in range(_STORMS):
        for name in source.sample(list(variants), k=len(variants)):
            variants[name].pings += await _storm(auth, variants[name].jitsi, number)


async def _storm(auth: AuthServer, jitsi: Jitsi, number: int) -> list[float]:
    rooms = [room_jid(f"glocke-{number}-{each}") for each in range(_ROOMS)]
    async with jitsi.participants() as participants:
        for room in rooms:
            await _lead(participants, auth, room)
        bystander = await participants.guest()
        crowd = [await participants.guest() for _ in range(_CROWD)]
        pings = asyncio.ensure_future(_pings(bystander))

        async def come(place: int, page: Participant) -> None:
            await asyncio.sleep(_WITHIN * place / _CROWD)
            await _join(page, rooms[place % _ROOMS])

        await asyncio.gather(*(come(place, page) for place, page in enumerate(crowd)))
        return await pings


async def _pings(bystander: Participant) -> list[float]:
    sample = []
    end = time.perf_counter() + _WITHIN
    while time.perf_counter() < end:
        started = time.perf_counter()
        await bystander.line.ping()
        sample.append(time.perf_counter() - started)
        await asyncio.sleep(_PING_PACE)
    return sample


def _rows_of_pings(version: str, variants: Mapping[str, _Variant]) -> list[Row]:
    peer = Figures.of(variants[_WITHOUT].pings)
    rows = []
    for name, variant in variants.items():
        figures = Figures.of(variant.pings)
        beside, target, met = "", "", None
        if name == _WITH and figures.p95 is not None and peer.p95 is not None:
            beside = f"p50 ×{figures.p50 / peer.p50:.2f}, p95 ×{figures.p95 / peer.p95:.2f} of that without"
            target, met = f"p95 ≤ ×{_NOISE} of it", figures.p95 <= _NOISE * peer.p95
        words = f"ping while {_CROWD} join within {_WITHIN:.0f} s: {name}"
        rows.append(Row(words, version, figures, beside, target, met=met))
    return rows
