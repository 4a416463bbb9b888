"""What a list of times comes down to: quantiles, and how sure a ratio of medians is."""

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

_RESAMPLES = 1000
_ENOUGH_FOR_PER_MILLE = 1000  # below that the 99.9th percentile is just the maximum


@dataclass(frozen=True, slots=True)
class Figures:
    """Times in seconds; None where there is nothing to say."""

    count: int
    p50: float
    p95: float | None = None
    p99: float | None = None
    p999: float | None = None
    longest: float | None = None

    @classmethod
    def of(cls, times: Sequence[float]) -> Self:
        """The figures of a whole sample."""
        many = len(times) >= _ENOUGH_FOR_PER_MILLE
        return cls(
            count=len(times),
            p50=statistics.median(times),
            p95=percentile(times, 95),
            p99=percentile(times, 99) if many else None,
            p999=percentile(times, 99.9) if many else None,
            longest=max(times),
        )


def percentile(times: Sequence[float], percent: float) -> float:
    """The least time that so many percent of the sample do not exceed."""
    rank = max(1, math.ceil(len(times) * percent / 100))
    return sorted(times)[rank - 1]


def ratio_of_medians(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float]:
    """``first`` over ``second``, with the ends of the bootstrap's 95 % interval."""
    source = random.Random(1)  # noqa: S311 - no secret; the same sample gives the same interval
    ratios = [
        statistics.median(source.choices(first, k=len(first)))
        / statistics.median(source.choices(second, k=len(second)))
        for _ in range(_RESAMPLES)
    ]
    ratio = statistics.median(first) / statistics.median(second)
    return ratio, percentile(ratios, 2.5), percentile(ratios, 97.5)
