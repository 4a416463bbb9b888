"""What staff give with a request to hold entries of the journal for an incident."""

from datetime import date, timedelta

from flask_babel import lazy_gettext as _
from wtforms import SelectField, StringField

from admin.forms.base import PanelForm
from admin.forms.fields import NumberField
from admin.forms.rules import parsed_by, required
from admin.panel import current_panel, today
from admin.web.i18n import weekday
from authbridge.holds import commands


def held_days() -> list[date]:
    """Returns the days of which there may be entries, the latest first."""
    return [today() - timedelta(days=ago) for ago in range(current_panel().config.retention_days + 1)]


def _choices() -> list[tuple[str, str]]:
    return [(each.isoformat(), weekday(each)) for each in held_days()]


class HoldForm(PanelForm):
    """The days, perhaps a network, the incident, and for how long."""

    first = SelectField(_("First day"), choices=_choices)
    last = SelectField(_("Last day"), choices=_choices)
    network = StringField(
        _("Only from this address or network"),
        [parsed_by(commands.parse_network)],
        description=_("Such as 198.51.100.7 or 2001:db8:12::/48."),
    )
    reason = StringField(
        _("For which incident?"),
        [parsed_by(commands.parse_reason)],
        description=_(
            "Such as the number of the report to the police; no names, please. The audit keeps it."
        ),
    )
    days = NumberField(
        _("For how many days?"),
        [required, parsed_by(commands.parse_days)],
        description=_("From now on; 90 at most. They are deleted then."),
    )

    @property
    def span(self) -> tuple[date, date]:
        """Returns the first and the last day."""
        return date.fromisoformat(self.first.data), date.fromisoformat(self.last.data)
