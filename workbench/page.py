"""Our login page as an operator runs it: ``authbridge page serve`` beside a service, without its database."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from workbench.processes import Process, free_port, is_answering
from workbench.service import Service

_NOT_FOR_IT = ("DATABASE_URL", "SECRET_KEY_FILE")


@dataclass
class LoginPage:
    """One login page of that service; ``meet_url`` is Jitsi's public address, or that of the page itself.

    ``letter_dir`` is the folder of the operator's texts.
    """

    service: Service
    port: int = field(default_factory=free_port)
    meet_url: str = ""
    letter_dir: Path | None = None

    def __post_init__(self) -> None:
        self.environ = {
            **self.service.environ,
            **{f"AUTHBRIDGE_{name}": "" for name in _NOT_FOR_IT},
            "AUTHBRIDGE_PAGE_BIND": f"127.0.0.1:{self.port}",
            "AUTHBRIDGE_MEET_URL": self.meet_url or self.url,
            "AUTHBRIDGE_LETTER_DIR": str(self.letter_dir or ""),
        }
        self.log = self.service.folder / "page.log"
        command = [sys.executable, "-m", "authbridge", "page", "serve"]
        self._process = Process(command, log=self.log, environ=self.environ)

    @property
    def url(self) -> str:
        """Returns the address at which it listens; nginx stands before it at an operator's."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it and returns when it answers."""
        self._process.start()
        self._process.await_ready(self.is_answering)

    def is_answering(self) -> bool:
        """Tells whether it answers."""
        return is_answering(self.port, "/_authbridge/healthz")

    def stop(self) -> None:
        """Ends it gracefully."""
        self._process.stop()
