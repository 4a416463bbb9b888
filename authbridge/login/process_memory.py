"""Keeps what a process has in its memory out of core dumps, debuggers and swap."""

import ctypes
import mmap
import resource

_PR_SET_DUMPABLE = 4  # prctl(2); the limit alone does not hold where dumps are piped to a program
_MLOCK_ONFAULT = 1  # mlock2(2): pages are locked when they come into use, not all of them now


def forbid_dumps() -> None:
    """Forbids core dumps of this process, and every debugger but root's.

    What others of the same user can open below ``/proc`` is forbidden with them: its memory, its descriptors.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)


def forbid_swap(block: mmap.mmap) -> bool:
    """Keeps the block out of the swap while this process lives; returns False if that is not allowed."""
    address = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(block)))
    done: int = ctypes.CDLL(None).mlock2(address, ctypes.c_size_t(len(block)), _MLOCK_ONFAULT)
    return done == 0
