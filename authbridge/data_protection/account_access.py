"""Collects everything that is kept about one account, as Article 15 GDPR asks for it; changes nothing.

Each row has the columns that :mod:`authbridge.data_protection.inventory` does not withhold: a new column is
in it as soon as it is described.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, cast, or_, select
from sqlalchemy.orm import Session

from authbridge.audit import Action
from authbridge.data_protection.descriptions import N_
from authbridge.data_protection.inventory import description_of
from authbridge.login.alarm_rules import ALARMS_OF_ORGANISER
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.schools.year_reports import YearOutcome
from authbridge.storage.models import (
    AlarmRaised,
    AuditEvent,
    Base,
    KnownNetwork,
    LoginAttempt,
    LoginFailure,
    MisuseReport,
    Organiser,
    PrintJob,
    ProsodyNode,
    RejectedAttempts,
    Revocation,
    RevocationDone,
    School,
    Suspension,
)

Row = Mapping[str, Any]
"""The values of a row by the names of its columns."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is kept but not told, and the reason; ``where`` is a table, or a column of one."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class AccountData:
    """Everything that is kept about an account; ``has_addresses``: with the addresses of its logins.

    ``sections`` are rows by the table that holds them.
    """

    username: str
    made_at: datetime
    has_addresses: bool
    sections: Mapping[type[Base], tuple[Row, ...]]
    left_out: tuple[LeftOut, ...]


_ADDRESSES = N_("Addresses are told by those who answer for the journal; please ask them.")
_NETWORKS = N_("It is a keyed hash of name and network: without knowing both, it cannot be found.")
_ABOUT_ONE = {each for each in (*Action, *ALARMS_OF_ORGANISER) if each.startswith("organiser:")} - {
    Action.ORGANISER_ISSUE,
    Action.ORGANISER_IMPORT,
}
"""The actions whose subject is a login name; a school, or one of the staff, may be called alike."""

_USERNAMES = ("usernames", "before", "suspended", *YearOutcome)
"""The details that name accounts, in a list or as keys."""

_TITLE = N_("Access to the data of an account (Article 15 GDPR)")


def account_data(
    session: Session, organiser: Organiser, keyed_hashes: KeyedHashes, *, addresses: bool, now: datetime
) -> AccountData:
    """Collects the data of an account; ``addresses``: also those of its logins."""
    name = organiser.username
    orders = list(
        session.scalars(select(Revocation).where(Revocation.username == name).order_by(Revocation.id.desc()))
    )
    found: dict[type[Base], Iterable[Base]] = {
        Organiser: [organiser],
        School: [organiser.school],
        PrintJob: _all(session, PrintJob, PrintJob.id == organiser.print_job_id),
        Suspension: _all(session, Suspension, Suspension.organiser_id == organiser.id),
        MisuseReport: _all(session, MisuseReport, MisuseReport.organiser_id == organiser.id),
        LoginAttempt: _all(session, LoginAttempt, LoginAttempt.organiser_id == organiser.id),
        RejectedAttempts: _all(session, RejectedAttempts, RejectedAttempts.organiser_id == organiser.id),
        LoginFailure: _all(session, LoginFailure, LoginFailure.name_key == keyed_hashes.name(name)),
        AlarmRaised: _all(session, AlarmRaised, AlarmRaised.about.in_(_alarms(name))),
        Revocation: orders,
        RevocationDone: _all(
            session, RevocationDone, RevocationDone.revocation_id.in_([each.id for each in orders])
        ),
    }
    sections = {
        model: tuple(_row(each, addresses=addresses) for each in rows) for model, rows in found.items()
    }
    sections[ProsodyNode] = tuple(_meetings(session, name))
    sections[AuditEvent] = tuple(_events(session, name))
    return AccountData(name, now, addresses, sections, tuple(_left_out(sections, addresses=addresses)))


def _all(session: Session, model: type[Base], is_wanted: ColumnElement[bool]) -> Iterable[Base]:
    """Returns the rows that are wanted, latest first."""
    described = description_of(model)
    order = described.oldest if described.oldest is not None else described.table.primary_key.columns[0]
    return session.scalars(select(model).where(is_wanted).order_by(order.desc()))


