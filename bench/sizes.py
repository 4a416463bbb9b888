"""What to use from what size on: the setups of :mod:`bench.setups`, with one and three Prosodys, in turns."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from authbridge.schools.commands.organisers import IssuedCredential
from bench import bcrypt_limit, runs
from bench.bcrypt_limit import CORES
from bench.bell import SECONDS as BELL_SECONDS
from bench.environment import DEAR, USUAL
from bench.figures import Figures
from bench.load_generator import Ended, Plan
from bench.meetings import click
from bench.peers import CROWD
from bench.proc import resident_of_all
from bench.setups import PROSODYS, SQLITE, VERSION, Setup, Store, make_stores, start
from bench.table import Row
from bench.visitor import Visitor
from tests.support.auth_server import AuthServer
from workbench.prosody import HOST, Prosody

_COUNTS = (1, PROSODYS)
_BELL = CROWD  # logins

_PAGES = {
    "overview": "/",
    "search": "/search?q=s0000-0",
    "schools": "/schools",
    "school": "/schools/s0000",
    "organisers": "/organisers",
    "organiser": "/organisers/s0000-00",
    "journal": "/journal",
    "journal, one outcome": "/journal?outcome=wrong-password",
    "audit": "/audit",
    "statistics": "/statistics",
}

_Turn = tuple[str, int]  # the name of a setup, and how many of its Prosodys are used
_MakePlan = Callable[[Prosody, int, int], Plan]  # a Prosody, its number, how many are used


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: ``rounds`` of ``logins`` one after the other, and ``seconds`` at saturation."""

    organisers: Sequence[int] = (10, 1_000, 100_000)
    rounds: int = 2
    logins: int = 501  # a third of them at each of three Prosodys
    seconds: float = 1.5
    at_once: int = 15  # logins under way at saturation
    views: int = 10  # of each page
    clicks: int = 10


USUAL_SCALE = Scale()
SHORT_SCALE = Scale(organisers=(10, 1_000), rounds=1, logins=30, seconds=0.5, views=2, clicks=2)
"""To see that it works."""


async def measure(scale: Scale) -> list[Row]:
    """Each size has databases and servers of its own."""
    rows = [await _limit(cost) for cost in (USUAL, DEAR)]
    for organisers in scale.organisers:
        print(f"  {organisers:,} organisers …", flush=True)
        with contextlib.ExitStack() as running:
            rows += await _measure_size(organisers, scale, running)
    return rows


async def _limit(cost: int) -> Row:
    rate = await bcrypt_limit.measure(cost)
    words = f"{rate:.1f}/s, {rate / CORES:.1f} a core"
    data: dict[str, str | float] = {"what": "bcrypt", "cost": cost, "rate": rate}
    return Row(f"bcrypt alone, cost {cost}, {CORES} threads", "", None, words, data=data)


async def _measure_size(organisers: int, scale: Scale, running: contextlib.ExitStack) -> list[Row]:
    stores, credentials = await asyncio.to_thread(make_stores, organisers, running)
    setups = await start(stores, running)
    crowd = random.Random(1).sample(credentials, k=min(organisers, CROWD))  # noqa: S311 - no secret
    for service in {service.port: service for setup in setups for service in setup.services}.values():
        runs.require(await runs.run(runs.at_service(service, crowd, at_once=CORES)), "granted")
    size = _Size(organisers, scale, setups, crowd)
    return [
        *(size.row_of(name, store) for name, store in stores.items()),
        *await size.logins(),
        *await size.bells(),
        *await size.saturation(),
        *await size.clicks(),
        *await asyncio.to_thread(size.pages),
        *size.memory(),
    ]


