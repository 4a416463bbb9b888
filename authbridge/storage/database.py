"""Opens connections and transactions, and turns every outage into one error.

SQLite by default, PostgreSQL where one machine is outgrown.  Transactions are short; none stays open while a
password is hashed.
"""

import os
import shutil
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from authbridge.errors import ConfigError, ConflictError, StorageError
from authbridge.storage.models import Base
from authbridge.storage.networks import Overlaps, overlaps

FOLDER_OF_POSTGRESQL = Path("/var/lib/postgresql")
"""The folder in which Debian has all servers of a machine."""

_PATIENCE = 5  # seconds for a lock, a statement or a free connection; a login may take 15 in all
_CONNECT_PATIENCE = 3  # seconds
_EXCLUSIVE_PATIENCE = 30.0  # seconds until all tables are ours
_EXCLUSIVE_TRY = 500  # milliseconds; PostgreSQL looks for deadlocks after 1000
_POOL = 16  # connections of a process
_READ_ONLY = "25006"  # PostgreSQL, appendix A: read_only_sql_transaction
_PRIMARY_CODE = 0xFF  # of SQLite's result codes, without the extension
_LONGEST_PAUSE_OF_LOGINS = 1  # seconds between two statements of a transaction, on PostgreSQL
_LONGEST_PAUSE = 300  # seconds likewise; a page is made meanwhile, or a backup written


