"""What stands for one or two is never shown, and follows from nothing that is shown."""

from itertools import product

import pytest

from authbridge.statistics.figures import NONE, Figure, Usage, over_schools, shown


@pytest.mark.parametrize(
    ("number", "is_exact", "is_few"),
    [
        pytest.param(0, True, False, id="none"),
        pytest.param(1, False, True, id="one"),
        pytest.param(2, False, True, id="two"),
        pytest.param(3, True, False, id="three"),
    ],
)
def test_less_than_three_is_not_shown(number: int, *, is_exact: bool, is_few: bool) -> None:
    """But nothing is nothing."""
    figure = shown(number)

    assert (figure.is_exact, figure.is_few) == (is_exact, is_few)


def test_one_and_two_look_alike_also_in_every_sum() -> None:
    """Of four schools with one or two or more: no sum, of whichever of them, tells one from two."""
    for numbers in product((0, 1, 2, 3, 50), repeat=4):
        other = [{1: 2, 2: 1}.get(number, number) for number in numbers]
        for first, last in ((0, 4), (1, 4), (0, 3), (1, 2)):
            assert sum(map(shown, numbers[first:last]), NONE) == sum(map(shown, other[first:last]), NONE)


@pytest.mark.parametrize(
    ("numbers", "sum_"),
    [
        pytest.param([5, 7], Figure(12, 12), id="exact"),
        pytest.param([5, 1], Figure(6, 7), id="at least"),
        pytest.param([0, 2], Figure(1, 2), id="still less than three"),
        pytest.param([1, 1], Figure(2, 4), id="perhaps more than that"),
    ],
)
def test_a_sum_is_as_exact_as_its_parts(numbers: list[int], sum_: Figure) -> None:
    """And true: the number lies between its bounds."""
    assert sum(map(shown, numbers), NONE) == sum_
    assert sum_.least <= sum(numbers) <= sum_.most


def test_schools_are_added_figure_by_figure() -> None:
    """Their accounts are different ones."""
    first, second = Usage(*map(shown, (10, 4, 50, 9))), Usage(*map(shown, (12, 2, 20, 0)))

    assert over_schools([first, second]) == Usage(shown(22), Figure(5, 6), shown(70), shown(9))
