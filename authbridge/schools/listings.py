"""Lists schools and organisers a page at a time; the number of queries does not grow with the rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from authbridge.schools.organiser_filters import EVERYBODY, OrganiserQuery, fits
from authbridge.schools.organiser_rows import ORGANISERS, OrganiserRow, is_wanted, organiser_rows
from authbridge.schools.school_rows import (
    NO_ORGANISERS,
    SchoolFilter,
    SchoolMatch,
    SchoolRow,
    compare_schools,
    counts_by_school,
    school_rows,
)
from authbridge.schools.search_text import in_order_of, parse_wanted
from authbridge.storage.models import Organiser, School

PAGE_SIZE = 50
MOST_AT_ONCE = 300  # rows of a long page, to be printed: more take too long; the table as a file has all

T = TypeVar("T")


class SchoolOrder(StrEnum):
    """The column by which a list of schools is sorted; schools that are equal there stand by name."""

    NAME = "name"
    CODE = "code"
    PLACE = "place"
    ORGANISERS = "organisers"
    CONTRACT = "contract"


class OrganiserOrder(StrEnum):
    """The column by which a list of organisers is sorted; those that are equal there stand by login name."""

    USERNAME = "username"
    SCHOOL = "school"
    LAST_LOGIN = "last-login"
    VALID_UNTIL = "valid-until"


@dataclass(frozen=True, slots=True)
class Extent:
    """Which rows of a list are shown, in which order; ``order`` None: by name.

    ``size`` is the number of rows of a page, None for all rows on one; ``down``: the last one first.
    """

    page: int = 1
    size: int | None = PAGE_SIZE
    order: str | None = None
    down: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; ``number`` counts from 1, ``total`` is of all pages, ``first`` its first row's."""

    rows: tuple[T, ...]
    number: int
    pages: int
    total: int
    first: int = 1

    @property
    def last(self) -> int:
        """Returns the number of the last row on this page."""
        return self.first + len(self.rows) - 1

    @property
    def fits_one(self) -> bool:
        """Tells whether a long page would have all rows."""
        return self.total <= MOST_AT_ONCE


_FIRST_PAGE = Extent()


def list_school_rows(
    session: Session, *, text: str = "", show: SchoolFilter = SchoolFilter.ALL, extent: Extent = _FIRST_PAGE
) -> Page[SchoolRow]:
    """Lists schools; ``text`` has words of the code, the name or the address."""
    wanted = parse_wanted(text)
    found = [each for each in compare_schools(session, wanted, show) if not each.missing]
    if text.strip() and not wanted.words:
        found = []
    found = _sorted(session, found, extent)
    number, pages, size = page_of(extent, len(found))
    first = (number - 1) * size
    rows = school_rows(session, [each.id for each in found[first : first + size]])
    return Page(rows, number, pages, total=len(found), first=first + 1)


def list_organiser_rows(
    session: Session, asked: OrganiserQuery = EVERYBODY, *, today: date, extent: Extent = _FIRST_PAGE
) -> Page[OrganiserRow]:
    """Lists organisers, by name unless another order is asked for."""
    conditions = _wanted(session, asked, today)
    counted = select(func.count(Organiser.id)).join(Organiser.school).where(*conditions)
    total = session.scalar(counted) or 0
    number, pages, size = page_of(extent, total)
    first = (number - 1) * size
    query = ORGANISERS.where(*conditions).order_by(*_organiser_order(extent)).limit(size).offset(first)
    return Page(organiser_rows(session, query, today), number, pages, total, first + 1)


def list_usernames(session: Session, asked: OrganiserQuery, *, today: date, limit: int) -> tuple[str, ...]:
    """Lists the names of organisers."""
    query = select(Organiser.username).join(Organiser.school).where(*_wanted(session, asked, today))
    return tuple(session.scalars(query.order_by(Organiser.username).limit(limit)))


def _wanted(session: Session, asked: OrganiserQuery, today: date) -> list[ColumnElement[bool]]:
    """Returns the conditions of a query; its text has words of the name, or of the school."""
    conditions: list[ColumnElement[bool]] = []
    if asked.code:
        conditions.append(School.code == asked.code)
    if asked.print_job:
        conditions.append(Organiser.print_job_id == asked.print_job)
    if asked.text.strip():
        wanted = parse_wanted(asked.text)
        schools = compare_schools(session, wanted, SchoolFilter.ALL) if wanted.words else []
        conditions.append(is_wanted(wanted, schools))
    if asked.show is not None:
        conditions.append(fits(asked.show, asked.waiting, today))
    return conditions


def _organiser_order(extent: Extent) -> list[ColumnElement[Any]]:
    columns: dict[str | None, ColumnElement[Any]] = {
        OrganiserOrder.SCHOOL: func.lower(School.name),
        OrganiserOrder.LAST_LOGIN: Organiser.last_login_on,  # type: ignore[dict-item]  # a mapped column is one
        OrganiserOrder.VALID_UNTIL: Organiser.valid_until,  # type: ignore[dict-item]
    }
    column = columns.get(extent.order)
    if column is None:
        return [Organiser.username.desc() if extent.down else Organiser.username.asc()]
    return [column.is_(None), column.desc() if extent.down else column.asc(), Organiser.username.asc()]


def _sorted(session: Session, found: Sequence[SchoolMatch], extent: Extent) -> list[SchoolMatch]:
    """Sorts schools that come by name; those without the value stand last, either way."""
    key = _key_of(session, found, extent.order)
    some = sorted((each for each in found if key(each)), key=key, reverse=extent.down)
    return [*some, *(each for each in found if not key(each))]


def _key_of(
    session: Session, found: Sequence[SchoolMatch], order: str | None
) -> Callable[[SchoolMatch], Any]:
    match order:
        case SchoolOrder.CODE:
            return lambda each: each.code
        case SchoolOrder.PLACE:
            return lambda each: each.place and in_order_of(each.place)
        case SchoolOrder.CONTRACT:
            return lambda each: each.contract_on
        case SchoolOrder.ORGANISERS:
            counts = counts_by_school(session, [each.id for each in found])
            return lambda each: counts.get(each.id, NO_ORGANISERS).organisers
        case _:
            return lambda each: in_order_of(each.name)


def page_of(extent: Extent, total: int) -> tuple[int, int, int]:
    """Returns the number of an existing page, the number of pages, and the rows of a page."""
    size = max(1, total) if extent.size is None else extent.size
    pages = max(1, -(-total // size))
    return min(max(1, extent.page), pages), pages, size
