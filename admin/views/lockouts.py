"""Ends lockouts: from the overview, and from the page of a member of staff."""

from flask_babel import gettext as _

from admin.panel import current_panel
from admin.session.access import may
from admin.session.commands import run_command
from admin.session.flashes import flash
from authbridge.login import commands as lockout_commands
from authbridge.login import usernames
from authbridge.login.staff_names import STAFF_PREFIX
from authbridge.staff.permissions import Permission


def is_of_staff(name: str) -> bool:
    """Tells whether a lockout of that name is a member of staff's, however the name is written."""
    return usernames.normalise_username(name).startswith(STAFF_PREFIX)


def clear_name(name: str) -> None:
    """Ends the lockouts of that name, and flashes the result."""
    _report(changed=run_command(lockout_commands.clear_name, name, keyed_hashes=current_panel().keyed_hashes))


def clear_network(network: str) -> None:
    """Ends the lockouts of that network, those of staff only for the management; flashes the result."""
    helps_staff = may(Permission.APPOINT)
    _report(changed=run_command(lockout_commands.clear_network, network, of_staff_too=helps_staff))


def _report(*, changed: bool) -> None:
    flash("done", _("The wait is over.") if changed else _("Nobody was waiting there any more."))
