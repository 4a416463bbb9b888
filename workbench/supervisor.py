"""Does for ``authbridge serve`` what systemd does: holds its port, starts it anew, keeps a descriptor for it.

``python -m workbench.supervisor PORT COMMAND …``; SIGHUP restarts the command, SIGTERM and SIGINT end it.
Names as in ``deploy/systemd``: Sockets=, FileDescriptorStoreMax=1, NotifyAccess=main, Restart=always.
"""

import array
import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

_SOCKET_NAME = "authbridge-api.socket"
_STOP_PATIENCE = 5.0  # seconds, as TimeoutStopSec=
_MOST_BYTES = 4096  # of one notification
_HOPELESS = (3, 4)  # its exit codes for a setting that is wrong, and for no database
_UCRED = 3 * array.array("i").itemsize  # pid, uid, gid

# Runs in the child: the descriptors become 3 and following, and the variables say whose they are.  It dies
# with the supervisor (prctl 1, PR_SET_PDEATHSIG), for nobody would end it then.
_LAUNCH = """
import ctypes, fcntl, os, sys
ctypes.CDLL(None).prctl(1, 9)
passed = [fcntl.fcntl(int(number), fcntl.F_DUPFD_CLOEXEC, 100) for number in sys.argv[1].split(",")]
for place, descriptor in enumerate(passed, 3):
    os.dup2(descriptor, place)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execvp(sys.argv[2], sys.argv[2:])
"""


class Supervisor:
    """One service: its port, its process, and at most one descriptor that outlives the process."""

    def __init__(self, port: int, command: Sequence[str]) -> None:
        self._command = command
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._notify.bind("")  # the kernel chooses a name in the abstract namespace
        self._stored: dict[str, int] = {}
        self._is_ending = False
        self._stop_deadline: float | None = None
        self._main: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Keeps the service running until a signal ends it; returns the exit code.

        A service that says why it cannot start is not started again; systemd would try for ever.
        """
        wakeup = self._catch_signals()
        with selectors.DefaultSelector() as selector:
            selector.register(self._notify, selectors.EVENT_READ, self._read_notification)
            selector.register(wakeup, selectors.EVENT_READ, lambda: wakeup.recv(_MOST_BYTES))
            main = self._start()
            while True:
                if main.poll() is not None:
                    _kill_what_it_left(main)
                    if self._is_ending or main.returncode in _HOPELESS:
                        return 0 if self._is_ending else main.returncode
                    main = self._start()
                for key, _ in selector.select(self._until_deadline(main)):
                    key.data()

    def _start(self) -> "subprocess.Popen[bytes]":
        passed = [self._listener.fileno(), *self._stored.values()]
        self._stop_deadline = None
        self._main = subprocess.Popen(  # noqa: S603 - our own arguments
            [sys.executable, "-c", _LAUNCH, ",".join(map(str, passed)), *self._command],
            env={
                **os.environ,
                "NOTIFY_SOCKET": "@" + self._notify.getsockname()[1:].decode(),
                "LISTEN_FDS": str(len(passed)),
                "LISTEN_FDNAMES": ":".join([_SOCKET_NAME, *self._stored]),
            },
            pass_fds=passed,
            start_new_session=True,
        )
        return self._main

    def _until_deadline(self, main: "subprocess.Popen[bytes]") -> float | None:
        """Returns how long to wait for news, in seconds; kills what did not end in time."""
        if self._stop_deadline is None:
            return None
        left = self._stop_deadline - time.monotonic()
        if left <= 0:
            main.kill()
        return max(left, 0)

    def _read_notification(self) -> None:
        words, ancillary, _, _ = self._notify.recvmsg(
            _MOST_BYTES, socket.CMSG_SPACE(_UCRED) + socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC
        )
        sender, descriptors = 0, array.array("i")
        for _, kind, content in ancillary:
            if kind == socket.SCM_RIGHTS:
                descriptors.frombytes(content)
            else:  # SCM_CREDENTIALS
                sender = array.array("i", content)[0]
        if self._main is not None and sender == self._main.pid:
            lines = words.decode().splitlines()
            self._obey(dict(line.split("=", 1) for line in lines if "=" in line), descriptors)
        else:  # any local user can send to this socket
            for descriptor in descriptors:
                os.close(descriptor)

    def _obey(self, fields: dict[str, str], descriptors: Sequence[int]) -> None:
        name = fields.get("FDNAME", "stored")
        if fields.get("FDSTOREREMOVE") == "1" and name in self._stored:
            os.close(self._stored.pop(name))
        for descriptor in descriptors:
            if fields.get("FDSTORE") == "1" and not self._stored:
                self._stored[name] = descriptor
            else:
                os.close(descriptor)

    def _catch_signals(self) -> socket.socket:
        """Returns a socket that can be read from whenever a signal came; a child that ended is one."""
        ours, theirs = socket.socketpair()
        os.set_blocking(theirs.fileno(), False)
        signal.set_wakeup_fd(theirs.detach())
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        return ours

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._is_ending = self._is_ending or number != signal.SIGHUP
        self._stop_deadline = time.monotonic() + _STOP_PATIENCE
        if self._main is not None:
            self._main.terminate()


def _kill_what_it_left(main: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(main.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(Supervisor(int(sys.argv[1]), sys.argv[2:]).run())