@dataclass(frozen=True, slots=True)
class _Size:
    organisers: int
    scale: Scale
    setups: Sequence[Setup]
    crowd: Sequence[IssuedCredential]  # all remembered

    def row_of(self, name: str, store: Store) -> Row:
        """What was done before a service ran."""
        words = [f"{what} {seconds:.1f} s" for what, seconds in store.seconds.items()]
        words += [f"{what} {size:.1f} MB" for what, size in store.megabytes.items()]
        data = {f"{what} s": seconds for what, seconds in store.seconds.items()}
        data |= {f"{what} MB": size for what, size in store.megabytes.items()}
        return self._row("database", name, beside="; ".join(words), data=data)

    async def logins(self) -> list[Row]:
        """Remembered, one after the other, at one Prosody after the other."""

        def make(prosody: Prosody, number: int, count: int) -> Plan:
            credentials = self._some(self.scale.logins // count, number)
            return runs.at_prosody(prosody, HOST, credentials, at_once=1)

        figures = _figures(await self._take_turns(make, at_once=False))
        return [
            self._row("login", *turn, of_turn, _compared(figures, turn)) for turn, of_turn in figures.items()
        ]

    async def bells(self) -> list[Row]:
        """By as many organisers as there are; several Prosodys share them."""
        starts = runs.evenly(_BELL, BELL_SECONDS)

        def make(prosody: Prosody, number: int, count: int) -> Plan:
            own = starts[number::count]
            return runs.at_prosody(prosody, HOST, self._some(len(own), number), starts=own)

        ended = await self._take_turns(make, rounds=1)
        figures = _figures(ended)
        return [
            self._row("bell", *turn, figures[turn], f"{runs.counts(each)}{_compared(figures, turn, '; ')}")
            for turn, each in ended.items()
        ]

    async def saturation(self) -> list[Row]:
        """As many as come through."""
        scale = self.scale

        def make(prosody: Prosody, number: int, count: int) -> Plan:
            credentials = self._some(len(self.crowd), number)
            return runs.at_prosody(
                prosody, HOST, credentials, at_once=scale.at_once // count, seconds=scale.seconds
            )

        ended = await self._take_turns(make)
        figures = _figures(ended)
        measured = scale.rounds * scale.seconds
        rates = {turn: runs.within(each, scale.seconds) / measured for turn, each in ended.items()}
        return [
            self._row(
                "saturation",
                *turn,
                figures[turn],
                f"{rate:.0f}/s, ×{rate / rates[SQLITE, turn[1]]:.2f} {SQLITE}; {runs.counts(ended[turn])}",
                {"rate": rate},
            )
            for turn, rate in rates.items()
        ]

    async def clicks(self) -> list[Row]:
        """From the click in the panel to the last client; a meeting on each Prosody."""
        rows = []
        for setup in self.setups:
            auth = AuthServer(setup.services[0], setup.database)
            times = [await click(auth, setup.servers, setup.visitor, 1) for _ in range(self.scale.clicks)]
            rows.append(self._row("click", setup.name, PROSODYS, Figures.of(times)))
        return rows

    def pages(self) -> list[Row]:
        """The slowest of the pages that staff open every day."""
        rows = []
        for setup in self._one_of_each_database():
            times = {title: self._views(setup.visitor, path) for title, path in _PAGES.items()}
            figures = {title: Figures.of(views) for title, views in times.items()}
            slowest = max(figures, key=lambda title: figures[title].p50)
            words = f"{slowest}, the slowest of {len(_PAGES)}"
            rows.append(self._row("page", setup.name, None, figures[slowest], words, {"page": slowest}))
        return rows

    def _views(self, visitor: Visitor, path: str) -> list[float]:
        visitor.get(path)
        times = []
        for _ in range(self.scale.views):
            visitor.get(path)
            times.append(visitor.seconds)
        return times

    def memory(self) -> list[Row]:
        """Of a service and a panel after all that."""
        rows = []
        for setup in self._one_of_each_database():
            service = resident_of_all(setup.services[0].process.pid)
            panel = resident_of_all(setup.panel.process.pid)
            words = f"service {service:.0f} MB, panel {panel:.0f} MB"
            data = {"service MB": service, "panel MB": panel}
            rows.append(self._row("memory", setup.name, beside=words, data=data))
        return rows

    def _one_of_each_database(self) -> list[Setup]:
        return [setup for setup in self.setups if len(setup.services) == 1]

    async def _take_turns(
        self, make: _MakePlan, *, rounds: int | None = None, at_once: bool = True
    ) -> dict[_Turn, list[Ended]]:
        """What several Prosodys are to do runs ``at_once``, or one after the other."""
        turns = list(itertools.product(self.setups, _COUNTS))
        ended: dict[_Turn, list[Ended]] = {(setup.name, count): [] for setup, count in turns}
        source = random.Random(1)  # noqa: S311 - no secret
        for _ in range(rounds or self.scale.rounds):
            for setup, count in source.sample(turns, k=len(turns)):
                plans = [
                    make(each.prosody, number, count) for number, each in enumerate(setup.servers[:count])
                ]
                for together in [plans] if at_once else [[plan] for plan in plans]:
                    for crowd in await asyncio.gather(*map(runs.run, together)):
                        ended[setup.name, count] += crowd
        return ended

    def _some(self, count: int, number: int) -> Iterator[IssuedCredential]:
        """So many of the crowd, who come again if there are not as many; each Prosody has others."""
        return itertools.islice(itertools.cycle(self.crowd), number * count, (number + 1) * count)

    def _row(
        self,
        what: str,
        setup: str,
        prosodys: int | None = None,
        figures: Figures | None = None,
        beside: str = "",
        data: Mapping[str, str | float] | None = None,
    ) -> Row:
        title = f"{what}: {self.organisers:,} organisers, {setup}"
        keys: dict[str, str | float] = {
            "what": what,
            "organisers": self.organisers,
            "setup": setup,
            "prosodys": prosodys or 0,
        }
        return Row(
            f"{title}, {prosodys} Prosody{'s' * (prosodys > 1)}" if prosodys else title,
            VERSION if prosodys else "",
            figures,
            beside,
            data={**keys, **(data or {})},
        )


def _figures(ended: Mapping[_Turn, Sequence[Ended]]) -> dict[_Turn, Figures | None]:
    return {turn: runs.figures_of(each, "success") for turn, each in ended.items()}


def _compared(figures: Mapping[_Turn, Figures | None], turn: _Turn, before: str = "") -> str:
    ours, peer = figures[turn], figures[SQLITE, turn[1]]
    return f"{before}p50 ×{ours.p50 / peer.p50:.2f} {SQLITE}" if ours and peer else ""
