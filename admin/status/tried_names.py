"""Whether a mistyped login name was tried of late, for the search; only of names near an existing one."""

from dataclasses import dataclass

from flask_babel import gettext as _

from admin.panel import current_panel
from admin.status.login_week import end_of_retention
from admin.status.spans import span
from authbridge.login.recent_attempts import tried_name


@dataclass(frozen=True, slots=True)
class TriedInWords:
    """That it was tried, and the login names that are one slip away from it."""

    sentence: str
    near: tuple[str, ...]


def tried_in_words(typed: str) -> TriedInWords | None:
    """Returns what the search says of a name that nobody has; None where there is nothing to say."""
    panel = current_panel()
    with panel.database.read_session() as session:
        tried = tried_name(
            session, typed, panel.keyed_hashes, host=panel.config.xmpp_host, since=end_of_retention()
        )
    if tried is None:
        return None
    last = tried.misspelt.last
    sentence = _(
        "Nobody has the login name “%(name)s”, but within the last %(days)s days it was tried,"
        " last %(when)s.",
        name=tried.misspelt.typed,
        days=panel.config.retention_days,
        when=span(last, last),
    )
    return TriedInWords(sentence, tried.near)
