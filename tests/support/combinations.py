"""Chooses the combinations of versions and transports that `make test` runs; `make soak` runs the others."""

from collections.abc import Sequence
from itertools import product

import pytest
from _pytest.mark.structures import ParameterSet

# For long stories of rules that the contract test shows to be the same in both databases.
SQLITE_FIRST = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)], indirect=True
)


def each_once(*factors: Sequence[object]) -> list[ParameterSet]:
    """Returns all combinations of one value per factor; all but some in which each value occurs are for soak.

    For contracts that do not differ from one combination to the other. A value that is itself for soak (a
    ``pytest.param``) makes all its combinations so.
    """
    usual = [[value for value in factor if not isinstance(value, ParameterSet)] for factor in factors]
    longest = max(map(len, usual))
    chosen = {tuple(factor[number % len(factor)] for factor in usual) for number in range(longest)}
    return [
        pytest.param(*values, marks=[] if values in chosen else [pytest.mark.soak])
        for values in product(*(map(_value, factor) for factor in factors))
    ]


def _value(value: object) -> object:
    return value.values[0] if isinstance(value, ParameterSet) else value
