"""Our auth service as an operator runs it: ``authbridge serve`` with a database and secrets of its own."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench import ROOT
from workbench.processes import Process, children_of, free_port, is_answering, kill_stranger
from workbench.prosody import HOST

_AUTHBRIDGE = [sys.executable, "-m", "authbridge"]


@dataclass
class Service:
    """One service; several may share a ``database_url``, and then share the secrets too."""

    folder: Path
    database_url: str = ""
    bcrypt_cost: int = 10
    host: str = HOST
    port: int = field(default_factory=free_port)
    settings: Mapping[str, str] = field(default_factory=dict)  # without the prefix
    variables: Mapping[str, str] = field(default_factory=dict)  # of other programs, as they are called
    supervised: bool = False  # by something like systemd, so that what it remembers survives a restart

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database_url = self.database_url or f"sqlite:///{self.folder / 'authbridge.db'}"
        for secret in (self.token_file, self.folder / "secret-key"):
            if not secret.exists():
                secret.touch(0o600)
                secret.write_text(secrets.token_hex(32))
        self.environ = {
            "AUTHBRIDGE_DATABASE_URL": self.database_url,
            "AUTHBRIDGE_API_TOKEN_FILE": str(self.token_file),
            "AUTHBRIDGE_SECRET_KEY_FILE": str(self.folder / "secret-key"),
            "AUTHBRIDGE_XMPP_HOST": self.host,
            "AUTHBRIDGE_API_BIND": f"127.0.0.1:{self.port}",
            "AUTHBRIDGE_BCRYPT_COST": str(self.bcrypt_cost),
            **{f"AUTHBRIDGE_{name}": value for name, value in self.settings.items()},
            **self.variables,
        }
        command = [*_AUTHBRIDGE, "serve"]
        if self.supervised:
            command = [sys.executable, "-m", "workbench.supervisor", str(self.port), *command]
        self._process = Process(command, log=self.log, environ=self.environ)

    @property
    def token_file(self) -> Path:
        """Returns the path of the token that Prosody shows."""
        return self.folder / "api-token"

    @property
    def log(self) -> Path:
        """Returns the path of the log of the service and gunicorn."""
        return self.folder / "service.log"

    @property
    def url(self) -> str:
        """Returns the address at which Prosody asks."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def process(self) -> Process:
        """Returns the process of the service, or of its supervisor."""
        return self._process

    def command(self, *arguments: str) -> str:
        """Runs ``authbridge …`` for this service's database and returns what it prints."""
        done = subprocess.run(  # noqa: S603 - our own command line
            [*_AUTHBRIDGE, *arguments],
            env={**os.environ, **self.environ},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            message = f"authbridge {' '.join(arguments)}: {done.stderr.strip()}"
            raise RuntimeError(message)
        return done.stdout

    @property
    def main_pid(self) -> int | None:
        """Returns the id of gunicorn's first process; None while there is none."""
        if not self.process.is_running:
            return None
        if not self.supervised:
            return self.process.pid
        return next(iter(children_of(self.process.pid)), None)

    @property
    def worker_pid(self) -> int | None:
        """Returns the id of the process that answers; None while there is none."""
        main = self.main_pid
        return None if main is None else next(iter(children_of(main)), None)

    def start(self) -> None:
        """Starts it and returns when it answers."""
        self._process.start()
        self._process.await_ready(self.is_healthy)

    def restart(self) -> None:
        """Lets the supervisor restart it as systemd does, and returns when the next process answers."""
        before = self.worker_pid
        os.kill(self._process.pid, signal.SIGHUP)
        self._process.await_ready(lambda: self.worker_pid not in {None, before} and self.is_healthy())

    def stop(self) -> None:
        """Ends it gracefully."""
        self._process.stop()

    def kill(self) -> None:
        """Kills it with SIGKILL, and returns when nobody holds its port any more."""
        supervised = [self.main_pid, self.worker_pid] if self.supervised else []
        self._process.kill()
        for pid in supervised:
            if pid is not None:
                kill_stranger(pid)

    def is_healthy(self) -> bool:
        """Tells whether it answers."""
        return is_answering(self.port, "/healthz")
