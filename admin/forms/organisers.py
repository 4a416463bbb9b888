"""What people type about organisers: how many to issue, the last day, how letters look."""

from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, RadioField
from wtforms.validators import NumberRange, ValidationError

from admin.forms.base import PanelForm
from admin.forms.days import EndForm
from admin.forms.fields import DayField, NumberField
from admin.forms.rules import LAST_DAY, required
from admin.panel import school_calendar, today
from authbridge.letters import Envelope, Inside
from authbridge.schools.commands.organisers import MAX_ISSUED


def languages() -> list[tuple[str, Any]]:
    """Returns the languages of letters."""
    return [("de", _("German")), ("en", _("English"))]


def sizes() -> list[tuple[str, Any]]:
    """Returns the sizes of print."""
    return [("normal", _("Normal")), ("large", _("Large print: 14 points, both sides of a sheet"))]


def shapes() -> list[tuple[str, Any]]:
    """Returns the shapes of what is printed."""
    return [
        ("alone", _("Letters alone, to hand out one by one")),
        ("slips", _("Envelope for the head of the school, with slips to cut out (four a page)")),
        ("letters", _("Envelope for the head of the school, with whole letters")),
    ]


def not_past(_form: FlaskForm, field: Field) -> None:
    """Refuses a day before today, and a year that is a slip of the finger."""
    if field.data is not None and not today() <= field.data <= LAST_DAY:
        raise ValidationError(_("Please choose a day from today on."))


class LettersForm(PanelForm):
    """The shape of what is printed for organisers, its language, and its size of print."""

    shape = RadioField(
        _("What to print"),
        choices=shapes,
        default="alone",
        description=_(
            "An envelope also holds a cover sheet, the terms of use and a hand-out list, all in one PDF."
        ),
    )
    information = BooleanField(_("With the information sheet on data protection (only in an envelope)"))
    language = RadioField(_("Language of the letters"), choices=languages, default="de")
    size = RadioField(_("Size of print"), choices=sizes, default="normal")

    def validate_size(self, field: RadioField) -> None:
        """Refuses slips in large print: four a page are too small for that."""
        if self.shape.data == Inside.SLIPS and field.data == "large":
            raise ValidationError(
                _("Slips are too small for large print. Please choose whole letters in the envelope.")
            )

    @property
    def envelope(self) -> Envelope | None:
        """Returns the envelope that was chosen, None for letters alone."""
        if self.shape.data == "alone":
            return None
        return Envelope(Inside(self.shape.data), with_information=bool(self.information.data))


class IssueForm(EndForm, LettersForm):
    """How many organisers to issue, until when they are valid, and how their letters look."""

    count = NumberField(
        _("How many"),
        [required, NumberRange(1, MAX_ISSUED, _("Please give a number from 1 to 200."))],
        default=1,
    )
    raise_quota = BooleanField(_("Raise the number of accounts of the school if it is not enough"))
    valid_until = DayField(
        _("Valid until"),
        default=lambda: school_calendar().end,
        description=_(
            "The last day on which they can log in, such as 31.07.2028. "
            "Suggested is the end of the school year."
        ),
    )
    no_end = BooleanField(_("No end"))

    def validate_valid_until(self, field: DayField) -> None:
        """Refuses a day on which they could not log in any more, besides what :class:`EndForm` refuses."""
        super().validate_valid_until(field)
        not_past(self, field)


class ValidityForm(EndForm):
    """The last day of validity; a past day ends the access at once."""
