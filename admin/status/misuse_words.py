"""The words of misuse reports for files: the role that reported, and the result."""

from flask_babel import lazy_gettext as _

_REPORTERS = {
    "school-head": _("head of the school"),
    "organiser": _("organiser"),
    "media-centre": _("media centre"),
    "other": _("somebody else"),
}
_RESULTS = {
    "confirmed": _("it was misuse"),
    "unfounded": _("it was no misuse"),
    "unclear": _("it remains unclear"),
}


def reporter_in_words(reporter: str) -> str:
    """Returns the role of the person who reported."""
    return str(_REPORTERS.get(reporter, reporter))


def result_in_words(result: str) -> str:
    """Returns the result with which a report was closed."""
    return str(_RESULTS.get(result, result))
