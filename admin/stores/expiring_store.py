"""A dictionary in memory that several threads use, and whose entries expire."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class ExpiringStore(Generic[_Key, _Value]):
    """Entries that live for ``lifetime``; beyond ``max_size`` of them, new ones are not kept."""

    def __init__(self, lifetime: timedelta, max_size: int | None = None) -> None:
        self._lifetime = lifetime
        self._max_size = max_size
        self._entries: dict[_Key, tuple[_Value, datetime]] = {}
        self._lock = threading.Lock()

    def put(self, key: _Key, value: _Value, *, now: datetime) -> None:
        """Keeps the value, in place of one with the same key."""
        with self._lock:
            self._sweep(now)
            if self._max_size is None or len(self._entries) < self._max_size:
                self._entries[key] = (value, now + self._lifetime)

    def find(self, key: _Key, *, now: datetime) -> _Value | None:
        """Returns the value; None if it has expired or was never there."""
        with self._lock:
            return self._find(key, now)

    def take(self, key: _Key, is_wanted: Callable[[_Value], bool], *, now: datetime) -> _Value | None:
        """Returns the value and forgets it; None, with nothing forgotten, if it is not the wanted one."""
        with self._lock:
            value = self._find(key, now)
            if value is None or not is_wanted(value):
                return None
            del self._entries[key]
            return value

    def sweep(self, *, now: datetime) -> None:
        """Forgets the entries that have expired."""
        with self._lock:
            self._sweep(now)

    def _find(self, key: _Key, now: datetime) -> _Value | None:
        value, until = self._entries.get(key, (None, now))
        return value if now < until else None

    def _sweep(self, now: datetime) -> None:
        self._entries = {key: entry for key, entry in self._entries.items() if now < entry[1]}
