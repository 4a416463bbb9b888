"""Rows that a restore brings back, and rows of the days since that stay."""

from sqlalchemy import delete, func, select, text, update

from authbridge.backup.taking import take
from authbridge.config import Config
from authbridge.login.policy import Verdict
from authbridge.schools.commands import report_codes
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AuditEvent,
    LoginAttempt,
    LoginFailure,
    Organiser,
    ProsodyNode,
    ReportCode,
    Role,
    Staff,
    StoredDeletionRecord,
)
from tests.support.backups import contents, fill_all
from tests.support.factories import (
    ENCRYPTION,
    make_code,
    make_organiser,
    make_school,
    make_services,
    make_staff,
)
from tests.support.fakes import MORNING
from tests.support.filled_rows import fill
from tests.support.restores import LATER, change, restore_from, verdict


def test_what_was_lost_is_back(database: Database, config: Config) -> None:
    """Somebody deletes rows by hand; afterwards everybody logs in as before, and every row is as it was."""
    make_school(database)
    issued = make_organiser(database)
    with database.write_connection() as connection:
        fill_all(connection)
        connection.execute(update(Staff).values(factor_secret=ENCRYPTION.seal("x")))
        connection.execute(update(ProsodyNode).values(meetings={}))  # else the purge forgets them
    services = make_services(database)
    assert verdict(issued, services) is Verdict.GRANTED
    taken = take(database, config, now=MORNING)
    with database.read_connection() as connection:
        before = contents(connection)
    with database.write_connection() as connection:
        connection.execute(text("UPDATE schools SET name = 'x'"))
        connection.execute(text("DELETE FROM monthly_totals"))
        connection.execute(text("DELETE FROM rule_counts"))

    restore_from(taken.content, database, config)

    with database.read_connection() as connection:
        after = contents(connection)
    changed = {name for name, content in after.items() if content != before[name]}
    # A line in the audit, a new epoch, the purge (of an old invitation); staff sign in again; and no order is
    # about a suspension any more.
    of_restore = {
        "audit_events",
        "revocation_feed",
        "job_runs",
        "invitations",
        "staff_sessions",
        "revocations",
    }
    assert changed == of_restore
    assert verdict(issued, services) is Verdict.GRANTED


def test_accounts_that_vanished_come_back(database: Database, config: Config) -> None:
    """A hand at the database, a fault: nobody deleted them, and so they log in again; staff and codes too."""
    make_school(database)
    issued = make_organiser(database)
    make_staff(database, "anna", Role.ADMIN)
    make_code(database)
    taken = take(database, config, now=MORNING)
    with database.write_session() as session:
        for model in (Organiser, Staff, ReportCode):
            session.execute(delete(model))

    found = restore_from(taken.content, database, config)

    assert (found.deleted, found.deleted_staff) == ((), ())
    assert verdict(issued, make_services(database)) is Verdict.GRANTED
    with database.read_session() as session:
        assert session.scalars(select(Staff.password_hash)).one() is not None
        assert session.scalar(select(func.count()).select_from(ReportCode)) == 1


def test_what_happened_since_is_still_on_record(database: Database, config: Config) -> None:
    """The audit of the lost days, and that data were deleted in them."""
    make_school(database)
    taken = take(database, config, now=MORNING)
    make_school(database, "lmg")
    with database.write_session() as session:
        session.add(fill(StoredDeletionRecord, LATER))

    restore_from(taken.content, database, config)

    with database.read_session() as session:
        assert session.scalar(select(func.count()).select_from(StoredDeletionRecord)) == 1
        lines = session.scalars(select(AuditEvent.subject).order_by(AuditEvent.id)).all()
    assert lines == ["ohg", "lmg", "backup"]


def test_lockouts_and_the_journal_stay(database: Database, config: Config) -> None:
    """Who waited for guessing waits still; a new account with the number of a lost one has not its logins."""
    make_school(database)
    kept, gone = make_organiser(database), make_organiser(database)
    services = make_services(database)
    assert verdict(kept, services) is Verdict.GRANTED
    assert verdict(kept, services, "wrong") is not Verdict.GRANTED
    taken = take(database, config, now=MORNING)
    with database.write_session() as session:
        session.execute(delete(Organiser).where(Organiser.username == gone.username))
    newcomer = make_organiser(database)  # SQLite gives them the number of the one that vanished
    with database.write_session() as session:
        session.execute(
            update(Organiser).where(Organiser.username == newcomer.username).values(created_at=LATER)
        )
    assert verdict(newcomer, services) is Verdict.GRANTED
    with database.read_session() as session:
        failures = session.scalar(select(func.count()).select_from(LoginFailure))

    restore_from(taken.content, database, config)

    with database.read_session() as session:
        assert session.scalar(select(func.count()).select_from(LoginFailure)) == failures
        query = select(Organiser.username, func.count()).join(LoginAttempt).group_by(Organiser.username)
        assert dict(iter(session.execute(query))) == {kept.username: 2}


def test_a_used_or_withdrawn_code_of_a_head_counts_no_more(database: Database, config: Config) -> None:
    """And one that was made before still does."""
    make_school(database)
    for _ in range(3):
        make_code(database)
    taken = take(database, config, now=MORNING)
    with database.write_session() as session:
        first, second, _ = session.scalars(select(ReportCode.id).order_by(ReportCode.id))
        session.execute(update(ReportCode).where(ReportCode.id == first).values(used_at=LATER))
    change(database, report_codes.withdraw_report_code, "ohg", second)

    restore_from(taken.content, database, config)

    with database.read_session() as session:
        used = session.scalars(select(ReportCode.used_at).order_by(ReportCode.id)).all()
    assert used == [LATER, None]
