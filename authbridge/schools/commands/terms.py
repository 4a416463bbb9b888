"""Notes which version of the operator's terms of use travelled, and refuses another text under its number."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import ConflictError
from authbridge.schools.terms import outdated_schools
from authbridge.storage.models import School, TermsVersion, table_of

_SEVERAL = "several"  # the subject of an event about more than one school


class TermsOfUse(Protocol):
    """A version of the terms of use as the operator wrote it; ``texts`` by the code of the language."""

    @property
    def number(self) -> int:
        """Returns the number of the version."""

    @property
    def dated_on(self) -> date:
        """Returns the day of the version."""

    @property
    def texts(self) -> Mapping[str, str]:
        """Returns the texts."""


class TermsError(ConflictError):
    """Raised when the terms of use do not go with those that were printed; nothing may be printed."""


@dataclass(frozen=True, slots=True)
class TermsSent:
    """The schools for which new terms of use are printed, by code, and the id of the audit event."""

    codes: tuple[str, ...]
    event_id: int


def require_printable(session: Session, terms: TermsOfUse) -> None:
    """Checks the terms against those that were printed before.

    Raises:
        TermsError: Their number was printed with another text or day, or a higher one was.
    """
    printed = session.get(TermsVersion, terms.number, populate_existing=True)
    if printed is not None and (printed.dated_on, printed.texts) != (terms.dated_on, dict(terms.texts)):
        raise TermsError(
            "The text or the day of version %(number)s of the terms of use was changed after it was printed. "
            "Please give it a new number in terms_version.md.",
            number=terms.number,
        )
    newest = session.scalar(select(func.max(TermsVersion.number)))
    if newest is not None and newest > terms.number:
        raise TermsError(
            "Version %(newest)s of the terms of use was printed already. Please give the terms a number in "
            "terms_version.md that is not lower; it is %(number)s now.",
            newest=newest,
            number=terms.number,
        )


def note_terms(session: Session, terms: TermsOfUse, *, now: datetime) -> int:
    """Notes that the terms are printed, once; returns the number of the version.

    Raises:
        TermsError: They do not go with those that were printed.
    """
    # Another transaction may note it at the same moment: this waits for it, and compares afterwards.
    row = {
        "number": terms.number,
        "dated_on": terms.dated_on,
        "texts": dict(terms.texts),
        "first_printed_at": now,
    }
    session.execute(postgresql.insert(table_of(TermsVersion)).values(row).on_conflict_do_nothing())
    require_printable(session, terms)
    return terms.number


def send_terms(
    session: Session,
    terms: TermsOfUse,
    codes: Collection[str] | None,
    *,
    today: date,
    actor: Actor,
    now: datetime,
) -> TermsSent:
    """Notes that the terms go to schools on a sheet of their own: to those of ``codes``, or all (None).

    Schools whose accounts all have these terms already are left out.

    Raises:
        TermsError: The terms do not go with those that were printed.
        ConflictError: No school is left.
    """
    require_printable(session, terms)
    outdated = tuple(row.code for row in outdated_schools(session, terms.number, today=today))
    sent = tuple(code for code in outdated if codes is None or code in codes)
    if not sent:
        raise ConflictError("All accounts have these terms of use already. Nothing is left to print.")
    # Schools before the version, and by their codes, as other commands lock them (deadlock).
    query = select(School).where(School.code.in_(sent)).order_by(School.code).with_for_update()
    schools = session.scalars(query).all()
    number = note_terms(session, terms, now=now)
    for school in schools:
        school.terms_version = number
    event = record(
        session,
        actor=actor,
        action=Action.TERMS_SEND,
        subject=sent[0] if len(sent) == 1 else _SEVERAL,
        now=now,
        terms_version=number,
        schools=list(sent),
    )
    session.flush()
    return TermsSent(sent, event.id)
