"""Searches schools, organisers and print jobs by what staff type into the one field on top of every page."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, or_
from sqlalchemy.orm import Session

from authbridge.schools.organiser_rows import (
    ORGANISERS,
    OrganiserRow,
    has_in_name,
    is_named,
    is_wanted,
    organiser_rows,
)
from authbridge.schools.print_jobs import PrintJobRow, find_print_job
from authbridge.schools.school_rows import SchoolFilter, SchoolMatch, SchoolRow, compare_schools, school_rows
from authbridge.schools.search_text import Wanted, parse_wanted
from authbridge.storage.models import Organiser

MOST_FOUND = 20  # of each kind; a longer text finds fewer
LEAST_LETTERS = 3  # of a part
_LEAST_OF_A_CODE = 2


@dataclass(frozen=True, slots=True)
class Findings:
    """The schools, organisers and the print job that a search finds; ``more``: there are more than these.

    ``named_school``, ``named_organiser`` or ``named_print_job`` is set if the text names that, and no other.
    """

    schools: tuple[SchoolRow, ...]
    organisers: tuple[OrganiserRow, ...]
    print_job: PrintJobRow | None
    more: bool
    named_school: str | None = None
    named_organiser: str | None = None
    named_print_job: str | None = None


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
    job = find_print_job(session, text)
    named_organisers = [each for each in organisers if _has_name(each, wanted)]
    is_only = len(named) + len(named_organisers) + (job is not None) == 1
    return Findings(
        schools=school_rows(session, [each.id for each in found[:MOST_FOUND]]),
        organisers=organisers[:MOST_FOUND],
        print_job=job,
        more=len(found) > MOST_FOUND or len(organisers) > MOST_FOUND,
        named_school=named[0].code if is_only and named else None,
        named_organiser=named_organisers[0].username if is_only and named_organisers else None,
        named_print_job=job.id if is_only and job is not None else None,
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
