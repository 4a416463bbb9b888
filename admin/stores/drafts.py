"""Forms that were being filled in when a session ended: their writers get them back, unsent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from werkzeug.datastructures import MultiDict  # noqa: TC002 - dataclasses read their annotations

from authbridge.expiring_store import ExpiringStore

_LIFETIME = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Draft:
    """A form, by the path of its page; ``fields`` never holds a password."""

    path: str
    fields: "MultiDict[str, str]" = field(repr=False)


class Drafts:
    """The drafts of this process: one a member of staff, by their name."""

    def __init__(self) -> None:
        self._drafts = ExpiringStore[str, Draft](_LIFETIME)

    def keep(self, writer: str, path: str, fields: "MultiDict[str, str]", *, now: datetime) -> None:
        """Keeps what that person had typed on that page, in place of an earlier draft."""
        self._drafts.put(writer, Draft(path, fields), now=now)

    def take(self, writer: str, path: str, *, now: datetime) -> Mapping[str, str] | None:
        """Returns what that person had typed on that page, and forgets it."""
        draft = self._drafts.take(writer, lambda each: each.path == path, now=now)
        return None if draft is None else draft.fields

    def sweep(self, *, now: datetime) -> None:
        """Removes what has ended."""
        self._drafts.sweep(now=now)
