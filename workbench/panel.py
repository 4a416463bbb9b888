"""Our panel as an operator runs it: ``authbridge panel`` beside a service, over the same database."""

import sys
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from workbench.processes import Process, free_port, is_answering
from workbench.service import Service


@dataclass
class Panel:
    """One panel; without ``public_url`` its address is that of this machine, with no proxy before it."""

    service: Service
    port: int = field(default_factory=free_port)
    host: str = "127.0.0.1"  # or localhost, for passkeys: browsers allow none at a bare IP address
    public_url: str = ""

    def __post_init__(self) -> None:
        self.environ = {
            **self.service.environ,
            "AUTHBRIDGE_PANEL_BIND": f"127.0.0.1:{self.port}",
            "AUTHBRIDGE_PANEL_URL": self.url,
        }
        command = [sys.executable, "-m", "authbridge", "panel"]
        self._process = Process(command, log=self.service.folder / "panel.log", environ=self.environ)

    @property
    def url(self) -> str:
        """Returns the address that the browser opens."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def process(self) -> Process:
        """Returns the process of the panel."""
        return self._process

    def start(self) -> None:
        """Starts it and returns when it answers."""
        self._process.start()
        self._process.await_ready(self.is_answering)

    def is_answering(self) -> bool:
        """Tells whether it answers."""
        return is_answering(self.port, "/sign-in", urlsplit(self.url).hostname or "")

    def stop(self) -> None:
        """Ends it gracefully."""
        self._process.stop()

    def kill(self) -> None:
        """Kills it with SIGKILL."""
        self._process.kill()
