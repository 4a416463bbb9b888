"""What people choose for the change of a school year: who stays, with what, and when others end."""

import re
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, RadioField, TextAreaField
from wtforms.validators import NumberRange, ValidationError

from admin.forms.base import PanelForm
from admin.forms.fields import DayField, NumberField
from admin.forms.organisers import LettersForm, not_past
from admin.forms.rules import required
from admin.forms.selections import NamesField
from admin.panel import current_panel, today
from authbridge.login.usernames import normalise_username
from authbridge.schools.selection import MOST_SELECTED
from authbridge.schools.year_plans import LONGEST_TRANSITION
from authbridge.typed_text import drop_invisible

_BETWEEN_NAMES = re.compile(r"[\s,;]+")


def _ways_to_say_who() -> list[tuple[str, Any]]:
    return [
        ("ticked", _("Who stays: I tick them in the list below")),
        ("pasted", _("Who stays: I paste their login names")),
        ("number", _("Only how many stay")),
    ]


def _passwords() -> list[tuple[str, Any]]:
    return [
        ("keep", _("Their present passwords; no letters are needed")),
        ("new", _("New passwords, with a letter for each")),
    ]


def _ends_of_others() -> list[tuple[str, Any]]:
    return [
        ("transition", _("At the end of the transition")),
        ("now", _("At once; they are logged out everywhere")),
        ("day", _("On another day")),
    ]


class YearForm(LettersForm):
    """The change of the school year for one school; ``seen`` tells what was shown of its accesses."""

    who = RadioField(_("What the school has told"), choices=_ways_to_say_who, default="ticked")
    stay = NamesField(default=())
    pasted = TextAreaField(
        _("Login names of those who stay"),
        description=_("With blanks, commas or line breaks between them."),
    )
    count = NumberField(
        _("How many stay"), description=_("So many new accounts are issued, each with a letter.")
    )
    raise_quota = BooleanField(_("Raise the number of accounts of the school if it is not enough"))
    passwords = RadioField(_("Passwords of those who stay"), choices=_passwords, default="keep")
    valid_until = DayField(
        _("Valid until"), [required, not_past], description=_("The last day of those who stay.")
    )
    transition = NumberField(
        _("Transition in days"),
        [required, NumberRange(0, LONGEST_TRANSITION, _("Please give a number from 0 to 14."))],
        default=LONGEST_TRANSITION,
        description=_(
            "0 to 14. So long old passwords count beside new ones, and those who do not stay can log in."
        ),
    )
    others = RadioField(_("When do the others end?"), choices=_ends_of_others, default="transition")
    others_until = DayField(_("Their last day"))
    seen = HiddenField(filters=[lambda sent: sent or ""])

    @property
    def is_by_number(self) -> bool:
        """Tells whether it is only known how many stay."""
        return bool(self.who.data == "number")

    @property
    def names(self) -> tuple[str, ...]:
        """Returns the login names of those who stay; none where only their number is known."""
        match self.who.data:
            case "ticked":
                return tuple(self.stay.data or ())
            case "pasted":
                host = current_panel().config.xmpp_host
                typed = _BETWEEN_NAMES.split(drop_invisible(self.pasted.data or "").strip())
                return tuple(dict.fromkeys(normalise_username(each, host) for each in typed if each))
            case _:
                return ()

    @property
    def transition_until(self) -> date | None:
        """Returns the last day of the transition, None for none."""
        days = self.transition.data or 0
        return today() + timedelta(days=days) if days else None

    @property
    def end_of_others(self) -> date:
        """Returns the last day of those who do not stay; yesterday if they end at once."""
        yesterday = today() - timedelta(days=1)
        match self.others.data:
            case "transition":
                return self.transition_until or yesterday
            case "day":
                return self.others_until.data or yesterday
            case _:
                return yesterday

    def validate_who(self, _field: FlaskForm) -> None:
        """Refuses a choice of nobody."""
        if self.who.data == "ticked" and not self.names:
            raise ValidationError(_("Please tick at least one access of the list."))

    def validate_pasted(self, _field: TextAreaField) -> None:
        """Refuses an empty list, where it counts."""
        if self.who.data == "pasted" and not self.names:
            raise ValidationError(_("Please give the login names of those who stay."))

    def validate_count(self, field: NumberField) -> None:
        """Refuses no number, and one that is too large, where it counts."""
        if self.is_by_number and not 1 <= (field.data or 0) <= MOST_SELECTED:
            raise ValidationError(_("Please give a number from 1 to 500."))

    def validate_others_until(self, field: DayField) -> None:
        """Refuses no day, and one that has passed, where it counts."""
        if self.others.data != "day" or field.errors:
            return
        if field.data is None:
            raise ValidationError(_("Please give a day, or choose another end."))
        not_past(self, field)


def _changes() -> list[tuple[str, Any]]:
    return [
        ("extend", _("All their accesses go on until this day, with their present passwords")),
        ("end", _("All their accesses run out on this day")),
    ]


class YearsForm(PanelForm):
    """The change of the school year for many schools; ``seen`` has a code and what was shown, each."""

    school = NamesField(default=())
    all_schools = BooleanField(_("All schools of this list"))
    change = RadioField(_("What happens to the ticked schools?"), choices=_changes, default="extend")
    valid_until = DayField(
        _("Last day"), [required, not_past], description=_("The last day on which they can log in.")
    )
    seen = NamesField(default=())
