"""A PostgreSQL server for the tests, with settings of its own."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench.postgres import Postgres


@contextmanager
def open_postgres(settings: Sequence[str]) -> Iterator[Postgres]:
    """Runs a server with these settings, and removes it with its files at the end."""
    # Not below pytest's own folder: each start of pytest closes that to other users, and the server is one.
    with tempfile.TemporaryDirectory(prefix="postgres-of-tests-") as folder:
        server = Postgres(Path(folder), settings=settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()
