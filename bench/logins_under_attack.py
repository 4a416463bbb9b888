"""Whether twenty honest organisers get in while somebody guesses from their very address."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from authbridge.login.passwords import Hasher
from authbridge.login.usernames import Username
from authbridge.schools.commands.organisers import IssuedCredential
from bench import runs
from bench.environment import DEAR, Environment
from bench.load_generator import Ended, Plan
from bench.peers import HostedProsody, HostedService
from bench.table import Row

_ORGANISERS, _LOGINS = 20, 2  # of each, while
_RATE, _SECONDS = 100, 20  # guesses a second come, for so many seconds
_NAMES = 200  # that the guesser takes where he does not guess at the organisers themselves
_ADDRESS = "198.51.100.7"
_ON = "0.12"
_SOON = 0.020  # seconds
_PATIENCE = 15.0  # seconds
_LATER = "temporary-auth-failure"


@dataclass(frozen=True, slots=True)
class _Case:
    remember: bool
    vouched: bool
    at_their_names: bool

    @property
    def title(self) -> str:
        whom = "their names" if self.at_their_names else f"{_NAMES} others"
        return (
            f"honest: {'remembered' if self.remember else 'not remembered'}, {_RATE} guesses/s at {whom}, "
            f"address {'known' if self.vouched else 'unknown'}"
        )


_CASES = (
    _Case(remember=True, vouched=True, at_their_names=True),
    _Case(remember=True, vouched=False, at_their_names=True),
    _Case(remember=False, vouched=True, at_their_names=False),
    _Case(remember=False, vouched=False, at_their_names=False),
)


async def measure(environment: Environment) -> list[Row]:
    """Each case with organisers of its own, on one Prosody."""
    one_hash = _time_of_one_hash()
    return [await _run(case, environment, one_hash) for case in _CASES]


async def _run(case: _Case, environment: Environment, one_hash: float) -> Row:
    prosody, service = environment.prosodies[_ON], environment.honest[case.remember, case.vouched]
    organisers = list(service.issue(_ORGANISERS))
    first = await runs.run(_in_turn(prosody, service, organisers))
    runs.require(first, "success")
    starts = runs.evenly(_RATE * _SECONDS, _SECONDS)
    names = [each.username for each in organisers] if case.at_their_names else _strangers()
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
    else:
        target = "a true verdict within 15 s"
        met = all(login.condition in {"success", _LATER} and login.seconds <= _PATIENCE for login in honest)
    beside = f"{runs.counts(honest)}; guesser: {runs.counts(guesser)}"
    return Row(case.title, _ON, figures, beside, target, met=met and nothing_found)


def _in_turn(prosody: HostedProsody, service: HostedService, organisers: Sequence[IssuedCredential]) -> Plan:
    starts = runs.evenly(len(organisers), len(organisers) * 0.5)
    return runs.in_browsers(prosody, service.host, organisers, starts=starts, ip=_ADDRESS)


def _strangers() -> list[Username]:
    return [Username(f"bench-{number:04}") for number in range(_NAMES)]


def _time_of_one_hash() -> float:
    hasher = Hasher(DEAR)
    return statistics.median(hasher.measure() for _ in range(5))
