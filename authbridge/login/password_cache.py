"""Remembers passwords as keyed hashes: verified ones for a week, wrong ones for a day.

Verified ones, so that the school bell does not take hundreds of bcrypt checks; wrong ones, so that a
forgotten browser that repeats one all morning costs one check.  They lie in a :class:`CacheMemory`, which
ends with this process or is handed to the next one; never in a file.
"""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from authbridge.keys import keyed_digest
from authbridge.login.cache_memory import CacheMemory, Layout, SlotTable
from authbridge.login.limits import Limits
from authbridge.login.policy import CacheResult

# An entry from later than this was written before the clock was set back; it must not live until then.
_CLOCK_TOLERANCE = 300.0  # seconds


def layout_of(limits: Limits, *, remember: bool) -> Layout:
    """Returns the layout of a cache with those bounds; without ``remember`` it has no verified passwords."""
    return Layout(right=limits.remembered_entries if remember else 0, wrong=limits.repeated_entries)


class PasswordCache:
    """The cache of one process, under the random key of its memory.

    An entry is found by its :meth:`cache_key`, made of everything that must be the same for it to hold.
    """

    def __init__(self, limits: Limits, *, remember: bool, memory: CacheMemory | None = None) -> None:
        """Makes a cache of what the memory holds, or an empty one that ends with this process.

        Args:
            limits: How many entries there may be, and how long they last.
            remember: Whether it remembers verified passwords at all.
            memory: Laid out by :func:`layout_of` these limits.
        """
        own = memory or CacheMemory.private(layout_of(limits, remember=remember))
        self._key = own.key
        self._right = _ExpiringSet(own.right, limits.remembered, renew=True)
        self._wrong = _ExpiringSet(own.wrong, limits.repeated, renew=False)
        if memory is not None:
            self._right.resume()
            self._wrong.resume()

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
    """The cache keys of a table, which expire; where it is full, the longest unused one goes first."""

    def __init__(self, table: SlotTable, age: timedelta, *, renew: bool) -> None:
        self._table = table
        self._age = age.total_seconds()
        self._renew = renew
        self._slots: OrderedDict[bytes, int] = OrderedDict()  # the longest unused first
        self._unused = 0  # from here on no slot was ever used
        self._free: list[int] = []  # before that
        self._lock = threading.Lock()

    def resume(self) -> None:
        """Takes over what the table holds."""
        self._slots.update((entry.cache_key, entry.slot) for entry in sorted(self._table.entries()))
        taken = set(self._slots.values())
        self._unused = max(taken, default=-1) + 1
        self._free = [slot for slot in range(self._unused) if slot not in taken]

    def holds(self, cache_key: bytes, now: datetime) -> bool:
        with self._lock:
            slot = self._slots.get(cache_key)
            if slot is None:
                return False
            if not -_CLOCK_TOLERANCE <= now.timestamp() - self._table.used(slot) <= self._age:
                self._remove(cache_key)
                return False
            if self._renew:
                self._put(cache_key, slot, now)
            return True

    def add(self, cache_key: bytes, now: datetime) -> None:
        with self._lock:
            if self._table.capacity:
                slot = self._slots.get(cache_key)
                self._put(cache_key, self._take_slot() if slot is None else slot, now)

    def _put(self, cache_key: bytes, slot: int, now: datetime) -> None:
        self._table.write(slot, cache_key, now.timestamp())
        self._slots[cache_key] = slot
        self._slots.move_to_end(cache_key)

    def _remove(self, cache_key: bytes) -> None:
        slot = self._slots.pop(cache_key)
        self._table.clear(slot)
        self._free.append(slot)

    def _take_slot(self) -> int:
        """Returns a free slot, or the one of the longest unused entry, which is forgotten."""
        if self._free:
            return self._free.pop()
        if self._unused < self._table.capacity:
            self._unused += 1
            return self._unused - 1
        return self._slots.popitem(last=False)[1]
