"""Who waits after failed logins, in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from admin import visits
from admin.access import may
from admin.pages import deed, tell
from admin.panel import the_panel
from admin.words import clock
from authbridge import usernames
from authbridge.commands import lockouts
from authbridge.lockouts import Lockout, list_lockouts, lockouts_of
from authbridge.models import Organiser
from authbridge.policy import Reason
from authbridge.rights import Right
from authbridge.staffnames import STAFF_PREFIX


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
    elif lockout.username is not None and not lockout.at_panel:
        clear = deed(_("Lift"), "overview.clear_wait", name=lockout.username)
    elif lockout.username is not None and may(Right.APPOINT):
        # Whoever could lift these could have the second factor of a colleague guessed.
        clear = deed(_("Lift"), "staff.clear_wait", name=lockout.username.removeprefix(STAFF_PREFIX))
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


def is_of_staff(name: str) -> bool:
    """Whether the waits of that name are those of a member of staff, however it is written."""
    return usernames.canonical(name, host="").startswith(STAFF_PREFIX)


def lift(name: str) -> None:
    """Ends the waits of that name, and says so."""
    panel = the_panel()
    with panel.database.writing() as session:
        changed = lockouts.clear_name(
            session, name, traces=panel.traces, actor=visits.the_actor(), now=visits.now()
        )
    _tell(changed=changed)


def lift_of_network(network: str) -> None:
    """Ends those of a network, and says so."""
    with the_panel().database.writing() as session:
        changed = lockouts.clear_network(session, network, actor=visits.the_actor(), now=visits.now())
    _tell(changed=changed)


def _tell(*, changed: bool) -> None:
    tell("done", _("The wait is over.") if changed else _("Nobody was waiting there any more."))
