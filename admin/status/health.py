"""Is everything working? The checks of the auth service and each Prosody's last contact, in sentences."""

from collections.abc import Iterator, Mapping, Sequence

from flask_babel import gettext as _
from flask_babel import ngettext

from admin.panel import current_panel, now
from admin.status.health_row import HealthRow
from admin.status.server_checks import ServerCheck, server_checks
from admin.status.synthetic_logins import synthetic_login_rows
from admin.web.i18n import moment
from authbridge.revocations.status import NodeRow, nodes
from authbridge.synthetic_login.records import machine_states


def health_rows() -> list[HealthRow]:
    """Returns the rows of the overview."""
    with current_panel().database.read_session() as session:
        found = nodes(session, now=now())
        tried = machine_states(session.connection(), now=now())
    checks = current_panel().service_health.checks(now=now())
    return [
        _service_row(checks),
        *synthetic_login_rows(tried),
        *_node_rows(found),
        *_storage_rows(checks),
        *map(_server_row, server_checks()),
    ]


def _service_row(checks: Mapping[str, str] | None) -> HealthRow:
    if checks is None:
        return HealthRow(
            _("Login service"),
            "bad",
            _("It does not answer: nobody can open a meeting. Please call the technician."),
        )
    return HealthRow(_("Login service"), "ok", _("It answers."))


def _node_rows(found: Sequence[NodeRow]) -> Iterator[HealthRow]:
    for node in found:
        title = _("Meeting server %(node)s", node=node.node)
        if node.is_late:
            sentence = _(
                "It has not answered since %(moment)s. Suspensions take effect there when it is back.",
                moment=moment(node.last_seen_at),
            )
            yield HealthRow(title, "bad", sentence, node.node)
        else:
            yield HealthRow(title, "ok", _("It answers, and carries suspensions out at once."))
    if not found:
        yield HealthRow(_("Meeting server"), "warn", _("No meeting server has reported yet."))


def _server_row(check: ServerCheck) -> HealthRow:
    title = _("Setup of %(machine)s", machine=check.machine)
    if check.is_overdue:
        sentence = _("Nobody has checked it since %(moment)s.", moment=moment(check.examined_at))
    elif check.errors:
        sentence = ngettext(
            "The nightly check found %(num)s fault. Please tell the administrator of the server.",
            "The nightly check found %(num)s faults. Please tell the administrator of the server.",
            check.errors,
        )
    else:
        return HealthRow(title, "ok", _("The nightly check found no fault."), is_setup=True)
    return HealthRow(title, "warn", sentence, is_setup=True)


def _storage_rows(checks: Mapping[str, str] | None) -> Iterator[HealthRow]:
    if checks is None:
        return
    if checks.get("storage") != "ok":
        yield HealthRow(_("Storage"), "bad", _("Nothing can be saved, and nobody can open a meeting."))
    elif checks.get("disk") != "ok":
        yield HealthRow(_("Storage"), "warn", _("There is little room left on the disk."))
    else:
        yield HealthRow(_("Storage"), "ok", _("There is room, and it can be written."))
    if checks.get("purge") == "ok":
        yield HealthRow(_("Deletion of old logs"), "ok", _("Done within the last two hours."))
    else:
        yield HealthRow(_("Deletion of old logs"), "bad", _("It is overdue. Please call the technician."))
