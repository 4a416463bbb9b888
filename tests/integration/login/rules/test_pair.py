"""The rule "pair": guesses at one name from one network make that pair wait, longer each time."""

from datetime import UTC, datetime

import pytest

from authbridge.login.policy import Decision, Reason
from authbridge.storage.database import Database
from tests.support.stories import CAFE, GRANTED, HOME, LOCKED, REFUSED, Story, wrong_passwords


def test_five_guesses_then_a_wait(story: Story, name: str) -> None:
    """The sixth distinct password is not hashed, and waits for half a minute."""
    assert story.guesses(name, 5) == [REFUSED] * 5

    assert story.guess(name) == Decision(LOCKED, Reason.PAIR_WAITS, 30)
    assert (story.hasher.checks, story.count()) == (5, 5)


def test_waits_double_up_to_a_quarter_of_an_hour(story: Story) -> None:
    """Each guess after a wait starts the next one; what is tried meanwhile moves nothing."""
    name = story.take_over().username
    story.guesses(name, 5)

    for wait in (30, 60, 120, 240, 480, 900, 900):
        story.clock.advance(seconds=wait - 0.5)
        assert story.guess(name) == Decision(LOCKED, Reason.PAIR_WAITS, 1)
        story.clock.advance(seconds=0.5)
        assert story.guess(name).verdict is REFUSED

    assert story.hasher.checks == 5 + 7


def test_an_hour_without_a_failure_begins_anew(story: Story) -> None:
    """Who comes back after the lunch break has five guesses again."""
    name = story.take_over().username
    story.guesses(name, 5)
    story.clock.advance(minutes=60)

    assert story.guesses(name, 6) == [REFUSED] * 5 + [LOCKED]
    assert story.guess(name).retry_after == 30


@pytest.mark.parametrize("remember", [True, False])
def test_a_success_ends_the_waits_of_the_pair(database: Database, *, remember: bool) -> None:
    """The owner is there: afterwards there are five guesses again, and half a minute again."""
    story = Story(database, remember=remember)
    owner = story.take_over()
    story.guesses(owner.username, 5)
    assert story.owner(owner) is LOCKED
    story.clock.advance(seconds=30)

    assert story.owner(owner) is GRANTED

    assert story.guesses(owner.username, 6) == [REFUSED] * 5 + [LOCKED]
    assert story.guess(owner.username).retry_after == 30


@pytest.mark.parametrize("what", ["known-good", "trusted"])
def test_where_something_speaks_for_the_network_it_is_always_half_a_minute(story: Story, what: str) -> None:
    """A colleague in the teachers' room who mistypes all morning does not add up."""
    owner = story.take_over()
    if what == "trusted":
        story.trust(f"{HOME}/32")
    else:
        story.owner(owner)
    story.guesses(owner.username, 5)

    for _ in range(4):
        assert story.guess(owner.username) == Decision(LOCKED, Reason.PAIR_WAITS, 30)
        story.clock.advance(seconds=30)
        assert story.guess(owner.username).verdict is REFUSED


@pytest.mark.parametrize(
    ("here", "there", "is_same"),
    [
        pytest.param(HOME, CAFE, False, id="two addresses"),
        pytest.param(HOME, None, False, id="an address and an unknown one"),
        pytest.param("127.0.0.1", None, True, id="loopback is unknown"),
        pytest.param("2001:db8:1:2::1", "2001:db8:1:2:3::9", True, id="one /64"),
        pytest.param("2001:db8:1:2::1", "2001:db8:1:3::1", False, id="two /64"),
        pytest.param("10.3.0.1", "10.3.255.254", True, id="one network of the school"),
        pytest.param("10.3.0.1", "10.4.0.1", False, id="two networks of the school"),
    ],
)
def test_another_network_is_free(story: Story, here: str | None, there: str | None, *, is_same: bool) -> None:
    """What somebody guesses elsewhere does not keep the owner waiting here."""
    story.trust("10.3.0.0/16", "10.4.0.0/16")
    owner = story.issue()
    story.guesses(owner.username, 5, here)

    assert story.owner(owner, there) is (LOCKED if is_same else GRANTED)


def test_a_wait_survives_a_restart(story: Story) -> None:
    """The state lives in the database: another process goes on where the one before ended."""
    name = story.take_over().username
    story.guesses(name, 3)
    story.restart()

    assert story.guesses(name, 3) == [REFUSED, REFUSED, LOCKED]
    story.restart()
    assert story.guess(name) == Decision(LOCKED, Reason.PAIR_WAITS, 30)


def test_guesses_before_and_after_midnight_count_together(story: Story) -> None:
    """The key of the fingerprints changes at midnight UTC; the one before is still matched."""
    name = story.take_over().username
    story.clock.now = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
    guesses = wrong_passwords(name)
    before = [next(guesses) for _ in range(4)]
    assert [story.login(name, password).verdict for password in before] == [REFUSED] * 4
    story.clock.advance(minutes=2)
    story.restart()  # so that what repeats them is not the memory

    assert [story.login(name, password).verdict for password in before] == [REFUSED] * 4
    assert story.login(name, next(guesses)).verdict is REFUSED
    assert story.login(name, next(guesses)) == Decision(LOCKED, Reason.PAIR_WAITS, 30)
