"""Suspensions of schools and organisers, with their history and their notes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from authbridge.audit import KEPT as AUDIT_KEPT
from authbridge.audit import Action
from authbridge.errors import ConflictError, InputError
from authbridge.schools.commands import suspensions
from authbridge.schools.commands.suspensions import SuspensionDescription
from authbridge.schools.history import suspension_rows
from authbridge.schools.lookup import get_organiser
from authbridge.schools.suspendable import ORGANISER
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Suspension, SuspensionReason
from tests.support.factories import ACTOR, make_organiser, make_school
from tests.support.fakes import MORNING
from tests.support.school_commands import DESCRIPTION, LOST, commands, count, run


def test_suspensions_keep_their_history(database: Database) -> None:
    """Who suspended, why, from when until when; the latest first."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    for action in (Action.ORGANISER_SUSPEND, Action.ORGANISER_REINSTATE, Action.ORGANISER_SUSPEND):
        run(database, every[action])

    with database.read_session() as session:
        latest, first = suspension_rows(session, get_organiser(session, username), now=MORNING)
    assert (latest.until, latest.reason, latest.suspended_by) == (None, LOST, ACTOR)
    assert (first.until, first.reinstated_by) == (MORNING, ACTOR)


def test_a_late_deletion_shows_no_note_and_no_name_of_staff(database: Database) -> None:
    """90 days after the end of the suspension the note is gone, a year after it who ended and began it."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    for action in (
        Action.ORGANISER_SUSPEND,
        Action.ORGANISER_DESCRIBE_SUSPENSION,
        Action.ORGANISER_REINSTATE,
    ):
        run(database, every[action])

    def shown(after: timedelta) -> tuple[str | None, ...]:
        with database.read_session() as session:
            (row,) = suspension_rows(session, get_organiser(session, username), now=MORNING + after)
        return row.note, row.suspended_by, row.reinstated_by

    moment = timedelta(microseconds=1)
    assert shown(suspensions.NOTE_KEPT) == (DESCRIPTION.note, ACTOR, ACTOR)
    assert shown(suspensions.NOTE_KEPT + moment) == shown(AUDIT_KEPT) == (None, ACTOR, ACTOR)
    assert shown(AUDIT_KEPT + moment) == (None, "staff", "staff")


def describe(database: Database, username: str, description: SuspensionDescription) -> bool:
    """Says why the organiser is suspended."""
    with database.write_session() as session:
        return suspensions.describe(session, ORGANISER, username, description, actor=ACTOR, now=MORNING)


def test_a_suspension_is_described_afterwards(database: Database) -> None:
    """The click comes first; the latest description counts, and only of the suspension that is on."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    for action in (Action.ORGANISER_SUSPEND, Action.ORGANISER_REINSTATE):
        run(database, every[action])
    with database.write_session() as session:
        suspensions.suspend(session, ORGANISER, username, reason=None, actor=ACTOR, now=MORNING)

    assert describe(database, username, DESCRIPTION)
    assert describe(database, username, SuspensionDescription(SuspensionReason.MISUSE, note="  "))

    with database.read_session() as session:
        latest, first = suspension_rows(session, get_organiser(session, username), now=MORNING)
    assert (latest.reason, latest.reported_by, latest.note) == ("misuse", None, None)
    assert (first.reason, first.reported_by, first.note) == (LOST, None, None)


def test_what_is_not_suspended_is_not_described(database: Database) -> None:
    """Somebody was faster with the reinstating: he is told."""
    make_school(database)
    username = make_organiser(database).username

    with pytest.raises(ConflictError, match="not suspended"):
        describe(database, username, DESCRIPTION)
    with pytest.raises(ConflictError, match="not suspended"):
        run(database, commands(username)[Action.SCHOOL_DESCRIBE_SUSPENSION])


def test_a_note_is_not_in_the_audit(database: Database) -> None:
    """A note is gone 90 days after the end of the suspension; the audit lives a year."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    for action in (Action.ORGANISER_SUSPEND, Action.SCHOOL_SUSPEND):
        run(database, every[action])
    for action in (Action.ORGANISER_DESCRIBE_SUSPENSION, Action.SCHOOL_DESCRIBE_SUSPENSION):
        run(database, every[action])

    with database.read_session() as session:
        assert count(database, Suspension) == 2
        assert {row.note for row in session.scalars(select(Suspension))} == {"UNMISTAKABLE-NOTE"}
        assert "UNMISTAKABLE" not in repr([row.detail for row in session.scalars(select(AuditEvent))])


@pytest.mark.parametrize("note", ["x" * 201, "a\0b", "a\ue000b"])
def test_a_note_is_short_and_printable(note: str) -> None:
    """It is shown on a page of the panel."""
    with pytest.raises(InputError):
        suspensions.parse_note(note)


def test_setting_a_password_never_reinstates(database: Database) -> None:
    """A new letter for a suspended organiser opens nothing."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    run(database, every[Action.ORGANISER_SUSPEND])

    run(database, every[Action.ORGANISER_RESET])

    with database.read_session() as session:
        assert get_organiser(session, username).suspended_at == MORNING


def test_reinstating_a_school_leaves_its_suspended_organisers_suspended(database: Database) -> None:
    """The two suspensions are two decisions."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    for action in (Action.ORGANISER_SUSPEND, Action.SCHOOL_SUSPEND, Action.SCHOOL_REINSTATE):
        run(database, every[action])

    with database.read_session() as session:
        organiser = get_organiser(session, username)
        assert (organiser.suspended_at, organiser.school.suspended_at) == (MORNING, None)
