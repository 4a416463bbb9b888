"""Lists schools and organisers a page at a time; the number of queries does not grow with the rows."""

from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from authbridge.schools.organiser_rows import (
    ORGANISERS,
    OrganiserRow,
    OrganiserState,
    has_in_name,
    is_in,
    organiser_rows,
)
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
    session: Session,
    *,
    today: date,
    code: str | None = None,
    text: str = "",
    state: OrganiserState | None = None,
    page: int = 1,
) -> Page[OrganiserRow]:
    """Lists organisers of one school or of all, by name; ``text`` is part of the name, or of the school."""
    wanted = []
    if code is not None:
        wanted.append(School.code == code)
    if text.strip():
        schools = find_schools(session, text, SchoolFilter.ALL)
        wanted.append(or_(has_in_name(text), Organiser.school_id.in_(schools)))
    if state is not None:
        wanted.append(is_in(state, today))
    total = session.scalar(select(func.count(Organiser.id)).join(Organiser.school).where(*wanted)) or 0
    number, pages = _page_of(page, total)
    query = ORGANISERS.where(*wanted).order_by(Organiser.username)
    rows = query.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)
    return Page(organiser_rows(session, rows, today), number, pages, total)


def _page_of(page: int, total: int) -> tuple[int, int]:
    """Returns the number of an existing page, and the number of pages."""
    pages = max(1, -(-total // PAGE_SIZE))
    return min(max(1, page), pages), pages
