"""The rule "network": failures over many names make their network wait."""

import pytest

from authbridge.login.policy import Decision, Reason, Verdict
from authbridge.storage.database import Database
from authbridge.storage.models import NetworkWait
from tests.support.factories import make_school
from tests.support.stories import CAFE, GRANTED, HOME, LOCKED, REFUSED, STRICT, Story


@pytest.mark.parametrize(
    ("failures", "names", "verdict"),
    [
        pytest.param(29, 8, REFUSED, id="29 over 8 names"),
        pytest.param(30, 7, REFUSED, id="30 over 7 names"),
        pytest.param(30, 8, LOCKED, id="30 over 8 names"),
    ],
)
def test_thirty_failures_over_eight_names_lock_the_network(
    story: Story, failures: int, names: int, verdict: Verdict
) -> None:
    """Fewer names are a family or a staff room, fewer failures a bad morning."""
    assert story.spray(failures, names) == [REFUSED] * failures

    assert story.guess("frau.b").verdict is verdict
    assert story.guess("frau.b", CAFE).verdict is REFUSED


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [
        pytest.param(15 * 60 - 1, LOCKED, id="a second before"),
        pytest.param(15 * 60, REFUSED, id="a quarter of an hour"),
    ],
)
def test_a_network_waits_for_a_quarter_of_an_hour(story: Story, seconds: int, verdict: Verdict) -> None:
    """It ends by itself, whatever was tried meanwhile, and then thirty more are hashed."""
    story.spray(30)
    assert story.guess("frau.b") == Decision(LOCKED, Reason.NETWORK_WAITS, 15 * 60)
    story.clock.advance(seconds=seconds - 60)
    story.spray(3)
    story.clock.advance(seconds=60)

    assert story.guess("frau.b").verdict is verdict

    if verdict is REFUSED:
        assert story.spray(29, names=10) == [REFUSED] * 29
        assert story.guess("frau.b").verdict is LOCKED


def test_failures_of_more_than_a_quarter_of_an_hour_ago_lock_no_network(story: Story) -> None:
    """A window that rolls."""
    story.spray(20)
    story.clock.advance(minutes=15)

    assert story.spray(29, names=20) == [REFUSED] * 29
    assert story.guess("frau.b").verdict is REFUSED
    assert story.guess("frau.b").verdict is LOCKED


def test_who_is_known_there_passes_a_networks_wait(database: Database) -> None:
    """Half the town may share that address; its regulars are checked as ever."""
    story = Story(database, remember=False, limits=STRICT)
    regular, stranger = story.issue(), story.issue()
    story.owner(regular)
    story.spray(9)

    assert story.owner(stranger) is LOCKED
    assert story.guess(regular.username).verdict is REFUSED
    assert story.owner(regular) is GRANTED

    story.clock.advance(days=7)
    story.spray(9)
    assert story.owner(regular) is GRANTED  # to the second
    story.clock.advance(days=7, seconds=1)
    story.spray(9)
    assert story.owner(regular) is LOCKED


def test_a_success_takes_the_pairs_own_failures_out(story: Story) -> None:
    """Who mistyped and then got it right was no guesser."""
    owner = story.take_over()
    story.guesses(owner.username, 4)
    story.spray(25)

    assert story.owner(owner) is GRANTED
    assert story.spray(5) == [REFUSED] * 5  # were the four counted, the second would wait
    assert story.guess("frau.b").verdict is LOCKED


def test_an_unknown_network_never_waits_as_a_whole(story: Story) -> None:
    """Behind a proxy that hides addresses everybody would wait."""
    assert story.spray(40, names=10, ip=None) == [REFUSED] * 40
    assert story.guess("frau.b", None).verdict is REFUSED


def test_a_schools_own_network_never_waits(story: Story) -> None:
    """At five to eight a whole school mistypes behind one address."""
    story.trust(f"{HOME}/32")

    assert story.spray(40, names=10) == [REFUSED] * 40
    assert story.count(NetworkWait) == 0


def test_a_network_is_a_schools_own_for_its_own_accounts_only(story: Story) -> None:
    """The guests in it wait like everybody."""
    story.trust(f"{HOME}/32")
    make_school(story.database, "gsw", "Grundschule am Wald")
    assert [story.guess(f"gsw-nobody{number % 8}").verdict for number in range(30)] == [REFUSED] * 30

    assert story.guess("gsw-other").verdict is LOCKED
    assert story.guess("ohg-other").verdict is REFUSED
