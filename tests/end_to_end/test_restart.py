"""A service that dies or is restarted during logins loses none of them, and none gets a wrong verdict."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.end_to_end.conftest import TRANSPORTS, VERSIONS, Stage, login, open_stage
from workbench.service import Service

LOGINS = 20


@pytest.fixture(name="stage", params=VERSIONS)
def set_stage(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[Stage]:
    """A service of its own at the production cost of bcrypt, and a Prosody that asks it."""
    with open_stage(request.param, tmp_path, sqlite_template, bcrypt_cost=10) as stage:
        yield stage


@pytest.mark.parametrize(
    "end", [pytest.param(Service.kill, id="kill -9"), pytest.param(Service.stop, id="graceful")]
)
async def test_a_restart_within_a_second_loses_no_login(stage: Stage, end: Callable[[Service], None]) -> None:
    """Twenty logins are under way, over every transport; each ends with its own true verdict."""
    prosody, service, cast = stage.prosody, stage.service, stage.cast
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
