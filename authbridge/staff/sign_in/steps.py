"""Recognises an attempt at one step of the sign-in: its name, its network or known device, its account."""

from sqlalchemy.orm import Session

from authbridge.login import flow
from authbridge.login.failure_history import SignInStep
from authbridge.login.failure_store import Pair
from authbridge.login.networks import device_network, panel_network_of
from authbridge.login.policy import Decision, judge_staff
from authbridge.login.staff_names import StaffName, counted_name
from authbridge.staff import device_cookies, members
from authbridge.staff.sign_in.services import Caller, SignInServices
from authbridge.storage.models import Staff

_UNKNOWN = "unknown name"  # in alarms; the typed name may be a password


def pair_of(
    session: Session, step: SignInStep, name: StaffName, caller: Caller, services: SignInServices
) -> Pair:
    """Returns the pair of the name and the network or known device, as it counts at this step."""
    network = panel_network_of(caller.ip)
    device = known_device(session, name, caller, services)
    return flow.pair_of(
        counted_name(step, name),
        network if device is None else device_network(device),
        services,
        known_network=network.key,
        sign_in_step=step,
    )


def known_device(session: Session, name: StaffName, caller: Caller, services: SignInServices) -> str | None:
    """Returns the id of the browser, if its cookie is a valid one of this member of staff."""
    if caller.device is None:
        return None
    staff = members.find_staff(session, name)
    return device_cookies.known(staff, caller.device, services.encryption, services.clock().date())


def judge(staff: Staff | None, *, is_proven: bool) -> Decision:
    """Decides by the state of the account; ``is_proven``: the password or code is the current one."""
    return judge_staff(is_proven=is_proven, suspended=staff is not None and staff.suspended_at is not None)


def alarm_name(staff: Staff | None) -> str:
    """Returns the name in an alarm; of unknown names staff hear too, but not which."""
    return _UNKNOWN if staff is None else staff.name
