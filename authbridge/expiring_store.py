"""Keeps values in the memory of this process for a limited time: a dictionary that several threads share."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class ExpiringStore(Generic[_Key, _Value]):
    """Entries that end ``lifetime`` after they were put; beyond ``max_size`` of them, new ones are not kept.

    One that would last for more than twice as long ends too: it was put while the clock was ahead.
    ``forgets_oldest``: then the oldest one goes instead.
    ``wipe`` is called once with each value that goes or is not kept, except with one that is taken: then it
    is its taker's.  It is called without the lock, so it may use the store.
    """

    def __init__(
        self,
        lifetime: timedelta,
        max_size: int | None = None,
        *,
        forgets_oldest: bool = False,
        wipe: Callable[[_Value], None] | None = None,
    ) -> None:
        self._lifetime = lifetime
        self._max_size = max_size
        self._forgets_oldest = forgets_oldest
        self._wipe = wipe
        self._entries: dict[_Key, tuple[_Value, datetime | None]] = {}
        self._lock = threading.Lock()

    def put(self, key: _Key, value: _Value, *, now: datetime, is_held: bool = False) -> None:
        """Keeps the value, in place of the one with the same key, and begins its lifetime.

        ``is_held``: the lifetime begins only when the value is put again without.
        """
        with self._lock:
            gone = self._remove(lambda _value, until: self._is_over(until, now))
            if key in self._entries:
                gone.append(self._entries.pop(key)[0])
            if self._forgets_oldest and self._is_full():
                gone.append(self._entries.pop(next(iter(self._entries)))[0])
            is_kept = not self._is_full()
            if is_kept:
                self._entries[key] = (value, None if is_held else now + self._lifetime)
            else:
                gone.append(value)
        self._wipe_all([each for each in gone if not (is_kept and each is value)])

    def find(self, key: _Key, *, now: datetime) -> _Value | None:
        """Returns the value; None if it has ended or was never there."""
        with self._lock:
            return self._find(key, now)

    def take(
        self, key: _Key, is_wanted: Callable[[_Value], bool] | None = None, *, now: datetime
    ) -> _Value | None:
        """Returns the value and forgets it; None, with nothing forgotten, if it is not the wanted one."""
        with self._lock:
            value = self._find(key, now)
            if value is None or not (is_wanted is None or is_wanted(value)):
                return None
            del self._entries[key]
            return value

    def values(self, *, now: datetime) -> list[_Value]:
        """Returns the values that have not ended, oldest first."""
        return [value for _key, value in self.items(now=now)]

    def items(self, *, now: datetime) -> list[tuple[_Key, _Value]]:
        """Returns the same with their keys."""
        with self._lock:
            entries = self._entries.items()
            return [(key, value) for key, (value, until) in entries if not self._is_over(until, now)]

    def sweep(self, is_unwanted: Callable[[_Value], bool] | None = None, *, now: datetime) -> bool:
        """Removes the entries that have ended, and the unwanted ones; returns whether there were any."""
        with self._lock:
            gone = self._remove(
                lambda value, until: (
                    self._is_over(until, now) or (is_unwanted is not None and is_unwanted(value))
                )
            )
        self._wipe_all(gone)
        return bool(gone)

    def _is_full(self) -> bool:
        return self._max_size is not None and len(self._entries) >= self._max_size

    def _find(self, key: _Key, now: datetime) -> _Value | None:
        value, until = self._entries.get(key, (None, None))
        return None if self._is_over(until, now) else value

    def _is_over(self, until: datetime | None, now: datetime) -> bool:
        return until is not None and not now < until <= now + 2 * self._lifetime

    def _remove(self, is_removed: Callable[[_Value, datetime | None], bool]) -> list[_Value]:
        gone = {key: entry[0] for key, entry in self._entries.items() if is_removed(*entry)}
        for key in gone:
            del self._entries[key]
        return list(gone.values())

    def _wipe_all(self, values: list[_Value]) -> None:
        if self._wipe is not None:
            for value in values:
                self._wipe(value)
