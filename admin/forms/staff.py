"""What people type about members of staff."""

from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import RadioField, StringField

from admin.forms.base import PanelForm
from admin.forms.rules import parsed_by, required
from authbridge.login.staff_names import parse_staff_name
from authbridge.storage.models import Role


def _roles() -> list[tuple[str, Any]]:
    return [
        (Role.CLERK.value, _("Administration: schools, organisers, letters, suspensions")),
        (
            Role.AUDITOR.value,
            _("Inspection: sees all but secrets, holds entries for an incident, changes nothing else"),
        ),
        (Role.ADMIN.value, _("Management: everything, staff too")),
    ]


class RoleForm(PanelForm):
    """The role of a member of staff."""

    role = RadioField(_("Role"), [required], choices=_roles)


class NewStaffForm(PanelForm):
    """The name and the role of a person to invite."""

    name = StringField(
        _("Name to sign in with"),
        [required, parsed_by(parse_staff_name)],
        description=_("2 to 32 small letters, digits and . _ - ; it appears in the log of changes."),
    )
    role = RadioField(_("Role"), [required], choices=_roles, default=Role.CLERK.value)
