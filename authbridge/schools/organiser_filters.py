"""Narrows organisers to those whom staff look for: by state, by what is due, by school or by print job."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import assert_never

from sqlalchemy import ColumnElement

from authbridge.schools.organiser_rows import OrganiserState, is_in
from authbridge.schools.school_rows import has_not_come
from authbridge.storage.models import Organiser

SOON = timedelta(days=30)  # until the end of validity: letters and telephone calls take their time


class OrganiserFilter(StrEnum):
    """Which organisers a list shows: those in a state, or those who may need something."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    SCHOOL_SUSPENDED = "school-suspended"
    EXPIRED = "expired"
    EXPIRING = "expiring"
    NEVER_LOGGED_IN = "never-logged-in"
    NOT_COME = "not-come"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class OrganiserQuery:
    """Which organisers are meant: of a school, of a print job, by text, by filter; empty parts mean all.

    ``waiting`` are the organisers who wait after failed logins now, for the filter of that name.
    """

    code: str = ""
    print_job: str = ""
    text: str = ""
    show: OrganiserFilter | None = None
    waiting: Collection[str] = ()


EVERYBODY = OrganiserQuery()


def expires_soon(today: date) -> ColumnElement[bool]:
    """Selects organisers whose last day of validity is today or within a month."""
    return Organiser.valid_until.between(today, today + SOON)


def fits(show: OrganiserFilter, waiting: Collection[str], today: date) -> ColumnElement[bool]:
    """Selects the organisers that the filter shows."""
    match show:
        case OrganiserFilter.EXPIRING:
            return expires_soon(today)
        case OrganiserFilter.NEVER_LOGGED_IN:
            return Organiser.last_login_on.is_(None)
        case OrganiserFilter.NOT_COME:
            return has_not_come()
        case OrganiserFilter.WAITING:
            return Organiser.username.in_(waiting)
        case (
            OrganiserFilter.ACTIVE
            | OrganiserFilter.SUSPENDED
            | OrganiserFilter.SCHOOL_SUSPENDED
            | OrganiserFilter.EXPIRED
        ):
            return is_in(OrganiserState(show), today)
        case _:
            assert_never(show)
