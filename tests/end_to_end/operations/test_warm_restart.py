"""Under a supervisor that stores its descriptor, the service that is started anew remembers who logged in.

Seen by what only a remembered password does: it passes a wait.  Here one failure locks a name for a day.
"""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from authbridge.login.cache_memory import CacheMemory
from authbridge.login.limits import Limits
from authbridge.login.password_cache import layout_of
from tests.support.login_server import OLDER, LoginServer, enrol_organisers, login
from workbench.processes import PATIENCE, StartError
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service

WRONG = "bcdf-ghjk-mnpr"
LOCKED = "temporary-auth-failure"
_POLL = 0.02  # seconds


@contextlib.contextmanager
def open_server(folder: Path, template: Path, *, supervised: bool) -> Iterator[LoginServer]:
    """A service under which a name waits after one failure, and a Prosody that asks it."""
    settings = {"LIMIT_ACCOUNT_FAILURES": "1"}
    service = Service(folder / "service", bcrypt_cost=4, settings=settings, supervised=supervised)
    shutil.copy(template, service.folder / "authbridge.db")
    options = external(service.url, service.token_file, external_auth_timeout=60)  # a start may take its time
    prosody = Prosody(OLDER, folder / "prosody", {HOST: options})
    with contextlib.ExitStack() as running:
        running.callback(service.stop)
        with _cores_allowed():
            service.start()
        running.callback(prosody.stop)
        prosody.start()
        yield LoginServer(prosody, service, enrol_organisers(service))


@contextlib.contextmanager
def _cores_allowed() -> Iterator[None]:
    """What is started meanwhile may dump its core, unless it forbids that itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.fixture(name="supervised")
def run_supervised_server(tmp_path: Path, sqlite_template: Path) -> Iterator[LoginServer]:
    """As under systemd."""
    with open_server(tmp_path, sqlite_template, supervised=True) as server:
        yield server


@pytest.fixture(name="unsupervised")
def run_unsupervised_server(tmp_path: Path, sqlite_template: Path) -> Iterator[LoginServer]:
    """As in a terminal."""
    with open_server(tmp_path, sqlite_template, supervised=False) as server:
        yield server


def kill_worker(service: Service) -> None:
    """Kills the process that answers; gunicorn starts another one."""
    os.kill(_some(service.worker_pid), signal.SIGKILL)


def kill_service(service: Service) -> None:
    """Kills gunicorn's first process, as the kernel may when memory is short."""
    os.kill(_some(service.main_pid), signal.SIGKILL)


def restart_service(service: Service) -> None:
    """Restarts it as ``systemctl restart`` does."""
    os.kill(service.process.pid, signal.SIGHUP)


def reload_gunicorn(service: Service) -> None:
    """Lets gunicorn begin another worker while the old one ends."""
    os.kill(_some(service.main_pid), signal.SIGHUP)


async def test_under_a_supervisor_every_restart_is_warm(supervised: LoginServer) -> None:
    """The owner who logged in before the first passes the wait of the name after each; nobody else does."""
    await _log_in_and_lock(supervised)

    for end in (kill_worker, kill_service, restart_service, reload_gunicorn, kill_service):
        await asyncio.to_thread(_renew, supervised.service, end)

        assert await _owner_logs_in(supervised) == "success", end.__name__
        assert await _other_logs_in(supervised) == LOCKED, end.__name__
    assert "password cache" not in supervised.service.log.read_text()


async def test_without_a_supervisor_a_restart_is_cold(unsupervised: LoginServer) -> None:
    """A worker that dies alone comes back warm: gunicorn holds the memory, and it ends with gunicorn."""
    await _log_in_and_lock(unsupervised)

    await asyncio.to_thread(_renew, unsupervised.service, kill_worker)
    assert await _owner_logs_in(unsupervised) == "success"

    await asyncio.to_thread(unsupervised.service.kill)
    await asyncio.to_thread(unsupervised.service.start)
    assert await _owner_logs_in(unsupervised) == LOCKED


async def test_with_the_supervisor_the_memory_ends(supervised: LoginServer) -> None:
    """As with ``systemctl stop``: the next start is cold, and no process has the memory in between."""
    await _log_in_and_lock(supervised)
    service = supervised.service
    number = _memory_of(service).stat().st_ino
    assert _holders(number) == {service.process.pid, service.main_pid, service.worker_pid}

    await asyncio.to_thread(service.stop)
    assert _holders(number) == set()
    await asyncio.to_thread(service.start)

    assert await _owner_logs_in(supervised) == LOCKED


