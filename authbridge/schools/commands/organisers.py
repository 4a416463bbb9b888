"""Changes organisers: issues, renews passwords, ends or extends validity, logs out, deletes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import ConflictError, InputError
from authbridge.login import alarms, failures, held_rows
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.passwords import Hasher, generate_password
from authbridge.login.typed_passwords import StoredPassword
from authbridge.login.usernames import Username
from authbridge.revocations import feed
from authbridge.schools.commands.print_jobs import NewPrintJob, add_print_job
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.schools.new_organisers import draw_free_usernames, new_organiser
from authbridge.storage.models import MisuseReport, Organiser, School, Suspension
from authbridge.storage.statements import UNSYNCHRONISED

MAX_ISSUED = 200  # at once
FORMER_KEPT = timedelta(days=2)  # after its last day: it may end later in another time zone


class QuotaError(ConflictError):
    """Raised when a school would have more organisers than its quota; nothing was issued."""


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that was just made; ``plain`` is shown once and kept nowhere.

    ``print_job`` are the letters on which it will stand, None if none are printed.  With ``former_until`` the
    password that it replaces counts as well, to the end of that day.
    """

    plain: str = field(repr=False)
    stored: StoredPassword = field(repr=False)
    print_job: NewPrintJob | None = None
    former_until: date | None = None


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A username and its password, as a letter shows them; ``valid_until`` None: no end."""

    username: Username
    password: str = field(repr=False)
    valid_until: date | None = None


def make_passwords(
    count: int,
    hasher: Hasher,
    *,
    print_job: NewPrintJob | None = None,
    former_until: date | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[NewPassword]:
    """Makes new passwords with their hashes; takes one hash each, so call it outside any transaction.

    ``progress`` is called after each with the number of those made.

    Raises:
        InputError: The count is not from 1 to :data:`MAX_ISSUED`.
    """
    if not 1 <= count <= MAX_ISSUED:
        raise InputError("1 to %(most)s accounts can be issued at once.", most=MAX_ISSUED)
    passwords = []
    for done in range(1, count + 1):
        plain = generate_password()
        stored = hasher.hash(plain, generated=True)
        passwords.append(NewPassword(plain, stored, print_job, former_until))
        if progress is not None:
            progress(done)
    return passwords


def issue_organisers(
    session: Session,
    code: str,
    passwords: Sequence[NewPassword],
    *,
    valid_until: date | None,
    actor: Actor,
    now: datetime,
) -> list[IssuedCredential]:
    """Adds an organiser with a random name for each password; returns them by name.

    Raises:
        NotFoundError: There is no such school.
        QuotaError: It has no room for that many.
    """
    school = get_school(session, code, lock=True)
    usernames = draw_free_usernames(session, school, len(passwords))
    named = dict(zip(usernames, passwords, strict=True))
    return issue_named_organisers(session, code, named, valid_until=valid_until, actor=actor, now=now)


def issue_named_organisers(
    session: Session,
    code: str,
    passwords: Mapping[Username, NewPassword],
    *,
    valid_until: date | None,
    actor: Actor,
    now: datetime,
) -> list[IssuedCredential]:
    """Adds an organiser with the name, which was drawn before, for each password; else like issuing."""
    school = get_school(session, code, lock=True)  # other commands that issue for it wait, and count ours
    require_room(session, school, len(passwords))
    usernames = list(passwords)
    job = passwords[usernames[0]].print_job
    job_id = None if job is None else job.id
    printed = add_print_job(session, job, school, len(passwords), actor=actor, now=now)
    issued = []
    for username, password in passwords.items():
        session.add(new_organiser(school, username, password.stored, valid_until, now, print_job=job_id))
        issued.append(IssuedCredential(username, password.plain, valid_until))
    record(
        session,
        actor=actor,
        action=Action.ORGANISER_ISSUE,
        subject=school.code,
        now=now,
        usernames=usernames,
        valid_until=None if valid_until is None else valid_until.isoformat(),
        **printed,
    )
    return issued


def reset_password(
    session: Session,
    username: str,
    password: NewPassword,
    *,
    keyed_hashes: KeyedHashes,
    actor: Actor,
    now: datetime,
) -> IssuedCredential:
    """Replaces the password; the old one ends at this moment, with its failures and its sessions.

    Where it counts as well for some days, its sessions go on.  A suspension stays.

    Raises:
        NotFoundError: There is no such organiser.
    """
    organiser = get_organiser(session, username, lock=True)
    printed = add_print_job(session, password.print_job, organiser.school, 1, actor=actor, now=now)
    replace_password(organiser, password)
    forget_failures(session, [organiser.username], keyed_hashes)
    record(
        session,
        actor=actor,
        action=Action.ORGANISER_RESET,
        subject=organiser.username,
        now=now,
        **printed,
        **former_in_audit(password),
    )
    if password.former_until is None:
        feed.publish_end_of_sessions(session, organiser, now=now)
    return IssuedCredential(Username(organiser.username), password.plain, organiser.valid_until)


def replace_password(organiser: Organiser, password: NewPassword) -> None:
    """Writes the next version of a credential down; the letter with the old one is void."""
    forget_former_password(organiser)
    if password.former_until is not None:
        organiser.previous_hash = organiser.password_hash
        organiser.previous_generated = organiser.password_generated
        organiser.previous_quick_check = organiser.quick_check
        organiser.previous_until = password.former_until
    organiser.password_hash = password.stored.hash
    organiser.password_generated = password.stored.generated
    organiser.quick_check = password.stored.quick_check
    organiser.print_job_id = None if password.print_job is None else password.print_job.id
    organiser.credential_version += 1


def forget_former_password(organiser: Organiser) -> None:
    """Deletes the former password, which counts no more."""
    organiser.previous_hash = organiser.previous_generated = None
    organiser.previous_quick_check = organiser.previous_until = None


def former_in_audit(password: NewPassword) -> dict[str, object]:
    """Returns the audit's words about a former password that counts as well."""
    last_day = password.former_until
    return {} if last_day is None else {"former_until": last_day.isoformat()}


