"""A clock that is set while all goes on, of the service or of Prosody: nobody is let in or kept out."""

import contextlib
import http.client
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.auth_server import AuthServer, open_auth_server
from tests.support.login_server import NEWER, login, make_client
from tests.support.metrics import value
from workbench.prosody import HOST, Prosody, external

SUPPORT = Path(__file__).parents[2] / "support"
_LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
SHIFTS = [  # seconds
    pytest.param(172_800, id="two days on"),
    pytest.param(-600, id="ten minutes back"),
    pytest.param(600, id="ten minutes on", marks=pytest.mark.soak),
    pytest.param(-172_800, id="two days back", marks=pytest.mark.soak),
]

pytestmark = pytest.mark.skipif(_LIBRARY is None, reason="needs libfaketime")


@dataclass
class Machine:
    """A Prosody and the service that it asks; the clock of one of them is set through a file."""

    auth: AuthServer
    prosody: Prosody
    clock: Path
    is_of_service: bool

    def set_clock(self, seconds: int) -> None:
        """Sets it by so many seconds, from the right time."""
        self.clock.with_suffix(".new").write_text(f"{seconds:+d}")
        self.clock.with_suffix(".new").rename(self.clock)


@pytest.fixture(name="machine", scope="module", params=["service", "Prosody"])
def run_machine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Machine]:
    """Runs both; the clock is that of ``request.param``."""
    folder = tmp_path_factory.mktemp("machine")
    clock = folder / "clock"
    clock.write_text("+0")
    is_of_service = request.param == "service"
    moved_by = {
        "service": {"PYTHONPATH": str(SUPPORT / "movable_clock"), "MOVABLE_CLOCK": str(clock)},
        "Prosody": {
            "LD_PRELOAD": str(_LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # timers go on as they did
            "NO_FAKE_STAT": "1",
        },
    }
    with contextlib.ExitStack() as running:
        with _in_environment(moved_by["service"] if is_of_service else {}):
            auth = running.enter_context(open_auth_server(folder / "service", sqlite_template))
        with _in_environment({} if is_of_service else moved_by["Prosody"]):
            options = {HOST: external(auth.service.url, auth.service.token_file)}
            prosody = Prosody(NEWER, folder / "prosody", options)
        running.callback(prosody.stop)
        prosody.start()
        yield Machine(auth, prosody, clock, is_of_service)


@contextlib.contextmanager
def _in_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Lets programs that are made meanwhile have these variables."""
    with pytest.MonkeyPatch.context() as environ:
        for name, text in variables.items():
            environ.setenv(name, text)
        yield


@pytest.mark.parametrize("seconds", SHIFTS)
async def test_logins_and_suspensions_go_on_as_they_did(machine: Machine, seconds: int) -> None:
    """Right passwords are granted, wrong ones refused; a suspension ends at once what was open before."""
    auth, prosody = machine.auth, machine.prosody
    who, other = auth.issue(), auth.issue()
    auth.suspend(other.username)
    async with contextlib.AsyncExitStack() as streams:
        client = await streams.enter_async_context(make_client(prosody, "tcp"))
        assert (await client.login(who.username, who.password)).condition == "success"
        await client.bind()
        for moved in (seconds, 0):
            machine.set_clock(moved)
            days = {_day_of(moved)}
            await client.ping()
            assert await login(prosody, "tcp", who.username, who.password) == "success"
            assert await login(prosody, "tcp", who.username, "bcdf-bcdf-bcdf") == "not-authorized"
            assert await login(prosody, "tcp", other.username, other.password) == "account-disabled"
            auth.reinstate(other.username)
            assert await login(prosody, "tcp", other.username, other.password) == "success"
            auth.suspend(other.username)
            await auth.effect(other.username)
            if moved:
                days.add(_day_of(moved))
                logged = {line[:6] for line in prosody.log.read_text().splitlines()}
                assert machine.is_of_service or logged & days
                change = value(_scrape(auth), "authbridge_clock_change_seconds")
                assert change == pytest.approx(seconds if machine.is_of_service else 0, abs=5)
        auth.suspend(who.username)
        assert (await client.await_end()).condition == "not-authorized"
        assert await login(prosody, "tcp", who.username, who.password) == "account-disabled"


def _day_of(seconds: int) -> str:
    """Returns the day that Prosody's log has when its clock is so far from ours."""
    return f"{datetime.now().astimezone() + timedelta(seconds=seconds):%b %d}"


def _scrape(auth: AuthServer) -> str:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", auth.service.port)) as connection:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
