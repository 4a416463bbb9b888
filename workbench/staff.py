"""Members of staff for demos, tests and benchmarks, enrolled by the product's own steps."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

import pyotp

from authbridge import signin, staffsessions
from authbridge.audit import Actor
from authbridge.commands.staff import Enrolment, add_staff, enrol
from authbridge.models import Role
from authbridge.onetimecodes import make_invitation, make_recovery_codes
from authbridge.secondfactor import matching_step, new_secret
from authbridge.signin import Caller, SignInSetting
from authbridge.staffpasswords import hash_staff_password

_ACTOR = Actor("cli:demo")


@dataclass(frozen=True, slots=True)
class Member:
    """What one of the staff knows and has."""

    name: str
    password: str = field(repr=False)
    secret: str = field(repr=False)
    recovery_codes: tuple[str, ...] = field(repr=False)

    def code_at(self, moment: datetime) -> str:
        """Returns what their authenticator shows then."""
        return pyotp.TOTP(self.secret).at(moment)


def invite(setting: SignInSetting, name: str, role: Role) -> str:
    """Adds somebody who has not come yet; returns the one-time code."""
    invitation = make_invitation(setting.seals)
    with setting.database.writing() as session:
        add_staff(session, name, role, invitation, actor=_ACTOR, now=setting.clock())
    return invitation.code


def enrol_member(setting: SignInSetting, name: str, role: Role) -> Member:
    """Adds somebody who can sign in."""
    code = invite(setting, name, role)
    outcome = signin.verify_invitation(name, code, Caller(None, None), setting)
    assert outcome.token is not None  # noqa: S101 - we have just made it
    member = Member(name, "-".join(secrets.token_hex(3) for _ in range(4)), new_secret(), ())
    recovery = make_recovery_codes(setting.seals)
    now = setting.clock()
    # The step before, so that the code of this moment is still good for signing in.
    step = matching_step(member.secret, pyotp.TOTP(member.secret).at(now, counter_offset=-1), now, None)
    assert step is not None  # noqa: S101 - it is what the authenticator shows
    enrolment = Enrolment(
        hash_staff_password(member.password, name, setting.hasher),
        setting.seals.seal(member.secret),
        step,
        recovery,
    )
    with setting.database.writing() as session:
        visit = staffsessions.find(session, outcome.token, now=now)
        assert visit is not None  # noqa: S101 - just opened
        enrol(session, visit, enrolment, today=now.date(), actor=_ACTOR, now=now)
    return Member(name, member.password, member.secret, recovery.codes)
