"""Keeps the block of the password cache in a memfd: memory with a descriptor, in no file system.

The process that starts the service makes it, the one that answers uses it; never two at a time.
"""

import fcntl
import logging
import mmap
import os
import time
from collections.abc import Mapping

from authbridge.login.cache_memory import CacheMemory, Layout
from authbridge.login.process_memory import forbid_swap

_log = logging.getLogger(__name__)

NAME = "password-cache"
DESCRIPTOR = "PASSWORD_CACHE_FD"  # the variable by which a process hands it to those that it starts

_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
_F_SEAL_EXEC = 0x20  # set by the kernel with MFD_NOEXEC_SEAL
_MFD_NOEXEC_SEAL = 0x8  # Linux 6.3; Python 3.11 has no name for it
_PATIENCE = 3.0  # seconds for the one before us to end, which has gunicorn's graceful time-out of 2 s
_POLL = 0.02  # seconds


def make_memfd(layout: Layout) -> int:
    """Makes a memfd of zeros whose size cannot change; returns its descriptor.

    Raises:
        OSError: The system does not allow it.
    """
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        memfd = os.memfd_create(NAME, flags | _MFD_NOEXEC_SEAL)
    except OSError:  # an older kernel
        memfd = os.memfd_create(NAME, flags)
    try:
        os.ftruncate(memfd, layout.size)
        fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, _SEALS)
    except OSError:
        os.close(memfd)
        raise
    return memfd


def fault_of_memfd(memfd: int, layout: Layout) -> str | None:
    """Says what is odd about a descriptor, without a look at its content."""
    try:
        seals = fcntl.fcntl(memfd, fcntl.F_GET_SEALS)
        size = os.fstat(memfd).st_size
    except OSError:
        return "it is no memfd"
    if seals & ~_F_SEAL_EXEC != _SEALS:
        return f"its seals are {seals:#x}"
    return None if size == layout.size else f"it has {size} bytes instead of {layout.size}"


def open_memory(environ: Mapping[str, str], layout: Layout) -> CacheMemory:
    """Opens the memory that this process was handed, and keeps it until the process ends.

    Without one it makes a private memory; also where the one is odd or in use, which is one line of the log.
    """
    handed = environ.get(DESCRIPTOR, "")
    if not handed:
        return CacheMemory.private(layout)
    fault = f"{DESCRIPTOR} is no number" if not handed.isdecimal() else _fault_of_use(int(handed), layout)
    if fault is not None:
        _log.warning("password cache: begins empty, and ends with this process: %s", fault)
        return CacheMemory.private(layout)
    return _resume(int(handed), layout)


def _fault_of_use(memfd: int, layout: Layout) -> str | None:
    fault = fault_of_memfd(memfd, layout)
    if fault is not None:
        return fault
    return None if _claim(memfd) else "another process uses it"


def _claim(memfd: int) -> bool:
    """Locks the memfd for this process; returns False if another one keeps it.

    The lock is the process's (POSIX), for flock(2) is the open file's, which all processes here share.  It is
    lost when the process closes any descriptor of the memfd: so none may be closed.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.lockf(memfd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL)
        else:
            return True


def _resume(memfd: int, layout: Layout) -> CacheMemory:
    fcntl.fcntl(memfd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    block = mmap.mmap(memfd, layout.size)
    block.madvise(mmap.MADV_DONTDUMP)
    if not forbid_swap(block):
        _log.warning("password cache: cannot be kept out of the swap; raise LimitMEMLOCK")
    memory, fault = CacheMemory.resume(block, layout)
    if fault is not None:
        _log.warning("password cache: discarded: %s", fault)
    return memory
