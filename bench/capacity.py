"""How many logins a second a warm machine sustains, with as many under way as it likes."""

import random
from collections import defaultdict

from bench import runs
from bench.environment import DEAR, Environment
from bench.load_generator import Ended
from bench.peers import ACCEPTING, HASHED, MEMBERS
from bench.table import Row

_AT_ONCE = 16  # logins under way; more of them do not make it faster
_ROUNDS, _SECONDS = 4, 3.0
_FACTOR = 2.5  # times internal_hashed's


async def measure(environment: Environment) -> list[Row]:
    """Closed loop; the peers take turns."""
    ours = environment.services[DEAR].host
    crowds = {ACCEPTING: MEMBERS, HASHED: MEMBERS, ours: await environment.remembered()}
    source = random.Random(1)  # noqa: S311 - no secret
    rows = []
    for version, prosody in environment.prosodies.items():
        ended: dict[str, list[Ended]] = defaultdict(list)
        for _ in range(_ROUNDS):
            for host in source.sample(list(crowds), k=len(crowds)):
                plan = runs.at_prosody(prosody, host, crowds[host], at_once=_AT_ONCE, seconds=_SECONDS)
                ended[host] += await runs.run(plan)
        runs.require([login for host in crowds for login in ended[host]], "success")
        rates = {host: _rate(of_host) for host, of_host in ended.items()}
        factor = rates[ours] / rates[HASHED]
        rows += [
            _row("accepting provider", version, ended[ACCEPTING]),
            _row("internal_hashed", version, ended[HASHED]),
            _row(
                f"ours, remembered, bcrypt cost {DEAR}",
                version,
                ended[ours],
                f", ×{factor:.2f} hashed",
                f"≥ ×{_FACTOR} hashed",
                met=factor >= _FACTOR,
            ),
        ]
    return rows


def _row(
    title: str,
    version: str,
    ended: list[Ended],
    beside: str = "",
    target: str = "",
    *,
    met: bool | None = None,
) -> Row:
    figures = runs.figures_of(ended)
    return Row(f"capacity: {title}", version, figures, f"{_rate(ended):.0f}/s{beside}", target, met=met)


def _rate(ended: list[Ended]) -> float:
    return runs.within(ended, _SECONDS) / (_ROUNDS * _SECONDS)
