"""Searches schools and organisers by what staff type into the one field on top of every page."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from authbridge.schools.organiser_rows import ORGANISERS, OrganiserRow, has_in_name, organiser_rows
from authbridge.schools.school_rows import SchoolFilter, SchoolRow, find_schools, school_rows
from authbridge.schools.search_text import folded
from authbridge.storage.models import Organiser

MOST_FOUND = 20  # of each kind; a longer text finds fewer
LEAST_LETTERS = 3


@dataclass(frozen=True, slots=True)
class Findings:
    """The schools and organisers that a search finds; ``more``: there are more than these."""

    schools: tuple[SchoolRow, ...]
    organisers: tuple[OrganiserRow, ...]
    more: bool


def find_by_text(session: Session, text: str, *, today: date) -> Findings | None:
    """Searches schools by code, name or place and organisers by name; None for fewer than three letters."""
    if len(folded(text)) < LEAST_LETTERS:
        return None
    schools = find_schools(session, text, SchoolFilter.ALL)
    query = ORGANISERS.where(has_in_name(text)).order_by(Organiser.username).limit(MOST_FOUND + 1)
    organisers = organiser_rows(session, query, today)
    return Findings(
        schools=school_rows(session, schools[:MOST_FOUND]),
        organisers=organisers[:MOST_FOUND],
        more=len(schools) > MOST_FOUND or len(organisers) > MOST_FOUND,
    )
