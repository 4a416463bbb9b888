"""The administrator's machine: commands run in processes of their own, over a database of their own."""

import os
import shutil
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from sqlalchemy import event
from sqlalchemy.orm import Session

from authbridge.login.credentials import find_credential
from authbridge.login.passwords import Hasher
from authbridge.login.typed_passwords import parse_password
from authbridge.login.usernames import Username
from authbridge.storage.database import Database
from tests.support.forked_command import Ended, Hook, Running, do_nothing, start_forked

State = tuple[object, ...]


@dataclass
class Machine:
    """The administrator's machine: a database in a folder of its own, and the command line over it."""

    folder: Path
    environ: dict[str, str] = field(repr=False)

    @property
    def file(self) -> Path:
        """The database."""
        return self.folder / "authbridge.db"

    def replace_database(self, template: Path) -> None:
        """Puts the template's database in the place of this one."""
        for journal in self.folder.glob("authbridge.db-*"):
            journal.unlink()
        shutil.copy(template / "authbridge.db", self.file)

    def require_free(self) -> None:
        """Raises if somebody holds the database: another writer could not begin."""
        with closing(sqlite3.connect(self.file, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")

    def start(
        self,
        *arguments: str,
        stdout: int,
        encoding: str = "utf-8",
        hook: Hook = do_nothing,
        unread: int | None = None,
    ) -> Running:
        """Starts a command in a process of its own."""
        given = [
            str(self.folder / each) if each.endswith((".csv", ".db", "/")) else each for each in arguments
        ]
        return start_forked(self.environ, *given, stdout=stdout, encoding=encoding, hook=hook, unread=unread)

    def run(self, *arguments: str, encoding: str = "utf-8", hook: Hook = do_nothing) -> tuple[Ended, bytes]:
        """Runs a command, its output in a file."""
        with (self.folder / "stdout").open("w+b") as file:
            ended = self.start(*arguments, stdout=file.fileno(), encoding=encoding, hook=hook).wait()
        return ended, (self.folder / "stdout").read_bytes()

    def run_into_full_disk(self, *arguments: str) -> Ended:
        """Runs a command whose output finds no room."""
        with Path("/dev/full").open("wb", buffering=0) as device:
            return self.start(*arguments, stdout=device.fileno()).wait()

    def run_into_closed_pipe(self, *arguments: str) -> Ended:
        """Runs a command whose reader has gone."""
        reader, writer = os.pipe()
        os.close(reader)
        ended = self.start(*arguments, stdout=writer).wait()
        os.close(writer)
        return ended

    def state(self) -> State:
        """What is in the database: its version, and the changes that the audit names."""
        with closing(sqlite3.connect(self.file)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
            version = database.execute("SELECT * FROM alembic_version").fetchall()
            if "audit_events" not in tables:
                return tuple(version)
            return (*version, *database.execute("SELECT action FROM audit_events ORDER BY id"))

    def accepts(self, username: str, password: str) -> bool:
        """Whether a login would be let in with that password."""
        database = Database(self.environ["AUTHBRIDGE_DATABASE_URL"])
        with database.write_connection() as connection:
            found = find_credential(connection, Username(username))
        database.engine.dispose()
        return found is not None and Hasher(4).matches(parse_password(password), found.credential.stored)


def environ_of(folder: Path) -> dict[str, str]:
    """The settings of the installation in that folder."""
    return {
        "AUTHBRIDGE_DATABASE_URL": f"sqlite:///{folder / 'authbridge.db'}",
        "AUTHBRIDGE_API_TOKEN_FILE": str(folder / "secret"),
        "AUTHBRIDGE_SECRET_KEY_FILE": str(folder / "secret"),
        "AUTHBRIDGE_XMPP_HOST": "meet.test",
        "AUTHBRIDGE_BCRYPT_COST": "4",
        "AUTHBRIDGE_BACKUP_FOLDER": str(folder / "backups"),
        "TMPDIR": str(folder),
    }


def before_each_word(do: Hook, *, complaints_too: bool = True) -> None:
    """Lets this process, which is a fork, do something before it says anything, on standard error too."""
    echo = click.echo

    def echo_afterwards(*arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as click has it
        if complaints_too or not options.get("err"):
            do()
        echo(*arguments, **options)

    click.echo = echo_afterwards


def die() -> None:
    """As by ``kill -9``."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_after_commit() -> None:
    """Lets this process be killed once it has committed."""
    event.listen(Session, "after_commit", lambda _session: die())