async def test_a_scribbled_memory_is_discarded_with_one_line(supervised: LoginServer) -> None:
    """The service starts, cold, and remembers anew from there on."""
    await _log_in_and_lock(supervised)
    service = supervised.service

    with _memory_of(service).open("r+b", buffering=0) as memory:
        memory.seek(20)
        memory.write(b"scribble")
    await asyncio.to_thread(_renew, service, kill_service)
    assert await _owner_logs_in(supervised) == LOCKED
    await asyncio.to_thread(_renew, service, kill_service)

    told = [line for line in service.log.read_text().splitlines() if "password cache" in line]
    assert told == ["WARNING password cache: discarded: its header is damaged"]


def test_a_supervised_service_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The supervisor does not try for ever, as systemd would."""
    service = Service(tmp_path, settings={"TIMEZONE": "Nowhere"}, supervised=True)
    with pytest.raises(StartError, match="AUTHBRIDGE_TIMEZONE"):
        service.start()


async def test_key_and_entries_are_in_no_file_no_log_and_no_core(
    supervised: LoginServer, tmp_path: Path
) -> None:
    """Neither as bytes nor as hexadecimal digits, in either life."""
    await _log_in_and_lock(supervised)
    service = supervised.service
    await asyncio.to_thread(_renew, service, kill_service)
    secrets = _secrets_in(_memory_of(service))

    assert len(secrets) == 4  # the key, one verified password, two wrong ones
    assert service.log in _files_with(b"gunicorn", tmp_path)
    for secret in secrets:
        assert _files_with(secret, tmp_path) == []
        assert _files_with(secret.hex().encode(), tmp_path) == []
    assert _core_limit(service.process.pid) == _core_limit(os.getpid())[1:] * 2
    assert [_core_limit(pid) for pid in (service.main_pid, service.worker_pid)] == [["0", "0"]] * 2


async def _log_in_and_lock(server: LoginServer) -> None:
    """The owner logs in; then somebody guesses once at that name, and at another that is not remembered."""
    owner, other = server.organisers.active, server.organisers.suspended
    assert await _owner_logs_in(server) == "success"
    for username in (owner.username, other.username):
        assert await login(server.prosody, "tcp", username, WRONG) == "not-authorized"
    assert await _owner_logs_in(server) == "success"
    assert await _other_logs_in(server) == LOCKED


async def _owner_logs_in(server: LoginServer) -> str:
    owner = server.organisers.active
    return await login(server.prosody, "tcp", owner.username, owner.password)


async def _other_logs_in(server: LoginServer) -> str:
    other = server.organisers.suspended
    return await login(server.prosody, "tcp", other.username, other.password)


def _renew(service: Service, end: Callable[[Service], None]) -> None:
    """Ends it in that way, and returns when the old process is gone and another one answers."""
    before = _some(service.worker_pid)
    end(service)
    deadline = time.monotonic() + PATIENCE
    while _is_alive(before) or service.worker_pid is None or not service.is_healthy():
        assert time.monotonic() < deadline, service.process.log_tail()
        time.sleep(_POLL)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _some(pid: int | None) -> int:
    assert pid is not None
    return pid


def _memory_of(service: Service) -> Path:
    """The memory, as the supervisor stores it."""
    descriptors = Path(f"/proc/{service.process.pid}/fd").iterdir()
    return next(path for path in descriptors if "memfd:password-cache" in str(path.readlink()))


def _holders(number: int) -> set[int]:
    """The processes that have that memory open, by its inode's number."""
    return {int(path.parts[2]) for path in Path("/proc").glob("[0-9]*/fd/*") if _inode(path) == number}


def _inode(descriptor: Path) -> int | None:
    with contextlib.suppress(OSError):
        if "memfd:password-cache" in str(descriptor.readlink()):
            return descriptor.stat().st_ino
    return None


def _secrets_in(memory: Path) -> list[bytes]:
    """The key and all cache keys."""
    content = CacheMemory(bytearray(memory.read_bytes()), layout_of(Limits(), remember=True))
    entries = [*content.right.entries(), *content.wrong.entries()]
    return [content.key, *(entry.cache_key for entry in entries)]


def _files_with(secret: bytes, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]


def _core_limit(pid: int | None) -> list[str]:
    """The soft and the hard limit of a core dump, in bytes."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line.split()[4:6] for line in lines if line.startswith("Max core file size"))
