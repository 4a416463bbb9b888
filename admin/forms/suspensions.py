"""What people note about a suspension: the reason, the person who asked for it, a remark."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _
from wtforms import SelectField, StringField

from admin.forms.base import PanelForm, take_draft
from admin.forms.rules import parsed_by
from authbridge.schools.commands import suspensions
from authbridge.schools.history import SuspensionRow
from authbridge.storage.models import Reporter, SuspensionReason


class DescribeForm(PanelForm):
    """A description of a suspension; all of it may stay empty."""

    reason = SelectField(
        _("Reason"),
        choices=lambda: [
            ("", _("not said yet")),
            (SuspensionReason.MISUSE.value, _("misuse")),
            (SuspensionReason.LETTER_LOST.value, _("letter lost")),
            (SuspensionReason.LEFT_SCHOOL.value, _("left the school")),
            (SuspensionReason.OTHER.value, _("another reason")),
        ],
    )
    reported_by = SelectField(
        _("Reported by"),
        choices=lambda: [
            ("", _("not said yet")),
            (Reporter.SCHOOL_HEAD.value, _("head of the school")),
            (Reporter.ORGANISER.value, _("organiser")),
            (Reporter.MEDIA_CENTRE.value, _("media centre")),
            (Reporter.OTHER.value, _("somebody else")),
        ],
    )
    note = StringField(_("Note"), [parsed_by(suspensions.parse_note)], description=_("No names, please."))

    @classmethod
    def of(cls, history: Sequence[SuspensionRow], path: str) -> "DescribeForm | None":
        """Returns the form of the suspension in force, with its description or the draft for that path.

        None if there is no such suspension.
        """
        if not history or history[0].until is not None:
            return None
        current = history[0]
        return cls(
            formdata=take_draft(path),
            data={
                "reason": current.reason or "",
                "reported_by": current.reported_by or "",
                "note": current.note or "",
            },
        )

    @property
    def description(self) -> suspensions.SuspensionDescription:
        """Returns everything typed, as the command takes it."""
        return suspensions.SuspensionDescription(
            reason=SuspensionReason(self.reason.data) if self.reason.data else None,
            reported_by=Reporter(self.reported_by.data) if self.reported_by.data else None,
            note=suspensions.parse_note(self.note.data or ""),
        )
