"""What the pages about several organisers say: how many, what happens to them, what came of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from authbridge.schools.commands.selections import SelectionResult

_Counted = Callable[[int], str]
"""Returns a sentence for so many accesses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionWords:
    """What is asked before a change: the heading, what it means, the button."""

    title: _Counted
    meaning: object
    button: _Counted
    is_grave: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeWords(QuestionWords):
    """Likewise of a change that some do not need; and what was done, with those apart who did not need it."""

    needless: _Counted
    changed: _Counted
    unchanged: _Counted

    def done(self, result: SelectionResult) -> str:
        """Returns what came of it."""
        return " ".join(self._done(result))

    def _done(self, result: SelectionResult) -> Iterator[str]:
        if result.changed:
            yield self.changed(len(result.changed))
        if result.unchanged:
            yield self.unchanged(result.unchanged)


def undone(result: SelectionResult) -> str:
    """Returns what came of an undoing."""
    if not result.changed:
        return _("Nothing was undone: all of them were changed since.")
    sentence = ngettext("Undone for %(num)s access.", "Undone for %(num)s accesses.", len(result.changed))
    if not result.unchanged:
        return sentence
    rest = ngettext(
        "%(num)s was changed since and stays as it is.",
        "%(num)s were changed since and stay as they are.",
        result.unchanged,
    )
    return f"{sentence} {rest}"


SUSPEND = ChangeWords(
    title=lambda num: ngettext("Suspend %(num)s access", "Suspend %(num)s accesses", num),
    meaning=_l("They are logged out at once and cannot log in until somebody reinstates them."),
    button=lambda num: ngettext("Suspend %(num)s access now", "Suspend %(num)s accesses now", num),
    needless=lambda num: ngettext(
        "%(num)s is suspended already and stays so.", "%(num)s are suspended already and stay so.", num
    ),
    changed=lambda num: ngettext("%(num)s access is suspended.", "%(num)s accesses are suspended.", num),
    unchanged=lambda num: ngettext("%(num)s was suspended already.", "%(num)s were suspended already.", num),
    is_grave=True,
)
REINSTATE = ChangeWords(
    title=lambda num: ngettext("Reinstate %(num)s access", "Reinstate %(num)s accesses", num),
    meaning=_l("They can log in again, unless their school is suspended or their validity is over."),
    button=lambda num: ngettext("Reinstate %(num)s access now", "Reinstate %(num)s accesses now", num),
    needless=lambda num: ngettext(
        "%(num)s is not suspended and stays so.", "%(num)s are not suspended and stay so.", num
    ),
    changed=lambda num: ngettext(
        "The suspension of %(num)s access is lifted.", "The suspension of %(num)s accesses is lifted.", num
    ),
    unchanged=lambda num: ngettext("%(num)s was not suspended.", "%(num)s were not suspended.", num),
)
END_SESSIONS = ChangeWords(
    title=lambda num: ngettext(
        "Log %(num)s access out everywhere", "Log %(num)s accesses out everywhere", num
    ),
    meaning=_l("Every device has to log in again with the password. The accesses themselves stay."),
    button=lambda num: ngettext("Log %(num)s access out now", "Log %(num)s accesses out now", num),
    needless=lambda num: ngettext(
        "%(num)s is suspended, and logged out already.", "%(num)s are suspended, and logged out already.", num
    ),
    changed=lambda num: ngettext(
        "%(num)s access is being logged out everywhere.",
        "%(num)s accesses are being logged out everywhere.",
        num,
    ),
    unchanged=lambda num: ngettext(
        "%(num)s was suspended, and logged out already.",
        "%(num)s were suspended, and logged out already.",
        num,
    ),
)
EXTEND = ChangeWords(
    title=lambda num: ngettext("Extend %(num)s access", "Extend %(num)s accesses", num),
    meaning=_l("Nobody's validity becomes shorter: a later end, or no end at all, stays as it is."),
    button=lambda num: ngettext("Extend %(num)s access", "Extend %(num)s accesses", num),
    needless=lambda num: ngettext(
        "%(num)s has no end of validity and stays so.", "%(num)s have no end of validity and stay so.", num
    ),
    changed=lambda num: ngettext("%(num)s access is extended.", "%(num)s accesses are extended.", num),
    unchanged=lambda num: ngettext(
        "%(num)s was valid for as long already.", "%(num)s were valid for as long already.", num
    ),
)
EXPIRE = ChangeWords(
    title=lambda num: ngettext("End %(num)s access", "End %(num)s accesses", num),
    meaning=_l("They are logged out at once and expired from this moment on. Extending opens them again."),
    button=lambda num: ngettext("End %(num)s access now", "End %(num)s accesses now", num),
    needless=lambda num: ngettext(
        "%(num)s has expired already and stays so.", "%(num)s have expired already and stay so.", num
    ),
    changed=lambda num: ngettext("%(num)s access has ended.", "%(num)s accesses have ended.", num),
    unchanged=lambda num: ngettext("%(num)s had expired already.", "%(num)s had expired already.", num),
    is_grave=True,
)
RESET = QuestionWords(
    title=lambda num: ngettext("New password for %(num)s access", "New passwords for %(num)s accesses", num),
    meaning=_l("The old passwords and letters are void at once, and every device is logged out."),
    button=lambda num: ngettext("Make %(num)s new password", "Make %(num)s new passwords", num),
)
