"""Answers which version of the terms of use travelled to whom; changes nothing.

The version of an account is the newer of two: the one that was printed with its letter, and the one that was
sent to its school; None if neither is known.  Accounts that have expired do not count.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session

from authbridge.audit import Action
from authbridge.errors import NotFoundError
from authbridge.schools.search_text import in_order_of
from authbridge.storage.models import AuditEvent, Organiser, PrintJob, School, TermsVersion

_NONE = 0  # stands for accounts without a version while SQL compares them

_PRINTED = func.coalesce(PrintJob.terms_version, _NONE)
_SENT = func.coalesce(School.terms_version, _NONE)
_VERSION: ColumnElement[int] = case((_PRINTED >= _SENT, _PRINTED), else_=_SENT)


@dataclass(frozen=True, slots=True)
class PrintedTerms:
    """A version of the terms of use that travelled, with the number of accounts that have it now."""

    number: int
    dated_on: date
    texts: dict[str, str]
    first_printed_at: datetime
    accounts: int


@dataclass(frozen=True, slots=True)
class OutdatedSchool:
    """A school with ``accounts`` that have older terms; ``oldest`` is the version, None if none is known."""

    code: str
    name: str
    place: str
    accounts: int
    oldest: int | None


@dataclass(frozen=True, slots=True)
class AccountsOfVersion:
    """The number of a school's accounts that have this version of the terms, None if none is known."""

    version: int | None
    accounts: int


@dataclass(frozen=True, slots=True)
class SentTerms:
    """New terms of use that were noted for schools: their version, and the schools as they are called now."""

    version: PrintedTerms
    schools: tuple[School, ...]


@dataclass(frozen=True, slots=True)
class SentTermsRow:
    """Terms that were noted for schools, in a list; ``name`` is that of the school if it is one."""

    event_id: int
    at: datetime
    actor: str
    number: int
    schools: int
    name: str | None


def list_printed_terms(session: Session, *, today: date) -> tuple[PrintedTerms, ...]:
    """Lists the versions that travelled, newest first."""
    rows = session.execute(_valid(select(_VERSION, func.count()), today).group_by(_VERSION))
    counts: dict[int, int] = {version: accounts for version, accounts in rows}  # noqa: C416 - rows are typed Any
    versions = session.scalars(select(TermsVersion).order_by(TermsVersion.number.desc()))
    return tuple(_printed(each, counts.get(each.number, 0)) for each in versions)


def outdated_schools(session: Session, number: int, *, today: date) -> tuple[OutdatedSchool, ...]:
    """Lists the schools with accounts that have an older version than ``number``, by name."""
    columns = (School.code, School.name, School.place, func.count(), func.min(_VERSION))
    query = _valid(select(*columns), today).where(number > _VERSION).group_by(School.id)
    rows = [
        OutdatedSchool(code, name, place, accounts, oldest or None)
        for code, name, place, accounts, oldest in session.execute(query)
    ]
    return tuple(sorted(rows, key=lambda row: in_order_of(row.name)))


def terms_of_school(session: Session, school: School, *, today: date) -> tuple[AccountsOfVersion, ...]:
    """Counts the accounts of a school by their version, newest first."""
    query = _valid(select(_VERSION, func.count()), today).where(School.id == school.id)
    rows = session.execute(query.group_by(_VERSION).order_by(_VERSION.desc()))
    return tuple(AccountsOfVersion(version or None, accounts) for version, accounts in rows)


def list_sent_terms(session: Session, *, limit: int) -> tuple[SentTermsRow, ...]:
    """Lists the latest terms that were noted for schools, newest first."""
    query = (
        select(AuditEvent, School.name)
        .outerjoin(School, School.code == AuditEvent.subject)
        .where(AuditEvent.action == Action.TERMS_SEND)
        .order_by(AuditEvent.id.desc())
        .limit(limit)
    )
    return tuple(_sent_row(event, name) for event, name in session.execute(query))


def _sent_row(event: AuditEvent, name: str | None) -> SentTermsRow:
    schools = len(event.detail["schools"])
    one = (name or event.subject) if schools == 1 else None
    return SentTermsRow(event.id, event.at, event.actor, event.detail["terms_version"], schools, one)


def find_sent_terms(session: Session, event_id: int) -> SentTerms:
    """Finds the terms that were noted for schools, by their audit event.

    Raises:
        NotFoundError: There is no such event.
    """
    event = session.get(AuditEvent, event_id)
    version = None
    if event is not None and event.action == Action.TERMS_SEND:
        version = session.get(TermsVersion, event.detail["terms_version"])
    if event is None or version is None:
        raise NotFoundError("These terms of use are not known any more.")
    schools = session.scalars(select(School).where(School.code.in_(event.detail["schools"])))
    return SentTerms(
        _printed(version, 0), tuple(sorted(schools, key=lambda school: in_order_of(school.name)))
    )


def _valid(query: Select[*tuple[Any, ...]], today: date) -> Select[*tuple[Any, ...]]:
    """Returns the query over accounts that have not expired, with their school and their print job."""
    is_valid = or_(Organiser.valid_until.is_(None), Organiser.valid_until >= today)
    joined = (
        query.select_from(Organiser).join(School).outerjoin(PrintJob, PrintJob.id == Organiser.print_job_id)
    )
    return joined.where(is_valid)


def _printed(version: TermsVersion, accounts: int) -> PrintedTerms:
    return PrintedTerms(version.number, version.dated_on, version.texts, version.first_printed_at, accounts)
