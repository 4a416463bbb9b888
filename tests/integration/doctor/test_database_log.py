"""What PostgreSQL writes into a log of its own, and what is found of it."""

import pytest
from sqlalchemy import text

from authbridge.doctor.database_log import examine_log
from authbridge.login.authenticate import authenticate
from authbridge.machine.findings import Level
from authbridge.storage.database import Database
from tests.support.factories import make_attempt, make_origin, make_services
from workbench.postgres import Postgres

ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

pytestmark = pytest.mark.own_database

ADDRESS = "198.51.100.77"
USUAL = {"log_error_verbosity": "default"}  # unlike the server of the tests, a fresh one has it
EVERY_STATEMENT = {"log_statement": "all", "log_parameter_max_length_on_error": "-1"}


def set_for(database: Database, settings: dict[str, str]) -> None:
    """Sets them for this database, as an operator would for all."""
    with database.write_session() as session:
        name = session.scalar(text("SELECT current_database()"))
        for setting, value in settings.items():
            session.execute(text(f"ALTER DATABASE {name} SET {setting} = '{value}'"))
    database.engine.dispose()  # they hold for new connections


def level_of(database: Database) -> Level:
    """Returns the level of the finding; a line says what to do unless all is well."""
    with database.read_session() as session:
        found = examine_log(session)
    assert (found.level is Level.OK) == (not found.line)
    return found.level


def log_of_a_login(database: Database, postgres: Postgres) -> str:
    """Returns what PostgreSQL logs meanwhile."""
    before = postgres.log.stat().st_size
    services = make_services(database)
    authenticate(make_attempt("nobody", "x", ip=ADDRESS), make_origin(), services, within=9)
    return postgres.log.read_bytes()[before:].decode()


@ON_POSTGRESQL
@pytest.mark.parametrize(
    ("settings", "level"),
    [
        pytest.param(USUAL, Level.WARNING, id="rows of statements that fail"),
        pytest.param({}, Level.OK, id="terse"),
        pytest.param(EVERY_STATEMENT, Level.OK, id="terse about all"),
        pytest.param({"log_error_verbosity": "verbose"}, Level.WARNING, id="verbose"),
        pytest.param({**USUAL, "log_statement": "ddl"}, Level.WARNING, id="changes of tables"),
        pytest.param({**USUAL, "log_statement": "mod"}, Level.ERROR, id="every change"),
        pytest.param({**USUAL, "log_min_duration_statement": "500"}, Level.ERROR, id="slow statements"),
        pytest.param({**USUAL, "log_min_duration_sample": "0"}, Level.ERROR, id="some statements"),
        pytest.param({**USUAL, "log_transaction_sample_rate": "0.1"}, Level.ERROR, id="some transactions"),
        pytest.param(
            {**USUAL, "log_statement": "all", "log_parameter_max_length": "0"},
            Level.WARNING,
            id="without values",
        ),
    ],
)
def test_what_postgresql_would_log_of_rows_is_found(
    database: Database, settings: dict[str, str], level: Level
) -> None:
    """Of statements that fail it is a warning, of logins that are right an error."""
    set_for(database, settings)
    assert level_of(database) is level


@ON_POSTGRESQL
def test_the_advice_keeps_addresses_out_of_the_log(database: Database, postgres: Postgres) -> None:
    """Whatever else is logged: a login with every statement logged, with and without the advice."""
    set_for(database, USUAL | EVERY_STATEMENT)
    assert ADDRESS in log_of_a_login(database, postgres)

    set_for(database, {"log_error_verbosity": "terse"})
    logged = log_of_a_login(database, postgres)
    assert "INSERT INTO login_attempts" in logged
    assert ADDRESS not in logged


@ON_SQLITE
def test_sqlite_has_no_log(database: Database) -> None:
    """There is nothing to set."""
    assert level_of(database) is Level.OK
