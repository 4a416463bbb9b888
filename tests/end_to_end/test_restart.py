"""A service that dies or is restarted during logins loses none of them, and none gets a wrong verdict."""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from authbridge.database import Database
from tests.end_to_end.conftest import TRANSPORTS, VERSIONS, Cast, login, make_cast
from workbench.prosody import Prosody, external
from workbench.service import Service

LOGINS = 20


@pytest.fixture(name="stage", params=VERSIONS)
def set_stage(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path
) -> Iterator[tuple[Prosody, Service, Cast]]:
    """A service of its own at the production cost of bcrypt, and a Prosody that asks it."""
    service = Service(tmp_path / "service", bcrypt_cost=10)
    shutil.copy(sqlite_template, service.folder / "authbridge.db")
    database = Database(service.database_url)
    cast = make_cast(database)
    database.engine.dispose()
    service.start()
    prosody = Prosody(request.param, tmp_path / "prosody", external(service.url, service.token_file))
    prosody.start()
    yield prosody, service, cast
    prosody.stop()
    service.stop()


@pytest.mark.parametrize(
    "end", [pytest.param(Service.kill, id="kill -9"), pytest.param(Service.stop, id="graceful")]
)
async def test_a_restart_within_a_second_loses_no_login(
    stage: tuple[Prosody, Service, Cast], end: Callable[[Service], None]
) -> None:
    """Twenty logins are under way, over every transport; each ends with its own true verdict."""
    prosody, service, cast = stage
    wanted = [
        (cast.active.username, cast.active.password, "success"),
        (cast.active.username, "bcdf-ghjk-mnpq", "not-authorized"),
        (cast.suspended.username, cast.suspended.password, "account-disabled"),
        (cast.expired.username, cast.expired.password, "credentials-expired"),
    ]
    cases = [(*wanted[number % 4], TRANSPORTS[number % 3]) for number in range(LOGINS)]

    under_way = [
        asyncio.ensure_future(login(prosody, transport, name, typed)) for name, typed, _, transport in cases
    ]
    await _until_some_are_answered(under_way)
    await asyncio.to_thread(end, service)
    await asyncio.to_thread(service.start)

    assert await asyncio.gather(*under_way) == [condition for _, _, condition, _ in cases]


async def _until_some_are_answered(under_way: Sequence["asyncio.Future[str]"]) -> None:
    """Returns in the midst of it."""
    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    assert sum(not each.done() for each in under_way) > LOGINS // 4
