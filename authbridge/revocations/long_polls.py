"""Answers the long polls of the feed: each Prosody has one question open, answered as soon as there is news.

A poll occupies the thread that serves it.  One more thread, for all polls of the process, listens to the
database.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import tzinfo

from sqlalchemy.orm import Session

from authbridge.clock import Clock
from authbridge.errors import StorageError, location_of
from authbridge.revocations import feed, numbered_reports, reports
from authbridge.revocations.change_signal import Wait, listen
from authbridge.revocations.feed import Events, Snapshot
from authbridge.revocations.reports import Contact
from authbridge.storage.database import Database

_log = logging.getLogger(__name__)

LONGEST_WAIT = 20  # seconds; a node that asked nothing for 30 s counts as late, so an open poll must not

_SLICE = 0.25  # seconds between two looks whether the service is to stop
_SWEEP = 1.0  # seconds after which the listener looks even without a signal
_RETRY = 1.0  # seconds before the listener connects anew
_MOST_FAILURES = 2  # of the listener in a row: a connection that is lost once says nothing about the database


class LongPolls:
    """The open polls of this process: of each node the latest."""

    def __init__(self, database: Database, *, clock: Clock, timezone: tzinfo) -> None:
        """Takes the ``timezone`` of the schools: it says on which day a report counts."""
        self._database = database
        self._clock = clock
        self._timezone = timezone
        self._changed = threading.Condition()
        self._changes = 0  # of the feed, as far as they were noticed
        self._position: tuple[str, int] | None = None
        self._open: dict[str, object] = {}
        self._listener: threading.Thread | None = None
        self._failures = 0  # of the listener, since it last read the feed
        self._is_stopping = _never

    def stop_when(self, is_stopping: Callable[[], bool]) -> None:
        """Ends all polls within a quarter of a second once ``is_stopping`` returns True."""
        self._is_stopping = is_stopping

    def answer(self, contact: Contact, *, wait: float) -> Events | Snapshot:
        """Returns events or a snapshot, after ``wait`` seconds at the latest: then without events.

        Another poll of the same node ends this one at once, and so does the end of the service.

        Raises:
            StorageError: The database does not answer, or does so no more.
        """
        deadline = time.monotonic() + min(wait, LONGEST_WAIT)
        poll = self._begin(contact.node)
        try:
            with self._database.write_session() as session:
                self._note(session, contact)
            while True:
                seen = self._changes
                with self._database.read_session() as session:
                    answer = feed.read(session, contact.epoch, contact.cursor, now=self._clock())
                if isinstance(answer, Snapshot) or answer.events:
                    return answer
                if not self._wait_for_change(contact.node, poll, seen, deadline):
                    return answer
        finally:
            self._end(contact.node, poll)

    def _note(self, session: Session, contact: Contact) -> None:
        now = self._clock()
        reports.note_contact(session, contact, now=now)
        if contact.numbered is not None:
            today = now.astimezone(self._timezone).date()
            numbered_reports.count(session, contact.node, contact.numbered, today=today)

    def _begin(self, node: str) -> object:
        poll = object()
        with self._changed:
            self._open[node] = poll
            if self._listener is None:
                self._listener = threading.Thread(target=self._listen, name="feed", daemon=True)
                self._listener.start()
            self._changed.notify_all()  # the former poll of this node, and the listener if it rests
        return poll

    def _end(self, node: str, poll: object) -> None:
        with self._changed:
            if self._open.get(node) is poll:
                del self._open[node]

    def _wait_for_change(self, node: str, poll: object, seen: int, deadline: float) -> bool:
        """Tells whether the feed has changed; False when the poll must end.

        Raises:
            StorageError: Nobody knows: an empty answer would keep the node from asking another service.
        """
        with self._changed:
            while self._changes == seen:
                left = deadline - time.monotonic()
                if left <= 0 or self._open.get(node) is not poll or self._is_stopping():
                    return False
                if self._failures >= _MOST_FAILURES:
                    raise StorageError("The database does not answer any more: changes would be missed.")
                self._changed.wait(min(left, _SLICE))
            return True

    def _listen(self) -> None:
        while True:
            self._rest()
            try:
                with listen(self._database) as wait:
                    self._follow(wait)
            except StorageError as error:
                _log.error("feed: %s", error)
            except Exception as error:  # noqa: BLE001 - a bug must not end the listening for good
                _log.error("feed: bug: %s at %s", type(error).__name__, location_of(error))
            with self._changed:
                self._failures += 1
                self._changed.notify_all()
            time.sleep(_RETRY)

    def _follow(self, wait: Wait) -> None:
        while True:
            self._look()
            self._rest()
            wait(_SWEEP)

    def _rest(self) -> None:
        with self._changed:
            while not self._open:
                self._failures = 0
                self._changed.wait()

    def _look(self) -> None:
        # On SQLite every login is a commit; only a change of the feed wakes the polls.
        with self._database.read_connection() as connection:
            position = feed.position(connection)
        with self._changed:
            self._failures = 0
            if position != self._position:
                self._position = position
                self._changes += 1
                self._changed.notify_all()


def _never() -> bool:
    return False
