"""What became of a suspension, or of an end of sessions, at the meeting servers; in words."""

from flask_babel import format_datetime, ngettext
from flask_babel import gettext as _

from authbridge.listings import Effect


def effect_in_words(effect: Effect) -> str:
    """Such as "2 logins ended; on 2 of 2 meeting servers, 07:58:12"."""
    if not effect.nodes:
        return _("No meeting server has reported yet; whoever is in a meeting may still be there.")
    if effect.last_done_at is None:
        return _("The meeting servers are being told.") if not effect.late else _missing(effect)
    ended = ngettext("%(num)s login ended", "%(num)s logins ended", effect.sessions)
    where = _(
        "on %(done)s of %(nodes)s meeting servers, %(clock)s",
        done=effect.done,
        nodes=effect.nodes,
        clock=format_datetime(effect.last_done_at, "HH:mm:ss"),
    )
    return f"{ended}; {where}. {_missing(effect)}".rstrip()


def _missing(effect: Effect) -> str:
    if not effect.late:
        return ""
    return _("Without an answer: %(nodes)s.", nodes=", ".join(effect.late))
