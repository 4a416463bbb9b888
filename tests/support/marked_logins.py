"""Logins whose bytes say of which day they are, and a search for them in everything of ours on a disk."""

import itertools
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pyrage
from click.testing import CliRunner
from sqlalchemy import text
from werkzeug.test import Client

from authbridge import nightly, retention, service_log
from authbridge.backup import files
from authbridge.cli import main
from authbridge.cli.operator import Operator
from authbridge.config import Config, read_config
from authbridge.storage.database import Database
from tests.http.test_api import question
from tests.support.api import AUTHORISED, make_api
from tests.support.factories import HOST, LIMITS, SECRET_KEY, make_organiser, make_school, make_services
from tests.support.fakes import FakeClock
from workbench.postgres import Postgres

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
PEOPLE = 8

_NIGHT, _BACKUP, _OUTAGE = 2, 3, 12  # hours by UTC; three in Berlin is the first
_SCHOOLS = itertools.count(1)  # each marks its logins with a number of its own
_KEY = pyrage.x25519.Identity.generate()


@dataclass
class Disk:
    """A database with all its files in a folder; beside them backups, temporary files and the journal."""

    database: Database
    folder: Path
    others: Path
    server: Postgres | None = None

    def __post_init__(self) -> None:
        for folder in (self.backups, self.temporary):
            folder.mkdir(mode=0o700)
        self._sent = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sent.bind(str(self.others / "journal.socket"))

    @property
    def backups(self) -> Path:
        """Returns the folder of the backups, which are encrypted."""
        return self.others / "backups"

    @property
    def temporary(self) -> Path:
        """Returns the folder of temporary files, other than PostgreSQL's own."""
        return self.others / "temporary"

    @property
    def journal(self) -> Path:
        """Returns what systemd's journal was sent."""
        return self.others / "journal"

    @property
    def environ(self) -> dict[str, str]:
        """Returns the settings of the service on this machine."""
        for name in ("token", "secret-key"):
            (self.others / name).write_text(SECRET_KEY.decode())
        return {
            "AUTHBRIDGE_DATABASE_URL": self.database.engine.url.render_as_string(hide_password=False),
            "AUTHBRIDGE_API_TOKEN_FILE": str(self.others / "token"),
            "AUTHBRIDGE_SECRET_KEY_FILE": str(self.others / "secret-key"),
            "AUTHBRIDGE_XMPP_HOST": HOST,
            "AUTHBRIDGE_BCRYPT_COST": "4",
            "AUTHBRIDGE_BACKUP_FOLDER": str(self.backups),
            "AUTHBRIDGE_BACKUP_RECIPIENT": str(_KEY.to_public()),
        }

    def marked_days(self, number: int) -> dict[int, set[str]]:
        """Returns of which days' logins of that school there are bytes, and in which files."""
        address = rf"(?<![\d.])10\.{number}\.(\d{{1,3}})\.\d"
        marks = re.compile(rf"browser-{number}-day-(\d{{3}})|{address}".encode())
        if self.server is not None:
            self.server.run_sql("CHECKPOINT")  # what is only in its memory is written down, too
        found: dict[int, set[str]] = {}
        for path in {*self.folder.rglob("*"), *self.others.rglob("*")}:
            for mark in marks.finditer(_content(path)) if path.is_file() else ():
                found.setdefault(int(mark[1] or mark[2]), set()).add(path.name)
        return found

    def back_up(self, clock: FakeClock) -> None:
        """Takes the backup of the night, as the timer does; those of a week ago are deleted."""
        done = CliRunner().invoke(main, ["backup"], obj=Operator(self.environ, clock=clock))
        assert done.exit_code == 0, done.output

    def put_into_backup(self, content: bytes, clock: FakeClock) -> None:
        """Writes a backup of that content."""
        path = files.dated(self.backups, encrypted=True, now=clock())
        files.write(path, files.encrypt(content, str(_KEY.to_public())))

    @contextmanager
    def in_use(self) -> Iterator[Self]:
        """Lets the service write to this journal, and closes everything at the end."""
        handler = service_log.JournalHandler(str(self.others / "journal.socket"))
        log = logging.getLogger("authbridge")
        log.addHandler(handler)
        try:
            yield self
        finally:
            log.removeHandler(handler)
            handler.close()
            self._sent.close()
            self.database.engine.dispose()

    def write_journal(self) -> None:
        """Writes down what the service has sent to the journal until now."""
        with self.journal.open("ab") as file:
            while True:
                try:
                    file.write(self._sent.recv(1 << 20, socket.MSG_DONTWAIT))
                except BlockingIOError:
                    return


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    return files.decrypt(content, str(_KEY)) if path.suffix == ".age" else content


@dataclass
class School:
    """Teachers who log in all day, from addresses that name the day."""

    disk: Disk
    clock: FakeClock = field(default_factory=lambda: FakeClock(NEW_YEAR))
    number: int = field(default_factory=lambda: next(_SCHOOLS))

    def __post_init__(self) -> None:
        make_school(self.disk.database)
        self.people = [make_organiser(self.disk.database) for _ in range(PEOPLE)]
        self.config: Config = read_config(self.disk.environ)
        self._client = Client(make_api(make_services(self.disk.database, clock=self.clock)))

    def spend_day(self, logins: int, *, backs_up: bool = False) -> None:
        """Lets a day go by, with that many logins each hour, and all that the service does by itself.

        At noon the database fails, so that there is something to be logged.
        """
        for hour in range(24):
            if hour == _NIGHT:
                nightly.run(self.disk.database, self.config, clock=self.clock)
            elif hour == _BACKUP and backs_up:
                self.disk.back_up(self.clock)
            elif hour % 6 == 0:
                retention.purge(self.disk.database, clock=self.clock, retention=WEEK, limits=LIMITS)
            with self._failing_storage(is_so=hour == _OUTAGE and logins > 0):
                for number in range(logins):
                    self._log_in(hour, number)
                    self.disk.write_journal()  # or its sender would wait when the socket is full
            self.disk.write_journal()
            self.clock.advance(hours=1)

    @property
    def day(self) -> int:
        """Returns how many days have gone by."""
        return (self.clock() - NEW_YEAR).days

    def mark(self, hour: int = 0) -> tuple[str, str]:
        """Returns the address and the browser of logins of this hour."""
        address = f"10.{self.number}.{self.day}.{1 + hour}"
        return address, f"browser-{self.number}-day-{self.day:03d}"

    def _log_in(self, hour: int, number: int) -> None:
        somebody = self.people[(hour + number) % PEOPLE]
        names = [somebody.username, somebody.username, f"nobody-{number}"]
        passwords = [somebody.password, "wrong-word-1234", somebody.password]
        address, browser = self.mark(hour)
        sent = question(
            names[number % 3],
            passwords[number % 3],
            ip=address,
            user_agent=f"{browser} {number} with a long name",
            within=9,
        )
        status = self._client.post("/v1/authenticate", json=sent, headers=AUTHORISED).status_code
        assert status == (503 if hour == _OUTAGE else 200)

    @contextmanager
    def _failing_storage(self, *, is_so: bool) -> Iterator[None]:
        if is_so:
            self._rename("login_failures", "elsewhere")
        yield
        if is_so:
            self._rename("elsewhere", "login_failures")

    def _rename(self, name: str, other: str) -> None:
        with self.disk.database.write_session() as session:
            session.execute(text(f"ALTER TABLE {name} RENAME TO {other}"))
