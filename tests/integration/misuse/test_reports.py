"""Reporting misuse: with or without a suspension, in one step; closed with a result, and then gone."""

from contextlib import nullcontext
from datetime import timedelta

import pytest
from sqlalchemy import select

from authbridge import retention
from authbridge.audit import KEPT as AUDIT_KEPT
from authbridge.audit import Actor
from authbridge.errors import ConflictError, InputError, NotFoundError
from authbridge.misuse import commands
from authbridge.misuse.commands import MisuseDescription
from authbridge.misuse.report_rows import (
    ReportRow,
    ReportState,
    get_report,
    list_reports,
    open_reports,
)
from authbridge.schools.commands import organisers, suspensions
from authbridge.schools.listings import Extent
from authbridge.schools.suspendable import ORGANISER, SCHOOL, SuspendableKind
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AuditEvent,
    MisuseReport,
    Reporter,
    ReportResult,
    Revocation,
    SuspensionReason,
)
from tests.support.factories import ACTOR, KEYED_HASHES, LIMITS, make_organiser, make_school
from tests.support.fakes import MORNING, FakeClock

TOLD = MisuseDescription(Reporter.SCHOOL_HEAD, "heute, dritte Stunde", "Fremde in der Konferenz")


@pytest.fixture(name="username")
def issue_one(database: Database) -> str:
    """One organiser of one school."""
    make_school(database)
    return make_organiser(database).username


def rows(database: Database, state: ReportState | None = None) -> list[ReportRow]:
    """Returns the reports as the panel lists them."""
    with database.read_session() as session:
        return list(list_reports(session, state=state, extent=Extent(), now=MORNING).rows)


def report(
    database: Database, kind: SuspendableKind, name: str, *, suspend: bool, told: MisuseDescription = TOLD
) -> commands.FiledReport:
    """Files a report."""
    command = commands.report_and_suspend if suspend else commands.report_misuse
    with database.write_session() as session:
        return command(session, kind, name, told, actor=ACTOR, now=MORNING)


@pytest.mark.parametrize("kind", [ORGANISER, SCHOOL])
def test_one_step_reports_and_suspends(database: Database, username: str, kind: SuspendableKind) -> None:
    """Suspension, report and order to the meeting servers stand together; the reason is misuse."""
    name = username if kind is ORGANISER else "ohg"
    assert report(database, kind, name, suspend=True).suspended
    (row,) = rows(database)
    assert (row.username, row.suspends_school) == ((username, False) if kind is ORGANISER else (None, True))
    assert row.is_suspended
    with database.read_session() as session:
        suspension = suspensions.ongoing(session, kind.find(session, name))
        assert (suspension.reason, suspension.reported_by) == ("misuse", "school-head")
        assert session.scalars(select(Revocation.username)).all() == [username]


def test_a_report_alone_suspends_nobody(database: Database, username: str) -> None:
    """Only reported: nothing is blocked."""
    assert not report(database, ORGANISER, username, suspend=False).suspended
    (row,) = rows(database)
    assert row.suspended_at is None
    assert (row.happened, row.description) == (TOLD.happened, TOLD.description)


@pytest.mark.parametrize("suspend", [True, False])
def test_a_suspension_that_is_on_is_kept_and_linked(
    database: Database, username: str, *, suspend: bool
) -> None:
    """A colleague suspended before, for another reason: that stays, and the report leads there."""
    lost = SuspensionReason.LETTER_LOST
    with database.write_session() as session:
        suspensions.suspend(
            session, ORGANISER, username, reason=lost, actor=ACTOR, now=MORNING - timedelta(hours=1)
        )
    assert not report(database, ORGANISER, username, suspend=suspend).suspended
    (row,) = rows(database)
    assert row.suspended_at == MORNING - timedelta(hours=1)
    with database.read_session() as session:
        assert suspensions.ongoing(session, ORGANISER.find(session, username)).reason == lost


def test_undo_is_that_of_any_suspension(database: Database, username: str) -> None:
    """Reinstating lifts it; the report stays open, and says until when it held."""
    report(database, ORGANISER, username, suspend=True)
    with database.write_session() as session:
        assert suspensions.reinstate(session, ORGANISER, username, actor=ACTOR, now=MORNING)
    (row,) = rows(database, ReportState.OPEN)
    assert (row.is_suspended, row.suspended_until) == (False, MORNING)


def test_what_people_wrote_stands_in_no_audit(database: Database, username: str) -> None:
    """The audit lives a year; it names the report by its number."""
    filed = report(database, ORGANISER, username, suspend=True)
    with database.write_session() as session:
        commands.close_report(
            session, filed.id, ReportResult.CONFIRMED, "Rücksprache", actor=ACTOR, now=MORNING
        )
    with database.read_session() as session:
        events = repr([(event.subject, event.detail) for event in session.scalars(select(AuditEvent))])
    for words in (TOLD.description, TOLD.happened, "Rücksprache"):
        assert words not in events


