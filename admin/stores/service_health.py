"""The latest answer of the auth service to "are you ready?", asked anew after some seconds."""

import json
import threading
import urllib.error
import urllib.request
from datetime import datetime, timedelta

from authbridge.clock import is_within

_TIMEOUT = 1.0  # seconds; the page waits for it
_LIFETIME = timedelta(seconds=5)


class ServiceHealth:
    """Asks ``/readyz`` at the address on which the API listens."""

    def __init__(self, api_bind: str) -> None:
        self._url = f"http://{api_bind}/readyz"
        self._lock = threading.Lock()
        self._latest: tuple[datetime, dict[str, str] | None] | None = None

    def checks(self, *, now: datetime) -> dict[str, str] | None:
        """Returns the result of each check by its name, such as ``{"storage": "ok"}``; None: no answer."""
        with self._lock:
            if self._latest is None or not is_within(_LIFETIME, self._latest[0], now=now):
                self._latest = (now, self._ask())
            return self._latest[1]

    def _ask(self) -> dict[str, str] | None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            try:
                answer = opener.open(self._url, timeout=_TIMEOUT)
            except urllib.error.HTTPError as error:  # 503: a check has failed, and the body names it
                answer = error
            with answer:
                return dict(json.load(answer))
        except (OSError, ValueError, TypeError, RecursionError):  # or another program has its port
            return None
