"""A PostgreSQL with a standby: what survives when the one dies and the other takes its place."""

import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from authbridge.doctor.service import examine_service
from authbridge.errors import ConfigError, StorageError
from authbridge.login import journal
from authbridge.machine.findings import Finding, Level
from authbridge.revocations import feed
from authbridge.revocations.feed import Events, Snapshot
from authbridge.storage import schema
from authbridge.storage.database import Database
from tests.support.factories import ENCRYPTION
from tests.support.fakes import MORNING
from tests.support.feeds import position, settle, suspend, until
from workbench import ROOT
from workbench.postgres import Postgres
from workbench.processes import PATIENCE

_README = (ROOT / "deploy/README.md").read_text()


@dataclass(frozen=True, slots=True)
class Pair:
    """A server, its standby, and the address that leads to the one that can be written."""

    primary: Postgres
    standby: Postgres
    url: str

    @contextmanager
    def open(self, *, durable: bool = True) -> Iterator[Database]:
        """Opens the database with connections of its own."""
        database = Database(self.url, durable=durable)
        try:
            yield database
        finally:
            database.engine.dispose()

    def wait_for_standby(self, advice: str) -> None:
        """Lets commits wait for the standby from now on, as somebody advises."""
        self.primary.run_sql(advice)
        until(lambda: self._is_followed(" WHERE sync_state = 'quorum'"))

    def cut_off_standby(self) -> None:
        """Ends the standby, and returns when the primary knows it."""
        self.standby.kill()
        until(lambda: not self._is_followed(""))

    def _is_followed(self, condition: str) -> bool:
        with closing(self.primary.connect()) as connection:
            row = connection.execute(f"SELECT FROM pg_stat_replication{condition}".encode()).fetchone()
        return row is not None


@pytest.fixture(name="pair")
def run_pair() -> Iterator[Pair]:
    """Runs both, with three organisers in the database."""
    # Not below pytest's own folder, as in conftest.py.
    with tempfile.TemporaryDirectory(prefix="postgres-of-tests-") as folder:
        Path(folder).chmod(0o755)
        primary, standby = Postgres(Path(folder, "primary")), Postgres(Path(folder, "standby"))
        try:
            primary.start()
            name = primary.create_database().rpartition("/")[2]
            standby.start_as_standby_of(primary)
            hosts = "&".join(f"host=127.0.0.1:{each.port}" for each in (standby, primary))
            pair = Pair(
                primary, standby, f"postgresql://authbridge@/{name}?{hosts}&target_session_attrs=read-write"
            )
            with pair.open() as database:
                schema.upgrade(database)
                settle(database, "ohg-a", "ohg-b", "ohg-c")
            yield pair
        finally:
            standby.stop()
            primary.stop()


def _answer(database: Database, epoch: str, cursor: int) -> Events | Snapshot:
    with database.read_session() as session:
        return feed.read(session, epoch, cursor, now=MORNING)


def _finding(database: Database, folder: Path) -> Finding:
    found = examine_service(database, ENCRYPTION, offers_panel=False, backup_folder=folder, now=MORNING)
    return next(each for each in found if each.id == "standby")


def test_the_address_in_the_instructions_is_taken() -> None:
    """Both servers are named there, and have to show a certificate."""
    (address,) = re.findall(r"^AUTHBRIDGE_DATABASE_URL=(.*db1.*)$", _README, re.MULTILINE)
    assert Database(address).engine.url.query["host"] == "db1.example.org,db2.example.org"
    with pytest.raises(ConfigError, match="verify-full"):
        Database(address.replace("&sslmode=verify-full", ""))


def test_what_the_standby_lacks_is_lost_and_no_node_goes_on_as_if_it_were_not(
    pair: Pair, tmp_path: Path
) -> None:
    """A suspension was acknowledged without the standby; its number is given to another one afterwards."""
    with pair.open() as database:
        suspend(database, "ohg-a")
        assert _finding(database, tmp_path).level is Level.WARNING
        pair.cut_off_standby()
        suspend(database, "ohg-b")
        epoch, cursor = position(database)
        pair.primary.kill()
        pair.standby.start_again()
        pair.standby.promote()

        until(lambda: _is_writable(database))
        suspend(database, "ohg-c")
        assert position(database)[1] == cursor
        answer = _answer(database, epoch, cursor)
        assert isinstance(answer, Snapshot)
        assert [state.username for state in answer.states] == ["ohg-a", "ohg-c"]
        assert isinstance(_answer(database, answer.epoch, answer.cursor), Events)


def test_what_waited_for_the_standby_survives_and_logins_wait_for_nobody(pair: Pair, tmp_path: Path) -> None:
    """Without the standby a command of staff is not done; with it, it is there after the failover."""
    with pair.open() as database, pair.open(durable=False) as of_logins:
        advice = _finding(database, tmp_path).line
        assert advice is not None
        assert advice in _README
        pair.wait_for_standby(advice)
        assert _finding(database, tmp_path).level is Level.OK
        suspend(database, "ohg-a")
        pair.cut_off_standby()
        command = threading.Thread(target=suspend, args=(database, "ohg-b"))
        command.start()
        with of_logins.write_session() as session:
            journal.touch(session, now=MORNING)
        assert command.is_alive()
        pair.standby.start_again()
        command.join(PATIENCE)
        assert not command.is_alive()
        pair.primary.kill()
        pair.standby.promote()

        until(lambda: _is_writable(of_logins))
        answer = _answer(of_logins, "", 0)
        assert isinstance(answer, Snapshot)
        assert [state.username for state in answer.states] == ["ohg-a", "ohg-b"]


def _is_writable(database: Database) -> bool:
    # As many tries as there are connections to the dead server: each is found out when it is used.
    try:
        with database.write_session() as session:
            session.execute(text("SELECT 1"))
    except StorageError:
        return False
    return True
