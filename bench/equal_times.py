"""Whether the time, or anything else, tells an unknown name from a wrong password."""

import itertools
import random
from collections.abc import Mapping

from authbridge.login.usernames import ALPHABET, Username
from authbridge.schools.commands.organisers import IssuedCredential
from bench.environment import USUAL, Environment
from bench.figures import Figures, ratio_of_medians
from bench.one_login import time_login
from bench.peers import HostedProsody
from bench.table import Row
from workbench.xmpp import Outcome

TRIES, WARM_UP = 300, 10
_ALLOWED = 0.05  # of the other's median
_WRONG = "wrong-wrong-wrong"


async def measure(environment: Environment) -> list[Row]:
    """Each name is tried once, so that no limit on failures comes into play."""
    service = environment.services[USUAL]
    rows = []
    # Of the issued form, of a school that exists; each is tried once: the service remembers what was wrong.
    endings = map("".join, itertools.product(ALPHABET, repeat=4))
    for version, prosody in environment.prosodies.items():
        names = [
            {"known": each.username, "unknown": Username(each.username[:-4] + next(endings))}
            for each in service.issue(TRIES + WARM_UP)
        ]
        rows += await _compare(version, prosody, service.host, names)
    return rows


async def _compare(
    version: str, prosody: HostedProsody, host: str, names: list[dict[str, Username]]
) -> list[Row]:
    source = random.Random(1)  # noqa: S311 - no secret
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    outcomes: set[Outcome] = set()
    for number, pair in enumerate(names):
        for kind in source.sample(list(pair), k=2):
            seconds, outcome = await time_login(prosody, host, IssuedCredential(pair[kind], _WRONG))
            outcomes.add(outcome)
            if number >= WARM_UP:
                times[kind].append(seconds)
    return _rows(version, times, outcomes)


def _rows(version: str, times: Mapping[str, list[float]], outcomes: set[Outcome]) -> list[Row]:
    ratio, low, high = ratio_of_medians(times["unknown"], times["known"])
    alike = len(outcomes) == 1 and {outcome.condition for outcome in outcomes} == {"not-authorized"}
    beside = f"×{ratio:.3f} ({low:.3f} to {high:.3f}) wrong"
    return [
        Row("refused: wrong password, cost 10", version, Figures.of(times["known"])),
        Row(
            "refused: unknown name, cost 10",
            version,
            Figures.of(times["unknown"]),
            beside if alike else f"{beside}; answers differ",
            "same answer, p50 ±5 %",
            met=alike and abs(ratio - 1) <= _ALLOWED,
        ),
    ]
