"""What people type about a school."""

from datetime import date

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.validators import NumberRange

from admin.forms.base import PanelForm
from admin.forms.days import chosen_day, untick
from admin.forms.fields import DayField, NumberField
from admin.forms.rules import parsed_by, required
from admin.panel import today
from authbridge.login import usernames
from authbridge.schools.commands import schools


def _lines(text: str | None) -> list[str]:
    return [line for line in (text or "").splitlines() if line.strip()]


class NewSchoolForm(PanelForm):
    """A new school; its code never changes afterwards."""

    code = StringField(
        _("Short code"),
        [required, parsed_by(usernames.parse_school_code)],
        description=_("2 to 6 letters or digits. Login names begin with it, and it never changes."),
    )
    name = StringField(_("Name"), [required, parsed_by(schools.parse_name)])
    street = StringField(_("Street and number"), [parsed_by(schools.parse_street)])
    place = StringField(
        _("Postcode and town"),
        [parsed_by(schools.parse_place)],
        description=_("Name, street and town appear in the window of the envelope."),
    )
    mailbox = StringField(
        _("E-mail of the school"),
        [parsed_by(schools.parse_mailbox)],
        description=_("An address of the school or its office, not of a person."),
    )
    contract_on = DayField(
        _("Date of the processing contract"), description=_("The day of the signature, such as 01.09.2026.")
    )
    no_contract = BooleanField(_("No contract yet"), default=True)
    trusted_networks = TextAreaField(
        _("Networks of the school"),
        [parsed_by(lambda text: schools.parse_networks(_lines(text)))],
        description=_(
            "One a line, such as 198.51.100.7 or 2001:db8:12::/48. Typing errors from there count less."
        ),
    )
    quota = NumberField(
        _("Most accounts"),
        [required, NumberRange(0, schools.MOST_ACCOUNTS, _("Please give a number from 0 to 5000."))],
        default=50,
    )
    revision = HiddenField()
    stored_contract: date | None = None

    def validate_contract_on(self, field: DayField) -> None:
        """Refuses a day in the far future, and an empty one without the word that there is no contract."""
        untick(field, self.no_contract, self.stored_contract)
        if not field.errors:
            chosen_day(field, self.no_contract, self.stored_contract)
            parsed_by(lambda day: schools.parse_contract_day(day, today=today()))(self, field)

    @property
    def details(self) -> schools.SchoolDetails:
        """Returns everything typed besides code and name, as the commands take it."""
        return {
            "street": self.street.data or "",
            "place": self.place.data or "",
            "mailbox": self.mailbox.data or "",
            "contract_on": chosen_day(self.contract_on, self.no_contract, self.stored_contract),
            "trusted_networks": _lines(self.trusted_networks.data),
            "quota": self.quota.data or 0,
        }


class SchoolForm(NewSchoolForm):
    """A school as it is edited."""

    code = None
