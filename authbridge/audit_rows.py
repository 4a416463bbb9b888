"""Lists the audit a page at a time, latest first; changes nothing.

What is older than the audit is kept is not listed, and an address no longer than other addresses are kept,
even if their deletion is late.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from authbridge.audit import FORGOTTEN_NETWORK, KEPT, NETWORK_EVENTS, POLICY
from authbridge.storage.models import AuditEvent

KEPT_DAYS = KEPT.days
PAGE_SIZE = 50


class AuditActor(StrEnum):
    """The kinds of actors."""

    STAFF = "staff"
    COMMAND_LINE = "cli"
    SCHOOL = "school"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What to list: events from ``start`` to before ``end``; None or "" narrows nothing.

    ``topic`` is the part of an action before the colon, ``name`` a subject or the name of an actor.
    """

    start: datetime | None = None
    end: datetime | None = None
    actor: AuditActor | None = None
    topic: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An event."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some rows, and the event after which the older ones begin (None: there are none)."""

    rows: tuple[AuditRow, ...]
    older: int | None


def list_events(
    session: Session,
    wanted: AuditFilter,
    *,
    now: datetime,
    addresses_since: datetime,
    before: int | None = None,
) -> AuditPage:
    """Lists the events that fit; ``before`` is the event with which the former page ended."""
    subject = _subject(addresses_since)
    query = select(
        AuditEvent.id, AuditEvent.at, AuditEvent.actor, AuditEvent.action, subject, AuditEvent.detail
    ).where(AuditEvent.at >= now - KEPT, *_conditions(wanted, subject))
    last = None if before is None else session.get(AuditEvent, before)
    if last is not None:
        is_after = and_(AuditEvent.at == last.at, AuditEvent.id < last.id)
        query = query.where(AuditEvent.at <= last.at, or_(AuditEvent.at < last.at, is_after))
    query = query.order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
    rows = session.execute(query.limit(PAGE_SIZE + 1)).all()
    shown = rows[:PAGE_SIZE]
    older = shown[-1][0] if len(rows) > PAGE_SIZE else None
    return AuditPage(tuple(AuditRow(*row[1:]) for row in shown), older)


def count_alarms(session: Session, *, since: datetime) -> int:
    """Counts the alarms from that moment on."""
    query = select(func.count(AuditEvent.id)).where(AuditEvent.actor == POLICY, AuditEvent.at >= since)
    return session.scalar(query) or 0


def _subject(addresses_since: datetime) -> ColumnElement[str]:
    """Returns the subject without an address that should be deleted by now."""
    is_old_address = and_(AuditEvent.action.startswith(NETWORK_EVENTS), AuditEvent.at < addresses_since)
    return case((is_old_address, FORGOTTEN_NETWORK), else_=AuditEvent.subject)


def _conditions(wanted: AuditFilter, subject: ColumnElement[str]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.start is not None:
        conditions.append(AuditEvent.at >= wanted.start)
    if wanted.end is not None:
        conditions.append(AuditEvent.at < wanted.end)
    if wanted.actor is AuditActor.ALARM:
        conditions.append(AuditEvent.actor == POLICY)
    elif wanted.actor is not None:
        conditions.append(AuditEvent.actor.startswith(f"{wanted.actor}:", autoescape=True))
    if wanted.topic:
        conditions.append(AuditEvent.action.startswith(f"{wanted.topic}:", autoescape=True))
    if wanted.name:
        kinds = (AuditActor.STAFF, AuditActor.COMMAND_LINE, AuditActor.SCHOOL)
        names = [f"{kind}:{wanted.name}" for kind in kinds]
        conditions.append(or_(subject == wanted.name, AuditEvent.actor.in_(names)))
    return conditions