def _alarms(username: str) -> list[str]:
    return [f"{alarm} {username}" for alarm in ALARMS_OF_ORGANISER]


def _row(found: Base, *, addresses: bool) -> Row:
    columns = description_of(type(found)).columns
    return {
        name: getattr(found, name)
        for name, column in columns.items()
        if column.withheld is None and (addresses or not column.is_address)
    }


def _meetings(session: Session, username: str) -> Iterator[Row]:
    """Yields the number of meetings that run on each server; those of others are not told."""
    for node in session.scalars(select(ProsodyNode).order_by(ProsodyNode.node)):
        if username in node.meetings:
            yield {
                "node": node.node,
                "last_seen_at": node.last_seen_at,
                "meetings": node.meetings[username],
            }


def _events(session: Session, username: str) -> Iterator[Row]:
    """Yields the events that name the account, latest first, without other accounts and without staff."""
    may_name = cast(AuditEvent.detail, String).contains(username, autoescape=True)
    query = (
        select(AuditEvent).where(or_(AuditEvent.subject == username, may_name)).order_by(AuditEvent.id.desc())
    )
    is_code = session.scalar(select(School.id).where(School.code == username)) is not None
    for event in session.scalars(query):
        if _is_about(event, username, is_code=is_code):
            yield {**_row(event, addresses=True), "detail": _only_about(event.detail, username)}


def _is_about(event: AuditEvent, username: str, *, is_code: bool) -> bool:
    """Tells whether an event is about the account, not about something else of that name.

    ``is_code``: a school has this code, and a look at the journal by it may have been one at the school.
    """
    if event.action in _ABOUT_ONE:
        return event.subject == username
    if event.action == Action.JOURNAL_LOOK:
        return event.detail.get("q") == username and not is_code
    return any(username in _as_names(event.detail.get(name)) for name in _USERNAMES)


def _as_names(value: object) -> Iterable[object]:
    """Returns the names of a detail; what is neither a list nor a mapping holds none."""
    return value if isinstance(value, list | Mapping) else ()


def _only_about(detail: Mapping[str, Any], username: str) -> Row:
    """Returns the details of an event without other accounts, which stand in lists or as keys."""
    return {name: _own_part(value, username) for name, value in detail.items()}


def _own_part(value: object, username: str) -> object:
    match value:
        case Mapping() if value:
            return {username: value[username]} if username in value else {}
        case list():
            return [each for each in value if each == username]
        case _:
            return value


def _left_out(told: Iterable[type[Base]], *, addresses: bool) -> Iterator[LeftOut]:
    for model in told:
        described = description_of(model)
        for name, column in described.columns.items():
            where = f"{described.table.name}.{name}"
            if column.withheld is not None:
                yield LeftOut(where, column.withheld)
            elif column.is_address and not addresses:
                yield LeftOut(where, _ADDRESSES)
    yield LeftOut(description_of(KnownNetwork).table.name, _NETWORKS)


def as_document(data: AccountData, translate: Callable[[str], str] = str) -> dict[str, Any]:
    """Returns the data as JSON has it: moments in ISO 8601, and beside each table what its columns mean."""
    return {
        "document": translate(_TITLE),
        "account": data.username,
        "made_at": data.made_at.isoformat(timespec="seconds"),
        "has_addresses": data.has_addresses,
        "sections": {
            described.table.name: {
                "title": translate(described.title),
                "purpose": translate(described.purpose),
                "columns": {name: translate(described.columns[name].words) for name in rows[0]}
                if rows
                else {},
                "rows": [_as_json(row) for row in rows],
            }
            for described, rows in ((description_of(model), rows) for model, rows in data.sections.items())
        },
        "left_out": [{"where": each.where, "reason": translate(each.reason)} for each in data.left_out],
    }


def _as_json(value: object) -> Any:  # noqa: ANN401 - whatever JSON holds
    match value:
        case date():  # a moment is one, too
            return value.isoformat()
        case Mapping():
            return {name: _as_json(each) for name, each in value.items()}
        case list() | tuple():
            return [_as_json(each) for each in value]
        case _:
            return value
