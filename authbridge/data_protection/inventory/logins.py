"""Describes what is kept of logins, and of those that failed."""

from datetime import timedelta

from authbridge.config import Config
from authbridge.data_protection.descriptions import (
    N_,
    Audience,
    DataSubject,
    KeptFor,
    TableDescription,
    fixed,
)
from authbridge.data_protection.descriptions import ColumnDescription as Column
from authbridge.holds import commands as holds
from authbridge.login import failures, held_rows, journal
from authbridge.storage.models import (
    AlarmRaised,
    Hold,
    KnownNetwork,
    LoginAttempt,
    LoginFailure,
    NetworkWait,
    RejectedAttempts,
)

_ID = Column(N_("internal number"), is_internal=True)
_ACCOUNT = Column(N_("account, if the name is one"), is_internal=True)
_COLLEAGUE = N_("It names a member of staff of the media centre, who acted in their office.")
_HELD = N_(
    "longer only where two members of staff hold entries for an incident, for 90 days at most"
    " (a request for it keeps them for three days at most)"
)
_NAME_HASH = N_("It is a keyed hash, which only this program can make from a name.")


def journal_period(config: Config) -> timedelta:
    """Returns how long the journal and its addresses are kept."""
    return timedelta(days=config.retention_days)


def _failure_period(config: Config) -> timedelta:
    return config.limits.account_window


def _known_period(config: Config) -> timedelta:
    return config.limits.known_good


TABLES = (
    TableDescription(
        LoginAttempt,
        N_("Journal of logins"),
        N_("To find faults, to help organisers who cannot log in, and to fend off attacks."),
        DataSubject.ORGANISER,
        Audience.EVERY_ROLE,
        KeptFor(
            journal_period,
            LoginAttempt.at,
            N_("after the login"),
            journal.purge_batch,
            unless=held_rows.attempt_is_held,
            unless_words=_HELD,
        ),
        {
            "id": _ID,
            "at": Column(N_("moment of the login")),
            "request_id": Column(N_("number of the request, drawn at random"), is_internal=True),
            "organiser_id": _ACCOUNT,
            "unknown_name": Column(
                N_("keyed hash of a login name that nobody has"), audience=Audience.PROGRAM, is_internal=True
            ),
            "ip": Column(N_("address (IP)"), audience=Audience.INSPECTORS, is_address=True),
            "user_agent": Column(N_("browser, as it names itself"), audience=Audience.INSPECTORS),
            "transport": Column(N_("kind of connection"), audience=Audience.PROGRAM, is_internal=True),
            "node": Column(N_("meeting server"), audience=Audience.PROGRAM, is_internal=True),
            "verdict": Column(N_("outcome")),
            "reason": Column(N_("reason of the outcome"), audience=Audience.PROGRAM, is_internal=True),
            "closed_at": Column(N_("moment of the outcome"), audience=Audience.PROGRAM, is_internal=True),
        },
        LoginAttempt.at,
    ),
    TableDescription(
        RejectedAttempts,
        N_("Logins rejected without a check"),
        N_("To find faults and to fend off attacks; only the number per minute."),
        DataSubject.ORGANISER,
        Audience.EVERY_ROLE,
        KeptFor(
            journal_period,
            RejectedAttempts.minute,
            N_("after the login"),
            journal.purge_batch,
            unless=held_rows.rejection_is_held,
            unless_words=_HELD,
        ),
        {
            "id": _ID,
            "minute": Column(N_("minute")),
            "organiser_id": _ACCOUNT,
            "pair": Column(
                N_("keyed hash of name and network"), audience=Audience.PROGRAM, withheld=_NAME_HASH
            ),
            "network": Column(
                N_("network (part of the address)"), audience=Audience.INSPECTORS, is_address=True
            ),
            "repeated": Column(N_("number with a password that was wrong before")),
            "locked": Column(N_("number that had to wait")),
            "unavailable": Column(N_("number for which there was no time")),
        },
        RejectedAttempts.minute,
    ),
    TableDescription(
        Hold,
        N_("Entries held for an incident"),
        N_("To keep the logins of one organiser for an incident that police or management must look into."),
        DataSubject.ORGANISER,
        Audience.INSPECTORS,
        KeptFor(fixed(timedelta()), Hold.kept_until, N_("with its end"), holds.purge),
        {
            "id": _ID,
            "organiser_id": Column(N_("account"), is_internal=True),
            "since": Column(N_("beginning of what is held")),
            "before": Column(N_("end of what is held")),
            "network": Column(N_("network (part of the address)"), is_address=True),
            "reason": Column(N_("reason, in one line")),
            "days": Column(N_("number of days from the request")),
            "asked_at": Column(N_("asked for on")),
            "asked_by": Column(
                N_("member of staff who asked for it"), subject=DataSubject.STAFF, withheld=_COLLEAGUE
            ),
            "confirmed_at": Column(N_("confirmed on")),
            "confirmed_by": Column(
                N_("member of staff who confirmed it"), subject=DataSubject.STAFF, withheld=_COLLEAGUE
            ),
            "kept_until": Column(N_("end; of a request, the last moment to confirm it")),
        },
        Hold.asked_at,
    ),
    TableDescription(
        LoginFailure,
        N_("Failed logins that still count"),
        N_("To slow down guessing."),
        DataSubject.ORGANISER,
        Audience.EVERY_ROLE,
        KeptFor(_failure_period, LoginFailure.at, N_("after the failed login"), failures.purge_batch),
        {
            "id": _ID,
            "at": Column(N_("moment of the failed login")),
            "name_key": Column(N_("keyed hash of the name"), audience=Audience.PROGRAM, withheld=_NAME_HASH),
            "network": Column(N_("network (part of the address)"), is_address=True),
            "from_unfamiliar_network": Column(N_("whether from an unfamiliar network")),
            "fingerprint": Column(
                N_("twelve bits of the wrong password, too few to guess it"),
                audience=Audience.PROGRAM,
                withheld=N_("It says something about a password that was typed."),
            ),
            "wait": Column(N_("seconds to wait")),
        },
        LoginFailure.at,
    ),
    TableDescription(
        KnownNetwork,
        N_("Networks from which a name logged in"),
        N_("To let organisers in where they always are, even while others guess."),
        DataSubject.ORGANISER,
        Audience.PROGRAM,
        KeptFor(
            _known_period, KnownNetwork.seen_at, N_("after the last login from there"), failures.purge_batch
        ),
        {
            "pair_key": Column(N_("keyed hash of name and network")),
            "seen_at": Column(N_("moment of the last login from there")),
        },
        KnownNetwork.seen_at,
    ),
    TableDescription(
        NetworkWait,
        N_("Networks that have to wait"),
        N_("To slow down guessing."),
        DataSubject.NOBODY,
        Audience.EVERY_ROLE,
        KeptFor(_failure_period, NetworkWait.until, N_("after the end of the wait"), failures.purge_batch),
        {
            "network": Column(N_("network (part of the address)"), is_address=True),
            "since": Column(N_("beginning")),
            "until": Column(N_("end")),
        },
        NetworkWait.since,
    ),
    TableDescription(
        AlarmRaised,
        N_("Alarms"),
        N_("To raise the same alarm only once in an hour."),
        DataSubject.ORGANISER,
        Audience.PROGRAM,
        KeptFor(_failure_period, AlarmRaised.at, N_("after the alarm"), failures.purge_batch),
        {
            "about": Column(N_("kind of alarm, and the login name, network or member of staff")),
            "at": Column(N_("moment of the alarm")),
        },
        AlarmRaised.at,
    ),
)
