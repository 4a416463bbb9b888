"""Uses up the second factor that somebody shows: a code of the app, a recovery code, or a passkey.

Each runs in the transaction in which it is compared, with the row of its owner locked.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select

from authbridge.staff import passkeys, totp
from authbridge.staff.one_time_codes import CodePurpose, hash_code
from authbridge.staff.passkeys import Site
from authbridge.staff.sign_in.services import SignInServices, StaffFailures
from authbridge.storage.models import Passkey, RecoveryCode, Staff
from authbridge.storage.statements import UNSYNCHRONISED


class Factor(StrEnum):
    """The kind of second factor that was shown; stands in the audit."""

    APP = "app"
    RECOVERY = "recovery-code"
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class PasskeyAnswer:
    """What a browser answered to the challenge that was made for it."""

    site: Site
    challenge: bytes = field(repr=False)
    answer: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """The transaction in which one code is compared, and its moment."""

    store: StaffFailures
    now: datetime
    services: SignInServices


Use = tuple[Factor | None, timedelta | None]
"""The factor that was shown, None if it is not theirs; and by how much the clock of a refused code is off."""


def use_code(turn: Turn, staff: Staff, typed: str) -> Use:
    """Uses up the second factor that the code stands for."""
    factor = _factor_of_code(turn, staff, typed)
    return factor, None if factor is not None else _drift(turn, staff, typed)


def use_passkey(turn: Turn, staff: Staff, shown: PasskeyAnswer) -> Use:
    """Notes the use of the passkey, if it is one of theirs and has signed the challenge."""
    session, credential_id = turn.store.session, passkeys.credential_id_of(shown.answer)
    is_meant = (Passkey.staff_id == staff.id, Passkey.credential_id == credential_id)
    found = session.scalars(select(Passkey).where(*is_meant).with_for_update()).one_or_none()
    if found is None:
        return None, None
    count = passkeys.next_sign_count(
        shown.site, shown.challenge, shown.answer, public_key=found.public_key, sign_count=found.sign_count
    )
    if count is None:
        return None, None
    found.sign_count = count
    found.last_used_on = turn.now.astimezone(turn.services.timezone).date()
    return Factor.PASSKEY, None


def _factor_of_code(turn: Turn, staff: Staff, typed: str) -> Factor | None:
    session, encryption = turn.store.session, turn.services.encryption
    if staff.factor_secret is None:
        return None
    secret = encryption.unseal(staff.factor_secret)
    step = totp.matching_step(secret, typed, turn.now, staff.factor_step, void_step=staff.void_step)
    if step is not None:
        staff.factor_step = step
        return Factor.APP
    is_it = RecoveryCode.code_hash == hash_code(encryption, CodePurpose.RECOVERY, typed)
    used = delete(RecoveryCode).where(RecoveryCode.staff_id == staff.id, is_it).returning(RecoveryCode.id)
    found = session.execute(used, execution_options=UNSYNCHRONISED).first()
    return None if found is None else Factor.RECOVERY


def _drift(turn: Turn, staff: Staff, typed: str) -> timedelta | None:
    """Returns how far off the clock is that shows a refused code, and voids a code still to come."""
    if staff.factor_secret is None:
        return None
    secret = turn.services.encryption.unseal(staff.factor_secret)
    step = totp.wrong_clock_step(secret, typed, turn.now, staff.factor_step)
    if step is None:
        return None
    drift = totp.drift_of(step, turn.now)
    if drift > timedelta():
        if staff.void_step not in {None, step} and not totp.is_over(staff.void_step, turn.now):
            return None  # one code can be void at a time, so one is named at a time
        staff.void_step = step
    return drift
