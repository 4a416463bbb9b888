"""How far the meeting servers are with a suspension, or with an end of sessions, in sentences."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext, to_user_timezone

from admin.panel import current_panel, today
from admin.web.i18n import day, second
from authbridge.errors import StorageError
from authbridge.revocations.status import RevocationStatus
from authbridge.revocations.waiting import Find, wait_until_applied

_PATIENCE = 0.8  # seconds; the answer with the page itself takes less than one


@dataclass(frozen=True, slots=True)
class StatusLine:
    """A sentence; ``state`` is good, quiet, warn or bad."""

    sentence: str
    state: str


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """The lines that a page shows; it asks for newer ones at ``url``, None if none can come."""

    lines: tuple[StatusLine, ...]
    url: str | None


def wait_for_nodes(find: Find) -> RevocationStatus | None:
    """Gives the meeting servers a moment, so that the next page can show that it is done."""
    panel = current_panel()
    # The change itself is stored already: an outage now must not make the page say that it was not.
    with suppress(StorageError):
        return wait_until_applied(panel.database, find, clock=panel.clock, patience=_PATIENCE)
    return None


def live_status(status: RevocationStatus | None, url: str) -> LiveStatus | None:
    """Returns the lines of that revocation for a page that polls ``url``; None if there was no revocation."""
    if status is None:
        return None
    is_last_word = status.nodes and status.is_finished
    return LiveStatus(tuple(_lines(status)), None if is_last_word else url)


def in_words(status: RevocationStatus) -> str:
    """Returns for example "2 logins ended, 1 meeting ended; on 2 of 2 meeting servers, 07:58:12."."""
    return " ".join(f"{line.sentence.removesuffix('.')}." for line in _lines(status))


def _lines(status: RevocationStatus) -> Iterator[StatusLine]:
    if not status.nodes:
        sentence = _("No meeting server has reported yet; people in a meeting may still be there.")
        yield StatusLine(sentence, "warn")
        return
    if status.last_done_at is not None:
        yield StatusLine(_done(status, status.last_done_at), "good" if status.is_finished else "quiet")
    elif not status.late:
        yield StatusLine(_("The meeting servers are being told."), "quiet")
    if status.waiting:
        yield StatusLine(_waiting(status), "warn")
    if status.late:
        yield StatusLine(_missing(status), "bad")


def _done(status: RevocationStatus, done_at: datetime) -> str:
    where = _(
        "on %(done)s of %(nodes)s meeting servers, %(clock)s",
        done=status.done,
        nodes=status.nodes,
        clock=_when(done_at),
    )
    return f"{_ended(status)}; {where}"


def _when(done_at: datetime) -> str:
    done_on = to_user_timezone(done_at).date()
    return second(done_at) if done_on == today() else f"{day(done_on)}, {second(done_at)}"


def _ended(status: RevocationStatus) -> str:
    parts = ", ".join(_parts(status))
    if parts:
        return parts
    # A remembered login still to be deleted shows that somebody was logged in.
    return _("Nobody was logged in") if status.is_counted and not status.waiting else _("Carried out")


def _parts(status: RevocationStatus) -> Iterator[str]:
    if status.sessions:
        yield ngettext("%(num)s login ended", "%(num)s logins ended", status.sessions)
    if status.meetings:
        yield ngettext("%(num)s meeting ended", "%(num)s meetings ended", status.meetings)
    if status.logins:
        yield ngettext("remembered login deleted", "%(num)s remembered logins deleted", status.logins)


def _waiting(status: RevocationStatus) -> str:
    return ngettext(
        "%(num)s remembered login will be deleted automatically as soon as Jitsi answers again."
        " Until then it opens no meeting.",
        "%(num)s remembered logins will be deleted automatically as soon as Jitsi answers again."
        " Until then they open no meeting.",
        status.waiting,
    )


def _missing(status: RevocationStatus) -> str:
    return ngettext(
        "No answer from %(nodes)s; it is made up for as soon as that server is back.",
        "No answer from %(nodes)s; it is made up for as soon as those servers are back.",
        len(status.late),
        nodes=", ".join(status.late),
    )
