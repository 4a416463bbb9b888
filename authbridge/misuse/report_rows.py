"""Lists misuse reports a page at a time, open ones first; changes nothing.

What is older than it may be is not told, even if its deletion is late.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from authbridge.audit import FORGOTTEN_STAFF, SCHOOL_ACTORS
from authbridge.audit import KEPT as AUDIT_KEPT
from authbridge.login import alarms
from authbridge.login.alarm_rules import Alarm
from authbridge.login.staff_names import STAFF_PREFIX
from authbridge.misuse.blocking import ALARM_SUBJECT
from authbridge.misuse.commands import KEPT, no_report
from authbridge.schools.listings import Extent, Page, page_of
from authbridge.storage.models import MisuseReport, Organiser, School, Suspendable, Suspension

_MOST_BESIDE = 5  # reports on the page of an organiser or a school; the list has all


class ReportState(StrEnum):
    """Which reports a list shows."""

    OPEN = "open"
    CLOSED = "closed"


class ReportOrder(StrEnum):
    """The column by which a list of reports is sorted; by default open ones stand first, then the latest."""

    AT = "at"
    SCHOOL = "school"


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A misuse report; ``username`` is None where the account is not known, or was deleted.

    The suspension that came of it began at ``suspended_at`` and ended at ``suspended_until``, None while it
    goes on; ``suspends_school``: it is one of the whole school.
    """

    id: int
    school_code: str
    school_name: str
    username: str | None
    at: datetime
    happened: str
    description: str
    reported_by: str
    actor: str
    suspended_at: datetime | None
    suspended_until: datetime | None
    suspends_school: bool
    closed_at: datetime | None
    closed_by: str | None
    result: str | None
    result_note: str | None

    @property
    def by_code(self) -> bool:
        """Tells whether the head of the school reported it, and blocked, with a code."""
        return self.actor.startswith(SCHOOL_ACTORS)

    @property
    def is_suspended(self) -> bool:
        """Tells whether the suspension that came of it goes on."""
        return self.suspended_at is not None and self.suspended_until is None


_QUERY: Select[*tuple[Any, ...]] = (
    select(MisuseReport, School.code, School.name, Organiser.username, Suspension)
    .join(School, School.id == MisuseReport.school_id)
    .outerjoin(Organiser, Organiser.id == MisuseReport.organiser_id)
    .outerjoin(Suspension, Suspension.id == MisuseReport.suspension_id)
)
_IS_OPEN = MisuseReport.closed_at.is_(None)
_STATES = {ReportState.OPEN: _IS_OPEN, ReportState.CLOSED: MisuseReport.closed_at.is_not(None)}


def list_reports(
    session: Session, *, state: ReportState | None = None, code: str = "", extent: Extent, now: datetime
) -> Page[ReportRow]:
    """Lists reports; ``code`` is that of a school, "" for all schools."""
    conditions = [_is_kept(now), *([] if state is None else [_STATES[state]])]
    if code:
        conditions.append(School.code == code)
    counted = select(func.count(MisuseReport.id)).join(School, School.id == MisuseReport.school_id)
    total = session.scalar(counted.where(*conditions)) or 0
    number, pages, size = page_of(extent, total)
    first = (number - 1) * size
    query = _QUERY.where(*conditions).order_by(*_order(extent)).limit(size).offset(first)
    return Page(_rows(session, query, now), number, pages, total, first + 1)


def open_reports(session: Session, about: Suspendable, *, now: datetime) -> tuple[ReportRow, ...]:
    """Lists the latest open reports about an organiser, or about a school with its organisers."""
    is_organiser = isinstance(about, Organiser)
    is_about = MisuseReport.organiser_id == about.id if is_organiser else MisuseReport.school_id == about.id
    query = _QUERY.where(_IS_OPEN, is_about).order_by(*_order(Extent())).limit(_MOST_BESIDE)
    return _rows(session, query, now)


def get_report(session: Session, report_id: int, *, now: datetime) -> ReportRow:
    """Finds one report.

    Raises:
        NotFoundError: There is no such report, or it is gone.
    """
    rows = _rows(session, _QUERY.where(MisuseReport.id == report_id, _is_kept(now)), now)
    if not rows:
        raise no_report()
    return rows[0]


def codes_guessed_at(session: Session) -> datetime | None:
    """Returns when staff were last told that somebody guesses at report codes; None if not within a day."""
    return alarms.raised_at(session.connection(), Alarm.REPORT_CODES, ALARM_SUBJECT)


def _order(extent: Extent) -> list[ColumnElement[Any]]:
    latest: list[ColumnElement[Any]] = [MisuseReport.at.desc(), MisuseReport.id.desc()]
    match extent.order:
        case ReportOrder.AT:
            return latest if extent.down else [MisuseReport.at.asc(), MisuseReport.id.asc()]
        case ReportOrder.SCHOOL:
            name = func.lower(School.name)
            return [name.desc() if extent.down else name.asc(), *latest]
        case _:
            return [MisuseReport.closed_at.is_not(None), *latest]


def _is_kept(now: datetime) -> ColumnElement[bool]:
    return or_(_IS_OPEN, MisuseReport.closed_at >= now - KEPT)


def _rows(session: Session, query: Select[*tuple[Any, ...]], now: datetime) -> tuple[ReportRow, ...]:
    return tuple(_row(*row, now=now) for row in session.execute(query))


def _row(
    report: MisuseReport,
    code: str,
    name: str,
    username: str | None,
    suspension: Suspension | None,
    *,
    now: datetime,
) -> ReportRow:
    has_words = report.closed_at is not None or report.at >= now - KEPT
    has_writer = report.at >= now - AUDIT_KEPT or not report.actor.startswith(STAFF_PREFIX)
    return ReportRow(
        id=report.id,
        school_code=code,
        school_name=name,
        username=username,
        at=report.at,
        happened=report.happened if has_words else "",
        description=report.description if has_words else "",
        reported_by=report.reported_by,
        actor=report.actor if has_writer else FORGOTTEN_STAFF,
        suspended_at=None if suspension is None else suspension.since,
        suspended_until=None if suspension is None else suspension.until,
        suspends_school=suspension is not None and suspension.school_id is not None,
        closed_at=report.closed_at,
        closed_by=report.closed_by,
        result=report.result,
        result_note=report.result_note,
    )
