"""What staff type about a report of misuse, on the telephone, and how they close it."""

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import RadioField, SelectField, StringField, TextAreaField

from admin.forms.base import PanelForm
from admin.forms.rules import parsed_by, required
from authbridge.login.usernames import Username, parse_username
from authbridge.misuse import commands
from authbridge.misuse.commands import MisuseDescription
from authbridge.storage.models import Reporter, ReportResult


def _parse_optional_username(typed: str) -> Username | None:
    return parse_username(typed) if typed.strip() else None


class MisuseForm(PanelForm):
    """A report about one organiser; all of it may stay as it is."""

    description = TextAreaField(
        _("What happened?"),
        [parsed_by(commands.parse_description)],
        description=_("In a few words; no names, please."),
    )
    happened = StringField(
        _("When?"), [parsed_by(commands.parse_happened)], description=_("Such as: today in the third lesson.")
    )
    reported_by = SelectField(
        _("Reported by"),
        choices=lambda: [
            (Reporter.SCHOOL_HEAD.value, gettext("head of the school")),
            (Reporter.ORGANISER.value, gettext("organiser")),
            (Reporter.MEDIA_CENTRE.value, gettext("media centre")),
            (Reporter.OTHER.value, gettext("somebody else")),
        ],
    )

    @property
    def told(self) -> MisuseDescription:
        """Returns everything typed, as the commands take it."""
        return MisuseDescription(
            Reporter(self.reported_by.data), self.happened.data or "", self.description.data or ""
        )


class SchoolMisuseForm(MisuseForm):
    """A report about a school, with the login name if that is known."""

    username = StringField(
        _("Login name"),
        [parsed_by(_parse_optional_username)],
        description=_("If it is known; it stands on the letter."),
    )

    @property
    def name(self) -> Username | None:
        """Returns the login name, None if none was typed."""
        return _parse_optional_username(self.username.data or "")


class CloseForm(PanelForm):
    """The result of a report."""

    result = RadioField(
        _("Result"),
        [required],
        choices=lambda: [
            (ReportResult.CONFIRMED.value, gettext("it was misuse")),
            (ReportResult.UNFOUNDED.value, gettext("it was no misuse")),
            (ReportResult.UNCLEAR.value, gettext("it remains unclear")),
        ],
    )
    note = StringField(_("Note"), [parsed_by(commands.parse_result_note)], description=_("No names, please."))
