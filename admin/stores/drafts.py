"""What somebody had typed when the session ended: the same member of staff gets the form back, unsent."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from werkzeug.datastructures import MultiDict  # noqa: TC002 - dataclasses read their annotations

_KEPT = timedelta(minutes=30)
_MOST = 200


@dataclass(frozen=True, slots=True)
class Draft:
    """A form, by the path of its page; ``fields`` never holds a password."""

    path: str
    fields: "MultiDict[str, str]" = field(repr=False)
    until: datetime


class Drafts:
    """The drafts of this process: one a person, in memory, for half an hour."""

    def __init__(self) -> None:
        self._of: dict[int, Draft] = {}
        self._lock = threading.Lock()

    def keep(self, staff_id: int, path: str, fields: "MultiDict[str, str]", *, now: datetime) -> None:
        """Keeps what that person had typed on that page, in place of anything kept before."""
        with self._lock:
            self._of = {who: draft for who, draft in self._of.items() if draft.until > now}
            if len(self._of) < _MOST:
                self._of[staff_id] = Draft(path, fields, now + _KEPT)

    def path_for(self, staff_id: int, *, now: datetime) -> str | None:
        """The page on which that person was interrupted."""
        with self._lock:
            draft = self._of.get(staff_id)
            return None if draft is None or draft.until <= now else draft.path

    def take(self, staff_id: int, path: str, *, now: datetime) -> Mapping[str, str] | None:
        """What that person had typed on that page; from now on it is the page's, and no longer kept."""
        with self._lock:
            draft = self._of.get(staff_id)
            if draft is None or draft.path != path:
                return None
            del self._of[staff_id]
            return draft.fields if draft.until > now else None
