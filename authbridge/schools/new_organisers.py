"""Makes the rows of new organisers, and draws login names that nobody has or had."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import Action
from authbridge.errors import ConflictError
from authbridge.login.typed_passwords import StoredPassword
from authbridge.login.usernames import Username, draw_username, parse_school_code
from authbridge.storage.models import AuditEvent, Organiser, School

_DRAWS = 50  # of free names; 17^4 names a school make a second draw rare


def new_organiser(
    school: School,
    username: str,
    stored: StoredPassword,
    valid_until: date | None,
    now: datetime,
    *,
    print_job: str | None = None,
) -> Organiser:
    """Returns a row with the first version of its credential, and the number on its letter."""
    return Organiser(
        school=school,
        username=username,
        password_hash=stored.hash,
        password_generated=stored.generated,
        quick_check=stored.quick_check,
        print_job_id=print_job,
        credential_version=1,
        valid_until=valid_until,
        created_at=now,
    )


def draw_free_usernames(session: Session, school: School, count: int) -> list[Username]:
    """Draws that many names, in alphabetical order.

    Raises:
        ConflictError: The school has hardly a name left.
    """
    code = parse_school_code(school.code)
    free: set[Username] = set()
    for _ in range(_DRAWS):
        drawn = {draw_username(code) for _ in range(count - len(free))}
        free |= drawn - _used_names(session, drawn)
        if len(free) == count:
            return sorted(free)
    raise ConflictError("No free login name was found for the school “%(code)s”.", code=school.code)


def _used_names(session: Session, names: set[Username]) -> set[Username]:
    """Returns the names that are taken, or were within the audit's year: it must not confuse two people."""
    taken = session.scalars(select(Organiser.username).where(Organiser.username.in_(names)))
    deleted = session.scalars(
        select(AuditEvent.subject).where(
            AuditEvent.action == Action.ORGANISER_DELETE, AuditEvent.subject.in_(names)
        )
    )
    return {Username(name) for name in (*taken, *deleted)}
