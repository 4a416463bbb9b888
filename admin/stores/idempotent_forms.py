"""Lets a form be carried out once: the second click of a double click gets what the first one got."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_REMEMBERED = 1000  # forms; each is a path of some bytes
_LONGEST = 64  # characters of a nonce; ours have 22

Key = tuple[str, str]
"""Whose form, and which copy of it."""


def new_nonce() -> str:
    """What makes this copy of a form the only one of its kind."""
    return secrets.token_urlsafe(16)


@dataclass(slots=True)
class _Queue:
    """Copies of one form that are being carried out, one after the other."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    length: int = 0


class Deeds:
    """Which forms have been carried out in this process, and where their senders were sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: OrderedDict[Key, str] = OrderedDict()
        self._under_way: dict[Key, _Queue] = {}

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
            queue = self._under_way.setdefault(key, _Queue())
            queue.length += 1
        try:
            with queue.turn:
                yield
        finally:
            with self._lock:
                queue.length -= 1
                if not queue.length:
                    del self._under_way[key]

    def _place_after(self, key: Key) -> str | None:
        with self._lock:
            return self._done.get(key)

    def _note(self, key: Key, place: str) -> None:
        with self._lock:
            self._done[key] = place
            while len(self._done) > _REMEMBERED:
                self._done.popitem(last=False)
