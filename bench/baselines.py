"""Services that stand in for ours on the same Prosody: one that is slow, one that does the obvious thing."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from authbridge.login.usernames import Username
from authbridge.schools.commands.organisers import IssuedCredential
from bench import obvious_service
from bench.peers import CROWD, FOLDER, MEMBER
from workbench import ROOT
from workbench.processes import Process, free_port, is_answering, is_listening
from workbench.prosody import external

SLOWNESS = 2.0  # seconds
_THREADS = 64  # as many as ours has


@dataclass
class SlowService:
    """The stand-in of :mod:`bench.slow_service`."""

    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.token_file.write_text("x" * 32)  # it reads none
        command = [sys.executable, "-m", "bench.slow_service", str(self.port), str(SLOWNESS)]
        self._process = Process(command, log=FOLDER / "slow.log", environ={"PYTHONPATH": str(ROOT)})

    @property
    def token_file(self) -> Path:
        """The token that Prosody shows."""
        return FOLDER / "slow-token"

    @property
    def options(self) -> dict[str, object]:
        """Those of the host that asks it."""
        return external(f"http://127.0.0.1:{self.port}", self.token_file)

    def start(self) -> None:
        """Starts it and returns when it listens."""
        self._process.start()
        self._process.await_ready(lambda: is_listening(self.port))

    def stop(self) -> None:
        """Ends it."""
        self._process.stop()


class ObviousService:
    """:mod:`bench.obvious_service` behind gunicorn, with a crowd of users for each of the costs."""

    def __init__(self, costs: Sequence[int]) -> None:
        folder = FOLDER / "obvious"
        folder.mkdir(parents=True)
        self.port = free_port()
        self.credentials = {
            cost: [
                IssuedCredential(Username(f"c{cost}-{number:03}"), MEMBER.password) for number in range(CROWD)
            ]
            for cost in costs
        }
        database = folder / "users.db"
        names = {cost: [one.username for one in crowd] for cost, crowd in self.credentials.items()}
        obvious_service.create_users(database, names, MEMBER.password)
        gunicorn = [sys.executable, "-P", "-m", "gunicorn", "--pythonpath", str(ROOT)]
        options = [
            "--worker-class",
            "gthread",
            "--threads",
            str(_THREADS),
            "--bind",
            f"127.0.0.1:{self.port}",
        ]
        options.append("--no-control-socket")  # it would lie in the home folder
        self._process = Process(
            [*gunicorn, *options, "bench.obvious_service:create_app()"],
            log=folder / "service.log",
            environ={obvious_service.DATABASE: str(database)},
        )

    @property
    def options(self) -> dict[str, object]:
        """Those of the host that asks it."""
        return {"authentication": "obvious", "obvious_auth_url": f"http://127.0.0.1:{self.port}/login"}

    def start(self) -> None:
        """Starts it and returns when it answers."""
        self._process.start()
        self._process.await_ready(lambda: is_answering(self.port, "/"))

    def stop(self) -> None:
        """Ends it."""
        self._process.stop()
