"""Tells which combinations `make test` runs, and that `make soak` runs the others."""

import pytest

from tests.support.combinations import each_once


def test_each_value_occurs_and_no_combination_is_lost() -> None:
    """The chosen ones hold each value of each factor; with those for soak they are the whole product."""
    found = each_once(["a", "b"], [1, 2, 3])

    chosen = [each.values for each in found if not each.marks]
    assert chosen == [("a", 1), ("a", 3), ("b", 2)]
    assert {each.values for each in found} == {(letter, number) for letter in "ab" for number in (1, 2, 3)}
    assert {mark.name for each in found for mark in each.marks} == {"soak"}


def test_a_value_for_soak_takes_the_place_of_no_other() -> None:
    """Its combinations are all for soak, and the chosen ones are those that there would be without it."""
    found = each_once(["a", "b", pytest.param("late", marks=pytest.mark.soak)], [1, 2])

    assert [each.values for each in found if not each.marks] == [("a", 1), ("b", 2)]
    assert [each.values for each in found if "late" in each.values] == [("late", 1), ("late", 2)]
