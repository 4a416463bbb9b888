"""Reads what the record of processing says of the database: the oldest rows, and late deletions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authbridge import deletion_records
from authbridge.config import Config
from authbridge.data_protection.descriptions import KeptFor, TableDescription
from authbridge.data_protection.inventory import INVENTORY
from authbridge.deletion_records import DeletionRecord
from authbridge.login import held_rows, journal
from authbridge.readiness import PURGE_OVERDUE, purge_is_overdue
from authbridge.storage.models import Role, School, Staff

_SHOWN = 14  # records


@dataclass(frozen=True, slots=True)
class TableState:
    """What a table holds now: the moment of its oldest row (None: no row), and whether one is too old.

    ``held`` rows are older than the limit, but held for an incident, the last of them until ``held_until``.
    """

    described: TableDescription
    oldest: datetime | date | None
    is_overdue: bool
    held: int
    held_until: datetime | None


@dataclass(frozen=True, slots=True)
class Contract:
    """A school with the day of its contract on data processing; None: there is none."""

    code: str
    name: str
    contract_on: date | None


@dataclass(frozen=True, slots=True)
class RecordState:
    """Everything that the record of processing reads from the database.

    ``purged_at`` is when everything too old was last deleted, ``purge_is_overdue`` that this is too long ago.
    ``deletions`` are the latest records, the newest first; ``is_record_overdue`` that a night is missing.
    ``contracts`` are by name, schools without one first.
    """

    tables: tuple[TableState, ...]
    purged_at: datetime | None
    purge_is_overdue: bool
    deletions: tuple[DeletionRecord, ...]
    is_record_overdue: bool
    contracts: tuple[Contract, ...]
    staff: Mapping[Role, int]


def record_state(session: Session, config: Config, *, now: datetime) -> RecordState:
    """Reads the oldest row of each table, the last deletion, the contracts and the number of staff."""
    purged_at = journal.last_purge(session)
    deletions = deletion_records.latest(session, _SHOWN)
    return RecordState(
        tables=tuple(table_states(session, config, now)),
        purged_at=purged_at,
        purge_is_overdue=purge_is_overdue(purged_at, now=now),
        deletions=tuple(deletions),
        is_record_overdue=any(deletion_records.is_overdue(each.made_at, now=now) for each in deletions[:1]),
        contracts=tuple(_contracts(session)),
        staff=_count_staff(session),
    )


def table_states(session: Session, config: Config, now: datetime) -> Iterator[TableState]:
    """Yields what each table holds now, in the order of the page."""
    for described in INVENTORY:
        oldest = None if described.oldest is None else session.scalar(select(func.min(described.oldest)))
        is_overdue = any(_is_broken(session, promise, config, now) for promise in described.promises)
        held = sum(_count_held(session, promise, config, now) for promise in described.promises)
        held_until = held_rows.last_end(session, now=now) if held else None
        yield TableState(described, oldest, is_overdue, held, held_until)


def count_rows(session: Session, described: TableDescription) -> int:
    """Returns the number of rows of a table."""
    return session.scalar(select(func.count()).select_from(described.table)) or 0


def _is_broken(session: Session, promise: KeptFor, config: Config, now: datetime) -> bool:
    """Tells whether a row is older than promised, by more than the time that a deletion may take."""
    query = select(promise.since).where(promise.is_late(config, now - PURGE_OVERDUE)).limit(1)
    return session.scalar(query) is not None


def _count_held(session: Session, promise: KeptFor, config: Config, now: datetime) -> int:
    """Counts the rows that are older than promised, but held for an incident."""
    is_held = promise.stays_longer(config, now)
    if is_held is None:
        return 0
    return session.scalar(select(func.count(promise.since)).where(is_held)) or 0


def _contracts(session: Session) -> Iterator[Contract]:
    query = select(School.code, School.name, School.contract_on).order_by(School.name, School.code)
    contracts = [Contract(*row) for row in session.execute(query)]
    yield from sorted(contracts, key=lambda each: each.contract_on is not None)


def _count_staff(session: Session) -> dict[Role, int]:
    counts = {
        row[0]: row[1] for row in session.execute(select(Staff.role, func.count()).group_by(Staff.role))
    }
    return {role: counts.get(role, 0) for role in Role}
