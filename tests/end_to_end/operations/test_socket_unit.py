"""Behind a systemd socket, the port stays when the service goes: logins wait instead of being refused."""

import asyncio
import contextlib
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from authbridge.storage.database import Database
from tests.support.login_server import Organisers, login, make_organisers
from workbench.processes import Process
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service

# What systemd does: the listening socket is descriptor 3, and the variables say whose it is.
_AS_SYSTEMD = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3);"
    "os.environ |= {'LISTEN_FDS': '1', 'LISTEN_PID': str(os.getpid())};"
    "os.execv(sys.executable, [sys.executable, '-m', 'authbridge', 'serve'])"
)


@pytest.fixture(name="port")
def hold_port() -> Iterator[socket.socket]:
    """The socket that systemd holds from boot on."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as holder:
        holder.set_inheritable(True)
        yield holder


@pytest.fixture(name="service")
def prepare_service(tmp_path: Path, sqlite_template: Path, port: socket.socket) -> Service:
    """A service that will be handed that socket; it is not started."""
    service = Service(tmp_path / "service", port=port.getsockname()[1], bcrypt_cost=4)
    shutil.copy(sqlite_template, service.folder / "authbridge.db")
    return service


@pytest.fixture(name="organisers")
def enrol_organisers(service: Service) -> Organisers:
    """The organisers of that service."""
    database = Database(service.database_url)
    organisers = make_organisers(database)
    database.engine.dispose()
    return organisers


def test_a_process_handed_the_socket_listens_on_no_other(service: Service, port: socket.socket) -> None:
    """The service takes what systemd hands over, and does not bind by itself."""
    process = _start(service, port)
    try:
        process.await_ready(service.is_healthy)
        assert "Using worker: gthread" in service.log.read_text()
    finally:
        process.stop()


async def test_logins_wait_while_the_service_is_away(
    service: Service, port: socket.socket, organisers: Organisers, tmp_path: Path
) -> None:
    """A login that arrives between two lives of the service is answered by the second one."""
    options = external(service.url, service.token_file, external_auth_timeout=60)  # a start may take its time
    prosody = Prosody("0.12", tmp_path / "prosody", {HOST: options})
    with contextlib.ExitStack() as running:
        running.callback(prosody.stop)
        prosody.start()
        waiting = asyncio.ensure_future(
            login(prosody, "tcp", organisers.active.username, organisers.active.password)
        )
        await asyncio.sleep(4)  # longer than refused connections are tried again
        assert not waiting.done()
        running.callback(_start(service, port).stop)
        assert await waiting == "success"


def _start(service: Service, port: socket.socket) -> Process:
    process = Process(
        [sys.executable, "-c", _AS_SYSTEMD, str(port.fileno())], log=service.log, environ=service.environ
    )
    process.start(keep=(port.fileno(),))
    return process
