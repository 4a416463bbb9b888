"""Tells what a change would end: the meetings that run now, as far as the Prosody servers report them.

It changes nothing.
A silent server never counts as "no meeting": the page names it beside the number.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.revocations.status import LATE
from authbridge.storage.models import ProsodyNode


@dataclass(frozen=True, slots=True)
class MeetingCount:
    """The number of meetings that are known to run; on the ``silent`` nodes there may be more.

    Where ``is_known`` is False no node reports, and nobody knows anything.
    """

    known: int
    silent: tuple[str, ...]
    is_known: bool


@dataclass(frozen=True, slots=True)
class RunningMeetings:
    """The meetings that run now, by the organiser who started them, as the nodes report that are not late."""

    by_username: Mapping[str, int]
    silent: tuple[str, ...]
    is_known: bool

    def of(self, usernames: Iterable[str]) -> MeetingCount:
        """Counts the meetings of these organisers."""
        known = sum(self.by_username.get(username, 0) for username in usernames)
        return MeetingCount(known, self.silent, self.is_known)


def running_meetings(session: Session, *, now: datetime) -> RunningMeetings:
    """Returns the meetings of all organisers, in one query."""
    running: Counter[str] = Counter()
    silent: list[str] = []
    is_known = False
    for node in session.scalars(select(ProsodyNode).order_by(ProsodyNode.node)):
        if now - node.last_seen_at > LATE:
            silent.append(node.node)
        else:
            is_known = True
            running.update(node.meetings)
    return RunningMeetings(running, tuple(silent), is_known)
