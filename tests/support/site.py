"""A panel and a service over one database, each in processes of its own, that a test kills and disturbs."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from authbridge.storage import schema
from authbridge.storage.database import Database
from tests.support.own_postgres import open_postgres
from workbench.panel import Panel
from workbench.postgres import Postgres
from workbench.processes import children_of
from workbench.service import Service


@dataclass
class Site:
    """A panel and a service over one database, in files or in a server of its own."""

    service: Service
    panel: Panel
    database: Database = field(repr=False)
    postgres: Postgres | None = None

    def victims(self) -> dict[str, tuple[Callable[[], None], Callable[[], None]]]:
        """Returns by name what is killed, and what starts it again."""
        found = {
            "panel": (self.panel.kill, self.panel.start),
            "service": (self.service.kill, self.service.start),
            "worker of the panel": (self._kill_worker_of_panel, self._await_panel),
        }
        if self.postgres is not None:
            found["PostgreSQL"] = (self.postgres.kill, self.postgres.start_again)
            found["backend"] = (self._kill_backend, lambda: None)
        return found

    def _kill_worker_of_panel(self) -> None:
        _kill_some(children_of(self.panel.process.pid))

    def _kill_backend(self) -> None:
        assert self.postgres is not None
        _kill_some(self.postgres.backends())

    def _await_panel(self) -> None:
        self.panel.process.await_ready(self.panel.is_answering)


def _kill_some(pids: list[int]) -> None:
    if pids:
        os.kill(pids[-1], signal.SIGKILL)


@contextmanager
def open_site(
    folder: Path, template: Path, kind: str, settings: Mapping[str, str] | None = None
) -> Iterator[Site]:
    """Starts everything, as it runs on a machine, but for PostgreSQL's waits for the disk.

    A killed process loses nothing without them, and on a slow disk one may take longer than the service waits
    for the database.  ``kind`` is "sqlite", then the database lies in that folder, or "postgresql".
    """
    with ExitStack() as running:
        postgres, url = None, ""
        if kind == "postgresql":
            postgres = running.enter_context(open_postgres(["fsync=off"]))
            url = postgres.create_database()
        service = Service(folder, url, bcrypt_cost=4, settings=settings or {})
        database = Database(service.database_url)
        running.callback(database.engine.dispose)
        if postgres is None:
            shutil.copy(template, folder / "authbridge.db")
        else:
            schema.upgrade(database)
        panel = Panel(service)
        running.callback(service.stop)
        running.callback(panel.stop)
        service.start()
        panel.start()
        yield Site(service, panel, database, postgres)
