"""Several auth services over one PostgreSQL, and several Prosodys that ask them."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from authbridge.schools.commands.schools import MOST_ACCOUNTS
from authbridge.storage.database import Database
from tests.support.auth_server import AuthServer
from tests.support.factories import make_school
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service


@dataclass(frozen=True, slots=True)
class Growth:
    """The services share database and secrets; each Prosody asks another one of them first."""

    services: tuple[Service, ...]
    prosodys: tuple[Prosody, ...]
    auth: AuthServer  # the first service, with the commands of staff


@contextlib.contextmanager
def open_growth(
    folder: Path, database_url: str, versions: Sequence[str], *, services: int = 2
) -> Iterator[Growth]:
    """Starts them in that folder, a Prosody of each version, with the schools ``ohg`` and ``abc``."""
    running_services = tuple(
        Service(folder / "services", database_url, bcrypt_cost=4) for _ in range(services)
    )
    first = running_services[0]
    urls = [service.url for service in running_services]
    prosodys = tuple(
        Prosody(
            version,
            folder / f"prosody-{number}",
            {
                HOST: external(
                    urls[number % services :] + urls[: number % services],
                    first.token_file,
                    external_auth_node=f"node-{number}",
                )
            },
        )
        for number, version in enumerate(versions)
    )
    with contextlib.ExitStack() as running:
        database = Database(database_url)
        running.callback(database.engine.dispose)
        make_school(database, "ohg", quota=MOST_ACCOUNTS)
        make_school(database, "abc", "Andere Schule")
        parts: list[Service | Prosody] = [*running_services, *prosodys]
        for part in parts:
            running.callback(part.stop)
            part.start()
        yield Growth(running_services, prosodys, AuthServer(first, database))
