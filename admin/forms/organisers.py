"""What people type about organisers: how many to issue, the last day, how letters look."""

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


def _sizes() -> list[tuple[str, Any]]:
    return [("normal", _("Normal")), ("large", _("Large print: 14 points, both sides of a sheet"))]


class IssueForm(EndForm):
    """How many organisers to issue, until when they are valid, and how their letters look."""

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
    size = RadioField(_("Size of print"), choices=_sizes, default="normal")

    def validate_valid_until(self, field: DayField) -> None:
        """Refuses a day on which they could not log in any more, besides what :class:`EndForm` refuses."""
        super().validate_valid_until(field)
        if field.data is not None and field.data < today():
            raise ValidationError(_("Please choose a day from today on."))


class ResetForm(PanelForm):
    """The language of the new letter, and its size of print."""

    language = RadioField(_("Language of the letter"), choices=_languages, default="de")
    size = RadioField(_("Size of print"), choices=_sizes, default="normal")


class ValidityForm(EndForm):
    """The last day of validity; a past day ends the access at once."""
