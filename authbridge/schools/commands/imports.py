"""Takes existing credentials over from elsewhere, with the usernames and passwords that people have."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import ImportFileError
from authbridge.login.typed_passwords import StoredPassword
from authbridge.login.usernames import Username, parse_school_code
from authbridge.schools.new_organisers import new_organiser
from authbridge.storage.models import Organiser, School


@dataclass(frozen=True, slots=True)
class ImportedCredential:
    """A line of a file with existing credentials, checked, its password already hashed."""

    line: int
    school: str
    username: Username
    stored: StoredPassword = field(repr=False)


def import_organisers(
    session: Session, credentials: Sequence[ImportedCredential], *, actor: Actor, now: datetime
) -> int:
    """Takes existing credentials over, all or none; returns their number.

    No quota holds this up: these accounts exist already, and a school that has too many of them is given no
    new ones.

    Raises:
        ImportFileError: A school does not exist, or a username does already.
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
            session.add(new_organiser(school, credential.username, credential.stored, None, now))
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
