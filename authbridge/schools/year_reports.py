"""Reports what changes of a school year have done, from the audit: for as long as that is kept, a year."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from authbridge.audit import KEPT, Action
from authbridge.errors import NotFoundError
from authbridge.storage.models import AuditEvent, School


class YearOutcome(StrEnum):
    """What a change of the school year did to an access; the key in the detail of its event."""

    EXTENDED = "extended"
    RENEWED = "renewed"
    ISSUED = "issued"
    ENDING = "ending"
    UNCHANGED = "unchanged"
    ENDING_BEFORE = "ending_before"
    LET_GO = "let_go"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """An access, what was done to it, and its last day before (None: it had none) and after."""

    username: str
    outcome: YearOutcome
    before: date | None
    until: date
    is_suspended: bool


@dataclass(frozen=True, slots=True)
class YearUndo:
    """When and by whom the last days of a change were taken back, and of how many accesses."""

    at: datetime
    actor: str
    accesses: int


@dataclass(frozen=True, slots=True)
class YearReport:
    """The change of the school year of one school; the days are as in its plan."""

    event_id: int
    run: str
    at: datetime
    actor: str
    code: str
    name: str
    valid_until: date
    others_until: date
    ended_at_once: bool
    transition_until: date | None
    print_job: str | None
    quota: int | None
    rows: tuple[OutcomeRow, ...]
    has_new_days: bool
    undo: YearUndo | None

    @property
    def can_be_undone(self) -> bool:
        """Tells whether there are last days to take back."""
        return self.has_new_days and self.undo is None

    def count(self, outcome: YearOutcome) -> int:
        """Counts the accesses to which that was done."""
        return sum(row.outcome == outcome for row in self.rows)


@dataclass(frozen=True, slots=True)
class YearChangeRow:
    """A change of the school year in a list."""

    run: str
    at: datetime
    actor: str
    name: str
    valid_until: date


def get_reports(session: Session, run: str, *, now: datetime) -> tuple[YearReport, ...]:
    """Returns the reports of one run, by school.

    Raises:
        NotFoundError: There is none any more.
    """
    query = (
        select(AuditEvent, School.name)
        .outerjoin(School, School.code == AuditEvent.subject)
        .where(*kept_changes(now), AuditEvent.detail["run"].as_string() == run)
        .order_by(AuditEvent.subject, AuditEvent.id)
    )
    found = session.execute(query).all()
    if not found:
        raise NotFoundError("There is no such report, or it is older than a year.")
    undone = _undone(session, [event.id for event, _name in found])
    return tuple(_report(event, name, undone.get(event.id)) for event, name in found)


def _undone(session: Session, event_ids: Collection[int]) -> dict[int, YearUndo]:
    """Returns which changes were undone, by their events; once it was, nothing is left to undo."""
    undoes = AuditEvent.detail["undoes"].as_integer()
    query = select(undoes, AuditEvent).where(
        AuditEvent.action == Action.ORGANISERS_UNDO_VALIDITY,
        AuditEvent.id > min(event_ids),
        undoes.in_(event_ids),
    )
    return {
        event_id: YearUndo(event.at, event.actor, len(event.detail["usernames"]))
        for event_id, event in session.execute(query.order_by(AuditEvent.id.desc()))
    }


def list_changes(
    session: Session, code: str | None = None, *, now: datetime, limit: int
) -> tuple[YearChangeRow, ...]:
    """Lists the latest changes of the school year, of one school or of all."""
    query = select(
        AuditEvent.detail["run"].as_string(),
        AuditEvent.at,
        AuditEvent.actor,
        func.coalesce(School.name, AuditEvent.subject),
        AuditEvent.detail["valid_until"].as_string(),
    ).outerjoin(School, School.code == AuditEvent.subject)
    query = query.where(*kept_changes(now))
    if code is not None:
        query = query.where(AuditEvent.subject == code)
    rows = session.execute(query.order_by(AuditEvent.id.desc()).limit(limit))
    return tuple(
        YearChangeRow(run, at, actor, name, date.fromisoformat(day)) for run, at, actor, name, day in rows
    )


def list_let_go(session: Session, code: str, *, now: datetime) -> frozenset[tuple[str, date]]:
    """Lists whom changes of the school year did not let stay, with the last day that they set."""
    query = select(AuditEvent.detail).where(*kept_changes(now), AuditEvent.subject == code)
    return frozenset(
        (username, date.fromisoformat(detail["others_until"]))
        for detail in session.scalars(query)
        for username in detail["ending"]
    )


def kept_changes(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Selects the events of changes of the school year that are still kept."""
    return (AuditEvent.action == Action.SCHOOL_CHANGE_YEAR, AuditEvent.at >= now - KEPT)


def _report(event: AuditEvent, name: str | None, undo: YearUndo | None) -> YearReport:
    detail = event.detail
    transition = detail["transition_until"]
    return YearReport(
        event_id=event.id,
        run=detail["run"],
        at=event.at,
        actor=event.actor,
        code=event.subject,
        name=name or event.subject,
        valid_until=date.fromisoformat(detail["valid_until"]),
        others_until=date.fromisoformat(detail["others_until"]),
        ended_at_once=detail["ends_at_once"],
        transition_until=None if transition is None else date.fromisoformat(transition),
        print_job=detail.get("print_job"),
        quota=detail.get("quota"),
        rows=tuple(sorted(_rows(detail), key=lambda row: row.username)),
        has_new_days=bool(detail["usernames"]),
        undo=undo,
    )


def _rows(detail: dict[str, Any]) -> Iterator[OutcomeRow]:
    suspended, same, before = set(detail["suspended"]), detail["same"], detail["before"]
    for outcome in YearOutcome:
        new_day = detail["others_until" if outcome is YearOutcome.ENDING else "valid_until"]
        for username in detail[outcome]:
            former = same.get(username, before.get(username))
            yield OutcomeRow(
                username,
                outcome,
                None if former is None else date.fromisoformat(former),
                date.fromisoformat(same.get(username, new_day)),
                username in suspended,
            )
