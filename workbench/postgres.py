"""A PostgreSQL of our own on loopback, thrown away afterwards; the machine's own is not touched."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from workbench.processes import (
    ENDS_WITH_US,
    Process,
    StartError,
    children_of,
    free_port,
    is_listening,
    kill_stranger,
)

# Nothing outlives the server; autovacuum would go round a thousand databases of the tests all the time; the
# log is as deploy/README.md wants it.
FOR_A_SHORT_LIFE = ("fsync=off", "full_page_writes=off", "autovacuum=off", "log_error_verbosity=terse")

_GUARDED = "guarded"  # a role; its members have to show theirs, all others are trusted
_OWNER = "postgres"  # PostgreSQL refuses to run as root; Debian's package brings this user


class Postgres:
    """One server in a folder of its own.

    ``settings``: of its own in ``postgresql.conf``, instead of those for a short life.
    """

    def __init__(self, folder: Path, *, settings: Sequence[str] = FOR_A_SHORT_LIFE) -> None:
        self._folder = folder
        self.port = free_port()
        self._databases = 0
        self._programs = _newest_programs()
        self._process = Process(
            [
                *_as_owner(),
                str(self._programs / "postgres"),
                *("-D", str(self.data), "-k", "", "-h", "127.0.0.1", "-p", str(self.port)),
                *("-c", "max_connections=200"),
                *(word for setting in settings for word in ("-c", setting)),
            ],
            log=folder / "postgres.log",
        )

    def start(self) -> None:
        """Makes the cluster, starts the server and returns when it accepts connections."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self._folder, _OWNER)
        subprocess.run(  # noqa: S603 - our own arguments
            [
                *_as_owner(),
                str(self._programs / "initdb"),
                *("-D", str(self.data), "-U", "authbridge"),
                *("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
        )
        rules = self._folder / "data/pg_hba.conf"
        rules.write_text(f"host all +{_GUARDED} 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        self.start_again()
        self.run_sql(f"CREATE ROLE {_GUARDED}")

    def start_again(self) -> None:
        """Starts the server over the files that are there, and returns when it accepts connections."""
        self._process.start()
        self._process.await_ready(lambda: is_listening(self.port) and self._answers())

    @property
    def process(self) -> Process:
        """Returns the process of the server."""
        return self._process

    def start_as_standby_of(self, primary: "Postgres") -> None:
        """Copies that server, follows it from then on, and returns when it accepts connections."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self._folder, _OWNER)
        subprocess.run(  # noqa: S603 - our own arguments
            [
                *_as_owner(),
                str(self._programs / "pg_basebackup"),
                *("-D", str(self.data), "-R", "-c", "fast", "--no-sync"),
                *("-h", "127.0.0.1", "-p", str(primary.port), "-U", "authbridge"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
        )
        self.start_again()

    def promote(self) -> None:
        """Makes a standby the one that is written to; returns when it is."""
        self.run_sql("SELECT pg_promote()")

    @property
    def log(self) -> Path:
        """Returns the server's own log."""
        return self._process.log

    @property
    def data(self) -> Path:
        """Returns the folder of its files."""
        return self._folder / "data"

    def stop(self) -> None:
        """Ends the server at once."""
        self._process.kill()

    def backends(self) -> list[int]:
        """Returns the ids of the server's other processes, which the first one has started."""
        return children_of(self._process.pid)

    def kill(self) -> None:
        """Kills the whole server with SIGKILL, and returns when nobody uses its files any more."""
        backends = self.backends()
        self._process.kill()
        for backend in backends:
            kill_stranger(backend)

    def create_database(self, template: str = "template0") -> str:
        """Makes a new database, a copy of ``template``; returns its address."""
        self._databases += 1
        name = f"authbridge_{self._databases}"
        self.run_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._dsn(name)

    def create_owned_database(self, password: str) -> str:
        """Makes a new database, as an administrator would, of a role that is no superuser.

        Returns:
            Its address with the role's password; role and database have the same name.
        """
        self._databases += 1
        name = f"owned_{self._databases}"
        with self.connect() as connection:
            connection.execute(
                SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
                    Identifier(name), Literal(password), Identifier(_GUARDED)
                )
            )
            connection.execute(
                SQL("CREATE DATABASE {0} OWNER {0} TEMPLATE template0").format(Identifier(name))
            )
        return f"postgresql://{name}:{quote(password, safe='')}@127.0.0.1:{self.port}/{name}"

    def run_sql(self, script: str, database: str = "postgres") -> None:
        """Runs commands as the superuser, each in a transaction of its own."""
        with self.connect(database) as connection:
            for command in filter(str.strip, script.split(";")):
                connection.execute(command.encode())

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Opens a connection of the superuser, in which each command is a transaction of its own."""
        return psycopg.connect(self._dsn(database), autocommit=True)

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _dsn(self, database: str) -> str:
        return f"postgresql://authbridge@127.0.0.1:{self.port}/{database}"


def newest_version() -> str:
    """Returns the major version of the programs that are taken.

    Raises:
        StartError: PostgreSQL is not installed.
    """
    return _newest_programs().parent.name


def _newest_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        message = "PostgreSQL is not installed"
        raise StartError(message)
    return found[-1].parent


def _as_owner() -> list[str]:
    if os.geteuid() != 0:
        return []
    owner = pwd.getpwnam(_OWNER)
    # A process that becomes another user is no longer signalled when its parent ends, unless it asks again.
    return [*ENDS_WITH_US, f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