def void_former_password(session: Session, username: str, *, actor: Actor, now: datetime) -> bool:
    """Ends the former password at this moment, with all sessions; returns whether that changed anything.

    Raises:
        NotFoundError: There is no such organiser.
    """
    organiser = get_organiser(session, username, lock=True)
    if organiser.previous_hash is None:
        return False
    forget_former_password(organiser)
    record(session, actor=actor, action=Action.ORGANISER_VOID_FORMER, subject=organiser.username, now=now)
    feed.publish_end_of_sessions(session, organiser, now=now)
    return True


def purge(session: Session, *, now: datetime) -> None:
    """Deletes former passwords that no longer count, in whatever time zone."""
    forget_former_passwords(session, Organiser.previous_until < (now - FORMER_KEPT).date())


def forget_former_passwords(session: Session, condition: ColumnElement[bool]) -> None:
    """Deletes the former passwords of the organisers under this condition; they count no more."""
    columns = ("previous_hash", "previous_generated", "previous_quick_check", "previous_until")
    query = update(Organiser).where(condition, Organiser.previous_hash.is_not(None))
    session.execute(query.values(dict.fromkeys(columns, None)), execution_options=UNSYNCHRONISED)


def change_validity(
    session: Session, username: str, valid_until: date | None, *, today: date, actor: Actor, now: datetime
) -> bool:
    """Sets the last day of validity, None for no end; returns whether that changed anything.

    A day before ``today`` ends the sessions as well.  A day that passes later does not: running sessions
    stay.

    Raises:
        NotFoundError: There is no such organiser.
    """
    organiser = get_organiser(session, username, lock=True)
    if organiser.valid_until == valid_until:
        return False
    organiser.valid_until = valid_until
    if valid_until is not None and valid_until < today:
        feed.publish_end_of_sessions(session, organiser, now=now)
    record(
        session,
        actor=actor,
        action=Action.ORGANISER_CHANGE_VALIDITY,
        subject=organiser.username,
        now=now,
        valid_until=None if valid_until is None else valid_until.isoformat(),
    )
    return True


def end_sessions(session: Session, username: str, *, actor: Actor, now: datetime) -> bool:
    """Logs the organiser out everywhere; returns whether that changed anything.

    It does not if they are suspended: the suspension has ended all sessions, and none began since.

    Raises:
        NotFoundError: There is no such organiser.
    """
    organiser = get_organiser(session, username, lock=True)
    if not feed.publish_end_of_sessions(session, organiser, now=now):
        return False
    record(session, actor=actor, action=Action.ORGANISER_END_SESSIONS, subject=organiser.username, now=now)
    return True


def delete_organiser(
    session: Session, username: str, *, keyed_hashes: KeyedHashes, actor: Actor, now: datetime
) -> None:
    """Deletes an organiser and everything that is kept of them but the audit's lines.

    The journal of their logins goes with the row.  Reports of misuse stay as ones about the school, without
    what people wrote.  The audit keeps the username, and no new organiser is given it.

    Raises:
        NotFoundError: There is no such organiser.
        ConflictError: Rows of the journal are held for an incident; they would go as well.
    """
    organiser = get_organiser(session, username, lock=True)
    if held_rows.last_end(session, now=now, organiser_id=organiser.id) is not None:
        raise ConflictError(
            "Entries of “%(name)s” are held for an incident."
            " Staff who may see the journal can end that first.",
            name=organiser.username,
        )
    session.execute(
        delete(Suspension).where(Suspension.organiser_id == organiser.id), execution_options=UNSYNCHRONISED
    )
    session.execute(
        update(MisuseReport)
        .where(MisuseReport.organiser_id == organiser.id)
        .values(happened="", description="", result_note=None),
        execution_options=UNSYNCHRONISED,
    )
    forget_failures(session, [organiser.username], keyed_hashes)
    record(
        session,
        actor=actor,
        action=Action.ORGANISER_DELETE,
        subject=organiser.username,
        now=now,
        school=organiser.school.code,
    )
    session.delete(organiser)
    feed.publish_deletion(session, organiser, now=now)


def forget_failures(session: Session, usernames: Sequence[str], keyed_hashes: KeyedHashes) -> None:
    """Deletes the failures of these organisers, and settles the alarms about them."""
    failures.forget_names(session, [keyed_hashes.name(username) for username in usernames])
    alarms.forget(session, *usernames)


def require_room(session: Session, school: School, wanted: int) -> None:
    """Checks that the quota of the school has room for that many more organisers.

    Raises:
        QuotaError: It has not.
    """
    used = session.scalar(select(func.count()).where(Organiser.school_id == school.id)) or 0
    if used + wanted > school.quota:
        raise QuotaError(
            "The school “%(code)s” has %(used)s of the %(quota)s accounts that it may have; "
            "there is no room for %(wanted)s more.",
            code=school.code,
            used=used,
            quota=school.quota,
            wanted=wanted,
        )
