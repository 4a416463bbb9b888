"""A county of any size in a database: schools, organisers, a week of logins, a year of the audit."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import insert, select

from authbridge.login.usernames import Username
from authbridge.schools.commands.organisers import IssuedCredential, NewPassword
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, LoginAttempt, MonthlyTotal, Organiser, School
from bench.pages import attempts_of_a_week

OF_A_SCHOOL = 50  # organisers
LOGINS = 3  # of an organiser in a week
_CHANGES = 2  # of an organiser in a year
_MONTHS = 36
_WEEK, _YEAR = timedelta(days=7), timedelta(days=365)


def populate(database: Database, organisers: int, password: NewPassword) -> list[IssuedCredential]:
    """Adds so many organisers, all with that password, to a database that has its tables and no rows.

    Besides the week of logins there is a day's worth that is to be deleted.
    """
    now = datetime.now(UTC)
    schools = -(-organisers // OF_A_SCHOOL)
    names = [
        Username(f"s{number // OF_A_SCHOOL:04}-{number % OF_A_SCHOOL:02}") for number in range(organisers)
    ]
    with database.write_session() as session:
        session.execute(insert(School), list(_schools(schools, now)))
        school_ids = session.scalars(select(School.id).order_by(School.id)).all()
        session.execute(
            insert(Organiser),
            [
                {
                    "school_id": school_ids[number // OF_A_SCHOOL],
                    "username": name,
                    "password_hash": password.stored.hash,
                    "password_generated": True,
                    "quick_check": password.stored.quick_check,
                    "created_at": now - _YEAR,
                }
                for number, name in enumerate(names)
            ],
        )
        ids = list(session.scalars(select(Organiser.id).order_by(Organiser.id)))
        logins = LOGINS * organisers
        session.execute(insert(LoginAttempt), list(attempts_of_a_week(ids, now, logins)))
        session.execute(insert(LoginAttempt), list(attempts_of_a_week(ids, now - _WEEK, logins // 7 or 1)))
        session.execute(insert(AuditEvent), list(_changes(names, now)))
        session.execute(insert(MonthlyTotal), list(_totals(school_ids, now)))
    return [IssuedCredential(name, password.plain) for name in names]


def _schools(count: int, now: datetime) -> Iterator[dict[str, object]]:
    for number in range(count):
        yield {
            "code": f"s{number:04}",
            "name": f"Gymnasium Nr. {number}",
            "place": "74072 Heilbronn",
            "quota": OF_A_SCHOOL,
            "created_at": now - _YEAR,
        }


def _changes(names: list[Username], now: datetime) -> Iterator[dict[str, object]]:
    count = _CHANGES * len(names)
    for number in range(count):
        yield {
            "at": now - number * _YEAR / count,
            "actor": "staff:bench",
            "action": "organiser:reset",
            "subject": names[number % len(names)],
            "detail": {},
        }


def _totals(school_ids: Sequence[int], now: datetime) -> Iterator[dict[str, object]]:
    first = now.year * 12 + now.month - 1 - _MONTHS
    for school_id in school_ids:
        for month in range(first, first + _MONTHS):
            yield {
                "school_id": school_id,
                "month": date(month // 12, month % 12 + 1, 1),
                "accounts": OF_A_SCHOOL,
                "active": OF_A_SCHOOL // 2,
                "logins": LOGINS * OF_A_SCHOOL * 4,
                "meetings": LOGINS * OF_A_SCHOOL * 4,
            }
