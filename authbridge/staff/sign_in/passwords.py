"""The password step of the sign-in: the login flow with a member of staff as its subject."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from authbridge.login import flow
from authbridge.login.failure_history import SignInStep
from authbridge.login.policy import Decision, Verdict
from authbridge.login.staff_names import StaffName, counted_name, normalise_staff_name
from authbridge.login.subjects import Checked, Credential, Judgement, Login
from authbridge.login.typed_passwords import StoredPassword, parse_password
from authbridge.staff import members, sessions
from authbridge.staff.sessions import PanelSession
from authbridge.staff.sign_in import steps
from authbridge.staff.sign_in.services import Caller, Outcome, SignInServices, StaffFailures
from authbridge.storage.models import SessionStage, Staff

_PATIENCE = 10  # seconds that a person waits for the next page

_Admit = Callable[[Session, Staff, datetime], str | None]


def sign_in(name: str, password: str, caller: Caller, services: SignInServices) -> Outcome:
    """Takes the first step; where granted, opens a session that waits for the second factor."""

    def admit(session: Session, staff: Staff, now: datetime) -> str:
        return sessions.open_session(
            session, staff.id, stage=SessionStage.PASSWORD, user_agent=caller.user_agent, now=now
        )

    return _try_password(normalise_staff_name(name), password, caller, services, admit)


def confirm_password(visit: PanelSession, typed: str, caller: Caller, services: SignInServices) -> Decision:
    """Decides whether somebody who is signed in still knows the password."""
    name = normalise_staff_name(visit.name)
    return _try_password(name, typed, caller, services, lambda *_: None).decision


def _try_password(
    name: StaffName, typed: str, caller: Caller, services: SignInServices, admit: _Admit
) -> Outcome:
    with services.read() as store:
        credential = _credential_of(members.find_staff(store.session, name))
        pair = steps.pair_of(store.session, SignInStep.PASSWORD, name, caller, services)
    counted = counted_name(SignInStep.PASSWORD, name)
    login = flow.recognise(counted, parse_password(typed), credential, pair, services)
    subject = _PasswordStep(login, name, admit)
    decision = flow.authenticate(subject, services, within=_PATIENCE)
    services.note_refusal(SignInStep.PASSWORD, decision)
    return Outcome(decision, subject.token)


@dataclass(slots=True)
class _PasswordStep:
    """The subject of one attempt; ``admit`` opens what a granted one is for."""

    login: Login
    name: StaffName
    admit: _Admit
    token: str | None = field(default=None, repr=False)

    def open(self, store: StaffFailures) -> Credential | None:
        return _credential_of(members.find_staff(store.session, self.name))

    def judge(self, store: StaffFailures, checked: Checked, now: datetime) -> Judgement:
        staff = members.find_staff(store.session, self.name, lock=True)
        current = _credential_of(staff)
        is_proven = current is not None and checked.version == current.version
        decision = steps.judge(staff, is_proven=is_proven)
        if staff is not None and decision.verdict is Verdict.GRANTED:
            if checked.renewed is not None:
                staff.password_hash = checked.renewed.hash
            self.token = self.admit(store.session, staff, now)
        return Judgement(decision, steps.alarm_name(staff))

    def reject(self, decision: Decision) -> None:
        """Counts nothing: the panel keeps no journal."""


def _credential_of(staff: Staff | None) -> Credential | None:
    if staff is None or staff.password_hash is None:
        return None
    # The hash is salted anew for each password, so it tells versions apart.
    return Credential(staff.password_hash, StoredPassword(staff.password_hash, generated=False))
