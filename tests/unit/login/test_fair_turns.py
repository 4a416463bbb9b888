"""The order of the slots: classes take turns, names take turns, and nobody is crowded out."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authbridge.login.fair_turns import FairTurns, Place

HONEST = Place("honest")


def served(places: Sequence[Place]) -> list[int]:
    """Returns the numbers of the places in the order in which they get their slots."""
    turns = FairTurns[int]()
    for number, place in enumerate(places):
        turns.add(place, number)
    foretold = turns.in_order()
    order = [turns.pop() for _ in places]
    assert order == foretold
    assert len(turns) == 0
    return order


@pytest.mark.parametrize(
    ("places", "order"),
    [
        pytest.param([Place("a"), Place("b"), Place("c")], [0, 1, 2], id="arrival"),
        pytest.param([Place("a"), Place("b", known_good=True)], [1, 0], id="known-good"),
        pytest.param([Place("a", name_failures=1), Place("b", network_failures=9)], [1, 0], id="name first"),
        pytest.param([Place("a", network_failures=1), Place("b")], [1, 0], id="then the network"),
        pytest.param([Place("a"), Place("a"), Place("a"), HONEST], [0, 3, 1, 2], id="each name once"),
        pytest.param(
            [Place("a", known_good=True), Place("a", known_good=True), HONEST], [0, 2, 1], id="known-good too"
        ),
        pytest.param(
            [Place("x", issued_form=False), Place("y", issued_form=False), Place("z"), HONEST],
            [0, 2, 1, 3],
            id="classes take turns",
        ),
    ],
)
def test_order(places: Sequence[Place], order: list[int]) -> None:
    """Turns of the classes, turns of the names, known-good, failures, arrival."""
    assert served(places) == order


PLACES = st.builds(
    Place,
    name=st.sampled_from("abcde"),
    issued_form=st.booleans(),
    known_good=st.booleans(),
    name_failures=st.integers(0, 5),
    network_failures=st.integers(0, 5),
)


@given(places=st.lists(PLACES, max_size=40), served_before=st.integers(0, 39))
def test_nobody_waits_behind_two_of_another_name(places: list[Place], served_before: int) -> None:
    """Within its class, at whatever moment somebody comes who waits for the first time."""
    turns = FairTurns[Place]()
    for place in places:
        turns.add(place, place)
    for _ in range(min(served_before, len(places))):
        turns.pop()
    turns.add(HONEST, HONEST)

    ahead: list[Place] = []
    while (place := turns.pop()) is not HONEST:
        ahead.append(place)

    same_class = [place.name for place in ahead if place.issued_form]
    assert len(same_class) == len(set(same_class))
    assert len(ahead) - len(same_class) <= len(same_class) + 1


def test_what_no_longer_waits_is_in_nobodys_way() -> None:
    """A login that was turned away gives its turn back."""
    turns, gone = FairTurns[object](), object()
    turns.add(HONEST, gone)
    assert turns.remove(gone)
    assert not turns.remove(gone)
    assert turns.in_order() == []
    with pytest.raises(IndexError):
        turns.pop()
