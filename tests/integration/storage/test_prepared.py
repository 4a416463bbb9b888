"""Each prepared statement does what SQLAlchemy does with it: the same rows, the same tables afterwards."""

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import BindParameter, Connection, Executable, inspect, select, text
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import ExternallyTraversible, cloned_traverse

import authbridge
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AlarmRaised,
    Base,
    JobRun,
    KnownNetwork,
    LoginAttempt,
    LoginFailure,
    NetworkWait,
    Organiser,
    ProsodyNode,
    Revocation,
    School,
    StoredDeletionRecord,
    SyntheticLogin,
)
from authbridge.storage.prepared import Prepared
from tests.support.fakes import MORNING

Row = tuple[Any, ...]

HOUR = timedelta(hours=1)

# One value for each parameter of any statement; the rows below have them.
VALUES: dict[str, Any] = {
    "about": "network:waits 192.0.2.1",
    "after": 0,
    "at": MORNING,
    "attempt_id": 1,
    "checked_version": 1,
    "closed_at": MORNING,
    "code": "ohg",
    "done": 0,
    "ended_before": MORNING,
    "enough": 1,
    "failure_id": 1,
    "fingerprint": 7,
    "from_unfamiliar_network": True,
    "ip": "192.0.2.1",
    "known_key": "known",
    "last_login_on": date(2026, 11, 20),
    "name_key": "name",
    "name_lock": 1,
    "network": "192.0.2.1",
    "network_lock": 2,
    "node": "node-a",
    "now": MORNING,
    "organiser_id": 1,
    "pair_key": "known",
    "reason": "wrong-password",
    "renewed": "$2b$04$" + "x" * 53,
    "renewed_check": "0123456789",
    "request_id": "q-2",
    "seen_at": MORNING,
    "since": MORNING - HOUR,
    "transport": "tcp",
    "unknown_name": None,
    "until": MORNING + 2 * HOUR,
    "user_agent": "ü",
    "username": "ohg-a",
    "verdict": "refused",
    "wait": 900,
}


def prepared_statements() -> Iterator[tuple[str, Prepared]]:
    """Yields every prepared statement of the product, by its module and name."""
    for module in pkgutil.walk_packages(authbridge.__path__, "authbridge."):
        if "migrations" in module.name or module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Prepared):
                yield f"{module.name.removeprefix('authbridge.')}{name}", value


STATEMENTS = dict(prepared_statements())


@pytest.fixture(name="filled")
def fill(database: Database) -> Database:
    """Rows for every statement to find, to change or to collide with."""
    with database.write_session() as session:
        session.add(
            School(code="ohg", name="OHG", trusted_networks=["203.0.113.0/24", "ü"], created_at=MORNING)
        )
        session.flush()
        session.add_all(
            Organiser(
                username=name,
                school_id=1,
                password_hash="$2b$04$" + "." * 53,
                password_generated=name == "ohg-a",
                suspended_at=suspended_at,
                valid_until=MORNING.date(),
                created_at=MORNING,
            )
            for name, suspended_at in (("ohg-a", MORNING), ("ohg-b", None))
        )
        session.add_all(
            LoginFailure(
                at=MORNING - minutes * HOUR / 60,
                name_key=name_key,
                network="192.0.2.1",
                from_unfamiliar_network=minutes == 1,
                fingerprint=minutes,
                wait=minutes,
            )
            for minutes, name_key in ((1, "name"), (2, "name"), (3, "other"), (90, "name"))
        )
        session.flush()
        session.add_all(
            (
                KnownNetwork(pair_key="known", seen_at=MORNING - HOUR),
                NetworkWait(network="192.0.2.1", since=MORNING - 3 * HOUR, until=MORNING - 2 * HOUR),
                AlarmRaised(about=VALUES["about"], at=MORNING),
                LoginAttempt(at=MORNING, request_id="q-1", transport="tcp", node="node-a", organiser_id=1),
                JobRun(name="purge", done_at=MORNING),
                ProsodyNode(node="node-a", last_seen_at=MORNING, meetings={"ohg-a": 2}),
                Revocation(id=1, username="ohg-a", action="suspend", at=MORNING),
                StoredDeletionRecord(
                    day=MORNING.date(), made_at=MORNING, log_emptied=True, tables=[], logs=[]
                ),
                SyntheticLogin(machine="meet-1", at=MORNING, username="ohg-a", password_hash="$2b$04$x"),
            )
        )
    return database


def parameters_of(statement: Executable, connection: Connection) -> dict[str, Any]:
    """Returns a value for each parameter that the statement wants from its caller."""
    compiled = statement.compile(dialect=connection.dialect)  # type: ignore[attr-defined]  # of every DML and SELECT
    assert isinstance(compiled, SQLCompiler)
    return {name: VALUES[name] for name, bind in compiled.binds.items() if bind.required}


def contents(connection: Connection) -> dict[str, list[Row]]:
    """Returns everything in all tables."""
    return {
        table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
        for table in Base.metadata.sorted_tables
    }


def restart_sequences(connection: Connection) -> None:
    """Makes the next ids the same for both: a rollback does not take PostgreSQL's sequences back."""
    if connection.dialect.name == "postgresql":
        for name in inspect(connection).get_sequence_names():
            connection.execute(text("SELECT setval(:name, 1000)"), {"name": name})


def by_sqlalchemy(connection: Connection, statement: Executable, values: dict[str, Any]) -> list[Row]:
    """Runs the statement as SQLAlchemy does; the values stand in it: UPDATE would set those it is given."""

    def fill_in(bind: BindParameter[Any]) -> None:
        if bind.required:
            bind.value, bind.required, bind.callable = values[bind.key], False, None

    assert isinstance(statement, ExternallyTraversible)
    result = connection.execute(cloned_traverse(statement, {}, {"bindparam": fill_in}))
    return list(map(tuple, result)) if result.returns_rows else []


@contextmanager
def transaction(database: Database) -> Iterator[Connection]:
    """A transaction of which nothing stays."""
    with database.engine.connect() as connection:
        if database.is_sqlite:  # where we begin transactions ourselves
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
        connection.rollback()


@pytest.mark.parametrize("name", STATEMENTS)
def test_it_does_what_sqlalchemy_does(filled: Database, name: str) -> None:
    """Rows of the same values and types, the same contents of all tables; and never nothing at all."""
    prepared = STATEMENTS[name]
    if filled.is_sqlite and "pg_advisory" in str(prepared.statement):
        pytest.skip("SQLite has one writer at a time, and no advisory locks")
    outcomes = []
    for is_prepared in (False, True):
        with transaction(filled) as connection:
            before = contents(connection)
            values = parameters_of(prepared.statement, connection)
            restart_sequences(connection)
            rows = (
                prepared.all(connection, **values)
                if is_prepared
                else by_sqlalchemy(connection, prepared.statement, values)
            )
            outcomes.append((rows, [list(map(type, row)) for row in rows], contents(connection)))
    assert rows or outcomes[0][2] != before
    assert outcomes[0] == outcomes[1]
