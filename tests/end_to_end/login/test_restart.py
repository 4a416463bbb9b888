"""A service that dies or is restarted during logins loses none of them, and none gets a wrong verdict."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.combinations import each_once
from tests.support.login_server import TRANSPORTS, VERSIONS, LoginServer, login, open_login_server
from workbench.processes import Process
from workbench.service import Service

LOGINS = 20

# `authbridge serve` that has read its modules and waits to be told to begin: how long that takes is the
# machine's affair, and Prosody's patience is three seconds.
_PREPARED = """
import os, runpy, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
import gunicorn.app.wsgiapp, gunicorn.workers.gthread
import authbridge.api, authbridge.cli, wsgi

def become(_program, arguments):
    sys.argv = arguments[arguments.index("-m") + 1 :]
    runpy.run_module("gunicorn", run_name="__main__", alter_sys=True)

os.execv = become
print("prepared", flush=True)
signal.sigwait({signal.SIGUSR1})
authbridge.cli.main(["serve"])
"""


@pytest.fixture(name="login_server")
def run_login_server(version: str, tmp_path: Path, sqlite_template: Path) -> Iterator[LoginServer]:
    """A service of its own at the production cost of bcrypt, and a Prosody that asks it."""
    with open_login_server(version, tmp_path, sqlite_template, bcrypt_cost=10) as login_server:
        yield login_server


@pytest.fixture(name="successor")
def prepare_successor(login_server: LoginServer, tmp_path: Path) -> Iterator[Process]:
    """The service's next life; the signal lets it begin."""
    log = tmp_path / "successor.log"
    process = Process([sys.executable, "-c", _PREPARED], log=log, environ=login_server.service.environ)
    with contextlib.ExitStack() as running:
        running.callback(process.stop)
        process.start()
        process.await_ready(lambda: "prepared" in log.read_text())
        yield process


@pytest.mark.realtime
@pytest.mark.parametrize(("version", "end"), each_once(VERSIONS, [Service.kill, Service.stop]))
async def test_a_restart_within_a_second_loses_no_login(
    login_server: LoginServer, successor: Process, end: Callable[[Service], None]
) -> None:
    """Twenty logins are under way, over every transport; each ends with its own true verdict."""
    prosody, service, organisers = login_server.prosody, login_server.service, login_server.organisers
    wanted = [
        (organisers.active.username, organisers.active.password, "success"),
        (organisers.active.username, "bcdf-ghjk-mnpq", "not-authorized"),
        (organisers.suspended.username, organisers.suspended.password, "account-disabled"),
        (organisers.expired.username, organisers.expired.password, "credentials-expired"),
    ]
    cases = [(*wanted[number % 4], TRANSPORTS[number % 3]) for number in range(LOGINS)]

    under_way = [
        asyncio.ensure_future(login(prosody, transport, name, typed)) for name, typed, _, transport in cases
    ]
    await _until_some_are_answered(under_way)
    await asyncio.to_thread(end, service)
    successor.signal(signal.SIGUSR1)
    await asyncio.to_thread(successor.await_ready, service.is_healthy)

    assert await asyncio.gather(*under_way) == [condition for _, _, condition, _ in cases]


async def _until_some_are_answered(under_way: Sequence["asyncio.Future[str]"]) -> None:
    """Returns in the midst of it."""
    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    assert sum(not each.done() for each in under_way) > LOGINS // 4
