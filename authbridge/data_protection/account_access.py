"""Collects everything that is kept about one account, as Article 15 GDPR asks for it; changes nothing.

Each row has the columns that :mod:`authbridge.data_protection.inventory` does not withhold: a new column is
in it as soon as it is described.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, cast, false, func, or_, select, true
from sqlalchemy.orm import Session

from authbridge.audit import Action
from authbridge.config import Config
from authbridge.data_protection.descriptions import N_, Keeping, KeptFor
from authbridge.data_protection.inventory import description_of
from authbridge.login.alarm_rules import ALARMS_OF_ORGANISER
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.schools.year_reports import YearOutcome
from authbridge.storage.models import (
    AlarmRaised,
    AuditEvent,
    Base,
    Hold,
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

READ_BEFORE = N_(
    "What people wrote about misuse and suspensions stands here word for word. Please read it before you"
    " hand this out: it may name other people, whose rights must not suffer (Article 15(4) GDPR)."
)
"""Tells those who hand the data out."""

_TITLE = N_("Access to the data of an account (Article 15 GDPR)")


@dataclass(frozen=True, slots=True)
class AccountAccess:
    """What the data of an account are collected by; ``addresses``: also those of its logins."""

    config: Config
    keyed_hashes: KeyedHashes
    addresses: bool


def account_data(
    session: Session, organiser: Organiser, access: AccountAccess, *, now: datetime
) -> AccountData:
    """Collects the data of an account.

    What is older than it may be is not told, even if its deletion is late.
    """
    name = organiser.username
    orders = session.scalars(select(Revocation.id).where(Revocation.username == name)).all()
    wanted: dict[type[Base], ColumnElement[bool]] = {
        Organiser: Organiser.id == organiser.id,
        School: School.id == organiser.school_id,
        PrintJob: PrintJob.id == organiser.print_job_id,
        Suspension: Suspension.organiser_id == organiser.id,
        MisuseReport: MisuseReport.organiser_id == organiser.id,
        LoginAttempt: LoginAttempt.organiser_id == organiser.id,
        RejectedAttempts: RejectedAttempts.organiser_id == organiser.id,
        Hold: Hold.organiser_id == organiser.id,
        LoginFailure: LoginFailure.name_key == access.keyed_hashes.name(name),
        AlarmRaised: AlarmRaised.about.in_(_alarms(name)),
        Revocation: Revocation.username == name,
        RevocationDone: RevocationDone.revocation_id.in_(orders),
        ProsodyNode: true(),
        AuditEvent: or_(AuditEvent.subject == name, _may_name(name)),
    }
    sections = {
        model: tuple(_rows(session, model, is_wanted, access, now)) for model, is_wanted in wanted.items()
    }
    sections[ProsodyNode] = tuple(_meetings(sections[ProsodyNode], name))
    sections[AuditEvent] = tuple(_events(session, sections[AuditEvent], name))
    left_out = tuple(_left_out(sections, addresses=access.addresses))
    return AccountData(name, now, access.addresses, sections, left_out)


def _rows(
    session: Session,
    model: type[Base],
    is_wanted: ColumnElement[bool],
    access: AccountAccess,
    now: datetime,
) -> Iterator[Row]:
    """Yields the rows that are wanted, latest first; what should be deleted by now is left out, or None."""
    described = description_of(model)

    def is_late(kept: Keeping | None) -> ColumnElement[bool]:
        if not isinstance(kept, KeptFor):
            return false()
        # Nothing is late before it ends: then the comparison is NULL.
        return func.coalesce(kept.is_late(access.config, now), false())

    told = {
        name: column
        for name, column in described.columns.items()
        if column.withheld is None and (access.addresses or not column.is_address)
    }
    keys = described.table.primary_key.columns
    order = [each.desc() for each in (described.oldest, *keys) if each is not None]
    query = select(model, *(is_late(column.kept) for column in told.values()))
    for found, *are_late in session.execute(
        query.where(is_wanted, ~is_late(described.kept)).order_by(*order)
    ):
        yield {
            name: None if late else getattr(found, name) for name, late in zip(told, are_late, strict=True)
        }


def _alarms(username: str) -> list[str]:
    return [f"{alarm} {username}" for alarm in ALARMS_OF_ORGANISER]


def _meetings(nodes: Iterable[Row], username: str) -> Iterator[Row]:
    """Yields the number of meetings that run on each server; those of others are not told."""
    for node in nodes:
        if username in (node["meetings"] or ()):
            yield {
                "node": node["node"],
                "last_seen_at": node["last_seen_at"],
                "meetings": node["meetings"][username],
            }


def _may_name(username: str) -> ColumnElement[bool]:
    return cast(AuditEvent.detail, String).contains(username, autoescape=True)


def _events(session: Session, events: Iterable[Row], username: str) -> Iterator[Row]:
    """Yields the events that name the account, without other accounts and without staff."""
    is_code = session.scalar(select(School.id).where(School.code == username)) is not None
    for event in events:
        if _is_about(event, username, is_code=is_code):
            yield {**event, "detail": _only_about(event["detail"], username)}


def _is_about(event: Row, username: str, *, is_code: bool) -> bool:
    """Tells whether an event is about the account, not about something else of that name.

    ``is_code``: a school has this code, and a look at the journal by it may have been one at the school.
    """
    if event["action"] in _ABOUT_ONE:
        return bool(event["subject"] == username)
    if event["action"] == Action.JOURNAL_LOOK:
        return not is_code and bool(event["detail"].get("q") == username)
    return any(username in _names_in(event["detail"].get(name)) for name in _USERNAMES)


def _names_in(value: object) -> list[str] | Mapping[str, Any]:
    """Returns the names of a detail; what is neither a list nor a mapping holds none."""
    return value if isinstance(value, list | Mapping) else []


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
        "notice": translate(READ_BEFORE),
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
