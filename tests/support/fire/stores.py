"""Where the world keeps its accounts, and what happens there: PostgreSQL behind links, or SQLite's file."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from tests.support.fire.troubles import Trouble, dropped, frozen, held, killed, tree_of
from tests.support.link import Link
from workbench.postgres import Postgres

_SERVICES = 2
_USUAL_SETTINGS = ("max_wal_size=64MB", "min_wal_size=32MB")  # for else the log alone fills that disk


@dataclass(frozen=True, slots=True)
class Store:
    """One database: ``url`` is the tests' own way to it, ``addresses`` those of the services.

    ``office``: the address for panel and command line; ``heal`` returns when it answers.
    """

    url: str
    addresses: Sequence[str]
    office: str
    heal: Callable[[], None]
    troubles: Sequence[Trouble]


OpenStore = Callable[[Path], contextlib.AbstractContextManager[Store]]
"""Opens a database on that disk."""


@contextmanager
def open_postgres(disk: Path) -> Iterator[Store]:
    """Starts a server on that disk, which two services reach over a link each."""
    server = Postgres(disk / "postgres", settings=_USUAL_SETTINGS)
    with contextlib.ExitStack() as running:
        running.callback(server.kill)
        server.start()
        url = make_url(server.create_database())
        links = [running.enter_context(Link(url.port or 0)) for _ in range(_SERVICES + 1)]
        *services, office = [url.set(port=link.port).render_as_string(hide_password=False) for link in links]

        def heal() -> None:
            if not server.process.is_running:
                server.start_again()

        yield Store(
            url.render_as_string(hide_password=False),
            services,
            office,
            heal,
            [
                Trouble("kill PostgreSQL", lambda: killed(server.kill)),
                Trouble("freeze PostgreSQL", lambda: frozen(tree_of(server.process))),
                Trouble("cut all connections to the database", lambda: dropped(links)),
                *(_held_back(number, link) for number, link in enumerate(links[:-1], 1)),
            ],
        )


def _held_back(number: int, link: Link) -> Trouble:
    return Trouble(f"hold back what service {number} asks the database", lambda: held(link))


@contextmanager
def open_sqlite(disk: Path) -> Iterator[Store]:
    """A file on that disk, for the one service of such an installation."""
    file = disk / "authbridge.db"
    url = f"sqlite:///{file}"
    yield Store(
        url,
        [url],
        url,
        lambda: None,
        [
            Trouble("let another program lock the database", lambda: _in_use(file, "BEGIN IMMEDIATE")),
            Trouble("let another program read the database", lambda: _in_use(file, "BEGIN")),
        ],
    )


@contextmanager
def _in_use(file: Path, begin: str) -> Iterator[None]:
    connection = sqlite3.connect(file, timeout=10, isolation_level=None, check_same_thread=False)
    with contextlib.closing(connection):
        connection.execute(begin)
        connection.execute("SELECT count(*) FROM organisers").fetchall()
        yield


STORES: dict[str, OpenStore] = {"postgresql": open_postgres, "sqlite": open_sqlite}
"""All of them, by name."""
