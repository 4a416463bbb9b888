"""The school bell: 300 organisers within five seconds, remembered or for the first time."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from authbridge.schools.commands.organisers import IssuedCredential
from bench import bcrypt_limit, runs
from bench.bcrypt_limit import CORES
from bench.environment import DEAR, USUAL, Environment
from bench.figures import Figures
from bench.load_generator import Ended
from bench.peers import ACCEPTING, CROWD, HASHED, MEMBERS, OBVIOUS, VERSIONS, HostedProsody
from bench.table import Row

SECONDS = 5.0  # in which all of them come
_ROUNDS = 4  # of the remembered bell: 1,200 logins, enough for a p99
_P99, _P99_FACTOR = 0.020, 1.5  # seconds, times internal_hashed's
_COLD_ROUNDS = {USUAL: 2, DEAR: 1}  # by bcrypt's cost
_COLD_ON = VERSIONS[0]
_OF_LIMIT = 0.95
_PATIENCE = 15.0  # seconds; what Prosody's module waits for an answer
_AT_ONCE = 1.0  # seconds within which somebody is told that there is no use in waiting
_LATER = "temporary-auth-failure"
_AFTER_RESTART = 1.0  # seconds from the first answer of the new process to the bell, at most
_RESTART_FACTOR = 2  # times the p99 of the warm bell

Fresh = Callable[[], Iterable[IssuedCredential]]


async def measure(environment: Environment) -> list[Row]:
    """The remembered bell on both Prosodys; those after a restart, and the cold ones, on one."""
    rows = []
    for version, prosody in environment.prosodies.items():
        rows += await _remembered(version, prosody, environment)
    rows += await _restarted(environment)
    for cost in _COLD_ROUNDS:
        rows += await _cold(cost, environment)
    return rows


async def _remembered(version: str, prosody: HostedProsody, environment: Environment) -> list[Row]:
    """The peers take turns, in an order drawn anew each round."""
    ours = environment.services[DEAR].host
    crowds = {ACCEPTING: MEMBERS, HASHED: MEMBERS, ours: await environment.remembered()}
    ended: dict[str, list[Ended]] = defaultdict(list)
    source = random.Random(1)  # noqa: S311 - no secret
    for _ in range(_ROUNDS):
        for host in source.sample(list(crowds), k=len(crowds)):
            ended[host] += await _ring(prosody, host, crowds[host])
    runs.require(ended[ACCEPTING] + ended[HASHED], "success")
    figures = {host: Figures.of([login.seconds for login in of_host]) for host, of_host in ended.items()}
    return [
        Row("bell: accepting provider", version, figures[ACCEPTING]),
        Row("bell: internal_hashed", version, figures[HASHED]),
        _remembered_row(version, figures[ours], figures[HASHED], ended[ours]),
    ]


def _remembered_row(version: str, ours: Figures, hashed: Figures, ended: Sequence[Ended]) -> Row:
    p99, hashed_p99 = ours.p99 or ours.p50, hashed.p99 or hashed.p50
    all_granted = all(login.condition == "success" for login in ended)
    return Row(
        f"bell: ours, remembered, bcrypt cost {DEAR}",
        version,
        ours,
        f"p50 ×{ours.p50 / hashed.p50:.2f}, p99 ×{p99 / hashed_p99:.2f} hashed; {runs.counts(ended)}",
        "p50 ≤ hashed, p99 ≤ 20 or ×1.5",
        met=all_granted and ours.p50 <= hashed.p50 and p99 <= max(_P99, _P99_FACTOR * hashed_p99),
    )


async def _restarted(environment: Environment) -> list[Row]:
    """Right after a restart under the supervisor, and warm, in turns."""
    prosody, service = environment.prosodies[_COLD_ON], environment.services[DEAR]
    crowd = await environment.remembered()
    warm, restarted, delays = [], [], []
    for _ in range(_ROUNDS):
        warm += await _ring(prosody, service.host, crowd)
        await asyncio.to_thread(service.restart)
        answered = time.perf_counter()
        bell = await _ring(prosody, service.host, crowd)
        delays.append(time.perf_counter() - answered - max(login.began + login.seconds for login in bell))
        restarted += bell
    runs.require(warm, "success")
    return [_restarted_row(warm, restarted, max(delays))]


def _restarted_row(warm: Sequence[Ended], restarted: Sequence[Ended], delay: float) -> Row:
    ours, usual = (Figures.of([login.seconds for login in bell]) for bell in (restarted, warm))
    p99, usual_p99 = ours.p99 or ours.p50, usual.p99 or usual.p50
    all_granted = all(login.condition == "success" for login in restarted)
    return Row(
        f"bell: ours, restarted, bcrypt cost {DEAR}",
        _COLD_ON,
        ours,
        f"p99 ×{p99 / usual_p99:.2f} warm ({usual_p99 * 1000:.0f}); {runs.counts(restarted)}; "
        f"begun within {delay:.2f} s",
        f"all, p99 ≤ ×{_RESTART_FACTOR} warm, begun within {_AFTER_RESTART:.0f} s",
        met=all_granted and p99 <= _RESTART_FACTOR * usual_p99 and delay <= _AFTER_RESTART,
    )


@dataclass(frozen=True, slots=True)
class _Cold:
    """What one provider made of the bells at which everybody comes for the first time."""

    ended: list[Ended]
    rate: float  # granted a second, from the first login's begin to the last success
    overtaken: int  # by how many later ones, at most


async def _cold(cost: int, environment: Environment) -> list[Row]:
    """Pure bcrypt before and after each bell, so that a slow minute of the machine counts for both."""
    prosody, service = environment.prosodies[_COLD_ON], environment.services[cost]
    peers: dict[str, Fresh] = {
        service.host: lambda: service.issue(CROWD),
        OBVIOUS: lambda: environment.obvious.credentials[cost],
    }
    bells: dict[str, list[list[Ended]]] = defaultdict(list)
    limits = [await bcrypt_limit.measure(cost)]
    for _ in range(_COLD_ROUNDS[cost]):
        for host, crowd in peers.items():
            bells[host].append(await _ring(prosody, host, crowd()))
            limits.append(await bcrypt_limit.measure(cost))
    limit = sum(limits) / len(limits)
    ours, obvious = _summary(bells[service.host]), _summary(bells[OBVIOUS])
    runs.require(obvious.ended, "success")
    judge = _usual_row if cost == USUAL else _dear_row
    return [
        Row(
            f"bell: bcrypt alone, cost {cost}, {CORES} threads",
            "",
            None,
            f"{limit:.1f}/s ({min(limits):.1f} to {max(limits):.1f})",
        ),
        Row(
            f"bell: the obvious service, cold, bcrypt cost {cost}",
            _COLD_ON,
            runs.figures_of(obvious.ended, "success"),
            f"{_pace(obvious, limit)}; {_in_time(obvious.ended)}; overtaken by {obvious.overtaken}",
        ),
        judge(ours, obvious, limit),
    ]


def _usual_row(ours: _Cold, obvious: _Cold, limit: float) -> Row:
    all_granted = all(login.condition == "success" for login in ours.ended)
    return Row(
        f"bell: ours, cold, bcrypt cost {USUAL}",
        _COLD_ON,
        runs.figures_of(ours.ended, "success"),
        f"{_pace(ours, limit)}, ×{ours.rate / obvious.rate:.2f} obvious; "
        f"{_in_time(ours.ended)}; overtaken by {ours.overtaken}",
        f"≥ {_OF_LIMIT} of bcrypt, all, in order",
        met=all_granted and ours.rate >= _OF_LIMIT * limit and ours.overtaken <= CORES,
    )


def _dear_row(ours: _Cold, obvious: _Cold, limit: float) -> Row:
    refused = runs.figures_of(ours.ended, _LATER)
    told = (
        f", told after {refused.p50 * 1000:.0f} ms, at most {refused.longest or 0:.2f} s" if refused else ""
    )
    granted = [login.seconds for login in ours.ended if login.condition == "success"]
    met = (
        {login.condition for login in ours.ended} <= {"success", _LATER}
        and max(granted, default=0) <= _PATIENCE
        and (refused is None or (refused.longest or 0) <= _AT_ONCE)
    )
    return Row(
        f"bell: ours, cold, bcrypt cost {DEAR}",
        _COLD_ON,
        runs.figures_of(ours.ended, "success"),
        f"{_pace(ours, limit)}, ×{ours.rate / obvious.rate:.2f} obvious; "
        f"{_in_time(ours.ended)}{told}; overtaken by {ours.overtaken}",
        f"granted within {_PATIENCE:.0f} s, the others told within {_AT_ONCE:.0f} s",
        met=met,
    )


async def _ring(prosody: HostedProsody, host: str, crowd: Iterable[IssuedCredential]) -> list[Ended]:
    return await runs.run(runs.at_prosody(prosody, host, crowd, starts=runs.evenly(CROWD, SECONDS)))


def _summary(bells: Sequence[Sequence[Ended]]) -> _Cold:
    granted = [[login for login in bell if login.condition == "success"] for bell in bells]
    seconds = sum(max((login.began + login.seconds for login in bell), default=0) for bell in granted)
    return _Cold(
        ended=[login for bell in bells for login in bell],
        rate=sum(map(len, granted)) / seconds if seconds else 0,
        overtaken=max(map(_overtaken, granted)),
    )


def _overtaken(bell: Sequence[Ended]) -> int:
    """By how many who began later anybody was overtaken, at most."""
    ends = [login.began + login.seconds for login in sorted(bell)]
    return max(
        (sum(later < end for later in ends[place + 1 :]) for place, end in enumerate(ends)),
        default=0,
    )


def _pace(cold: _Cold, limit: float) -> str:
    return f"{cold.rate:.1f}/s, ×{cold.rate / limit:.3f} of bcrypt alone"


def _in_time(ended: Sequence[Ended]) -> str:
    in_time = sum(login.condition == "success" and login.seconds <= _PATIENCE for login in ended)
    return f"{runs.counts(ended)}, {in_time} within {_PATIENCE:.0f} s"
