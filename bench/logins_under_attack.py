"""Whether twenty honest organisers get in while somebody guesses from their very address."""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from authbridge.login.passwords import Hasher
from authbridge.login.usernames import ALPHABET, Username
from authbridge.schools.commands.organisers import IssuedCredential
from bench import runs
from bench.environment import DEAR, Environment
from bench.load_generator import Ended, Plan
from bench.peers import VERSIONS, HostedProsody, HostedService
from bench.table import Row

_ORGANISERS, _LOGINS = 20, 2  # of each, while
_SECONDS = 20  # of guessing
_ADDRESS = "198.51.100.7"
_ON = VERSIONS[0]
_SOON = 0.020  # seconds
_PATIENCE = 15.0  # seconds
_LATER = "temporary-auth-failure"
_MOST_HASHES = 3  # that an honest login may take beside a flood


class _Names(StrEnum):
    """The names that are guessed at."""

    THEIRS = "their names"
    OTHERS = "10 others' names"
    INVENTED = "2,000 invented names of the issued form"
    IMPORTED = "200 names of another form"


@dataclass(frozen=True, slots=True)
class _Case:
    """Guesses a second beside honest logins; ``vouched``: the address that all share is known."""

    names: _Names
    remember: bool
    vouched: bool
    rate: int = 100

    @property
    def title(self) -> str:
        return (
            f"honest: {'remembered' if self.remember else 'not remembered'}, {self.rate} guesses/s at "
            f"{self.names}, address {'known' if self.vouched else 'unknown'}"
        )


_CASES = (
    _Case(_Names.THEIRS, remember=True, vouched=True),
    _Case(_Names.THEIRS, remember=True, vouched=False),
    _Case(_Names.IMPORTED, remember=False, vouched=True),
    _Case(_Names.OTHERS, remember=False, vouched=False),
    _Case(_Names.INVENTED, remember=False, vouched=False, rate=500),
    _Case(_Names.IMPORTED, remember=False, vouched=False),
)


async def measure(environment: Environment) -> list[Row]:
    """Each case with organisers of its own, on one Prosody."""
    one_hash = _time_of_one_hash()
    return [await _run(case, environment, one_hash) for case in _CASES]


async def _run(case: _Case, environment: Environment, one_hash: float) -> Row:
    prosody, service = environment.prosodies[_ON], environment.honest[case.remember, case.vouched]
    organisers = list(service.issue(_ORGANISERS))
    if case.remember or case.vouched:
        runs.require(await runs.run(_in_turn(prosody, service, organisers)), "success")
    starts = runs.evenly(case.rate * _SECONDS, _SECONDS)
    names = _names_of(case.names, service, organisers)
    crowd = [IssuedCredential(names[n % len(names)], f"guess-{n}") for n in range(len(starts))]
    every = len(starts) // (_ORGANISERS * _LOGINS)
    honest = range(0, len(starts), every)
    for turn, number in enumerate(honest):
        crowd[number] = organisers[turn % _ORGANISERS]
    ended = await runs.run(runs.in_browsers(prosody, service.host, crowd, starts=starts, ip=_ADDRESS))
    moments = {starts[number] for number in honest}
    of_honest = [login for login in ended if login.began in moments]
    of_guesser = [login for login in ended if login.began not in moments]
    return _row(case, of_honest, of_guesser, one_hash)


def _row(case: _Case, honest: Sequence[Ended], guesser: Sequence[Ended], one_hash: float) -> Row:
    figures = runs.figures_of(honest)
    all_in = all(login.condition == "success" for login in honest)
    nothing_found = all(login.condition != "success" for login in guesser)
    p95 = figures.p95 if figures and figures.p95 else 0.0
    if case.remember:
        target, met = "all in, p95 ≤ 20", all_in and p95 <= _SOON
    elif case.vouched:
        target, met = f"all in, p95 ≤ 2 hashes ({2000 * one_hash:.0f})", all_in and p95 <= 2 * one_hash
    elif case.names is _Names.IMPORTED:
        target = "a true verdict within 15 s"
        met = all(login.condition in {"success", _LATER} and login.seconds <= _PATIENCE for login in honest)
    else:
        target = f"all in, p95 ≤ {_MOST_HASHES} hashes ({_MOST_HASHES * 1000 * one_hash:.0f})"
        met = all_in and p95 <= _MOST_HASHES * one_hash
    beside = f"{runs.counts(honest)}; guesser: {runs.counts(guesser)}"
    return Row(case.title, _ON, figures, beside, target, met=met and nothing_found)


def _in_turn(prosody: HostedProsody, service: HostedService, organisers: Sequence[IssuedCredential]) -> Plan:
    starts = runs.evenly(len(organisers), len(organisers) * 0.5)
    return runs.in_browsers(prosody, service.host, organisers, starts=starts, ip=_ADDRESS)


def _names_of(
    names: _Names, service: HostedService, organisers: Sequence[IssuedCredential]
) -> list[Username]:
    match names:
        case _Names.THEIRS:
            return [each.username for each in organisers]
        case _Names.OTHERS:
            return [each.username for each in service.issue(10)]
        case _Names.INVENTED:
            letters = itertools.islice(itertools.product(ALPHABET, repeat=4), 2000)
            return [Username(f"bench-{''.join(four)}") for four in letters]
        case _Names.IMPORTED:
            return [Username(f"bench-{number:04}") for number in range(200)]


def _time_of_one_hash() -> float:
    hasher = Hasher(DEAR)
    return statistics.median(hasher.measure() for _ in range(5))
