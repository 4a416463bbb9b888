"""Forms that were being filled in when a session ended: their writers get them back, unsent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from werkzeug.datastructures import MultiDict  # noqa: TC002 - dataclasses read their annotations

from authbridge.expiring_store import ExpiringStore

_LIFETIME = timedelta(minutes=30)
_MAX_DRAFTS = 200  # of some kilobytes each; then the oldest goes


@dataclass(frozen=True, slots=True)
class Draft:
    """A form, by the path of its page; ``fields`` never holds a password."""

    path: str
    fields: "MultiDict[str, str]" = field(repr=False)


class Drafts:
    """The drafts of this process: one a member of staff, by the id of their row."""

    def __init__(self) -> None:
        self._drafts = ExpiringStore[int, Draft](_LIFETIME, _MAX_DRAFTS)

    def keep(self, staff_id: int, path: str, fields: "MultiDict[str, str]", *, now: datetime) -> None:
        """Keeps what that person had typed on that page, in place of an earlier draft."""
        self._drafts.put(staff_id, Draft(path, fields), now=now)

    def take(self, staff_id: int, path: str, *, now: datetime) -> Mapping[str, str] | None:
        """Returns what that person had typed on that page, and forgets it."""
        draft = self._drafts.take(staff_id, lambda each: each.path == path, now=now)
        return None if draft is None else draft.fields
