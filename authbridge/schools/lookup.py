"""Finds one school or organiser, or lists them by name; changes nothing."""

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from authbridge.errors import NotFoundError
from authbridge.login.usernames import parse_school_code, parse_username
from authbridge.schools.school_rows import has_not_come
from authbridge.storage.models import Organiser, School


def get_school(session: Session, code: str, *, lock: bool = False) -> School:
    """Finds the school of that code; ``lock`` keeps others from changing it.

    Raises:
        NotFoundError: There is none.
    """
    query = select(School).where(School.code == parse_school_code(code))
    school = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if school is None:
        raise NotFoundError("There is no school “%(code)s”.", code=code)
    return school


def get_organiser(session: Session, username: str, *, lock: bool = False) -> Organiser:
    """Finds the organiser of that name; ``lock`` keeps others from changing them.

    Raises:
        NotFoundError: There is none.
    """
    query = (
        select(Organiser)
        .join(Organiser.school)
        .options(contains_eager(Organiser.school))
        .where(Organiser.username == parse_username(username))
    )
    organiser = session.scalars(query.with_for_update(of=Organiser) if lock else query).one_or_none()
    if organiser is None:
        raise NotFoundError("There is no organiser “%(username)s”.", username=username)
    return organiser


def list_schools(session: Session) -> list[School]:
    """Lists all schools, by code."""
    return list(session.scalars(select(School).order_by(School.code)))


def list_organisers(
    session: Session, code: str | None = None, *, not_come: bool = False, lock: bool = False
) -> list[Organiser]:
    """Lists the organisers of one school, or all, by name; their school is loaded with them.

    ``not_come``: only those who were taken over and have not logged in yet.  ``lock`` keeps others from
    changing them.

    Raises:
        NotFoundError: There is no such school.
    """
    query = (
        select(Organiser)
        .join(Organiser.school)
        .options(contains_eager(Organiser.school))
        .order_by(Organiser.username)
    )
    if code is not None:
        query = query.where(Organiser.school_id == get_school(session, code).id)
    if not_come:
        query = query.where(has_not_come())
    return list(session.scalars(query.with_for_update(of=Organiser) if lock else query))
