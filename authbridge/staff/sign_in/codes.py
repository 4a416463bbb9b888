"""The code steps of the sign-in: one-time code, recovery code or passkey, and the invitation.

Codes are compared within one transaction, one after the other for each name and for each network, so that
parallel guesses count one another; nothing is hashed slowly, so nothing waits in a queue.
"""

import hmac
from collections.abc import Callable

from authbridge.audit import Action, record
from authbridge.login import flow, policy
from authbridge.login.alarm_rules import DueAlarm
from authbridge.login.failure_history import SignInStep
from authbridge.login.policy import Reason, Verdict
from authbridge.login.staff_names import StaffName, counted_name, normalise_staff_name
from authbridge.login.subjects import Login
from authbridge.login.typed_passwords import parse_password
from authbridge.staff import device_cookies, members, sessions
from authbridge.staff.one_time_codes import CodePurpose, hash_code
from authbridge.staff.sessions import PanelSession
from authbridge.staff.sign_in import steps
from authbridge.staff.sign_in.factors import Factor, PasskeyAnswer, Turn, Use, use_code, use_passkey
from authbridge.staff.sign_in.services import Caller, Outcome, SignInServices
from authbridge.storage.models import Invitation, SessionStage, Staff

_DISTINCT = 32  # characters of a challenge


def confirm_code(visit: PanelSession, typed: str, caller: Caller, services: SignInServices) -> Outcome:
    """Takes the second step, by the app's code or a recovery code.

    At the sign-in it ends with a new session, the only one that proves both factors, and the browser becomes
    a known device.  Later it makes the factor fresh and ends with a new token of the session; it does nothing
    where the factor is fresh already: a second click finds the code used up.
    """
    return _confirm(visit, typed, caller, services, lambda turn, staff: use_code(turn, staff, typed))


def confirm_passkey(
    visit: PanelSession, shown: PasskeyAnswer, caller: Caller, services: SignInServices
) -> Outcome:
    """Takes the second step by a passkey; all else is as with a code."""
    # The challenge stands for what was typed: it is another one each time, as a guess would be.
    attempt = shown.challenge.hex()[:_DISTINCT]
    return _confirm(visit, attempt, caller, services, lambda turn, staff: use_passkey(turn, staff, shown))


def _confirm(
    visit: PanelSession,
    typed: str,
    caller: Caller,
    services: SignInServices,
    use_factor: Callable[[Turn, Staff], Use],
) -> Outcome:
    name = normalise_staff_name(visit.name)

    def compare(turn: Turn) -> Outcome:
        session = turn.store.session
        staff = session.get(Staff, visit.staff_id, with_for_update={"key_share": True})
        current = sessions.find_row(session, visit)
        if staff is None or current is None or current.stage == SessionStage.ENROLLING:
            return Outcome(policy.SESSION_ENDED)
        if sessions.is_fresh(current, turn.now):
            return Outcome(steps.judge(staff, is_proven=True))
        factor, drift = use_factor(turn, staff)
        decision = steps.judge(staff, is_proven=factor is not None)
        if factor is None:
            return Outcome(decision, drift=drift)
        if decision.verdict is not Verdict.GRANTED:
            return Outcome(decision)
        _note_success(turn, name, caller)
        token = _continue(turn, visit, staff, factor)
        is_again = visit.stage is SessionStage.SIGNED_IN
        is_known = is_again or steps.known_device(session, name, caller, services) is not None
        device = None if is_known else device_cookies.new_token(staff, services.encryption, turn.now.date())
        return Outcome(decision, token, recovered=factor is Factor.RECOVERY, device=device)

    return _compare_in_turn(SignInStep.CODE, name, typed, caller, services, compare)


def verify_invitation(name: str, code: str, caller: Caller, services: SignInServices) -> Outcome:
    """Verifies an invitation; where granted, opens a session in which to enrol."""
    staff_name = normalise_staff_name(name)

    def compare(turn: Turn) -> Outcome:
        session = turn.store.session
        staff = members.find_staff(session, staff_name, lock=True)
        decision = steps.judge(staff, is_proven=_is_invited(turn, staff, code))
        if staff is None or decision.verdict is not Verdict.GRANTED:
            return Outcome(decision)
        token = sessions.open_session(
            session, staff.id, stage=SessionStage.ENROLLING, user_agent=caller.user_agent, now=turn.now
        )
        return Outcome(decision, token)

    return _compare_in_turn(SignInStep.INVITATION, staff_name, code, caller, services, compare)


