"""How far the meeting servers are with a suspension, or with an end of sessions, in sentences."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext, to_user_timezone

from admin.panel import current_panel, today
from admin.web.i18n import day, second
from authbridge.awaiting import Find, await_effect
from authbridge.errors import StorageError
from authbridge.nodes import Effect

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


def wait_for_nodes(find: Find) -> Effect | None:
    """Gives the meeting servers a moment, so that the next page can show that it is done."""
    panel = current_panel()
    # The change itself is stored already: an outage now must not make the page say that it was not.
    with suppress(StorageError):
        return await_effect(panel.database, find, clock=panel.clock, patience=_PATIENCE)
    return None


def live_status(effect: Effect | None, url: str) -> LiveStatus | None:
    """Returns the lines of that revocation for a page that polls ``url``; None if there was no revocation."""
    if effect is None:
        return None
    is_last_word = effect.nodes and effect.is_finished
    return LiveStatus(tuple(_lines(effect)), None if is_last_word else url)


def in_words(effect: Effect) -> str:
    """Returns for example "2 logins ended, 1 meeting ended; on 2 of 2 meeting servers, 07:58:12."."""
    return " ".join(f"{line.sentence.removesuffix('.')}." for line in _lines(effect))


def _lines(effect: Effect) -> Iterator[StatusLine]:
    if not effect.nodes:
        sentence = _("No meeting server has reported yet; whoever is in a meeting may still be there.")
        yield StatusLine(sentence, "warn")
        return
    if effect.last_done_at is not None:
        yield StatusLine(_done(effect, effect.last_done_at), "good" if effect.is_finished else "quiet")
    elif not effect.late:
        yield StatusLine(_("The meeting servers are being told."), "quiet")
    if effect.waiting:
        yield StatusLine(_waiting(effect), "warn")
    if effect.late:
        yield StatusLine(_missing(effect), "bad")


def _done(effect: Effect, done_at: datetime) -> str:
    where = _(
        "on %(done)s of %(nodes)s meeting servers, %(clock)s",
        done=effect.done,
        nodes=effect.nodes,
        clock=_when(done_at),
    )
    return f"{_ended(effect)}; {where}"


def _when(done_at: datetime) -> str:
    done_on = to_user_timezone(done_at).date()
    return second(done_at) if done_on == today() else f"{day(done_on)}, {second(done_at)}"


def _ended(effect: Effect) -> str:
    parts = ", ".join(_parts(effect))
    if parts:
        return parts
    # A remembered login still to be deleted shows that somebody was logged in.
    return _("Nobody was logged in") if effect.is_counted and not effect.waiting else _("Carried out")


def _parts(effect: Effect) -> Iterator[str]:
    if effect.sessions:
        yield ngettext("%(num)s login ended", "%(num)s logins ended", effect.sessions)
    if effect.meetings:
        yield ngettext("%(num)s meeting ended", "%(num)s meetings ended", effect.meetings)
    if effect.logins:
        yield ngettext("remembered login deleted", "%(num)s remembered logins deleted", effect.logins)


def _waiting(effect: Effect) -> str:
    return ngettext(
        "%(num)s remembered login will be deleted automatically as soon as Jitsi answers again."
        " Until then it opens no meeting.",
        "%(num)s remembered logins will be deleted automatically as soon as Jitsi answers again."
        " Until then they open no meeting.",
        effect.waiting,
    )


def _missing(effect: Effect) -> str:
    return ngettext(
        "No answer from %(nodes)s; it is made up for as soon as that server is back.",
        "No answer from %(nodes)s; it is made up for as soon as those servers are back.",
        len(effect.late),
        nodes=", ".join(effect.late),
    )
