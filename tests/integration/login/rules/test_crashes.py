"""The login policy when hashing fails: an attempt without a verdict counts as a failure."""

import pytest

from authbridge.login.policy import Decision, Reason
from authbridge.storage.models import LoginAttempt, LoginFailure
from tests.support.fakes import CountingHasher
from tests.support.stories import GRANTED, LOCKED, Story


def test_a_hash_that_fails_is_a_failure(story: Story, name: str) -> None:
    """Who could make the service stumble would guess without counting."""
    story.interrupt(CountingHasher(meanwhile=stumble))
    for _ in range(5):
        with pytest.raises(RuntimeError):
            story.guess(name)
    story.restart()

    assert story.guess(name) == Decision(LOCKED, Reason.PAIR_WAITS, 30)
    assert open_attempts(story) == 5


def stumble() -> None:
    """What a bug in the hasher would do."""
    raise RuntimeError


def open_attempts(story: Story) -> int:
    """How many attempts have no verdict."""
    return len(story.rows(LoginAttempt, LoginAttempt.verdict.is_(None)))


def test_a_hash_that_failed_can_be_tried_again(story: Story) -> None:
    """The slot is free, the name is not taken, and nothing was remembered."""
    owner = story.issue()
    services = story.services
    story.interrupt(CountingHasher(meanwhile=stumble))
    for _ in range(3):
        with pytest.raises(RuntimeError):
            story.owner(owner)
    story.services = services

    assert story.owner(owner) is GRANTED
    assert [failure.fingerprint for failure in story.rows(LoginFailure)] == [None] * 3


def test_a_right_password_is_on_record_as_a_failure_while_it_is_hashed(story: Story) -> None:
    """Parallel guesses must see one another; once it matched it was none."""
    owner = story.issue()
    counted: list[int] = []
    story.interrupt(CountingHasher(meanwhile=lambda: counted.append(story.count())))

    assert story.owner(owner) is GRANTED
    assert (counted, story.count()) == ([1], 0)
