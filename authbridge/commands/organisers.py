"""Changes to organisers: issue, take over, give a new password, end or extend validity."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge import alarms, ledger
from authbridge.audit import Action, Actor, record
from authbridge.errors import ConflictError, ImportFileError, InputError
from authbridge.models import Organiser, School
from authbridge.passwords import Hasher, StoredPassword, generate_password
from authbridge.queries import get_organiser, get_school
from authbridge.traces import Traces
from authbridge.usernames import Username, draw_username, parse_school_code

MAX_ISSUED = 200  # at once

_DRAWS = 50  # of a free name; 18^4 names a school make a second draw rare


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that was just made; ``plain`` is shown once and kept nowhere."""

    plain: str = field(repr=False)
    stored: StoredPassword = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """What goes on the letter."""

    username: Username
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ImportedCredential:
    """A line of a file with existing credentials, checked, its password already hashed."""

    line: int
    school: str
    username: Username
    stored: StoredPassword = field(repr=False)


def make_passwords(count: int, hasher: Hasher) -> list[NewPassword]:
    """New passwords with their hashes; takes one hash each, so call it outside any transaction."""
    if not 1 <= count <= MAX_ISSUED:
        message = f"1 to {MAX_ISSUED} accounts can be issued at once."
        raise InputError(message)
    plain = [generate_password() for _ in range(count)]
    return [NewPassword(text, hasher.hash(text, generated=True)) for text in plain]


def issue_organisers(
    session: Session,
    code: str,
    passwords: Sequence[NewPassword],
    *,
    valid_until: date | None,
    actor: Actor,
    now: datetime,
) -> list[IssuedCredential]:
    """Adds an organiser with a random name for each password."""
    school = get_school(session, code, lock=True)
    issued = []
    for password in passwords:
        username = _draw_free_username(session, school)
        session.add(_new_organiser(school, username, password.stored, valid_until, now))
        issued.append(IssuedCredential(username, password.plain))
    record(
        session,
        actor=actor,
        action=Action.ORGANISER_ISSUE,
        subject=school.code,
        now=now,
        usernames=[credential.username for credential in issued],
        valid_until=None if valid_until is None else valid_until.isoformat(),
    )
    return issued


def import_organisers(
    session: Session, credentials: Sequence[ImportedCredential], *, actor: Actor, now: datetime
) -> int:
    """Takes existing credentials over, all or none; returns how many.

    Raises :class:`ImportFileError` for schools that are not there and names that are.
    """
    faults: list[tuple[int, str]] = []
    schools = {school.code: school for school in session.scalars(select(School))}
    wanted = [credential.username for credential in credentials]
    taken = set(session.scalars(select(Organiser.username).where(Organiser.username.in_(wanted))))
    for credential in credentials:
        school = schools.get(parse_school_code(credential.school))
        if school is None:
            faults.append((credential.line, f"there is no school “{credential.school}”"))
        elif credential.username in taken:
            faults.append((credential.line, f"there is an organiser “{credential.username}” already"))
        else:
            taken.add(credential.username)
            session.add(_new_organiser(school, credential.username, credential.stored, None, now))
    if faults:
        raise ImportFileError(faults)
    if credentials:
        record(
            session,
            actor=actor,
            action=Action.ORGANISER_IMPORT,
            subject="import",
            now=now,
            usernames=wanted,
        )
    return len(credentials)


def reset_password(
    session: Session, username: str, password: NewPassword, *, traces: Traces, actor: Actor, now: datetime
) -> IssuedCredential:
    """Gives a new password; the old one is dead from this moment, and so are the failures with it.

    A suspension stays.
    """
    organiser = get_organiser(session, username, lock=True)
    organiser.password_hash = password.stored.hash
    organiser.password_generated = password.stored.generated
    organiser.credential_version += 1
    ledger.forget_name(session, traces.name(organiser.username))
    alarms.forget(session, organiser.username)
    record(session, actor=actor, action=Action.ORGANISER_RESET, subject=organiser.username, now=now)
    return IssuedCredential(Username(organiser.username), password.plain)


def change_validity(
    session: Session, username: str, valid_until: date | None, *, actor: Actor, now: datetime
) -> Organiser:
    """Sets the last day of validity, None for no end."""
    organiser = get_organiser(session, username, lock=True)
    if organiser.valid_until != valid_until:
        organiser.valid_until = valid_until
        record(
            session,
            actor=actor,
            action=Action.ORGANISER_CHANGE_VALIDITY,
            subject=organiser.username,
            now=now,
            valid_until=None if valid_until is None else valid_until.isoformat(),
        )
    return organiser


def _new_organiser(
    school: School, username: str, stored: StoredPassword, valid_until: date | None, now: datetime
) -> Organiser:
    return Organiser(
        school=school,
        username=username,
        password_hash=stored.hash,
        password_generated=stored.generated,
        credential_version=1,
        valid_until=valid_until,
        created_at=now,
    )


def _draw_free_username(session: Session, school: School) -> Username:
    code = parse_school_code(school.code)
    for _ in range(_DRAWS):
        username = draw_username(code)
        if session.scalar(select(Organiser.id).where(Organiser.username == username)) is None:
            return username
    message = f"No free login name was found for the school “{school.code}”."
    raise ConflictError(message)
