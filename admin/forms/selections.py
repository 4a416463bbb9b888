"""What people send about several organisers at once: their names, and what the change needs to know."""

from datetime import date, timedelta

from flask_babel import lazy_gettext as _
from markupsafe import Markup
from wtforms import Field, HiddenField, RadioField
from wtforms.widgets import html_params

from admin.forms.base import PanelForm
from admin.forms.fields import DayField
from admin.forms.organisers import languages, not_past
from admin.forms.rules import required
from admin.panel import today

_SUMMER = (7, 31)  # month and day: the school year ends
_THIS_YEAR = timedelta(days=60)  # before the end of a school year the next one is meant


def _hidden(field: Field, **_attributes: object) -> Markup:
    inputs = (html_params(type="hidden", name=field.name, value=each) for each in field.data or ())
    return Markup("").join(Markup("<input {}>").format(Markup(each)) for each in inputs)  # noqa: S704 - escaped


class NamesField(Field):
    """Login names that were chosen, each in a hidden field of its own: what was shown is what is sent."""

    widget = staticmethod(_hidden)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Takes all of them."""
        self.data = tuple(valuelist)


class SelectionForm(PanelForm):
    """Organisers who were chosen together; ``seen`` tells what was shown of them, ``back`` is their list."""

    name = NamesField()
    seen = HiddenField()
    back = HiddenField()


class ExtensionForm(SelectionForm):
    """The day until which organisers are to be valid; there is no extension without a day."""

    valid_until = DayField(
        _("Valid until"),
        [required, not_past],
        default=lambda: next_summer(today()),
        description=_("The last day on which they can log in. Suggested is the end of the school year."),
    )


class RenewalForm(SelectionForm):
    """The language of the new letters."""

    language = RadioField(_("Language of the letters"), choices=languages, default="de")


def next_summer(day: date) -> date:
    """Returns the end of the school year that is meant on that day: shortly before one, of the next."""
    return next(end for year in (day.year, day.year + 1) if (end := date(year, *_SUMMER)) > day + _THIS_YEAR)
