"""Searches schools, organisers and print jobs by what staff type into the one field on top of every page."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session

from authbridge.schools.organiser_rows import (
    ORGANISERS,
    OrganiserRow,
    has_in_name,
    is_named,
    is_wanted,
    organiser_rows,
)
from authbridge.schools.school_rows import SchoolFilter, SchoolMatch, SchoolRow, compare_schools, school_rows
from authbridge.schools.search_text import Wanted, parse_wanted
from authbridge.storage.models import Organiser, PrintJob, School

MOST_FOUND = 20  # of each kind; a longer text finds fewer
LEAST_LETTERS = 3  # of a part
_LEAST_OF_A_CODE = 2

_PRINT_JOB = re.compile(r"([0-9a-z]{3})([0-9a-z]{3})")


@dataclass(frozen=True, slots=True)
class PrintJobRow:
    """Letters that were printed at once, found by the number that stands on each of them."""

    id: str
    at: datetime
    letters: int
    school_code: str
    school_name: str


@dataclass(frozen=True, slots=True)
class Findings:
    """The schools, organisers and print jobs that a search finds; ``more``: there are more than these.

    ``named_school`` and ``named_organiser`` are set if the whole text names that one, and nothing else.
    """

    schools: tuple[SchoolRow, ...]
    organisers: tuple[OrganiserRow, ...]
    print_jobs: tuple[PrintJobRow, ...]
    more: bool
    named_school: str | None = None
    named_organiser: str | None = None


def find_by_text(session: Session, text: str, *, today: date) -> Findings | None:
    """Searches schools by code, name or address, organisers by name, print jobs by number.

    Fewer than three letters must be a whole code or name; None if they are not.
    """
    wanted = parse_wanted(text)
    if not wanted.words or len(wanted.whole) < _LEAST_OF_A_CODE:
        return None
    is_short = len(wanted.whole) < LEAST_LETTERS
    schools = compare_schools(session, wanted, SchoolFilter.ALL)
    named = [each for each in schools if each.is_named]
    found = named if is_short else sorted((each for each in schools if not each.missing), key=_named_first)
    organisers = _find_organisers(session, wanted, schools, today, is_short=is_short)
    if is_short and not found and not organisers:
        return None
    print_jobs = _find_print_jobs(session, wanted)
    named_organisers = [each for each in organisers if _has_name(each, wanted)]
    is_only = len(named) + len(named_organisers) + len(print_jobs) == 1
    return Findings(
        schools=school_rows(session, [each.id for each in found[:MOST_FOUND]]),
        organisers=organisers[:MOST_FOUND],
        print_jobs=print_jobs,
        more=len(found) > MOST_FOUND or len(organisers) > MOST_FOUND,
        named_school=named[0].code if is_only and named else None,
        named_organiser=named_organisers[0].username if is_only and named_organisers else None,
    )


def _named_first(school: SchoolMatch) -> bool:
    return not school.is_named


def _find_organisers(
    session: Session, wanted: Wanted, schools: list[SchoolMatch], today: date, *, is_short: bool
) -> tuple[OrganiserRow, ...]:
    """Finds those who have at least a word of the text in their own name; the named one comes first."""
    own = or_(*(has_in_name([word]) for word in (*wanted.words, wanted.whole)))
    which = is_named(wanted) if is_short else own & is_wanted(wanted, schools)
    order = case((is_named(wanted), 0), else_=1), Organiser.username
    query = ORGANISERS.where(which).order_by(*order).limit(MOST_FOUND + 1)
    return organiser_rows(session, query, today)


def _has_name(organiser: OrganiserRow, wanted: Wanted) -> bool:
    return organiser.username.replace("-", "") == wanted.whole


def _find_print_jobs(session: Session, wanted: Wanted) -> tuple[PrintJobRow, ...]:
    """Finds the print job of that number, with or without its hyphen."""
    number = _PRINT_JOB.fullmatch(wanted.whole)
    if number is None:
        return ()
    query = (
        select(PrintJob.id, PrintJob.at, PrintJob.letters, School.code, School.name)
        .join(School, School.id == PrintJob.school_id)
        .where(PrintJob.id == "-".join(number.groups()).upper())
    )
    return tuple(PrintJobRow(*row) for row in session.execute(query))
