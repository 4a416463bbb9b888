"""Notes in the audit that sign-ins were refused: a line a quarter of an hour and step, without a name.

A typed name may be a password, and lines without end would hide the others; many failures raise alarms, which
name who is guessed.
"""

import logging
from datetime import datetime, timedelta

from authbridge.audit import FORGOTTEN_STAFF, UNPROVEN, Action, record
from authbridge.errors import location_of
from authbridge.expiring_store import ExpiringStore
from authbridge.login.failure_history import SignInStep
from authbridge.login.policy import Decision, Reason, Verdict
from authbridge.storage.database import Database

_log = logging.getLogger(__name__)

_PAUSE = timedelta(minutes=15)
_NO_TRIAL = {Reason.SESSION_ENDED, Reason.QUEUE_TOO_LONG}


class RefusedSignIns:
    """The steps of which this process has noted a refusal within the last quarter of an hour."""

    def __init__(self) -> None:
        self._noted = ExpiringStore[SignInStep, SignInStep](_PAUSE)

    def is_due(self, step: SignInStep, decision: Decision, *, now: datetime) -> bool:
        """Tells whether the decision is to be noted; from then on others of its step are not."""
        if decision.verdict is Verdict.GRANTED or decision.reason in _NO_TRIAL:
            return False
        if self._noted.find(step, now=now) is not None:
            return False
        self._noted.put(step, step, now=now)
        return True


def note_refusal(database: Database, step: SignInStep, now: datetime) -> None:
    """Writes the line, and logs it if that fails: the sign-in was answered already."""
    try:
        with database.write_session() as session:
            record(
                session,
                actor=UNPROVEN,
                action=Action.STAFF_REFUSE_SIGN_IN,
                subject=FORGOTTEN_STAFF,
                now=now,
                step=step,
            )
    except Exception as error:  # noqa: BLE001 - see above
        _log.error("a refused sign-in was not noted: %s at %s", type(error).__name__, location_of(error))
