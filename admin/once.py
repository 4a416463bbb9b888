"""Lets a form be carried out once: the second click of a double click gets what the first one got."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_REMEMBERED = 1000  # forms; each is a path of some bytes
_LONGEST = 64  # characters of a nonce; ours have 22

Key = tuple[str, str]
"""Whose form, and which copy of it."""


def new_nonce() -> str:
    """What makes this copy of a form the only one of its kind."""
    return secrets.token_urlsafe(16)


class Deeds:
    """Which forms have been carried out in this process, and where their senders were sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: OrderedDict[Key, str] = OrderedDict()
        self._under_way: dict[Key, threading.Lock] = {}

    def once(self, key: Key, deed: Callable[[], str | None]) -> str | None:
        """Does it, and returns the place that it gives; or, the second time, the place that it gave.

        ``deed`` returns None where nothing was done, because what was typed has faults: it may come again.
        """
        if not 0 < len(key[1]) <= _LONGEST:
            return deed()
        with self._alone(key):
            place = self._place_after(key) or deed()
            if place is not None:
                self._note(key, place)
            return place

    @contextmanager
    def _alone(self, key: Key) -> Iterator[None]:
        with self._lock:
            lock = self._under_way.setdefault(key, threading.Lock())
        with lock:
            yield
        with self._lock:
            self._under_way.pop(key, None)

    def _place_after(self, key: Key) -> str | None:
        with self._lock:
            return self._done.get(key)

    def _note(self, key: Key, place: str) -> None:
        with self._lock:
            self._done[key] = place
            while len(self._done) > _REMEMBERED:
                self._done.popitem(last=False)
