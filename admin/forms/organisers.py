"""What people type about organisers: how many to issue, the last day, the language of letters."""

from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, RadioField
from wtforms.validators import NumberRange, ValidationError

from admin.forms.base import PanelForm
from admin.forms.days import EndForm
from admin.forms.fields import DayField, NumberField
from admin.forms.rules import required
from admin.panel import today
from authbridge.schools.commands.organisers import MAX_ISSUED


def _languages() -> list[tuple[str, Any]]:
    return [("de", _("German")), ("en", _("English"))]


class IssueForm(EndForm):
    """How many organisers to issue, until when they are valid, and the language of their letters."""

    count = NumberField(
        _("How many"),
        [required, NumberRange(1, MAX_ISSUED, _("Please give a number from 1 to 200."))],
        default=1,
    )
    raise_quota = BooleanField(_("Raise the number of accounts of the school if it is not enough"))
    valid_until = DayField(
        _("Valid until"), description=_("The last day on which they can log in, such as 31.07.2028.")
    )
    no_end = BooleanField(_("No end"), default=True)
    language = RadioField(_("Language of the letters"), choices=_languages, default="de")

    def validate_valid_until(self, field: DayField) -> None:
        """Refuses a day on which they could not log in any more, besides what :class:`EndForm` refuses."""
        super().validate_valid_until(field)
        if field.data is not None and field.data < today():
            raise ValidationError(_("Please choose a day from today on."))


class ResetForm(PanelForm):
    """The language of the new letter."""

    language = RadioField(_("Language of the letter"), choices=_languages, default="de")


class ValidityForm(EndForm):
    """The last day of validity; a past day ends the access at once."""
