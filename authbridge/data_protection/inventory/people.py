"""Describes what is kept of the members of staff, and of what they did."""

from datetime import timedelta

from sqlalchemy import and_

from authbridge import audit
from authbridge.data_protection.descriptions import (
    N_,
    Audience,
    DataSubject,
    KeptFor,
    KeptUntil,
    KeptWith,
    TableDescription,
    fixed,
)
from authbridge.data_protection.descriptions import ColumnDescription as Column
from authbridge.data_protection.inventory.logins import journal_period
from authbridge.staff import commands, sessions
from authbridge.storage.models import (
    AuditEvent,
    Invitation,
    Passkey,
    RecoveryCode,
    Staff,
    StaffSession,
)

_ID = Column(N_("internal number"))
_MEMBER = Column(N_("member of staff"))
_WITH_MEMBER = KeptWith(Staff, N_("until the member of staff is deleted"))

TABLES = (
    TableDescription(
        Staff,
        N_("Members of staff"),
        N_("To let staff into the panel, with two factors."),
        DataSubject.STAFF,
        Audience.APPOINTERS,
        KeptUntil(N_("until the member of staff is deleted"), commands.delete_staff),
        {
            "id": _ID,
            "name": Column(N_("name for signing in")),
            "role": Column(N_("role")),
            "password_hash": Column(N_("hash of the password (bcrypt)"), audience=Audience.PROGRAM),
            "factor_secret": Column(N_("second factor, encrypted"), audience=Audience.PROGRAM),
            "factor_step": Column(
                N_("half minute of the code that was used last"), audience=Audience.PROGRAM
            ),
            "void_step": Column(N_("half minute of a code from a clock too fast"), audience=Audience.PROGRAM),
            "enrolled_at": Column(N_("set up on")),
            "suspended_at": Column(N_("suspended since")),
            "last_sign_in_on": Column(N_("day of the last sign-in, without the time")),
            "created_at": Column(N_("added on"), audience=Audience.PROGRAM),
        },
        Staff.created_at,
    ),
    TableDescription(
        Invitation,
        N_("Invitations"),
        N_("To let a new member of staff set up their account."),
        DataSubject.STAFF,
        Audience.APPOINTERS,
        KeptFor(fixed(timedelta(0)), Invitation.expires_at, N_("after its end"), sessions.purge_batch),
        {
            "staff_id": _MEMBER,
            "code_hash": Column(N_("keyed hash of the code"), audience=Audience.PROGRAM),
            "expires_at": Column(N_("end")),
        },
    ),
    TableDescription(
        RecoveryCode,
        N_("Recovery codes"),
        N_("To sign in without the phone."),
        DataSubject.STAFF,
        Audience.PROGRAM,
        _WITH_MEMBER,
        {
            "id": _ID,
            "staff_id": _MEMBER,
            "code_hash": Column(N_("keyed hash of the code")),
        },
    ),
    TableDescription(
        Passkey,
        N_("Passkeys"),
        N_("To sign in without a code."),
        DataSubject.STAFF,
        Audience.OWNER,
        _WITH_MEMBER,
        {
            "id": _ID,
            "staff_id": _MEMBER,
            "label": Column(N_("name that its owner gave it")),
            "credential_id": Column(N_("number of the passkey"), audience=Audience.PROGRAM),
            "public_key": Column(N_("public key"), audience=Audience.PROGRAM),
            "sign_count": Column(N_("counter of the passkey"), audience=Audience.PROGRAM),
            "created_at": Column(N_("added on")),
            "last_used_on": Column(N_("day of the last use, without the time")),
        },
        Passkey.created_at,
    ),
    TableDescription(
        StaffSession,
        N_("Sessions of the panel"),
        N_("To know who is signed in, and to let them end sessions elsewhere."),
        DataSubject.STAFF,
        Audience.OWNER,
        KeptFor(
            fixed(sessions.KEPT),
            StaffSession.started_at,
            N_("after its beginning, at the longest"),
            sessions.purge_batch,
        ),
        {
            "id_hash": Column(N_("hash of the session's number"), audience=Audience.PROGRAM),
            "staff_id": _MEMBER,
            "stage": Column(N_("step of the sign-in"), audience=Audience.PROGRAM),
            "started_at": Column(N_("beginning")),
            "seen_at": Column(N_("last use")),
            "factor_at": Column(N_("moment of the last second factor"), audience=Audience.PROGRAM),
            "pending_secret": Column(
                N_("second factor that is being set up, encrypted"), audience=Audience.PROGRAM
            ),
            "user_agent": Column(N_("browser, as it names itself")),
            "notices": Column(N_("messages for the next page")),
            "token_hash": Column(N_("hash of what the browser shows"), audience=Audience.PROGRAM),
        },
        StaffSession.started_at,
    ),
    TableDescription(
        AuditEvent,
        N_("Audit"),
        N_("To answer who changed what; addresses in it go with those of the journal."),
        DataSubject.STAFF,
        Audience.INSPECTORS,
        KeptFor(fixed(audit.KEPT), AuditEvent.at, N_("after the event"), audit.purge),
        {
            "id": Column(N_("internal number"), is_internal=True),
            "at": Column(N_("moment of the event")),
            "actor": Column(
                N_("member of staff, or user of the command line"),
                withheld=N_("It names a member of staff of the media centre, who acted in their office."),
            ),
            "action": Column(N_("what was done")),
            "subject": Column(
                N_("login name, school, member of staff, or network"),
                kept=KeptFor(
                    journal_period,
                    AuditEvent.at,
                    N_("after the event, where it is a network"),
                    audit.purge,
                    and_(
                        AuditEvent.action.startswith(audit.NETWORK_EVENTS),
                        AuditEvent.subject != audit.FORGOTTEN_NETWORK,
                    ),
                ),
                is_internal=True,
            ),
            "detail": Column(N_("details, without passwords")),
        },
        AuditEvent.at,
    ),
)
