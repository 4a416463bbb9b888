"""What the service remembers of passwords: keyed hashes in the memory of this process, and nowhere else.

A verified password is remembered, so that the school bell does not take hundreds of bcrypt checks; a wrong
one too, so that a forgotten browser which repeats it all morning costs one.
"""

import ctypes
import hashlib
import hmac
import resource
import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from authbridge.login.keyed_hashes import join
from authbridge.login.policy import CacheResult, Limits

_PR_SET_DUMPABLE = 4  # prctl(2); the limit alone does not hold where dumps are piped to a program


def forbid_dumps() -> None:
    """No core dump of this process, and no debugger but root's: what it remembers dies with it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)


class PasswordCache:
    """The recollections of one process, under a key that dies with it.

    What is asked about is a *mark*: :meth:`cache_key` of all that must be the same for the answer to hold.
    """

    def __init__(self, limits: Limits, *, remember: bool) -> None:
        """``remember``: whether verified passwords are remembered at all."""
        self._key = secrets.token_bytes(32)
        self._right = _Marks(limits.remembered_entries if remember else 0, limits.remembered, renew=True)
        self._wrong = _Marks(limits.repeated_entries, limits.repeated, renew=False)

    def cache_key(self, *parts: str) -> bytes:
        """HMAC-SHA-256 of the parts."""
        return hmac.digest(self._key, join(*parts), hashlib.sha256)

    def recall(self, right: bytes, wrong: bytes, now: datetime) -> CacheResult:
        """What is remembered under either mark."""
        # Both are looked up whatever comes out: the same work for everybody.
        is_right, is_wrong = self._right.holds(right, now), self._wrong.holds(wrong, now)
        if is_right:
            return CacheResult.RIGHT
        return CacheResult.WRONG if is_wrong else CacheResult.NONE

    def note_right(self, cache_key: bytes, now: datetime) -> None:
        """The password was verified."""
        self._right.add(cache_key, now)

    def note_wrong(self, cache_key: bytes, now: datetime) -> None:
        """The password was found wrong."""
        self._wrong.add(cache_key, now)


class _Marks:
    """A bounded set whose members are forgotten in time, those first that were longest not used."""

    def __init__(self, most: int, seconds: int, *, renew: bool) -> None:
        self._most = most
        self._age = timedelta(seconds=seconds).total_seconds()
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
