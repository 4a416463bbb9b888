"""Keeps what was left after the deletion of each night, for the data-protection officer to look up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.orm import Session

from authbridge.machine.findings import Level
from authbridge.machine.reported_findings import ReportedFinding, pack, unpack
from authbridge.storage import models
from authbridge.storage.prepared import Prepared
from authbridge.storage.statements import UNSYNCHRONISED, upsert

KEPT = timedelta(days=365)  # as the audit

_OVERDUE = timedelta(hours=26)

_KEEP = upsert(
    models.table_of(models.StoredDeletionRecord),
    key=("day",),
    changed=("made_at", "log_emptied", "tables", "logs"),
)
_LATEST = Prepared(
    select(models.StoredDeletionRecord.made_at, models.StoredDeletionRecord.tables)
    .order_by(models.StoredDeletionRecord.day.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class TableLeft:
    """How many rows a table had, the oldest, and before which moment there may be none; None: not limited.

    ``is_overdue``: a row, or a column that was to be emptied, was older than promised.  ``held`` rows were
    older, but held for an incident, the last of them until ``held_until``.
    """

    table: str
    rows: int
    oldest: datetime | date | None
    limit: datetime | None
    is_overdue: bool
    held: int = 0
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogRecord:
    """What the doctor last found of a server's logs."""

    machine: str
    examined_at: datetime
    findings: Sequence[ReportedFinding]

    @property
    def faults(self) -> list[ReportedFinding]:
        """Returns the logs that are kept for too long, or of which that is not known."""
        return [each for each in self.findings if each.level in {Level.WARNING, Level.ERROR}]


@dataclass(frozen=True, slots=True)
class DeletionRecord:
    """What was left in the night of that day.

    ``log_emptied``: nothing older was left in the database's write-ahead log either.
    """

    day: date
    made_at: datetime
    log_emptied: bool
    tables: Sequence[TableLeft]
    logs: Sequence[LogRecord]

    @property
    def overdue(self) -> list[TableLeft]:
        """Returns the tables in which something was older than promised."""
        return [each for each in self.tables if each.is_overdue]


def keep(session: Session, record: DeletionRecord) -> None:
    """Keeps a record, in the place of an earlier one of the same day."""
    session.execute(
        _KEEP,
        {
            "day": record.day,
            "made_at": record.made_at,
            "log_emptied": record.log_emptied,
            "tables": [_pack_table(each) for each in record.tables],
            "logs": [_pack_log(each) for each in record.logs],
        },
    )


def latest(session: Session, count: int) -> list[DeletionRecord]:
    """Returns the latest records, the newest first."""
    query = select(models.StoredDeletionRecord).order_by(models.StoredDeletionRecord.day.desc()).limit(count)
    return [_unpack(row) for row in session.scalars(query)]


def of_day(session: Session, day: date) -> DeletionRecord | None:
    """Returns the record of that day; None if there is none."""
    row = session.get(models.StoredDeletionRecord, day)
    return None if row is None else _unpack(row)


def last_made_at(session: Session) -> datetime | None:
    """Returns when the latest record was made; None if never."""
    return session.scalar(select(func.max(models.StoredDeletionRecord.made_at)))


def latest_overdue(connection: Connection) -> tuple[datetime, int] | None:
    """Returns when the latest record was made, and in how many tables something was older than promised."""
    row = _LATEST.run(connection)
    if row is None:
        return None
    made_at, tables = row
    return made_at, sum(_unpack_table(each).is_overdue for each in tables)


def is_overdue(made_at: datetime, *, now: datetime) -> bool:
    """Tells whether a night has gone by without a record."""
    return now - made_at > _OVERDUE


def purge(session: Session, *, now: datetime) -> None:
    """Deletes the records of a year ago."""
    query = delete(models.StoredDeletionRecord).where(models.StoredDeletionRecord.day < (now - KEPT).date())
    session.execute(query, execution_options=UNSYNCHRONISED)


def _unpack(row: models.StoredDeletionRecord) -> DeletionRecord:
    return DeletionRecord(
        row.day,
        row.made_at,
        row.log_emptied,
        [_unpack_table(each) for each in row.tables],
        [_unpack_log(each) for each in row.logs],
    )


def _pack_table(record: TableLeft) -> dict[str, Any]:
    return {
        "table": record.table,
        "rows": record.rows,
        "oldest": record.oldest and record.oldest.isoformat(),
        "limit": record.limit and record.limit.isoformat(),
        "is_overdue": record.is_overdue,
        "held": record.held,
        "held_until": record.held_until and record.held_until.isoformat(),
    }


def _unpack_table(packed: dict[str, Any]) -> TableLeft:
    return TableLeft(
        packed["table"],
        packed["rows"],
        packed["oldest"] and _moment(packed["oldest"]),
        packed["limit"] and datetime.fromisoformat(packed["limit"]),
        packed["is_overdue"],
        packed.get("held", 0),  # records of an earlier version have neither
        datetime.fromisoformat(packed["held_until"]) if packed.get("held_until") else None,
    )


def _moment(text: str) -> datetime | date:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _pack_log(record: LogRecord) -> dict[str, Any]:
    return {
        "machine": record.machine,
        "examined_at": record.examined_at.isoformat(),
        "findings": [pack(each) for each in record.findings],
    }


def _unpack_log(packed: dict[str, Any]) -> LogRecord:
    return LogRecord(
        packed["machine"],
        datetime.fromisoformat(packed["examined_at"]),
        [unpack(each) for each in packed["findings"]],
    )
