"""Behind a systemd socket, the port stays when the service goes: logins wait instead of being refused."""

import asyncio
import contextlib
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.login_server import OLDER, login
from tests.support.scripted_service import answering, scripted_service
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


def test_a_process_handed_the_socket_listens_on_no_other(service: Service, port: socket.socket) -> None:
    """The service takes what systemd hands over, and does not bind by itself."""
    process = _start(service, port)
    try:
        process.await_ready(service.is_healthy)
        assert "Using worker: gthread" in service.log.read_text()
    finally:
        process.stop()


async def test_logins_wait_while_nobody_serves_the_socket(port: socket.socket, tmp_path: Path) -> None:
    """A login that arrives between two lives of the service is answered by the second one."""
    token = tmp_path / "token"
    token.write_text("t" * 64)
    url = f"http://127.0.0.1:{port.getsockname()[1]}"
    prosody = Prosody(OLDER, tmp_path / "prosody", {HOST: external(url, token)})
    with contextlib.ExitStack() as running:
        running.callback(prosody.stop)
        prosody.start()
        waiting = asyncio.ensure_future(login(prosody, "tcp", "ohg-kwtx", "x"))
        await asyncio.sleep(0.5)  # as long as systemd waits before it starts the service again
        assert not waiting.done()
        async with scripted_service(port, answering("granted")):
            assert await waiting == "success"


def _start(service: Service, port: socket.socket) -> Process:
    process = Process(
        [sys.executable, "-c", _AS_SYSTEMD, str(port.fileno())], log=service.log, environ=service.environ
    )
    process.start(keep=(port.fileno(),))
    return process
