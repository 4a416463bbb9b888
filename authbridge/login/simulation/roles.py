"""The scripts of those who guess and of those who only want to log in."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count, cycle

from authbridge.login.policy import Reason, Verdict
from authbridge.login.simulation.scheduler import Arrival, Scheduler, Script
from authbridge.login.simulation.world import Owner

Tries = Iterable[tuple[str, str]]  # name and password

_REACTION = timedelta(seconds=1)  # nobody tries again in the very moment in which a wait ends


def guess(
    scheduler: Scheduler, owner: Owner, sources: list[str], *, every: timedelta, lasting: timedelta
) -> Script:
    """Guesses at a name, another password each time, from one address after the other.

    Attempts during a wait change nothing, not even its end (tests/unit/login/test_policy_properties.py), so
    those that fall into one are counted, not played, up to what somebody else does next.
    """
    world = scheduler.world
    at, end = world.now, world.now + lasting
    for number, ip in zip(count(), cycle(sources)):
        if at >= end:
            return
        yield at
        decision = world.login(owner.username, f"guess {number}", ip)
        at += every
        # The wait of a pair holds for one address; that of an account for all unfamiliar ones.
        if decision.reason is Reason.ACCOUNT_WAITS or len(sources) == 1:
            until = min(world.waits_until(owner.username, ip) or at, end)
            missed = max(0, -((at - scheduler.next_event(until)) // every))
            world.deny(missed, decision.reason)
            at += missed * every


def repeat(scheduler: Scheduler, owner: Owner, password: str, ip: str, *, every: timedelta) -> Script:
    """Plays a forgotten device that tries the same password for ever."""
    at = scheduler.world.now
    while True:
        yield at
        scheduler.world.login(owner.username, password, ip)
        at += every


def run_through(scheduler: Scheduler, tries: Tries, ip: str, *, every: timedelta) -> Script:
    """Tries each name with its password once, whatever the answer."""
    at = scheduler.world.now
    for username, password in tries:
        yield at
        scheduler.world.login(username, password, ip)
        at += every


def run_patiently(scheduler: Scheduler, tries: Tries, ip: str, *, every: timedelta) -> Script:
    """Tries each name with its password until it is checked, and waits whenever locked."""
    world = scheduler.world
    for username, password in tries:
        yield world.now + every
        while world.login(username, password, ip).verdict is Verdict.LOCKED:
            yield world.waits_until(username, ip) or world.now


def log_in(scheduler: Scheduler, owner: Owner, ip: str, *, at: datetime) -> Script:
    """Logs in, and again after each wait."""
    world = scheduler.world
    yield at
    visit = scheduler.arrive()
    while world.login(owner.username, owner.password, ip).verdict is not Verdict.GRANTED:
        yield from _wait(scheduler, visit, owner, ip)


def log_in_all_day(scheduler: Scheduler, owner: Owner, sources: Iterable[str], *, every: timedelta) -> Script:
    """Logs in again and again, from one address after the other."""
    at = scheduler.world.now
    for ip in sources:
        yield from log_in(scheduler, owner, ip, at=at)
        at += every


def type_and_hash(
    scheduler: Scheduler, owner: Owner, ip: str, mistakes: Iterable[str], typing: Iterable[timedelta]
) -> Script:
    """Comes at once, mistypes so many times, each time typing anew, and waits for its hashes."""
    world = scheduler.world
    visit = scheduler.arrive()
    for password, pause in zip((*mistakes, owner.password), typing, strict=False):
        yield world.now + pause
        while (yield from scheduler.login(owner.username, password, ip)).verdict is Verdict.LOCKED:
            yield from _wait(scheduler, visit, owner, ip)


def look_in(scheduler: Scheduler, owner: Owner, ip: str, *, at: datetime) -> Script:
    """Finds out how long an owner would wait who comes at this moment and is not remembered.

    Nothing changes by that, so it can be asked for every moment of a day.
    """
    yield at
    visit = scheduler.arrive()
    while scheduler.world.waits_until(owner.username, ip) is not None:
        yield from _wait(scheduler, visit, owner, ip)


def look_in_all_day(
    scheduler: Scheduler, owner: Owner, ip: str, *, every: timedelta, lasting: timedelta
) -> None:
    """Lets an owner look in each time."""
    now = scheduler.world.now
    scheduler.enter(
        *(look_in(scheduler, owner, ip, at=now + number * every) for number in range(lasting // every))
    )


def _wait(scheduler: Scheduler, visit: Arrival, owner: Owner, ip: str) -> Script:
    now = scheduler.world.now
    until = scheduler.world.waits_until(owner.username, ip) or now
    visit.waited += until - now
    yield until + _REACTION
