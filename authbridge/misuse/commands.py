"""Reports misuse, suspends for it in the same transaction, and closes the reports with a result.

What people wrote stands in the report alone, never in the audit: that lives a year.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from authbridge.audit import FORGOTTEN_STAFF, Action, Actor, record
from authbridge.audit import KEPT as AUDIT_KEPT
from authbridge.errors import ConflictError, InputError, NotFoundError
from authbridge.login.staff_names import STAFF_PREFIX
from authbridge.revocations import feed
from authbridge.schools.commands.suspensions import SuspensionDescription, ongoing, put_on
from authbridge.schools.suspendable import SuspendableKind, name_of
from authbridge.storage.models import (
    MisuseReport,
    Organiser,
    Reporter,
    ReportResult,
    RevocationAction,
    School,
    Suspendable,
    Suspension,
    SuspensionReason,
)
from authbridge.storage.statements import UNSYNCHRONISED
from authbridge.typed_text import parse_line

LONGEST_HAPPENED = 80  # characters; "today in the third lesson"
LONGEST_DESCRIPTION = 400
LONGEST_RESULT_NOTE = 200

KEPT = timedelta(days=90)  # a report after its end; the words of an open one since it was made


@dataclass(frozen=True, slots=True)
class MisuseDescription:
    """What was told: when it happened, in words; what happened; the role of the person who told it."""

    reported_by: Reporter
    happened: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class FiledReport:
    """The id of a new report; ``suspended``: the command has suspended, so nothing was suspended before."""

    id: int
    suspended: bool


def report_misuse(
    session: Session,
    kind: SuspendableKind,
    name: str,
    told: MisuseDescription,
    *,
    actor: Actor,
    now: datetime,
) -> FiledReport:
    """Opens a report about an organiser, or about a school where the organiser is not known.

    A suspension that is on is linked.

    Raises:
        NotFoundError: There is nothing of that name.
        InputError: A text is too long.
    """
    found = kind.find(session, name, lock=True)
    suspension = None if found.suspended_at is None else ongoing(session, found)
    report = add_report(session, found, told, suspension, actor=actor, now=now)
    record_misuse(session, Action.MISUSE_REPORT, found, report, actor=actor, now=now)
    return FiledReport(report.id, suspended=False)


def report_and_suspend(
    session: Session,
    kind: SuspendableKind,
    name: str,
    told: MisuseDescription,
    *,
    actor: Actor,
    now: datetime,
) -> FiledReport:
    """Opens a report and suspends the organiser, or the whole school, in one step.

    A suspension that is on stays as it is, and is linked.

    Raises:
        NotFoundError: There is nothing of that name.
        InputError: A text is too long.
    """
    found = kind.find(session, name, lock=True)
    if found.suspended_at is not None:
        return report_misuse(session, kind, name, told, actor=actor, now=now)
    description = SuspensionDescription(SuspensionReason.MISUSE, told.reported_by)
    suspension = put_on(session, found, description, actor=actor, now=now)
    report = add_report(session, found, told, suspension, actor=actor, now=now)
    record_misuse(session, Action.MISUSE_REPORT_AND_SUSPEND, found, report, actor=actor, now=now)
    feed.publish_suspension(session, suspension, RevocationAction.SUSPEND, now=now)
    return FiledReport(report.id, suspended=True)


def add_report(
    session: Session,
    found: Suspendable,
    told: MisuseDescription,
    suspension: Suspension | None,
    *,
    actor: Actor,
    now: datetime,
) -> MisuseReport:
    """Adds an open report, as part of a command that records it.

    Raises:
        InputError: A text is too long.
    """
    report = MisuseReport(
        school_id=found.school_id if isinstance(found, Organiser) else found.id,
        organiser_id=found.id if isinstance(found, Organiser) else None,
        at=now,
        happened=parse_happened(told.happened),
        description=parse_description(told.description),
        reported_by=told.reported_by,
        actor=actor,
        suspension_id=None if suspension is None else suspension.id,
    )
    session.add(report)
    session.flush()  # gives it its id
    return report


def close_report(
    session: Session, report_id: int, result: ReportResult, note: str, *, actor: Actor, now: datetime
) -> None:
    """Closes a report with its result; a suspension that came of it goes on until people lift it.

    Raises:
        NotFoundError: There is no such report, or it is gone.
        ConflictError: It is closed already.
        InputError: The note is too long.
    """
    query = select(MisuseReport).where(MisuseReport.id == report_id).with_for_update()
    report = session.scalars(query).one_or_none()
    if report is None:
        raise no_report()
    if report.closed_at is not None:
        raise ConflictError("This report was closed already.")
    report.result, report.result_note = result, parse_result_note(note) or None
    report.closed_at, report.closed_by = now, actor
    about = _subject_of(session, report)
    record_misuse(session, Action.MISUSE_CLOSE, about, report, actor=actor, now=now, result=result)


def record_misuse(
    session: Session,
    action: Action,
    about: Suspendable,
    report: MisuseReport,
    *,
    actor: Actor,
    now: datetime,
    **detail: object,
) -> None:
    """Records what was done about a report.

    An organiser is among the details, too: the subject may be the code of a school that is called alike.
    """
    if isinstance(about, Organiser):
        detail["usernames"] = [about.username]
    record(session, actor=actor, action=action, subject=name_of(about), now=now, report=report.id, **detail)


def no_report() -> NotFoundError:
    """Returns the error for a report that is not there."""
    return NotFoundError("There is no such report, or it is deleted already.")


def parse_happened(typed: str) -> str:
    """Returns the words that say when it happened; may be empty.

    Raises:
        InputError: They are too long, or hold a character that cannot be printed.
    """
    return _parse(typed, LONGEST_HAPPENED)


def parse_description(typed: str) -> str:
    """Returns the words that say what happened; may be empty.

    Raises:
        InputError: They are too long, or hold a character that cannot be printed.
    """
    return _parse(typed, LONGEST_DESCRIPTION)


def parse_result_note(typed: str) -> str:
    """Returns a remark about the result; may be empty.

    Raises:
        InputError: It is too long, or holds a character that cannot be printed.
    """
    return _parse(typed, LONGEST_RESULT_NOTE)


def purge(session: Session, *, now: datetime) -> None:
    """Deletes reports 90 days after they were closed, and what people wrote in those that stay open.

    Of a report that stays open for longer than the audit is kept, the name of its writer goes, too.
    """
    is_worded = (MisuseReport.happened + MisuseReport.description) != ""
    for query in (
        delete(MisuseReport).where(MisuseReport.closed_at < now - KEPT),
        update(MisuseReport)
        .where(MisuseReport.closed_at.is_(None), MisuseReport.at < now - KEPT, is_worded)
        .values(happened="", description=""),
        update(MisuseReport)
        .where(MisuseReport.at < now - AUDIT_KEPT, MisuseReport.actor.startswith(STAFF_PREFIX))
        .values(actor=FORGOTTEN_STAFF),
    ):
        session.execute(query, execution_options=UNSYNCHRONISED)


def _parse(typed: str, longest: int) -> str:
    words = parse_line(typed)
    if len(words) > longest:
        raise InputError("Please write at most %(most)s characters.", most=longest)
    return words


def _subject_of(session: Session, report: MisuseReport) -> Suspendable:
    """Returns the organiser, or the school, that the report is about."""
    if report.organiser_id is None:
        return session.get_one(School, report.school_id)
    return session.get_one(Organiser, report.organiser_id)
