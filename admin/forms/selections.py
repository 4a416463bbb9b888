"""What people send about several organisers at once: their names, and what the change needs to know."""

from flask_babel import lazy_gettext as _
from wtforms import HiddenField

from admin.forms.base import PanelForm
from admin.forms.fields import DayField
from admin.forms.organisers import LettersForm, not_past
from admin.forms.rules import required
from admin.panel import school_calendar


class NamesField(HiddenField):
    """Login names that were chosen, with blanks between them: what was shown is what is sent."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Takes the names apart."""
        self.data = tuple(" ".join(valuelist).split())

    def _value(self) -> str:
        return " ".join(self.data or ())


class SelectionForm(PanelForm):
    """Organisers who were chosen together; ``seen`` tells what was shown of them, ``back`` is their list.

    A form without ``seen`` is one that has seen nothing, not one to which no change matters.
    """

    name = NamesField(default=())
    seen = HiddenField(filters=[lambda sent: sent or ""])
    back = HiddenField()


class ExtensionForm(SelectionForm):
    """The day until which organisers are to be valid; there is no extension without a day."""

    valid_until = DayField(
        _("Valid until"),
        [required, not_past],
        default=lambda: school_calendar().end,
        description=_(
            "The last day on which they can log in, such as 31.07.2028. "
            "Suggested is the end of the school year."
        ),
    )


class RenewalForm(SelectionForm, LettersForm):
    """What is printed for organisers with new passwords."""
