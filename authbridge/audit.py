"""Records each change with its actor: every command exactly once, a command without effect never."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from authbridge.storage.models import AuditEvent
from authbridge.storage.statements import UNSYNCHRONISED

KEPT = timedelta(days=365)

Actor = NewType("Actor", str)
"""``staff:anna`` (panel), ``cli:anna`` (command line), ``cli:anna?`` (a name that only sudo vouches for),
``school:ohg`` (the head of that school, by a one-time code)."""


class Action(StrEnum):
    """``subject:verb``; the subject is the kind of thing that changed."""

    SCHOOL_ADD = "school:add"
    SCHOOL_CHANGE = "school:change"
    SCHOOL_SUSPEND = "school:suspend"
    SCHOOL_REINSTATE = "school:reinstate"
    SCHOOL_CHANGE_YEAR = "school:change-year"
    SCHOOL_IMPORT = "school:import"
    ORGANISER_ISSUE = "organiser:issue"
    ORGANISER_IMPORT = "organiser:import"
    ORGANISER_RESET = "organiser:reset"
    ORGANISER_VOID_FORMER = "organiser:void-former"
    ORGANISER_CHANGE_VALIDITY = "organiser:change-validity"
    ORGANISER_SUSPEND = "organiser:suspend"
    ORGANISER_REINSTATE = "organiser:reinstate"
    ORGANISER_END_SESSIONS = "organiser:end-sessions"
    ORGANISER_CLEAR_LOCKOUT = "organiser:clear-lockout"
    ORGANISER_DELETE = "organiser:delete"
    ORGANISER_EXPORT = "organiser:export"
    ORGANISERS_RESET = "organisers:reset"
    ORGANISERS_CHANGE_VALIDITY = "organisers:change-validity"
    ORGANISERS_UNDO_VALIDITY = "organisers:undo-validity"
    ORGANISERS_SUSPEND = "organisers:suspend"
    ORGANISERS_REINSTATE = "organisers:reinstate"
    ORGANISERS_END_SESSIONS = "organisers:end-sessions"
    ORGANISER_DESCRIBE_SUSPENSION = "organiser:describe-suspension"
    SCHOOL_DESCRIBE_SUSPENSION = "school:describe-suspension"
    NETWORK_CLEAR_LOCKOUT = "network:clear-lockout"
    NODE_FORGET = "node:forget"
    TERMS_SEND = "terms:send"
    STAFF_ADD = "staff:add"
    STAFF_RESET = "staff:reset"
    STAFF_ENROL = "staff:enrol"
    STAFF_CHANGE_ROLE = "staff:change-role"
    STAFF_CHANGE_PASSWORD = "staff:change-password"  # noqa: S105 - an action, no password
    STAFF_RENEW_RECOVERY = "staff:renew-recovery"
    STAFF_ADD_PASSKEY = "staff:add-passkey"
    STAFF_REMOVE_PASSKEY = "staff:remove-passkey"
    STAFF_RESEAL = "staff:reseal"
    STAFF_SUSPEND = "staff:suspend"
    STAFF_REINSTATE = "staff:reinstate"
    STAFF_DELETE = "staff:delete"
    STAFF_SIGN_IN = "staff:sign-in"
    STAFF_REFUSE_SIGN_IN = "staff:refuse-sign-in"
    STAFF_END_SESSIONS = "staff:end-sessions"
    STAFF_CLEAR_LOCKOUT = "staff:clear-lockout"
    JOURNAL_LOOK = "journal:look"
    HOLD_REQUEST = "hold:request"
    HOLD_CONFIRM = "hold:confirm"
    HOLD_REJECT = "hold:reject"
    HOLD_END = "hold:end"
    MISUSE_REPORT = "misuse:report"
    MISUSE_REPORT_AND_SUSPEND = "misuse:report-and-suspend"
    MISUSE_BLOCK = "misuse:block"
    MISUSE_CLOSE = "misuse:close"
    REPORT_CODE_ISSUE = "report-code:issue"
    REPORT_CODE_WITHDRAW = "report-code:withdraw"
    BACKUP_RESTORE = "backup:restore"


POLICY = Actor("policy")
"""The actor of alarms: the login policy raises them."""

UNPROVEN = Actor("unknown")
"""The actor of refused sign-ins: nobody has proved who they are."""

SCHOOL_ACTORS = "school:"
"""The prefix of actors who showed a code of that school."""

NETWORK_EVENTS = "network:"
"""The prefix of actions whose subject is an address, which is kept no longer than other addresses."""

FORGOTTEN_NETWORK = "network"
"""The subject of such an event once its address is deleted."""

FORGOTTEN_STAFF = "staff"
"""Stands for a member of staff once the audit has deleted their name."""


def record(
    session: Session,
    *,
    actor: Actor,
    action: StrEnum,
    subject: str,
    now: datetime,
    **detail: object,
) -> AuditEvent:
    """Adds the event to the transaction of the change itself; ``detail`` is plain JSON, without secrets.

    ``action`` is an :class:`Action`, or an alarm of the login policy, which has the same form.
    """
    event = AuditEvent(at=now, actor=actor, action=action, subject=subject, detail=detail)
    session.add(event)
    return event


def purge(session: Session, *, now: datetime, retention: timedelta) -> None:
    """Deletes events that are older than a year, and addresses that are older than ``retention``.

    That somebody guessed is kept as long as the audit, the address as long as the other addresses.
    """
    holds_address = (
        AuditEvent.action.startswith(NETWORK_EVENTS),
        AuditEvent.at < now - retention,
        AuditEvent.subject != FORGOTTEN_NETWORK,
    )
    for query in (
        delete(AuditEvent).where(AuditEvent.at < now - KEPT),
        update(AuditEvent).where(*holds_address).values(subject=FORGOTTEN_NETWORK),
    ):
        session.execute(query, execution_options=UNSYNCHRONISED)
