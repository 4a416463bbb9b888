"""What became of a suspension, or of an end of sessions, at the meeting servers; in words."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext, to_user_timezone

from admin.panel import the_panel
from admin.session import sessions
from admin.web.i18n import day, second
from admin.web.redirects import place_of
from authbridge.awaiting import Find, await_effect
from authbridge.errors import StorageError
from authbridge.models import Organiser, School
from authbridge.nodes import Effect

_PATIENCE = 0.8  # seconds; with the page itself it stays below one


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence; ``state`` is good, quiet, warn or bad."""

    sentence: str
    state: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What a page shows of it; ``url`` is where to ask again, None where nothing more is to come."""

    lines: tuple[Line, ...]
    url: str | None


def await_nodes(find: Find) -> Effect | None:
    """Gives the meeting servers a moment, so that the next page can say that it is done."""
    panel = the_panel()
    # What was to be done is done: that the outcome cannot be read is no reason to say that it was not.
    with suppress(StorageError):
        return await_effect(panel.database, find, clock=panel.clock, patience=_PATIENCE)
    return None


def proof_of(whose: Organiser | School, effect: Effect | None) -> Proof | None:
    """That effect as his page or its page shows it; None where there is none."""
    if effect is None:
        return None
    is_last_word = effect.nodes and effect.is_finished
    return Proof(tuple(_lines(effect)), None if is_last_word else _place_of(whose))


def _place_of(whose: Organiser | School) -> str:
    if isinstance(whose, Organiser):
        return place_of("organisers.effect", username=whose.username)
    return place_of("schools.effect", code=whose.code)


def effect_in_words(effect: Effect) -> str:
    """Such as "2 logins ended, 1 meeting ended; on 2 of 2 meeting servers, 07:58:12"."""
    return " ".join(f"{line.sentence.removesuffix('.')}." for line in _lines(effect))


def _lines(effect: Effect) -> Iterator[Line]:
    if not effect.nodes:
        nobody = _("No meeting server has reported yet; whoever is in a meeting may still be there.")
        yield Line(nobody, "warn")
        return
    if effect.last_done_at is not None:
        yield Line(_done(effect, effect.last_done_at), "good" if effect.is_finished else "quiet")
    elif not effect.late:
        yield Line(_("The meeting servers are being told."), "quiet")
    if effect.waiting:
        yield Line(_waiting(effect), "warn")
    if effect.late:
        yield Line(_missing(effect), "bad")


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
    return second(done_at) if done_on == sessions.today() else f"{day(done_on)}, {second(done_at)}"


def _ended(effect: Effect) -> str:
    parts = ", ".join(_parts(effect))
    if parts:
        return parts
    # Where a login waits, somebody was.
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
