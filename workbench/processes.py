"""Child processes that end with us, and ports that nobody else uses."""

import atexit
import contextlib
import fcntl
import functools
import http.client
import os
import secrets
import select
import signal
import socket
import subprocess
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, ClassVar

from workbench import CACHE

PATIENCE = 120.0  # seconds for what merely has to happen: where all is well nobody waits that long

ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM")
"""Begins the arguments of a child: it is asked to end when this process ends, even by SIGKILL."""

_POLL = 0.02  # seconds

# The kernel sends that signal when the thread ends that started the child, so this one starts all.
_starter = ThreadPoolExecutor(1)

_PORTS = range(10_000, 32_768)  # below Linux's ports of outgoing connections
_reserved: set[int] = set()  # by this process


class StartError(Exception):
    """Raised when a part does not come up, or does not end; the text has the end of its log."""


class Process:
    """One child in a process group of its own, its output in a file."""

    _all: ClassVar["weakref.WeakSet[Process]"] = weakref.WeakSet()

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        log: Path,
        environ: Mapping[str, str] | None = None,
        own_log: Path | None = None,
    ) -> None:
        self._arguments = list(arguments)
        self._environ = {**os.environ, **(environ or {})}
        self.log = log
        self.own_log = own_log  # which the child writes by itself
        self._child: subprocess.Popen[bytes] | None = None
        self._all.add(self)

    @classmethod
    def running(cls) -> list["Process"]:
        """Returns those that run, in the order of their logs' paths."""
        return sorted((each for each in cls._all if each.is_running), key=lambda each: each.log)

    @property
    def pid(self) -> int:
        """Returns the child's id; raises :class:`StartError` if it does not run."""
        if self._child is None:
            message = f"{self._arguments[0]} does not run"
            raise StartError(message)
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Tells whether the child was started and has not ended."""
        return self._child is not None and self._child.poll() is None

    def start(self, *, keep: Sequence[int] = ()) -> None:
        """Starts the child, which inherits the descriptors in ``keep``; its output goes to the log."""
        with self.log.open("ab") as output:
            self._child = _starter.submit(
                subprocess.Popen[bytes],
                [*ENDS_WITH_US, "--", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environ,
                start_new_session=True,
                pass_fds=keep,
            ).result()

    def await_ready(self, is_ready: Callable[[], bool]) -> None:
        """Returns once ``is_ready``; raises :class:`StartError` if the child ends or patience does.

        Nothing is left running then, so the caller need not stop what did not start.
        """
        deadline = time.monotonic() + PATIENCE
        try:
            while not is_ready():
                self._require_hope(deadline)
                time.sleep(_POLL)
        except BaseException:
            self.kill()
            raise

    def _require_hope(self, deadline: float) -> None:
        if not self.is_running:
            message = f"{self._arguments[0]} ended at once:\n{self.log_tail()}"
            raise StartError(message)
        if time.monotonic() > deadline:
            message = f"{self._arguments[0]} is not ready after {PATIENCE:.0f} s:\n{self.log_tail()}"
            raise StartError(message)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the child and to all that it started."""
        os.killpg(self.pid, number)

    def stop(self) -> None:
        """Asks the child to end; does nothing if it ended already.

        Raises:
            StartError: It did not end, and was killed.
        """
        if self._child is None:
            return
        try:
            os.kill(self._child.pid, signal.SIGTERM)
            self._child.wait(PATIENCE)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            message = f"{self._arguments[0]} did not end in {PATIENCE:.0f} s:\n{self.log_tail()}"
            raise StartError(message) from None
        finally:
            self.kill()

    def kill(self) -> None:
        """Kills the child and all that it started, with SIGKILL."""
        if self._child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._child = None

    def log_tail(self, lines: int = 12) -> str:
        """Returns the last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def children_of(pid: int) -> list[int]:
    """Returns the ids of the processes that a single-threaded process started; none if it has ended."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def kill_stranger(pid: int) -> None:
    """Kills a process that is no child of ours, and returns when it has ended."""
    with contextlib.suppress(ProcessLookupError):
        process = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(process, signal.SIGKILL)
            select.select([process], [], [])
        finally:
            os.close(process)


def is_answering(port: int, path: str, host: str = "127.0.0.1") -> bool:
    """Tells whether an HTTP server on that loopback port answers that path with 200, under that name."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={"Host": f"{host}:{port}"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def free_port() -> int:
    """Returns a TCP port on loopback that nobody listens on, and that no process of ours is given again.

    It is none of those from which the kernel takes the ports of outgoing connections: such a connection
    could take it before somebody listens there. Other processes of this checkout that run at the same time
    get other ports.
    """
    while True:
        port = secrets.choice(_PORTS)
        if _reserve(port) and not is_listening(port):
            return port


def _reserve(port: int) -> bool:
    """Tells whether the port is now ours: its byte of a file stays locked until this process ends."""
    if port in _reserved:
        return False
    _reserved.add(port)
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except BlockingIOError:
        return False
    return True


@functools.cache
def _reservations() -> BinaryIO:
    CACHE.mkdir(exist_ok=True)
    file = (CACHE / "ports.lock").open("ab")
    atexit.register(file.close)
    return file


def is_listening(port: int) -> bool:
    """Tells whether a process accepts connections on that loopback port."""
    with socket.socket() as probe:
        probe.settimeout(PATIENCE)
        return probe.connect_ex(("127.0.0.1", port)) == 0
