"""Who waits after failed logins, in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from admin import visits
from admin.pages import deed
from admin.panel import the_panel
from admin.words import clock
from authbridge.lockouts import Lockout, list_lockouts, lockouts_of
from authbridge.models import Organiser
from authbridge.policy import Reason


@dataclass(frozen=True, slots=True)
class WaitRow:
    """A wait, as a page shows it; ``clear`` is the button that ends it."""

    sentence: str
    username: str | None
    network: str | None
    until: datetime
    clear: dict[str, Any] | None


def all_waits() -> list[WaitRow]:
    """All waits, those that end first first."""
    panel = the_panel()
    with panel.database.reading() as session:
        found = list_lockouts(session, panel.traces, now=visits.now(), limits=panel.limits)
    return [_row(each) for each in found]


def waits_of(organiser: Organiser) -> list[WaitRow]:
    """Those of one organiser."""
    panel = the_panel()
    with panel.database.reading() as session:
        found = lockouts_of(session, organiser, panel.traces, now=visits.now(), limits=panel.limits)
    return [_row(each) for each in found]


def _row(lockout: Lockout) -> WaitRow:
    clear = None
    if lockout.rule is Reason.NETWORK_WAITS:
        clear = deed(_("Lift"), "overview.clear_wait", network=lockout.network or "")
    elif lockout.username is not None:
        clear = deed(_("Lift"), "overview.clear_wait", name=lockout.username)
    username = None if lockout.at_panel else lockout.username
    return WaitRow(_sentence(lockout), username, lockout.network, lockout.until, clear)


def _sentence(lockout: Lockout) -> str:
    failures = ngettext(
        "%(num)s wrong password since %(clock)s",
        "%(num)s wrong passwords since %(clock)s",
        lockout.failures,
        clock=clock(lockout.since),
    )
    if lockout.at_panel and lockout.username is not None:
        who = lockout.username.partition(":")[2]
        return f"{failures} {_where(lockout)} ({_('sign-in of %(name)s to this panel', name=who)})"
    return f"{failures} {_where(lockout)}"


def _where(lockout: Lockout) -> str:
    if lockout.is_own:
        return _("from the school's own network")
    if lockout.network is not None:
        return _("from %(network)s", network=lockout.network)
    if lockout.rule is Reason.ACCOUNT_WAITS:
        return _("from many places")
    return _("from a place that is not known")
