"""A day beside the choice of none: an empty day alone never means that something has no end.

The box is ticked from the start where no day is stored.  What was changed counts: a day that is typed beside
the ticked box is the day, and a tick beside the stored day takes that away.  Both at once are refused.
"""

from datetime import date

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, ValidationError

from admin.forms.base import PanelForm
from admin.forms.fields import DayField
from admin.forms.rules import FIRST_DAY, LAST_DAY


def chosen_day(day: DayField, none: BooleanField, stored: date | None) -> date | None:
    """Returns the day that was chosen, None for none.

    Raises:
        ValidationError: Neither was chosen, or both.
    """
    if day.data is None:
        if not none.data:
            raise ValidationError(_("Please give a day, or tick “%(none)s”.", none=none.label.text))
        return None
    if none.data and day.data != stored:
        raise ValidationError(
            _("Please choose: either the day, or “%(none)s”, not both.", none=none.label.text)
        )
    return None if none.data else day.data


def untick(day: DayField, none: BooleanField, stored: date | None) -> None:
    """Takes away the tick that the box had from the start, where something was typed beside it."""
    if stored is None and day.is_typed:
        none.data = False


class EndForm(PanelForm):
    """The last day of validity, or no end; ``stored_end`` is the day that holds now, None for no end."""

    valid_until = DayField(
        _("Valid until"),
        description=_(
            "The last day on which this organiser can log in, such as 31.07.2028. "
            "A past day ends the access at once."
        ),
    )
    no_end = BooleanField(_("No end"))
    stored_end: date | None = None

    def validate_valid_until(self, field: DayField) -> None:
        """Refuses neither and both, and a year that is a slip of the finger."""
        untick(field, self.no_end, self.stored_end)
        if field.errors:
            return
        chosen = chosen_day(field, self.no_end, self.stored_end)
        if chosen is not None and not FIRST_DAY <= chosen <= LAST_DAY:
            raise ValidationError(_("Please check the year."))

    @property
    def end(self) -> date | None:
        """Returns the last day, None for no end, once the form is valid."""
        return chosen_day(self.valid_until, self.no_end, self.stored_end)
