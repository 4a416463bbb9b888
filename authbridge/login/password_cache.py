"""Remembers passwords as keyed hashes, in the memory of this process and nowhere else.

Verified ones, so that the school bell does not take hundreds of bcrypt checks; wrong ones, so that a
forgotten browser that repeats one all morning costs one check.
"""

import ctypes
import resource
import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from authbridge.keys import keyed_digest
from authbridge.login.limits import Limits
from authbridge.login.policy import CacheResult

_PR_SET_DUMPABLE = 4  # prctl(2); the limit alone does not hold where dumps are piped to a program


def forbid_dumps() -> None:
    """Forbids core dumps of this process, and every debugger but root's, so that its memory dies with it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)


class PasswordCache:
    """The cache of one process, under a random key that dies with it.

    An entry is found by its :meth:`cache_key`, made of everything that must be the same for it to hold.
    """

    def __init__(self, limits: Limits, *, remember: bool) -> None:
        """Makes an empty cache; ``remember``: whether it remembers verified passwords at all."""
        self._key = secrets.token_bytes(32)
        self._right = _ExpiringSet(
            limits.remembered_entries if remember else 0, limits.remembered, renew=True
        )
        self._wrong = _ExpiringSet(limits.repeated_entries, limits.repeated, renew=False)

    def cache_key(self, *parts: str) -> bytes:
        """Returns the HMAC-SHA-256 (32 bytes) of the parts."""
        return keyed_digest(self._key, *parts)

    def recall(self, right: bytes, wrong: bytes, now: datetime) -> CacheResult:
        """Tells whether the password was found right or wrong lately."""
        # Both are looked up in any case: the time must not tell a remembered password from others.
        is_right, is_wrong = self._right.holds(right, now), self._wrong.holds(wrong, now)
        if is_right:
            return CacheResult.RIGHT
        return CacheResult.WRONG if is_wrong else CacheResult.NONE

    def note_right(self, cache_key: bytes, now: datetime) -> None:
        """Remembers a verified password."""
        self._right.add(cache_key, now)

    def note_wrong(self, cache_key: bytes, now: datetime) -> None:
        """Remembers a wrong password."""
        self._wrong.add(cache_key, now)


class _ExpiringSet:
    """A bounded set of cache keys that expire; where it is full, the longest unused one goes first."""

    def __init__(self, most: int, age: timedelta, *, renew: bool) -> None:
        self._most = most
        self._age = age.total_seconds()
        self._renew = renew
        self._since: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def holds(self, cache_key: bytes, now: datetime) -> bool:
        with self._lock:
            since = self._since.get(cache_key)
            if since is None:
                return False
            if now.timestamp() - since > self._age:
                del self._since[cache_key]
                return False
            if self._renew:
                self._put(cache_key, now)
            return True

    def add(self, cache_key: bytes, now: datetime) -> None:
        with self._lock:
            self._put(cache_key, now)
            while len(self._since) > self._most:
                self._since.popitem(last=False)

    def _put(self, cache_key: bytes, now: datetime) -> None:
        self._since[cache_key] = now.timestamp()
        self._since.move_to_end(cache_key)
