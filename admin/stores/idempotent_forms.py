"""Submits a form once: the second click of a double click gets the answer of the first one."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_REMEMBERED = 1000  # forms; each is a path of some bytes
_MAX_KEY = 64  # characters; ours have 22

FormKey = tuple[str, str]
"""Whose form it is (a session, or what a code blocks), and the idempotency key of this copy of it."""


def new_idempotency_key() -> str:
    """Returns a key that no other copy of a form has."""
    return secrets.token_urlsafe(16)


@dataclass(slots=True)
class _Queue:
    """The requests with one key: they run one after the other, else both would find nothing done yet."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    length: int = 0


class IdempotentForms:
    """The forms that this process has carried out, and the paths to which they led."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paths: OrderedDict[FormKey, str] = OrderedDict()
        self._running: dict[FormKey, _Queue] = {}

    def __len__(self) -> int:
        return len(self._paths)

    def submit_once(self, key: FormKey, submit: Callable[[], str | None]) -> str | None:
        """Calls ``submit`` and returns its path; the second time, returns that path without calling it.

        ``submit`` returns None if nothing was done, because the form has errors: it may be sent again.
        """
        if not 0 < len(key[1]) <= _MAX_KEY:
            return submit()
        with self._alone(key):
            path = self._path_of(key) or submit()
            if path is not None:
                self._remember(key, path)
            return path

    @contextmanager
    def _alone(self, key: FormKey) -> Iterator[None]:
        with self._lock:
            queue = self._running.setdefault(key, _Queue())
            queue.length += 1
        try:
            with queue.turn:
                yield
        finally:
            with self._lock:
                queue.length -= 1
                if not queue.length:
                    del self._running[key]

    def _path_of(self, key: FormKey) -> str | None:
        with self._lock:
            return self._paths.get(key)

    def _remember(self, key: FormKey, path: str) -> None:
        with self._lock:
            self._paths[key] = path
            while len(self._paths) > _REMEMBERED:
                self._paths.popitem(last=False)
