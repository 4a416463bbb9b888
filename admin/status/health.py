"""Is everything working? Asks the auth service and looks at what each Prosody last said; in words."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _

from admin.web.i18n import moment
from authbridge.nodes import NodeRow

_PATIENCE = 1.0  # seconds; the page waits for it
_FRESH = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class HealthRow:
    """``state`` is ok, warn or bad; ``silent_node`` may be gone for good."""

    title: str
    state: str
    sentence: str
    silent_node: str | None = None


class Health:
    """How the auth service is, asked anew after some seconds."""

    def __init__(self, api_bind: str) -> None:
        self._url = f"http://{api_bind}/readyz"
        self._lock = threading.Lock()
        self._latest: tuple[datetime, dict[str, str] | None] | None = None

    def rows(self, nodes: Sequence[NodeRow], *, now: datetime) -> list[HealthRow]:
        """What the overview shows."""
        words = self._words(now)
        return [_service_row(words), *_node_rows(nodes), *_storage_rows(words)]

    def _words(self, now: datetime) -> dict[str, str] | None:
        with self._lock:
            if self._latest is None or now - self._latest[0] >= _FRESH:
                self._latest = (now, self._ask())
            return self._latest[1]

    def _ask(self) -> dict[str, str] | None:
        """What ``/readyz`` says, None if nobody answers in time."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self._url, timeout=_PATIENCE) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:  # 503: something is wrong, and its words say what
            try:
                return dict(json.load(error))
            except ValueError:
                return None
        except (OSError, ValueError):
            return None


def _service_row(words: dict[str, str] | None) -> HealthRow:
    if words is None:
        return HealthRow(
            _("Login service"),
            "bad",
            _("It does not answer: nobody can open a meeting. Please call the technician."),
        )
    return HealthRow(_("Login service"), "ok", _("It answers."))


def _node_rows(nodes: Sequence[NodeRow]) -> Iterator[HealthRow]:
    for node in nodes:
        title = _("Meeting server %(node)s", node=node.node)
        if node.is_late:
            sentence = _(
                "It has not answered since %(moment)s. Suspensions take effect there when it is back.",
                moment=moment(node.last_seen_at),
            )
            yield HealthRow(title, "bad", sentence, node.node)
        else:
            yield HealthRow(title, "ok", _("It answers, and carries suspensions out at once."))
    if not nodes:
        yield HealthRow(_("Meeting server"), "warn", _("No meeting server has reported yet."))


def _storage_rows(words: dict[str, str] | None) -> Iterator[HealthRow]:
    if words is None:
        return
    storage, disk, purge = words.get("storage"), words.get("disk"), words.get("purge")
    if storage != "ok":
        yield HealthRow(_("Storage"), "bad", _("Nothing can be saved, and nobody can open a meeting."))
    elif disk != "ok":
        yield HealthRow(_("Storage"), "warn", _("There is little room left on the disk."))
    else:
        yield HealthRow(_("Storage"), "ok", _("There is room, and it can be written."))
    if purge == "ok":
        yield HealthRow(_("Deletion of old logs"), "ok", _("Done within the last two hours."))
    else:
        yield HealthRow(_("Deletion of old logs"), "bad", _("It is overdue. Please call the technician."))
