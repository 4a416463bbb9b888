"""Lists schools and organisers a page at a time; the number of queries does not grow with the rows."""

from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from authbridge.schools.organiser_filters import EVERYBODY, OrganiserQuery, fits
from authbridge.schools.organiser_rows import ORGANISERS, OrganiserRow, has_in_name, organiser_rows
from authbridge.schools.school_rows import SchoolFilter, SchoolRow, find_schools, school_rows
from authbridge.storage.models import Organiser, School

PAGE_SIZE = 50

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; ``number`` counts from 1, ``total`` is of all pages."""

    rows: tuple[T, ...]
    number: int
    pages: int
    total: int


def list_school_rows(
    session: Session, *, text: str = "", show: SchoolFilter = SchoolFilter.ALL, page: int = 1
) -> Page[SchoolRow]:
    """Lists schools by code; ``text`` is part of the code, the name or the place."""
    ids = find_schools(session, text, show)
    number, pages = _page_of(page, len(ids))
    first = (number - 1) * PAGE_SIZE
    return Page(school_rows(session, ids[first : first + PAGE_SIZE]), number, pages, total=len(ids))


def list_organiser_rows(
    session: Session, asked: OrganiserQuery = EVERYBODY, *, today: date, page: int = 1
) -> Page[OrganiserRow]:
    """Lists organisers by name."""
    wanted = _wanted(session, asked, today)
    total = session.scalar(select(func.count(Organiser.id)).join(Organiser.school).where(*wanted)) or 0
    number, pages = _page_of(page, total)
    query = ORGANISERS.where(*wanted).order_by(Organiser.username)
    rows = query.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)
    return Page(organiser_rows(session, rows, today), number, pages, total)


def list_usernames(session: Session, asked: OrganiserQuery, *, today: date, limit: int) -> tuple[str, ...]:
    """Lists the names of organisers."""
    query = select(Organiser.username).join(Organiser.school).where(*_wanted(session, asked, today))
    return tuple(session.scalars(query.order_by(Organiser.username).limit(limit)))


def _wanted(session: Session, asked: OrganiserQuery, today: date) -> list[ColumnElement[bool]]:
    """Returns the conditions of a query; its text is part of the name, or of the school."""
    wanted = []
    if asked.code:
        wanted.append(School.code == asked.code)
    if asked.print_job:
        wanted.append(Organiser.print_job_id == asked.print_job)
    if asked.text.strip():
        schools = find_schools(session, asked.text, SchoolFilter.ALL)
        wanted.append(or_(has_in_name(asked.text), Organiser.school_id.in_(schools)))
    if asked.show is not None:
        wanted.append(fits(asked.show, asked.waiting, today))
    return wanted


def _page_of(page: int, total: int) -> tuple[int, int]:
    """Returns the number of an existing page, and the number of pages."""
    pages = max(1, -(-total // PAGE_SIZE))
    return min(max(1, page), pages), pages
