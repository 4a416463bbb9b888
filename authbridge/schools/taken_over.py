"""Counts the accounts that were taken over with their passwords: what is still weak of them, and where."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authbridge.login.scram_keys import MARK
from authbridge.schools.school_rows import has_not_come
from authbridge.storage.models import Organiser, School


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The accounts of a school that stand on a password from elsewhere, in numbers.

    ``imported`` are all of them: people chose these passwords, and nobody knows how well.  Of these,
    ``not_come`` have not logged in here yet, and ``on_scram_key`` have their password still as the key of a
    Prosody, which is cheaper to guess than a hash of ours.
    """

    imported: int
    not_come: int
    on_scram_key: int


def count_taken_over(session: Session) -> dict[str, TakenOver]:
    """Counts them by the codes of the schools; a school without any is not among these.

    An account leaves the count with its first password of ours.
    """
    on_scram_key = func.count().filter(Organiser.password_hash.startswith(MARK, autoescape=True))
    query = (
        select(School.code, func.count(), func.count().filter(has_not_come()), on_scram_key)
        .join(Organiser, Organiser.school_id == School.id)
        .where(Organiser.password_generated.is_(False))
        .group_by(School.code)
        .order_by(School.code)
    )
    return {code: TakenOver(*counts) for code, *counts in session.execute(query)}
