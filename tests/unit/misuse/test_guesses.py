"""Wrong report codes: who waits how long, and when staff are told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from authbridge.misuse.guesses import CodeGuesses
from tests.support.factories import LIMITS
from tests.support.fakes import FakeClock

NETWORK, OTHER = "198.51.100.1", "198.51.100.2"


def waits(guesses: CodeGuesses, clock: FakeClock, count: int, network: str = NETWORK) -> list[int | None]:
    """Sends so many wrong codes; returns the wait after each."""
    return [guesses.note_wrong(network, now=clock(), limits=LIMITS).retry_after for _ in range(count)]


def test_the_fifth_wrong_code_starts_a_wait_that_does_not_move() -> None:
    """Half a minute; what comes meanwhile is told the rest of it."""
    guesses, clock = CodeGuesses(), FakeClock()
    assert waits(guesses, clock, 5) == [None] * 4 + [30]
    clock.advance(seconds=10)
    assert waits(guesses, clock, 3) == [20] * 3


def test_each_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    """As for a pair of name and network at Prosody."""
    guesses, clock = CodeGuesses(), FakeClock()
    waits(guesses, clock, 4)
    found = []
    for _ in range(7):
        (wait,) = waits(guesses, clock, 1)
        found.append(wait)
        clock.advance(seconds=wait or 0)
    assert found == [30, 60, 120, 240, 480, 900, 900]


def test_an_hour_of_quiet_begins_anew() -> None:
    """A typing error tomorrow does not wait for those of today."""
    guesses, clock = CodeGuesses(), FakeClock()
    waits(guesses, clock, 5)
    clock.advance(minutes=60)
    assert waits(guesses, clock, 4) == [None] * 4


def test_networks_wait_apart() -> None:
    """A guesser elsewhere lets nobody here wait."""
    guesses, clock = CodeGuesses(), FakeClock()
    waits(guesses, clock, 10)
    assert waits(guesses, clock, 1, OTHER) == [None]


def test_a_flood_from_everywhere_lets_all_who_are_wrong_wait() -> None:
    """Beyond the overall alarm, the first wrong code of a network waits too; an hour later no more."""
    guesses, clock = CodeGuesses(), FakeClock()
    for number in range(LIMITS.overall_alarm):
        waits(guesses, clock, 1, f"2001:db8:{number:x}::/64")
    assert waits(guesses, clock, 1, OTHER) == [30]
    clock.advance(minutes=61)
    assert waits(guesses, clock, 1, NETWORK) == [None]


@pytest.mark.parametrize(("wrong", "alarms"), [(19, 0), (20, 1), (1000, 1)])
def test_staff_are_told_once(wrong: int, alarms: int) -> None:
    """At twenty wrong codes within an hour, wherever they come from."""
    guesses, clock = CodeGuesses(), FakeClock()
    said = [
        guesses.note_wrong(f"192.0.2.{number % 50}", now=clock(), limits=LIMITS).is_alarming
        for number in range(wrong)
    ]
    assert said.count(True) == alarms


def test_staff_are_told_again_after_the_pause() -> None:
    """An attack that goes on is told again, once an hour."""
    guesses, clock, told = CodeGuesses(), FakeClock(), 0
    for _ in range(300):
        told += guesses.note_wrong(NETWORK, now=clock(), limits=LIMITS).is_alarming
        clock.advance(seconds=30)
    assert told == 3


def test_little_is_remembered_of_many_networks() -> None:
    """The longest quiet network is forgotten first."""
    guesses, clock = CodeGuesses(), FakeClock()
    few = replace(LIMITS, overall_alarm=10**6)
    for number in range(10_050):
        guesses.note_wrong(f"network {number}", now=clock(), limits=few)
        clock.now += timedelta(milliseconds=1)
    assert len(guesses) == 10_000


def test_a_clock_that_was_ahead_lets_nobody_wait_until_then() -> None:
    """Neither the networks that guessed meanwhile nor all; staff hear of the next flood."""
    guesses, clock = CodeGuesses(), FakeClock()
    clock.advance(days=2)
    waits(guesses, clock, 10)
    for number in range(LIMITS.overall_alarm):
        waits(guesses, clock, 1, f"2001:db8:{number:x}::/64")
    clock.advance(days=-2)
    assert waits(guesses, clock, 1) == [None]
    assert waits(guesses, clock, 1, OTHER) == [None]
    flood = [guesses.note_wrong(NETWORK, now=clock(), limits=LIMITS) for _ in range(LIMITS.overall_alarm)]
    assert any(each.is_alarming for each in flood)


def test_a_question_that_came_a_moment_earlier_forgets_nothing() -> None:
    """Two threads may count in the other order than their questions came."""
    guesses, clock = CodeGuesses(), FakeClock()
    waits(guesses, clock, 4)
    clock.advance(microseconds=-1)
    assert waits(guesses, clock, 1) == [30]
