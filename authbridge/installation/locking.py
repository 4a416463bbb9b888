"""Locks a file that others can open, and so lock themselves: for a limited time, and names who holds it."""

import fcntl
import os
import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from authbridge.errors import AuthBridgeError

_PATIENCE = 10.0  # seconds; a service holds it for a moment, when it starts
_LOOK = 0.1  # seconds
_LOCKS = Path("/proc/locks")


class LockedError(AuthBridgeError):
    """Raised when somebody else holds the lock, and does not give it up."""


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keeps everybody else from locking the file meanwhile; if we are killed, the lock is gone with us.

    Raises:
        LockedError: Somebody else holds it for longer than ten seconds.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _takes(descriptor):
            if time.monotonic() > deadline:
                raise LockedError(
                    "%(file)s stays locked, by %(holders)s.  The services lock it for a moment only: if"
                    " that is no other installer, end it (kill), and give this command again.",
                    file=file,
                    holders=_holders(os.fstat(descriptor).st_ino),
                )
            time.sleep(_LOOK)
        yield
    finally:
        os.close(descriptor)


def _takes(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holders(inode: int) -> str:
    # The kernel's list: number, FLOCK, ADVISORY, READ or WRITE, process, device and inode (proc_locks(5)).
    lines = [line.split() for line in _LOCKS.read_text(encoding="ascii").splitlines()]
    found = [line[4] for line in lines if line[1] == "FLOCK" and line[5].rpartition(":")[2] == str(inode)]
    return " and ".join(map(_named, dict.fromkeys(found))) or "a process that cannot be seen here"


def _named(process: str) -> str:
    folder = Path("/proc") / process
    try:
        user = pwd.getpwuid(folder.stat().st_uid).pw_name
        return f"process {process} ({(folder / 'comm').read_text().strip()}, user {user})"
    except (OSError, KeyError):
        return f"process {process}"
