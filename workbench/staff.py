"""Members of staff for demos, tests and benchmarks, enrolled by the product's own steps."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyotp

from authbridge.audit import Actor
from authbridge.staff import sessions, sign_in
from authbridge.staff.commands import Enrolment, add_staff, enrol
from authbridge.staff.one_time_codes import make_invitation, make_recovery_codes
from authbridge.staff.password_rules import hash_staff_password
from authbridge.staff.sign_in import Caller, SignInServices
from authbridge.staff.totp import matching_step, new_secret
from authbridge.storage.models import Role

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


def invite(services: SignInServices, name: str, role: Role) -> str:
    """Adds somebody who has not come yet; returns the one-time code."""
    invitation = make_invitation(services.encryption)
    with services.database.write_session() as session:
        add_staff(session, name, role, invitation, actor=_ACTOR, now=services.clock())
    return invitation.code


def enrol_member(services: SignInServices, name: str, role: Role) -> Member:
    """Adds somebody who can sign in."""
    code = invite(services, name, role)
    outcome = sign_in.verify_invitation(name, code, Caller(None, None), services)
    assert outcome.token is not None  # noqa: S101 - we have just made it
    member = Member(name, "-".join(secrets.token_hex(3) for _ in range(4)), new_secret(), ())
    recovery = make_recovery_codes(services.encryption)
    now = services.clock()
    # The step before, so that the code of this moment is still good for signing in.
    step = matching_step(member.secret, pyotp.TOTP(member.secret).at(now, counter_offset=-1), now, None)
    assert step is not None  # noqa: S101 - it is what the authenticator shows
    enrolment = Enrolment(
        hash_staff_password(member.password, name, services.hasher),
        services.encryption.seal(member.secret),
        step,
        recovery,
    )
    with services.database.write_session() as session:
        visit = sessions.find(session, outcome.token, idle=timedelta(hours=1), now=now)
        assert visit is not None  # noqa: S101 - just opened
        enrol(session, visit, enrolment, today=now.date(), actor=_ACTOR, now=now)
    return Member(name, member.password, member.secret, recovery.codes)
