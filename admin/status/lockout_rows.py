"""The lockouts after failed logins, in sentences, each with the button that ends it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from admin.panel import current_panel, now
from admin.session.access import may
from admin.web.i18n import clock
from admin.web.redirects import path_to
from authbridge.login.lockouts import Lockout, list_lockouts
from authbridge.login.policy import Reason
from authbridge.login.staff_names import STAFF_PREFIX
from authbridge.staff.permissions import Permission


@dataclass(frozen=True, slots=True)
class ClearButton:
    """The address to which the button is sent, and its hidden fields."""

    url: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LockoutRow:
    """A lockout as a page shows it; ``member`` is the name of a member of staff who is locked out.

    ``network`` is set where a whole network waits.
    """

    sentence: str
    username: str | None
    network: str | None
    until: datetime
    clear: ClearButton | None
    member: str | None


def all_lockout_rows() -> list[LockoutRow]:
    """Returns all lockouts, the next one to end first."""
    panel = current_panel()
    with panel.database.read_session() as session:
        found = list_lockouts(session, panel.keyed_hashes, now=now(), limits=panel.limits)
    return lockout_rows(found)


def lockout_rows(found: Iterable[Lockout]) -> list[LockoutRow]:
    """Returns these lockouts as a page shows them."""
    return [_row(each) for each in found]


def _row(lockout: Lockout) -> LockoutRow:
    member = _member_of(lockout)
    username = None if member is not None else lockout.username
    network = lockout.network if lockout.rule is Reason.NETWORK_WAITS else None
    button = _button_for(lockout, member)
    return LockoutRow(_sentence(lockout), username, network, lockout.until, button, member)


def _member_of(lockout: Lockout) -> str | None:
    if not lockout.at_panel or lockout.username is None:
        return None
    return lockout.username.removeprefix(STAFF_PREFIX)


def _button_for(lockout: Lockout, member: str | None) -> ClearButton | None:
    if not _may_help(lockout):
        return None
    if lockout.rule is Reason.NETWORK_WAITS:
        return ClearButton(path_to("overview.clear_lockout"), {"network": lockout.network or ""})
    if lockout.username is None:
        return None
    if member is None:
        return ClearButton(path_to("overview.clear_lockout"), {"name": lockout.username})
    return ClearButton(path_to("staff.clear_lockout", name=member))


def _may_help(lockout: Lockout) -> bool:
    # A clerk who could clear a wait of staff could guess a colleague's second factor for ever.
    return not lockout.at_panel or may(Permission.APPOINT)


def _sentence(lockout: Lockout) -> str:
    failures = ngettext(
        "%(num)s wrong password since %(clock)s",
        "%(num)s wrong passwords since %(clock)s",
        lockout.failures,
        clock=clock(lockout.since),
    )
    return f"{failures} {_where(lockout)}"


def _where(lockout: Lockout) -> str:
    """Returns from where: the address only of a network that waits, for that of a login is the journal's."""
    if lockout.is_own:
        return _("from the school's own network")
    if lockout.rule is Reason.NETWORK_WAITS and _may_help(lockout):
        return _("from %(network)s", network=lockout.network)
    if lockout.network is not None:
        return _("from another network")
    if lockout.rule is Reason.ACCOUNT_WAITS:
        return _("from many places")
    return _("from a place that is not known")