def device_token(name: str, services: SignInServices) -> str:
    """Returns the cookie for the browser of somebody who has just enrolled.

    Raises:
        NotFoundError: nobody of the staff has that name.
    """
    with services.database.read_session() as session:
        return device_cookies.new_token(
            members.get_staff(session, name), services.encryption, services.clock().date()
        )


def _compare_in_turn(
    step: SignInStep,
    name: StaffName,
    typed: str,
    caller: Caller,
    services: SignInServices,
    compare: Callable[[Turn], Outcome],
) -> Outcome:
    outcome = _compare_unless_waiting(step, name, typed, caller, services, compare)
    services.note_refusal(step, outcome.decision)
    return outcome


def _compare_unless_waiting(
    step: SignInStep,
    name: StaffName,
    typed: str,
    caller: Caller,
    services: SignInServices,
    compare: Callable[[Turn], Outcome],
) -> Outcome:
    with services.read() as store:
        now = services.clock()
        pair = steps.pair_of(store.session, step, name, caller, services)
        history = store.history_of(pair, now)
    # Decided before the write transaction: attempts during a wait would keep other writers waiting.
    if decision := policy.throttle(history, now, services.limits):
        return Outcome(decision)
    login = flow.recognise(counted_name(step, name), parse_password(typed), None, pair, services)
    with services.write() as store:
        store.lock_for_recording(pair)
        now = services.clock()
        outcome, due = _compare(login, name, Turn(store, now, services), compare)
    services.raise_alarms(due, now)
    return outcome


def _compare(
    login: Login, name: StaffName, turn: Turn, compare: Callable[[Turn], Outcome]
) -> tuple[Outcome, list[DueAlarm]]:
    store, now, services = turn.store, turn.now, turn.services
    history = flow.history_before_check(store, login.pair, now, services.limits)
    if decision := policy.throttle(history, now, services.limits):
        return Outcome(decision), []
    outcome = compare(turn)
    if outcome.decision.reason is not Reason.WRONG_PASSWORD:
        return outcome, []
    flow.record_failure(store, login, history, now, services)
    account_name = steps.alarm_name(members.find_staff(store.session, name))
    return outcome, flow.count_failure(store, login.pair, history, account_name, services)


def _note_success(turn: Turn, name: StaffName, caller: Caller) -> None:
    for step in (SignInStep.PASSWORD, SignInStep.CODE):
        pair = steps.pair_of(turn.store.session, step, name, caller, turn.services)
        turn.store.note_success(pair, turn.now)


def _continue(turn: Turn, visit: PanelSession, staff: Staff, factor: Factor) -> str:
    """Opens a new session, or gives the present one ten more minutes; returns the new token."""
    session, now = turn.store.session, turn.now
    if visit.stage is SessionStage.SIGNED_IN:
        if factor is Factor.RECOVERY:
            _audit(turn, visit, factor=factor, again=True)  # there is one less, and the audit says when
        return sessions.mark_factor(session, visit, now=now)
    _audit(turn, visit, factor=factor)
    staff.last_sign_in_on = now.astimezone(turn.services.timezone).date()
    return sessions.rotate(session, visit, SessionStage.SIGNED_IN, now=now)


def _audit(turn: Turn, visit: PanelSession, **detail: object) -> None:
    record(
        turn.store.session,
        actor=visit.actor,
        action=Action.STAFF_SIGN_IN,
        subject=visit.name,
        now=turn.now,
        **detail,
    )


def _is_invited(turn: Turn, staff: Staff | None, typed: str) -> bool:
    # Always the same work: the time must not tell whether there is an invitation.
    shown = hash_code(turn.services.encryption, CodePurpose.INVITATION, typed)
    invitation = turn.store.session.get(Invitation, -1 if staff is None else staff.id)
    is_it = hmac.compare_digest("" if invitation is None else invitation.code_hash, shown)
    return is_it and invitation is not None and turn.now < invitation.expires_at
