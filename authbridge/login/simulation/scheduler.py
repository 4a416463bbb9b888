"""Runs scripts that take turns in a world, and the queue for hashes between them.

A script is a generator.  It yields the moment at which it wants to go on, or the place with which it joins
the queue for a hash.
"""

import heapq
import itertools
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta

from authbridge.login import flow
from authbridge.login.fair_turns import FairTurns, Place
from authbridge.login.policy import Decision
from authbridge.login.simulation.report import Course
from authbridge.login.simulation.world import World

Script = Generator[datetime | Place, None, None]

_AT_ONCE = timedelta(0)


@dataclass(slots=True)
class Arrival:
    """An owner who came to log in, and how long the rules have made them wait so far."""

    at: datetime
    waited: timedelta = _AT_ONCE


class Scheduler:
    """A world with scripts; the one that is due next moves the clock."""

    def __init__(self, world: World, *, cores: int = 2, hash_time: timedelta = _AT_ONCE) -> None:
        self.world = world
        self.visits: list[Arrival] = []
        self._queued: list[timedelta] = []
        self._hash_time = hash_time
        self._free_cores = cores
        self._order = itertools.count()
        self._due: list[tuple[datetime, int, Script]] = []
        self._queue = FairTurns[Script]()

    def enter(self, *scripts: Script) -> None:
        """Starts scripts; each says itself when it begins."""
        for script in scripts:
            self._go_on(script)

    def play(self, lasting: timedelta) -> None:
        """Runs everything that is due within this time."""
        end = self.world.now + lasting
        while self._due and self._due[0][0] < end:
            at, _, script = heapq.heappop(self._due)
            self.world.now = at
            self._go_on(script)
        self.world.now = end

    def arrive(self) -> Arrival:
        """Notes that an owner comes to log in."""
        visit = Arrival(self.world.now)
        self.visits.append(visit)
        return visit

    def next_event(self, otherwise: datetime) -> datetime:
        """Returns when another script goes on, if that is earlier."""
        return min(self._due[0][0], otherwise) if self._due else otherwise

    def login(
        self, username: str, password: str, ip: str | None
    ) -> Generator[datetime | Place, None, Decision]:
        """Takes one attempt that waits for its hash: ``decision = yield from scheduler.login(…)``."""
        world = self.world
        subject = world.recognise(username, password, ip)
        arrived = flow.arrive(subject, world.services)
        if isinstance(arrived, Decision):
            return arrived
        if subject.login.is_excluded:
            return flow.exclude(subject, world.services)
        arrived_at = world.now
        yield arrived
        self._queued.append(world.now - arrived_at)
        try:
            recorded = world.record(subject)
            if isinstance(recorded, Decision):
                return recorded
            yield world.now + self._hash_time
            return world.settle(subject, recorded)
        finally:
            self._free_cores += 1
            self._serve()

    def course(self, name: str) -> Course:
        """Returns the numbers so far."""
        world = self.world
        return Course(
            name=name,
            attempts=world.attempts,
            checked=len(world.checks),
            checked_outside=sum(check.from_unfamiliar_network for check in world.checks),
            denied=world.denied.total(),
            arrivals=len(self.visits),
            delayed=sum(visit.waited > _AT_ONCE for visit in self.visits),
            longest_delay=max((visit.waited for visit in self.visits), default=_AT_ONCE),
            queued=max(self._queued, default=_AT_ONCE),
            alarms=tuple(raised.alarm for raised in world.raised),
        )

    def _go_on(self, script: Script) -> None:
        wish = next(script, None)
        if isinstance(wish, datetime):
            heapq.heappush(self._due, (wish, next(self._order), script))
        elif wish is not None:
            self._queue.add(wish, script)
            self._serve()

    def _serve(self) -> None:
        while self._free_cores and len(self._queue):
            self._free_cores -= 1
            heapq.heappush(self._due, (self.world.now, next(self._order), self._queue.pop()))