class Database:
    """One database and its pool of connections."""

    def __init__(self, url: str, *, durable: bool = True) -> None:
        """Opens the database; ``durable``: committed data survives a power cut (of SQLite), and a failover.

        Commands need that.  The journal of logins does not: a login waits for no disk, and for no standby of
        PostgreSQL.  Else PostgreSQL does as it is set up.

        Raises:
            ConfigError: The address is none of ours, or leads to another machine without TLS.
        """
        self._url = _parse_url(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self.engine = _engine_of(self._url, durable=durable)
        self._is_here = self.is_sqlite or _is_here(self.engine)
        self._write_lock = threading.Lock()

    @property
    def file(self) -> Path | None:
        """Returns the SQLite file; None for PostgreSQL."""
        return Path(self._url.database or "") if self.is_sqlite else None

    @contextmanager
    def write_session(self) -> Iterator[Session]:
        """Opens a transaction that may write; commits it at the end.

        Neither error carries the statement's values: PostgreSQL quotes whole rows, hash included.

        Raises:
            StorageError: The database does not answer.
            ConflictError: Somebody else was faster.
        """
        with (
            self._plain_errors(),
            self._wait_for_turn(),
            Session(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            self._begin_to_write(session.connection())
            yield session

    @contextmanager
    def rehearsal(self) -> Iterator[Session]:
        """Opens a transaction like :meth:`write_session`, and takes back at its end what was written.

        What would fail fails here: before a password is shown that is then not to be had.
        """
        with self.write_session() as session:
            yield session
            session.flush()
            session.rollback()

    @contextmanager
    def write_connection(self) -> Iterator[Connection]:
        """Opens a transaction of prepared statements, for the login flow; else like :meth:`write_session`."""
        with self._plain_errors(), self._wait_for_turn(), self.engine.begin() as connection:
            self._begin_to_write(connection)
            yield connection

    @contextmanager
    def read_connection(self) -> Iterator[Connection]:
        """Opens a connection for prepared statements that only read; else like :meth:`read_session`."""
        with self._plain_errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def read_session(self) -> Iterator[Session]:
        """Opens a transaction that only reads and waits for no writer; raises like :meth:`write_session`."""
        with self._plain_errors(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Opens a transaction that reads all tables as they are at its beginning; no writer waits for it.

        Raises like :meth:`write_session`.
        """
        with self._plain_errors(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                if self.is_sqlite:
                    connection.exec_driver_sql("BEGIN")
                yield connection

    @contextmanager
    def exclusive_session(self) -> Iterator[Session]:
        """Opens a transaction in which nobody else writes to any table; else like :meth:`write_session`.

        Others read meanwhile what was there before.  It may last for as long as copying all rows takes.
        """
        with self.write_session() as session:
            if not self.is_sqlite:
                _lock_all_tables(session)
                session.execute(text("SET LOCAL statement_timeout = 0"))
            yield session

    @contextmanager
    def own_connection(self) -> Iterator[Any]:
        """Opens a raw autocommit connection of the driver, outside the pool; closes it at the end.

        Raises:
            StorageError: The database does not answer.
        """
        with self._plain_errors():
            connection = self.engine.raw_connection()
            connection.detach()
            with closing(connection):
                driver: Any = connection.dbapi_connection
                if not self.is_sqlite:
                    driver.autocommit = True
                yield driver

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise ConflictError(
                "Somebody else changed the same thing at this moment. Please try again."
            ) from None
        except _outages() as error:
            if _is_read_only(error):
                # A connection that was opened meanwhile would stay read-only for its whole life.
                self.engine.dispose()
            raise StorageError(f"The database does not answer: {_reason_of(error)}.") from None

    @contextmanager
    def _wait_for_turn(self) -> Iterator[None]:
        # SQLite has one writer at a time, and a connection that finds it busy sleeps for some milliseconds
        # before it tries again.  Within one process a lock hands the turn over at once.
        if not self.is_sqlite:
            yield
            return
        if not self._write_lock.acquire(timeout=_PATIENCE):
            raise StorageError("The database does not answer: another writer takes too long.")
        try:
            yield
        finally:
            self._write_lock.release()

    def _begin_to_write(self, connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once while another process writes; one that
        # begins as a writer waits for its turn.
        if self.is_sqlite:
            connection.connection.cursor().execute("BEGIN IMMEDIATE")

    def create_file(self) -> None:
        """Creates an empty SQLite file that only its owner can read, before anything is written into it.

        Raises:
            StorageError: The file cannot be created.
        """
        if self.file is None or self.exists():
            return
        try:
            os.close(os.open(self.file, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            raise StorageError(f"{self.file} cannot be made: {error.strerror}.") from error

    def exists(self) -> bool:
        """Tells whether the SQLite file is there; a PostgreSQL database always is.

        Raises:
            StorageError: The folder cannot be reached.
        """
        try:
            return self.file is None or self.file.exists()
        except OSError as error:
            raise StorageError(f"{self.file} cannot be reached: {error.strerror}.") from error

    @property
    def folder(self) -> Path | None:
        """Returns where its files lie; None for a PostgreSQL elsewhere, or not in Debian's folder."""
        if self.is_sqlite:
            return None if self.file is None else self.file.parent
        return FOLDER_OF_POSTGRESQL if self._is_here and FOLDER_OF_POSTGRESQL.is_dir() else None

    def free_bytes(self) -> int | None:
        """Returns the room left in its folder; None where we do not see it."""
        return None if self.folder is None else shutil.disk_usage(self.folder).free

    def empty_write_ahead_log(self) -> None:
        """Lets deleted rows vanish from SQLite's second file too."""
        if self.is_sqlite:
            with self._plain_errors(), self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()


def _lock_all_tables(session: Session) -> None:
    # Other transactions take their locks in many orders.  One that waits for us while we wait for it would be
    # ended as a deadlock after a second, and a login refused: we let go before, and try again.
    tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
    deadline = time.monotonic() + _EXCLUSIVE_PATIENCE
    while True:
        try:
            with session.begin_nested():
                session.execute(text(f"SET LOCAL lock_timeout = {_EXCLUSIVE_TRY}"))
                session.execute(text(f"LOCK TABLE {tables} IN EXCLUSIVE MODE"))
        except OperationalError:
            if time.monotonic() > deadline:
                raise
        else:
            return


class MemoryDatabase(Database):
    """A SQLite database in the memory of this process, of which nothing reaches a disk."""

    def __init__(self, content: bytes = b"") -> None:
        """Makes an empty database, or opens the content of a SQLite file."""
        self.is_sqlite = True
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        if content:
            self._connection.deserialize(_without_log(content))
        self.engine = create_engine(
            "sqlite://",
            creator=lambda: self._connection,
            poolclass=StaticPool,
            paramstyle="named",
            hide_parameters=True,
        )
        _prepare_sqlite(self.engine, durable=False)
        self._write_lock = threading.Lock()

    @property
    def file(self) -> None:
        """Returns None: there is no file."""
        return

    def content(self) -> bytes:
        """Returns what a SQLite file with these tables would hold, without any byte of deleted rows."""
        with self._plain_errors():
            self._connection.execute("VACUUM")
            return self._connection.serialize()

    def close(self) -> None:
        """Forgets everything."""
        self.engine.dispose()
        self._connection.close()


def _without_log(content: bytes) -> bytes:
    # Bytes 18 and 19 of a file that was used with a write-ahead log are 2, and memory has no such log
    # (https://sqlite.org/c3ref/deserialize.html).
    return content[:18] + b"\1\1" + content[20:]


def _parse_url(address: str) -> URL:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise ConfigError(
            "AUTHBRIDGE_DATABASE_URL is no database address, such as sqlite:////var/lib/authbridge/authbridge.db."
        ) from None  # the cause quotes it, password included
    backend = url.get_backend_name()
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or url.database in {None, "", ":memory:"}:
        raise ConfigError("AUTHBRIDGE_DATABASE_URL must name a SQLite file or a PostgreSQL database.")
    return url


def _engine_of(url: URL, *, durable: bool) -> Engine:
    # hide_parameters: an exception must not carry a hash into a log.
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_size": _POOL,
        "max_overflow": 0,
        "pool_timeout": _PATIENCE,
    }
    if url.get_backend_name() == "postgresql":
        milliseconds = _PATIENCE * 1000
        idle = (_LONGEST_PAUSE if durable else _LONGEST_PAUSE_OF_LOGINS) * 1000
        engine = create_engine(
            url,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": _CONNECT_PATIENCE,
                "tcp_user_timeout": milliseconds,
                "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
                # A stricter level would read the state before the transaction that it has waited for.
                " -c timezone=UTC -c default_transaction_isolation=read\\ committed"
                # A service that is frozen in a transaction, or whose machine is gone, would hold locks that
                # logins at its neighbours need.
                f" -c idle_in_transaction_session_timeout={idle}"
                # Without its synchronous standby, a commit waits for ever: no login could.
                + ("" if durable else " -c synchronous_commit=local"),
            },
            **options,
        )
        _require_verified_server(engine)
        return engine
    engine = create_engine(url, paramstyle="named", connect_args={"timeout": _PATIENCE}, **options)
    _prepare_sqlite(engine, durable=durable)
    return engine


def _require_verified_server(engine: Engine) -> None:
    if not _is_here(engine) and _said(engine)["sslmode"] != "verify-full":
        raise ConfigError(
            "AUTHBRIDGE_DATABASE_URL names a PostgreSQL on another machine. Its connection must be encrypted,"
            " and its certificate checked: add ?sslmode=verify-full to the address."
        )


def _is_here(engine: Engine) -> bool:
    said = _said(engine)
    hosts = [*said["host"].split(","), *said["hostaddr"].split(",")]
    return not said["service"] and all(map(_is_on_this_machine, hosts))


def _said(engine: Engine) -> dict[str, Any]:
    # What the address does not say, libpq takes from variables such as PGHOST; a service's file may say all.
    driver: Any = engine.dialect.dbapi
    defaults = driver.pq.Conninfo.get_defaults()
    said: dict[str, Any] = {each.keyword.decode(): (each.val or b"").decode() for each in defaults}
    said |= engine.dialect.create_connect_args(engine.url)[1]
    return said


def _is_on_this_machine(host: str) -> bool:
    if host in {"", "localhost"} or host[0] in "/@":  # a folder of sockets, or an abstract one
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _prepare_sqlite(engine: Engine, *, durable: bool) -> None:
    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401
        connection.isolation_level = None  # we begin transactions ourselves
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {'FULL' if durable else 'NORMAL'}",
            "foreign_keys = ON",
            "secure_delete = ON",
            "temp_store = MEMORY",  # what is sorted or set aside comes into no file
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function(Overlaps.name, 2, overlaps, deterministic=True)


def _outages() -> tuple[type[Exception], ...]:
    # Prepared statements run below SQLAlchemy, which would have wrapped the driver's errors.
    psycopg: Any = sys.modules.get("psycopg")
    of_driver = [sqlite3.Error] if psycopg is None else [sqlite3.Error, psycopg.Error]
    return (SQLAlchemyError, *of_driver)


def _is_read_only(error: Exception) -> bool:
    cause = _cause_of(error)
    return (
        getattr(cause, "sqlstate", None) == _READ_ONLY
        or getattr(cause, "sqlite_errorcode", 0) & _PRIMARY_CODE == sqlite3.SQLITE_READONLY
    )


def _reason_of(error: Exception) -> str:
    return str(_cause_of(error)).strip().splitlines()[0].rstrip(".")


def _cause_of(error: Exception) -> Exception:
    return getattr(error, "orig", None) or error
