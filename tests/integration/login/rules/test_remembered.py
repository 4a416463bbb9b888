"""The rule "remembered": an organiser whose generated password was verified lately never waits."""

from collections.abc import Callable

import pytest

from authbridge.login.policy import Verdict
from authbridge.schools.commands import organisers, suspensions
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.suspendable import SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import SuspensionReason
from tests.support.factories import ACTOR, HASHER, KEYED_HASHES
from tests.support.stories import (
    CAFE,
    GRANTED,
    HOME,
    LOCKED,
    OTHER,
    OUTSIDE,
    REFUSED,
    STRICT,
    Story,
    expire,
    suspend,
)


def lock_pair(story: Story, username: str) -> None:
    """The pair waits."""
    story.guesses(username, 5)


def lock_account(story: Story, username: str) -> None:
    """The account waits for all that come from outside."""
    for ip in OUTSIDE[:2]:
        story.guesses(username, 5, ip)


def lock_network(story: Story, username: str) -> None:
    """The network waits."""
    del username
    story.spray(9)


RULES = [lock_pair, lock_account, lock_network]


@pytest.mark.parametrize("lock", RULES)
def test_the_owner_of_a_remembered_generated_password_never_waits(
    database: Database, lock: Callable[[Story, str], None]
) -> None:
    """Only the owner has 49 random bits, so no guesser makes him wait, wherever either of them is."""
    story = Story(database, limits=STRICT)
    owner, forgotten = story.issue(), story.issue()
    story.owner(owner, OTHER)
    lock(story, owner.username)
    lock(story, forgotten.username)

    assert story.owner(forgotten) is LOCKED
    for ip in (HOME, CAFE, "2001:db8::1", None):
        assert story.owner(owner, ip) is GRANTED


@pytest.mark.parametrize("lock", RULES)
def test_everybody_else_waits(database: Database, lock: Callable[[Story, str], None]) -> None:
    """An imported password may be a guess, and one that was not verified lately too."""
    story = Story(database, limits=STRICT)
    imported, generated = story.take_over(), story.issue()
    for owner in (imported, generated):
        story.owner(owner, OTHER)
        lock(story, owner.username)

    assert story.owner(imported) is LOCKED
    story.restart()
    assert story.owner(generated) is LOCKED


def test_a_setting_turns_remembering_off(database: Database) -> None:
    """Then each login is hashed, and the owner waits like everybody."""
    story = Story(database, remember=False)
    owner = story.issue()
    assert [story.owner(owner) for _ in range(3)] == [GRANTED] * 3
    assert story.hasher.checks == 3

    lock_pair(story, owner.username)

    assert story.owner(owner) is LOCKED


@pytest.mark.parametrize("kind", ["generated", "imported"])
def test_a_remembered_password_is_not_hashed(story: Story, kind: str) -> None:
    """It is for a week from its last use, on this process."""
    owner = story.issue() if kind == "generated" else story.take_over()
    for _ in range(3):
        assert story.owner(owner) is GRANTED
        story.clock.advance(days=6)
    assert story.hasher.checks == 1

    story.clock.advance(days=1, seconds=1)
    assert story.owner(owner) is GRANTED
    assert story.hasher.checks == 2


def suspend_school(story: Story, owner: IssuedCredential) -> None:
    """Staff suspend the school."""
    del owner
    with story.database.write_session() as session:
        suspensions.suspend(
            session, SCHOOL, "ohg", reason=SuspensionReason.OTHER, actor=ACTOR, now=story.clock()
        )


def reset(story: Story, owner: IssuedCredential) -> None:
    """Staff issue a new password."""
    (password,) = organisers.make_passwords(1, HASHER)
    with story.database.write_session() as session:
        organisers.reset_password(
            session, owner.username, password, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=story.clock()
        )


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        pytest.param(suspend, Verdict.SUSPENDED, id="suspended"),
        pytest.param(suspend_school, Verdict.SUSPENDED, id="school suspended"),
        pytest.param(expire, Verdict.EXPIRED, id="expired"),
        pytest.param(reset, REFUSED, id="reset"),
    ],
)
def test_what_staff_change_counts_at_once_for_a_remembered_one(
    story: Story, change: Callable[[Story, IssuedCredential], None], verdict: Verdict
) -> None:
    """Only the check of the password is remembered, never the account's state."""
    owner = story.issue()
    assert story.owner(owner) is GRANTED

    change(story, owner)

    assert story.owner(owner) is verdict
