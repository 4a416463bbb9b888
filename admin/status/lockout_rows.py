"""Who waits after failed logins, in words."""

from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from admin.panel import the_panel
from admin.session import sessions
from admin.session.access import may
from admin.web.i18n import clock
from admin.web.redirects import place_of
from admin.web.responses import tell
from authbridge import usernames
from authbridge.commands import lockouts
from authbridge.lockouts import Lockout, list_lockouts, lockouts_of
from authbridge.models import Organiser
from authbridge.policy import Reason
from authbridge.rights import Right
from authbridge.staffnames import STAFF_PREFIX


@dataclass(frozen=True, slots=True)
class Lift:
    """Where the button is sent, and with what."""

    url: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WaitRow:
    """A wait, as a page shows it; ``lift`` is the button that ends it."""

    sentence: str
    username: str | None
    network: str | None
    until: datetime
    lift: Lift | None
    member: str | None


def all_waits() -> list[WaitRow]:
    """All waits, those that end first first."""
    panel = the_panel()
    with panel.database.reading() as session:
        found = list_lockouts(session, panel.traces, now=sessions.now(), limits=panel.limits)
    return [_row(each) for each in found]


def waits_of(organiser: Organiser) -> list[WaitRow]:
    """Those of one organiser."""
    panel = the_panel()
    with panel.database.reading() as session:
        found = lockouts_of(session, organiser, panel.traces, now=sessions.now(), limits=panel.limits)
    return [_row(each) for each in found]


def _row(lockout: Lockout) -> WaitRow:
    member = _member_of(lockout)
    username = None if member is not None else lockout.username
    return WaitRow(_sentence(lockout), username, lockout.network, lockout.until, _lift_of(lockout), member)


def _member_of(lockout: Lockout) -> str | None:
    """Who of the staff it is that waits, if so."""
    if not lockout.at_panel or lockout.username is None:
        return None
    return lockout.username.removeprefix(STAFF_PREFIX)


def _lift_of(lockout: Lockout) -> Lift | None:
    if lockout.rule is Reason.NETWORK_WAITS:
        return Lift(place_of("overview.clear_wait"), {"network": lockout.network or ""})
    if lockout.username is None:
        return None
    member = _member_of(lockout)
    if member is None:
        return Lift(place_of("overview.clear_wait"), {"name": lockout.username})
    # Whoever could lift this could have the second factor of a colleague guessed.
    return Lift(place_of("staff.clear_wait", name=member)) if may(Right.APPOINT) else None


def _sentence(lockout: Lockout) -> str:
    failures = ngettext(
        "%(num)s wrong password since %(clock)s",
        "%(num)s wrong passwords since %(clock)s",
        lockout.failures,
        clock=clock(lockout.since),
    )
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
            session, name, traces=panel.traces, actor=sessions.the_actor(), now=sessions.now()
        )
    _tell(changed=changed)


def lift_of_network(network: str) -> None:
    """Ends those of a network, and says so."""
    with the_panel().database.writing() as session:
        changed = lockouts.clear_network(session, network, actor=sessions.the_actor(), now=sessions.now())
    _tell(changed=changed)


def _tell(*, changed: bool) -> None:
    tell("done", _("The wait is over.") if changed else _("Nobody was waiting there any more."))
