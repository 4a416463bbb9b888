"""The PostgreSQL dies and its standby takes over, under services and Prosodys that go on running."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from authbridge.storage import schema
from authbridge.storage.database import Database
from tests.support.growth import Growth, open_growth
from tests.support.login_server import NEWER, login, make_client
from workbench.postgres import Postgres
from workbench.processes import PATIENCE
from workbench.xmpp import Client

pytestmark = pytest.mark.soak

TEMPORARY = "temporary-auth-failure"


@dataclass(frozen=True, slots=True)
class Whole:
    """Two services and a Prosody, over a PostgreSQL with a standby."""

    growth: Growth
    primary: Postgres
    standby: Postgres

    async def told(self, username: str, password: str) -> str:
        """Returns the condition of a login."""
        return await login(self.growth.prosodys[0], "tcp", username, password)

    async def until_told(self, username: str, password: str, condition: str) -> float:
        """Returns the seconds until a login ends with that verdict; before, it may only be unavailable."""
        began = time.monotonic()
        while (told := await self.told(username, password)) != condition:
            assert told == TEMPORARY
            assert time.monotonic() - began < PATIENCE
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    @asynccontextmanager
    async def logged_in(self, username: str, password: str) -> AsyncIterator[Client]:
        """Logs in, and stays."""
        async with make_client(self.growth.prosodys[0], "tcp") as client:
            assert (await client.login(username, password)).condition == "success"
            await client.bind()
            yield client


@pytest.fixture(name="whole")
def run_whole(tmp_path: Path) -> Iterator[Whole]:
    """Runs all of it; the standby follows, and no commit waits for it."""
    # Not below pytest's own folder, as in conftest.py.
    with tempfile.TemporaryDirectory(prefix="postgres-of-tests-") as folder, ExitStack() as running:
        Path(folder).chmod(0o755)
        primary, standby = Postgres(Path(folder, "primary")), Postgres(Path(folder, "standby"))
        running.callback(primary.stop)
        primary.start()
        name = primary.create_database().rpartition("/")[2]
        running.callback(standby.stop)
        standby.start_as_standby_of(primary)
        hosts = "&".join(f"host=127.0.0.1:{each.port}" for each in (primary, standby))
        url = f"postgresql://authbridge@/{name}?{hosts}&target_session_attrs=read-write"
        database = Database(url)
        schema.upgrade(database)
        database.engine.dispose()
        yield Whole(running.enter_context(open_growth(tmp_path, url, [NEWER])), primary, standby)


async def test_a_failover_needs_no_hand_at_services_and_prosodys(whole: Whole) -> None:
    """Meanwhile logins are told to try later; then everything goes on, new suspensions too."""
    growth = whole.growth
    who, other, suspended = (growth.auth.issue() for _ in range(3))
    growth.auth.suspend(suspended.username)
    await growth.auth.effect(suspended.username)
    async with (
        whole.logged_in(who.username, who.password) as client,
        whole.logged_in(other.username, other.password) as stays,
    ):
        whole.primary.kill()
        assert await whole.told(who.username, who.password) == TEMPORARY
        await stays.ping()
        whole.standby.promote()
        seconds = await whole.until_told(who.username, who.password, "success")
        print(f"after the promotion, logins went on within {seconds * 1000:.0f} ms")  # noqa: T201 - a figure
        assert await whole.told(suspended.username, suspended.password) == "account-disabled"

        end = asyncio.ensure_future(client.await_end())
        began = time.monotonic()
        growth.auth.suspend(who.username)
        async with asyncio.timeout(PATIENCE):
            await end
        print(f"a suspension was carried out after {(time.monotonic() - began) * 1000:.0f} ms")  # noqa: T201
        await stays.ping()
    await growth.auth.effect(who.username)


async def test_a_lost_suspension_is_forgotten_everywhere(whole: Whole) -> None:
    """Staff were told that it is done; where commits wait for no standby, it may not be."""
    growth = whole.growth
    lost, kept = growth.auth.issue(), growth.auth.issue()
    assert await whole.told(lost.username, lost.password) == "success"
    whole.standby.kill()
    growth.auth.suspend(lost.username)
    await growth.auth.effect(lost.username)
    assert await whole.told(lost.username, lost.password) == "account-disabled"
    whole.primary.kill()
    whole.standby.start_again()
    whole.standby.promote()

    await whole.until_told(lost.username, lost.password, "success")
    async with whole.logged_in(kept.username, kept.password) as client:
        end = asyncio.ensure_future(client.await_end())
        growth.auth.suspend(kept.username)  # gets the number that the lost one had
        async with asyncio.timeout(PATIENCE):
            await end
