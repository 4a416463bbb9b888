"""A former password that still counts: both get in, the old one to the end of its day, at the usual cost."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from authbridge import retention
from authbridge.login.policy import Verdict
from authbridge.login.quick_checks import QuickChecks
from authbridge.schools.commands import organisers, selections, suspensions
from authbridge.schools.commands.organisers import IssuedCredential, NewPassword
from authbridge.schools.commands.suspensions import SuspensionDescription
from authbridge.schools.suspendable import ORGANISER, SCHOOL, SuspendableKind
from authbridge.storage.database import Database
from authbridge.storage.models import Organiser, Revocation, SuspensionReason
from tests.support.factories import ACTOR, KEYED_HASHES, LIMITS, SECRET_KEY
from tests.support.fakes import CountingHasher
from tests.support.stories import GRANTED, OTHER, REFUSED, Story

PARALLEL = timedelta(days=14)
WEEK = timedelta(days=7)


@pytest.fixture(name="story")
def begin_story(database: Database) -> Story:
    """A school and a service that makes quick checks and remembers nothing."""
    return Story(database, hasher=CountingHasher(quick_checks=QuickChecks(SECRET_KEY)), remember=False)


def last_day(story: Story) -> date:
    """The last day on which the former password counts."""
    return (story.clock() + PARALLEL).date()


def renew(story: Story, issued: IssuedCredential, former_until: date | None) -> IssuedCredential:
    """A new password for that organiser."""
    (password,) = organisers.make_passwords(1, story.hasher, former_until=former_until)
    with story.database.write_session() as session:
        return organisers.reset_password(
            session,
            issued.username,
            password,
            keyed_hashes=KEYED_HASHES,
            actor=ACTOR,
            now=story.clock(),
        )


@pytest.mark.parametrize("is_imported", [False, True], ids=["issued", "imported"])
def test_both_count_until_the_day_ends(story: Story, *, is_imported: bool) -> None:
    """On the last day the old one still opens meetings, on the next it is wrong; the new one goes on."""
    old = story.take_over("frau.a") if is_imported else story.issue()
    new = renew(story, old, last_day(story))

    story.clock.now += PARALLEL
    assert [story.owner(each) for each in (old, new)] == [GRANTED, GRANTED]
    story.clock.advance(days=1)
    assert [story.owner(each) for each in (old, new)] == [REFUSED, GRANTED]


def test_without_a_day_the_old_one_ends_at_once(story: Story) -> None:
    """Also where an earlier change had let a former password count."""
    first = story.issue()
    second = renew(story, first, last_day(story))
    third = renew(story, second, None)

    assert [story.owner(each) for each in (first, second, third)] == [REFUSED, REFUSED, GRANTED]


def test_only_one_former_password_counts(story: Story) -> None:
    """The one before the present one."""
    first = story.issue()
    second = renew(story, first, last_day(story))
    third = renew(story, second, last_day(story))

    assert [story.owner(each) for each in (first, second, third)] == [REFUSED, GRANTED, GRANTED]


@pytest.mark.parametrize("is_imported", [False, True], ids=["issued", "imported"])
def test_a_login_costs_one_hash_as_ever(story: Story, *, is_imported: bool) -> None:
    """The quick checks tell which password was typed, so nobody sees by the time that there are two."""
    pairs = []
    for number in range(12):
        old = story.take_over(f"frau.{number:02}") if is_imported else story.issue()
        pairs += [old, renew(story, old, last_day(story))]
    story.hasher.checked.clear()

    assert [story.owner(each) for each in pairs] == [GRANTED] * 24
    assert story.hasher.checks <= 24 + 2  # a quick check leaves one wrong password in 256


def test_where_no_quick_check_tells_both_are_compared(story: Story) -> None:
    """After a new key file: slower, but nobody is turned away, also when the first wrong one is repeated."""
    old = story.issue()
    new = renew(story, old, last_day(story))
    story.interrupt(CountingHasher(quick_checks=QuickChecks(b"another secret, also of 32 bytes")))

    assert [story.owner(each) for each in (old, new, old, new)] == [GRANTED] * 4
    assert story.guess(old.username).verdict is REFUSED


def test_what_is_remembered_of_the_old_one_ends_with_it(database: Database) -> None:
    """Remembering replaces the hash, not the day."""
    story = Story(database, hasher=CountingHasher(quick_checks=QuickChecks(SECRET_KEY)))
    old = story.issue()
    assert story.owner(old) is GRANTED
    renew(story, old, last_day(story))
    story.hasher.checked.clear()

    assert story.owner(old) is GRANTED
    assert story.hasher.checks == 0
    for _ in range(15):
        story.clock.advance(days=1)
        last = story.owner(old)
    assert last is REFUSED


def test_an_old_password_is_never_stored_as_the_new_one(story: Story) -> None:
    """A raised cost renews the present hash alone."""
    old = story.issue()
    new = renew(story, old, last_day(story))
    story.interrupt(replace(story.hasher, cost=5))

    assert [story.owner(each) for each in (old, new)] == [GRANTED, GRANTED]
    story.clock.advance(days=15)
    assert [story.owner(each) for each in (old, new)] == [REFUSED, GRANTED]


def test_staff_can_end_it_at_any_moment(story: Story) -> None:
    """From that moment the old one is wrong, and what it had opened ends."""
    old = story.issue()
    new = renew(story, old, last_day(story))
    assert story.count(Revocation) == 0

    with story.database.write_session() as session:
        organisers.void_former_password(session, old.username, actor=ACTOR, now=story.clock())

    assert [story.owner(each, OTHER) for each in (old, new)] == [REFUSED, GRANTED]
    assert [each.action for each in story.rows(Revocation)] == ["end_sessions"]


def test_a_selection_keeps_its_sessions_as_well(story: Story) -> None:
    """Several at once: nobody is thrown out of a meeting by a letter that is still in the post."""
    olds = [story.issue() for _ in range(3)]
    passwords: dict[str, NewPassword] = {
        each.username: organisers.make_passwords(1, story.hasher, former_until=last_day(story))[0]
        for each in olds
    }
    with story.database.write_session() as session:
        news = selections.reset_selection(
            session,
            passwords,
            seen=None,
            keyed_hashes=KEYED_HASHES,
            actor=ACTOR,
            now=story.clock(),
        )

    assert story.count(Revocation) == 0
    assert {story.owner(each) for each in (*olds, *news)} == {GRANTED}


def test_the_hash_of_a_former_password_is_deleted_after_its_day(story: Story) -> None:
    """What no longer opens anything is not kept."""
    old = story.issue()
    renew(story, old, last_day(story))
    for days, is_kept in ((14, True), (3, False)):
        story.clock.advance(days=days)
        retention.purge(story.database, clock=story.clock, retention=WEEK, limits=LIMITS)
        (row,) = story.rows(Organiser)
        assert (row.previous_hash is not None) == (row.previous_until is not None) == is_kept


def test_the_state_of_the_account_holds_for_both(story: Story) -> None:
    """An expired access opens nothing with either password."""
    old = story.issue()
    new = renew(story, old, last_day(story))
    with story.database.write_session() as session:
        yesterday = (story.clock() - timedelta(days=1)).date()
        organisers.change_validity(
            session, old.username, yesterday, today=story.clock().date(), actor=ACTOR, now=story.clock()
        )

    assert {story.owner(each) for each in (old, new)} == {Verdict.EXPIRED}


@pytest.mark.parametrize("kind", [ORGANISER, SCHOOL], ids=["organiser", "school"])
@pytest.mark.parametrize(
    ("reason", "is_back"),
    [
        pytest.param(SuspensionReason.MISUSE, False, id="misuse"),
        pytest.param(SuspensionReason.LETTER_LOST, False, id="letter lost"),
        pytest.param(SuspensionReason.OTHER, True, id="another reason"),
        pytest.param(None, True, id="a slip, undone"),
    ],
)
@pytest.mark.parametrize("is_later", [False, True], ids=["said at once", "said later"])
def test_a_password_in_wrong_hands_does_not_come_back(
    story: Story,
    kind: SuspendableKind,
    reason: SuspensionReason | None,
    *,
    is_back: bool,
    is_later: bool,
) -> None:
    """Reinstating gives back the new password; the former one only where no leak was the reason."""
    old = story.issue()
    new = renew(story, old, last_day(story))
    name = old.username if kind is ORGANISER else "ohg"
    who: dict[str, Any] = {"actor": ACTOR, "now": story.clock()}
    with story.database.write_session() as session:
        suspensions.suspend(session, kind, name, reason=None if is_later else reason, **who)
        suspensions.describe(session, kind, name, SuspensionDescription(reason), **who)
        suspensions.reinstate(session, kind, name, **who)

    assert [story.owner(each) for each in (old, new)] == [GRANTED if is_back else REFUSED, GRANTED]
