"""What a click would end, in a sentence: a server that is silent is never "no meeting"."""

from flask_babel import gettext as _
from flask_babel import ngettext

from authbridge.revocations.running import MeetingCount


def ends_in_words(count: MeetingCount) -> str:
    """Returns for example "Ends at least 3 running meetings; of jitsi2 nothing is known."."""
    if not count.is_known:
        return _("No meeting server answers; whether this ends meetings is not known.")
    if not count.silent:
        return _ends(count.known) if count.known else _("No meeting of theirs is running.")
    silent = ", ".join(count.silent)
    if not count.known:
        return _("Whether this ends meetings is not known: of %(silent)s nothing is known.", silent=silent)
    return ngettext(
        "Ends at least %(num)s running meeting; of %(silent)s nothing is known.",
        "Ends at least %(num)s running meetings; of %(silent)s nothing is known.",
        count.known,
        silent=silent,
    )


def _ends(known: int) -> str:
    return ngettext("Ends %(num)s running meeting.", "Ends %(num)s running meetings.", known)
