"""Tables that were sent to be imported: in memory, for ten minutes, for one session."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from authbridge.errors import AuthBridgeError
from authbridge.expiring_store import ExpiringStore
from authbridge.schools.commands.imports import SchoolLine
from authbridge.schools.credential_table import TypedCredential
from authbridge.tables import TableFile

_LIFETIME = timedelta(minutes=10)


class ImportStep(StrEnum):
    """How far an import has come."""

    SHOWN = "shown"
    HASHING = "hashing"
    DONE = "done"


@dataclass(slots=True, eq=False)
class ImportTable:
    """A table that its sender looks at before it counts; the thread that hashes changes it meanwhile.

    ``owner`` is the hash of the session's id. A table has ``credentials`` or ``schools``, until it is done.
    ``done`` counts the passwords that are hashed, and then the accesses that were taken over. ``error`` is
    what stopped an attempt: nothing was changed by it.
    """

    owner: str
    file: TableFile = field(repr=False)
    credentials: list[TypedCredential] = field(default_factory=list, repr=False)
    schools: list[SchoolLine] = field(default_factory=list, repr=False)
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    step: ImportStep = ImportStep.SHOWN
    attempt: int = 1
    total: int = 0
    done: int = 0
    error: AuthBridgeError | None = None

    @property
    def key(self) -> str:
        """Returns what the button of this attempt sends along: pressed twice, it counts once."""
        return f"{self.id}-{self.attempt}"

    def begin(self) -> None:
        """Notes that its passwords are being hashed."""
        self.step, self.error, self.total = ImportStep.HASHING, None, len(self.credentials)

    def stop(self, error: AuthBridgeError) -> None:
        """Notes that nothing was changed; it can be looked at and tried again."""
        self.step, self.error, self.done = ImportStep.SHOWN, error, 0
        self.attempt += 1

    def finish(self, count: int) -> None:
        """Notes that so many accesses were taken over, and forgets their passwords."""
        self.step, self.done = ImportStep.DONE, count
        self.wipe()

    def wipe(self) -> None:
        """Forgets what stood in the table."""
        self.file = replace(self.file, rows=())
        self.credentials.clear()
        self.schools.clear()


class ImportTables:
    """All tables of this process that wait for their sender."""

    def __init__(self) -> None:
        self._tables = ExpiringStore[str, ImportTable](_LIFETIME, wipe=ImportTable.wipe)

    def add(self, table: ImportTable, *, now: datetime) -> None:
        """Keeps a table, and drops those that the same session has left behind."""
        self._tables.sweep(
            lambda other: other.owner == table.owner and other.step is not ImportStep.HASHING, now=now
        )
        self._tables.put(table.id, table, now=now)

    def hold(self, table: ImportTable, *, now: datetime) -> None:
        """Keeps it beyond its ten minutes, for as long as its passwords are hashed."""
        self._tables.put(table.id, table, now=now, is_held=True)

    def release(self, table: ImportTable, *, now: datetime) -> None:
        """Begins its ten minutes anew; one that was wiped meanwhile stays away."""
        if self.holds(table, now=now):
            self._tables.put(table.id, table, now=now)

    def holds(self, table: ImportTable, *, now: datetime) -> bool:
        """Tells whether it has not been wiped, so that somebody may still wait for it."""
        return self._tables.find(table.id, now=now) is not None

    def find(self, table_id: str, owner: str, *, now: datetime) -> ImportTable | None:
        """Returns the table; None if it is another session's, over, or was never there."""
        table = self._tables.find(table_id, now=now)
        return table if table is not None and table.owner == owner else None

    def wipe(self, table: ImportTable, *, now: datetime) -> None:
        """Wipes one that its sender has given up."""
        self._tables.sweep(lambda other: other is table, now=now)

    def wipe_all_of(self, owner: str, *, now: datetime) -> None:
        """Wipes all of a session that is over."""
        self._tables.sweep(lambda table: table.owner == owner, now=now)

    def all(self, *, now: datetime) -> list[ImportTable]:
        """Returns the tables that are not over."""
        return self._tables.values(now=now)

    def sweep(self, *, now: datetime) -> None:
        """Wipes those that are over."""
        self._tables.sweep(now=now)

    def sweep_sessions(self, alive: Collection[str], *, now: datetime) -> None:
        """Wipes those of sessions that are not alive."""
        self._tables.sweep(lambda table: table.owner not in alive, now=now)
