"""What people type about organisers: how many to issue, the last day, the language of letters."""

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, RadioField
from wtforms.validators import NumberRange, Optional, ValidationError

from admin.forms.base import PanelForm
from admin.forms.fields import DayField, NumberField
from admin.forms.rules import LAST_DAY, required
from admin.panel import today
from authbridge.schools.commands.organisers import MAX_ISSUED

_FIRST_DAY = date(2000, 1, 1)


def languages() -> list[tuple[str, Any]]:
    """Returns the languages of letters."""
    return [("de", _("German")), ("en", _("English"))]


def not_past(_form: FlaskForm, field: Field) -> None:
    """Refuses a day before today, and a year that is a slip of the finger."""
    if field.data is not None and not today() <= field.data <= LAST_DAY:
        raise ValidationError(_("Please choose a day from today on."))


class IssueForm(PanelForm):
    """How many organisers to issue, until when they are valid, and the language of their letters."""

    count = NumberField(
        _("How many"),
        [required, NumberRange(1, MAX_ISSUED, _("Please give a number from 1 to 200."))],
        default=1,
    )
    valid_until = DayField(
        _("Valid until"),
        [Optional(), not_past],
        description=_("The last day on which they can log in."),
    )
    language = RadioField(_("Language of the letters"), choices=languages, default="de")


class ResetForm(PanelForm):
    """The language of the new letter."""

    language = RadioField(_("Language of the letter"), choices=languages, default="de")


class ValidityForm(PanelForm):
    """The last day of validity; empty means no end."""

    valid_until = DayField(
        _("Valid until"),
        [Optional()],
        description=_("The last day on which this organiser can log in. A past day ends the access at once."),
    )

    def validate_valid_until(self, field: Field) -> None:
        """Refuses a year that is a slip of the finger."""
        if field.data is not None and not _FIRST_DAY <= field.data <= LAST_DAY:
            raise ValidationError(_("Please check the year."))
