"""Takes accounts over as a Prosody kept them: all of a host or nothing, the disabled ones suspended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import AccountFilesError, ConflictError
from authbridge.login.typed_passwords import StoredPassword
from authbridge.login.usernames import Username
from authbridge.revocations import feed
from authbridge.schools.commands.suspensions import SuspensionDescription, put_on
from authbridge.schools.lookup import get_school
from authbridge.schools.new_organisers import new_organiser
from authbridge.storage.models import Organiser, RevocationAction, School, SuspensionReason

_AT_ONCE = 500  # names asked for in one query


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account of a Prosody as it will be stored here."""

    file: str
    username: Username
    stored: StoredPassword = field(repr=False)
    disabled: bool


def find_school_for(
    session: Session, code: str, accounts: Sequence[tuple[str, Username]], *, lock: bool = False
) -> School:
    """Returns the school, and makes sure that nobody has the login names yet; they come with their files.

    Raises:
        NotFoundError: There is no such school.
        AccountFilesError: A username exists already.
    """
    school = get_school(session, code, lock=lock)
    wanted = [username for _file, username in accounts]
    taken: set[str] = set()
    for start in range(0, len(wanted), _AT_ONCE):
        some = Organiser.username.in_(wanted[start : start + _AT_ONCE])
        taken.update(session.scalars(select(Organiser.username).where(some)))
    if taken:
        raise AccountFilesError(
            [
                (file, ConflictError("There is an organiser “%(name)s” already.", name=username))
                for file, username in accounts
                if username in taken
            ]
        )
    return school


def import_accounts(
    session: Session, code: str, host: str, accounts: Sequence[StoredAccount], *, actor: Actor, now: datetime
) -> int:
    """Takes the accounts over into one school, all or none; returns their number.

    No quota holds this up, as with a table.

    Raises:
        NotFoundError: There is no such school.
        AccountFilesError: A username exists already.
    """
    names = [(each.file, each.username) for each in accounts]
    school = find_school_for(session, code, names, lock=True)
    suspended = []
    for each in accounts:
        organiser = new_organiser(school, each.username, each.stored, None, now)
        session.add(organiser)
        if each.disabled:
            suspended.append(organiser)
    session.flush()
    because = SuspensionDescription(SuspensionReason.OTHER)
    suspensions = [put_on(session, each, because, actor=actor, now=now) for each in suspended]
    if accounts:
        record(
            session,
            actor=actor,
            action=Action.ORGANISER_IMPORT,
            subject="import",
            now=now,
            usernames=[each.username for each in accounts],
            from_host=host,
            suspended=[each.username for each in suspended],
        )
    if suspensions:
        feed.publish_suspensions(session, suspensions, RevocationAction.SUSPEND, now=now)
    return len(accounts)