@pytest.mark.parametrize("told", [{"description": "x" * 401}, {"happened": "x" * 81}])
def test_too_much_is_refused_and_nobody_is_suspended(
    database: Database, username: str, told: dict[str, str]
) -> None:
    """Nothing of the step is kept."""
    with pytest.raises(InputError):
        report(database, ORGANISER, username, suspend=True, told=MisuseDescription(Reporter.OTHER, **told))
    assert rows(database) == []
    with database.read_session() as session:
        assert ORGANISER.find(session, username).suspended_at is None


def test_a_report_outlives_its_organiser(database: Database, username: str) -> None:
    """Where the account was deleted, the report is one about the school, without what people wrote."""
    filed = report(database, ORGANISER, username, suspend=True)
    other = make_organiser(database).username
    report(database, ORGANISER, other, suspend=False)
    with database.write_session() as session:
        commands.close_report(
            session, filed.id, ReportResult.CONFIRMED, "Rücksprache", actor=ACTOR, now=MORNING
        )
    with database.write_session() as session:
        organisers.delete_organiser(session, username, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING)
    of_other, row = rows(database)
    assert (row.school_code, row.username, row.suspended_at) == ("ohg", None, None)
    assert (row.happened, row.description, row.result_note) == ("", "", None)
    assert of_other.description == TOLD.description


def test_open_ones_stand_first(database: Database, username: str) -> None:
    """Then the latest."""
    ids = [report(database, ORGANISER, username, suspend=False).id for _ in range(3)]
    with database.write_session() as session:
        commands.close_report(session, ids[2], ReportResult.UNCLEAR, "", actor=ACTOR, now=MORNING)
    assert [row.id for row in rows(database)] == [ids[1], ids[0], ids[2]]


def test_a_closed_report_is_gone_after_ninety_days(database: Database, username: str) -> None:
    """An open one stays, without what people wrote; a year later without the name of its writer."""
    clock = FakeClock()
    closed, still_open = (report(database, ORGANISER, username, suspend=False).id for _ in range(2))
    with database.write_session() as session:
        commands.close_report(session, closed, ReportResult.UNCLEAR, "", actor=ACTOR, now=clock())
    purge(database, clock, days=90)
    assert {row.id for row in rows(database)} == {closed, still_open}
    purge(database, clock, days=1)
    (row,) = rows(database)
    assert (row.id, row.happened, row.description, row.actor) == (still_open, "", "", ACTOR)
    with database.write_session() as session, pytest.raises(NotFoundError):
        commands.close_report(session, closed, ReportResult.UNCLEAR, "", actor=ACTOR, now=clock())


def test_a_late_deletion_shows_nothing_that_should_be_gone(database: Database, username: str) -> None:
    """In no list and on no page, to the moment: closed reports, words of open ones, their writer."""
    closed, still_open = (report(database, ORGANISER, username, suspend=False).id for _ in range(2))
    with database.write_session() as session:
        actor = Actor("staff:anna")
        commands.close_report(session, closed, ReportResult.UNCLEAR, "", actor=actor, now=MORNING)
        session.get_one(MisuseReport, still_open).actor = actor
    for late in (timedelta(), timedelta(microseconds=1)):
        now = MORNING + commands.KEPT + late
        with database.read_session() as session:
            about = ORGANISER.find(session, username)
            listed = list_reports(session, extent=Extent(), now=now)
            (beside,) = [each for each in open_reports(session, about, now=now) if each.id == still_open]
            assert (listed.total, len(listed.rows)) == ((1, 1) if late else (2, 2))
            assert {row.id for row in listed.rows} - {closed} == {still_open}
            for row in (listed.rows[0], beside, get_report(session, still_open, now=now)):
                assert (row.happened, row.description) == (
                    ("", "") if late else (TOLD.happened, TOLD.description)
                )
            with pytest.raises(NotFoundError) if late else nullcontext():
                assert get_report(session, closed, now=now).description == TOLD.description
    with database.read_session() as session:
        assert get_report(session, still_open, now=MORNING + AUDIT_KEPT).actor == "staff:anna"
        assert get_report(session, still_open, now=MORNING + AUDIT_KEPT + late).actor == "staff"


def purge(database: Database, clock: FakeClock, *, days: int) -> None:
    """Lets so many days pass, and deletes what is due."""
    clock.advance(days=days)
    retention.purge(database, clock=clock, retention=timedelta(days=7), limits=LIMITS)


def test_a_report_is_closed_once_with_its_result(database: Database, username: str) -> None:
    """The second person gets a sentence, and changes nothing."""
    filed = report(database, ORGANISER, username, suspend=False)
    with database.write_session() as session:
        commands.close_report(session, filed.id, ReportResult.UNFOUNDED, "Irrtum", actor=ACTOR, now=MORNING)
    with pytest.raises(ConflictError), database.write_session() as session:
        commands.close_report(session, filed.id, ReportResult.CONFIRMED, "", actor=ACTOR, now=MORNING)
    (row,) = rows(database, ReportState.CLOSED)
    assert (row.result, row.result_note, row.closed_by) == ("unfounded", "Irrtum", ACTOR)
