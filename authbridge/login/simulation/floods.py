"""The scenarios in which guesses come faster than hashes can be made, while honest owners log in."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle, islice, product

from authbridge.login.limits import Limits
from authbridge.login.policy import Verdict
from authbridge.login.simulation.places import SECOND, played
from authbridge.login.simulation.report import Course, Promise, SimulationReport
from authbridge.login.simulation.scheduler import Scheduler, Script
from authbridge.login.simulation.world import Owner, World
from authbridge.login.usernames import ALPHABET

_HASH_TIME = timedelta(milliseconds=250)  # bcrypt at cost 12
_OWNERS = 20
_MOST_HASHES = 3  # that a login may take
_LASTING = 20 * SECOND
_UNKNOWN = None  # the address of everybody: no proxy is vouched for


def others(limits: Limits) -> SimulationReport:
    """Plays 100 guesses a second at ten other names."""
    names = [f"ohg-bb{first}{second}" for first, second in islice(product(ALPHABET, repeat=2), 10)]
    return _report("100 guesses a second at ten others' names", limits, names, 100, enrolled=True)


def invented(limits: Limits) -> SimulationReport:
    """Plays 500 guesses a second at 2,000 names that nobody has."""
    names = [f"ohg-{''.join(letters)}" for letters in islice(product(ALPHABET, repeat=4), 2000)]
    return _report("500 guesses a second at 2,000 invented names", limits, names, 500, enrolled=False)


def _report(title: str, limits: Limits, names: list[str], rate: int, *, enrolled: bool) -> SimulationReport:
    flooded, stays = _played("with quick checks", limits, names, rate, enrolled=enrolled, quick_checks=True)
    bare, _ = _played("without", limits, names, rate, enrolled=enrolled, quick_checks=False)
    most = _MOST_HASHES * _HASH_TIME
    longest = max(stays, default=timedelta.max)
    a_second = (flooded.checked - _OWNERS) / _LASTING.total_seconds()
    return SimulationReport(
        f"{title}, from one unknown address; {_OWNERS} owners come meanwhile, none of them remembered.",
        (flooded, bare),
        (
            Promise(
                f"All {_OWNERS} get in at their first try, within {_MOST_HASHES} hashes of "
                f"{_HASH_TIME // timedelta(milliseconds=1)} ms each.",
                len(stays) == _OWNERS and longest <= most,
            ),
            Promise(f"The guesser gets {a_second:.1f} hashes a second, at most 5.", a_second <= 5),  # noqa: PLR2004
        ),
        (f"The quick check saved {bare.checked - flooded.checked:,} of {bare.checked:,} hashes.",),
    )


def _played(
    name: str, limits: Limits, names: list[str], rate: int, *, enrolled: bool, quick_checks: bool
) -> tuple[Course, list[timedelta]]:
    world = World(limits, quick_checks=quick_checks)
    scheduler = Scheduler(world, hash_time=_HASH_TIME)
    for username in names if enrolled else ():
        world.enrol(Owner(username, "bcdf-ghjk-mnpq"))
    began = world.now
    for number, username in zip(range(rate * int(_LASTING.total_seconds())), cycle(names), strict=False):
        scheduler.enter(_guess(scheduler, username, number, began + number * SECOND / rate))
    stays: list[timedelta] = []
    for number in range(_OWNERS):
        tens, ones = divmod(number, len(ALPHABET))
        owner = world.enrol(Owner(f"ohg-xx{ALPHABET[ones]}{ALPHABET[tens]}", "vpgd-kxwj-rhms"))
        scheduler.enter(_log_in(scheduler, owner, began + (number + 1) * _LASTING / (_OWNERS + 1), stays))
    return played(scheduler, name, 2 * _LASTING), stays


def _guess(scheduler: Scheduler, username: str, number: int, at: datetime) -> Script:
    yield at
    yield from scheduler.login(username, "".join(_letters(number)), _UNKNOWN)


def _log_in(scheduler: Scheduler, owner: Owner, at: datetime, stays: list[timedelta]) -> Script:
    yield at
    scheduler.arrive()
    decision = yield from scheduler.login(owner.username, owner.password, _UNKNOWN)
    if decision.verdict is Verdict.GRANTED:
        stays.append(scheduler.world.now - at)


def _letters(number: int) -> Iterator[str]:
    """Yields the letters of another password for each number."""
    for _ in range(12):
        number, digit = divmod(number, len(ALPHABET))
        yield ALPHABET[digit]
