"""A restored backup: who gets in afterwards, what is lost and what stays."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, text, update

from authbridge.audit import Action
from authbridge.backup.files import BackupError
from authbridge.backup.opening import open_backup
from authbridge.backup.restoring import Restore, foresee, restore
from authbridge.backup.states import Differences, key_fits
from authbridge.backup.taking import take
from authbridge.config import Config
from authbridge.login.authenticate import LoginServices, authenticate
from authbridge.login.policy import Verdict
from authbridge.login.quick_checks import QuickChecks
from authbridge.revocations import feed
from authbridge.schools.commands import organisers, report_codes, suspensions
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.staff import commands as staff_commands
from authbridge.staff.encryption import StaffEncryption
from authbridge.staff.one_time_codes import make_invitation
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
    StaffSession,
    StoredDeletionRecord,
    Suspension,
    SuspensionReason,
)
from authbridge.storage.table_copy import TABLES
from tests.support.backups import contents, fill_all, make_config, opened
from tests.support.factories import (
    ACTOR,
    ENCRYPTION,
    HASHER,
    KEYED_HASHES,
    SECRET_KEY,
    TODAY,
    make_attempt,
    make_code,
    make_organiser,
    make_origin,
    make_school,
    make_services,
    make_staff,
    make_visit,
)
from tests.support.fakes import MORNING, CountingHasher
from tests.support.filled_rows import fill

LATER = MORNING + timedelta(hours=3)


@pytest.fixture(name="config")
def make_settings(database_url: str, tmp_path: Path) -> Config:
    """The usual settings."""
    return make_config(database_url, tmp_path)


def options(config: Config, *, is_lost: bool = False, encryption: StaffEncryption = ENCRYPTION) -> Restore:
    """What a restore needs."""
    (void,) = organisers.make_passwords(1, HASHER)
    return Restore(config=config, encryption=encryption, void=void.stored, is_lost=is_lost)


def restore_from(content: bytes, database: Database, config: Config, *, is_lost: bool = False) -> Differences:
    """Restores in the late morning."""
    with open_backup(content) as backup:
        return restore(database, backup, options(config, is_lost=is_lost), actor=ACTOR, now=LATER)


def verdict(issued: IssuedCredential, services: LoginServices, password: str | None = None) -> Verdict:
    """Logs in from a network of its own."""
    attempt = make_attempt(issued.username, password or issued.password, ip="198.51.100.7")
    return authenticate(replace(attempt, at=services.clock()), make_origin(), services, within=9).verdict


def change(database: Database, command: Callable[..., object], *arguments: object, **options: object) -> None:
    """Lets staff do something in the late morning."""
    with database.write_session() as session:
        command(session, *arguments, actor=ACTOR, now=LATER, **options)


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


def test_nobody_gets_in_whose_access_ended_since(database: Database, config: Config) -> None:
    """Suspended, ended, deleted, with a new password, of a suspended school; one stays as they are."""
    for code in ("ohg", "lmg"):
        make_school(database, code)
    names = ("same", "suspended", "ended", "deleted", "reset", "former")
    account = {name: make_organiser(database) for name in names}
    of_school = make_organiser(database, "lmg")
    services = make_services(database)
    (reset_first,) = organisers.make_passwords(1, HASHER, former_until=TODAY + timedelta(days=30))
    change(
        database,
        organisers.reset_password,
        account["former"].username,
        reset_first,
        keyed_hashes=KEYED_HASHES,
    )
    for each in (*account.values(), of_school):
        assert verdict(each, services) is Verdict.GRANTED, "and is in the password cache"
    taken = take(database, config, now=MORNING)

    (new,) = organisers.make_passwords(1, HASHER)
    change(
        database,
        suspensions.suspend,
        ORGANISER,
        account["suspended"].username,
        reason=SuspensionReason.MISUSE,
    )
    change(database, suspensions.suspend, SCHOOL, "lmg", reason=None)
    change(
        database,
        organisers.change_validity,
        account["ended"].username,
        TODAY - timedelta(days=1),
        today=TODAY,
    )
    change(database, organisers.delete_organiser, account["deleted"].username, keyed_hashes=KEYED_HASHES)
    change(database, organisers.reset_password, account["reset"].username, new, keyed_hashes=KEYED_HASHES)
    change(database, organisers.void_former_password, account["former"].username)
    lost = make_organiser(database)
    for each, password in ((account["reset"], new.plain), (lost, None)):
        assert verdict(each, services, password) is Verdict.GRANTED

    with open_backup(taken.content) as backup:
        foreseen = foresee(database, backup, ENCRYPTION)
    found = restore_from(taken.content, database, config)

    assert found == foreseen, "--check has said it"
    assert found.suspended == (account["suspended"].username,)
    assert found.suspended_schools == ("lmg",)
    assert found.expired == (account["ended"].username,)
    assert found.deleted == (account["deleted"].username,)
    assert found.reset == (account["reset"].username,)
    assert found.former_ended == (account["former"].username,)
    assert found.lost == (lost.username,)
    for process in (services, make_services(database)):
        assert verdict(account["same"], process) is Verdict.GRANTED
        assert verdict(account["suspended"], process) is Verdict.SUSPENDED
        assert verdict(of_school, process) is Verdict.SUSPENDED
        assert verdict(account["ended"], process) is Verdict.EXPIRED
        for name in ("deleted", "reset", "former"):
            assert verdict(account[name], process) is not Verdict.GRANTED, name
        assert verdict(account["reset"], process, new.plain) is not Verdict.GRANTED
        assert verdict(lost, process) is not Verdict.GRANTED
        assert verdict(account["former"], process, reset_first.plain) is Verdict.GRANTED
    with database.read_session() as session:
        kept = session.scalars(select(Suspension).where(Suspension.organiser_id.is_not(None))).one()
        assert (kept.reason, kept.since, kept.until) == (SuspensionReason.MISUSE, LATER, None)
        (event,) = session.scalars(select(AuditEvent).where(AuditEvent.action == Action.BACKUP_RESTORE))
        assert event.detail == {
            "taken_at": MORNING.isoformat(),
            "suspended": 2,
            "reset": 1,
            "deleted": 1,
            "lost": 1,
            "staff": 0,
        }


def test_a_login_under_way_is_judged_by_what_is_restored(database: Database, config: Config) -> None:
    """Its password is hashed while the backup comes in: the new one is void, the suspended one stays out."""
    make_school(database)
    issued, suspended = make_organiser(database), make_organiser(database)
    taken = take(database, config, now=MORNING)
    (new,) = organisers.make_passwords(1, HASHER)
    change(database, organisers.reset_password, issued.username, new, keyed_hashes=KEYED_HASHES)
    change(database, suspensions.suspend, ORGANISER, suspended.username, reason=None)
    done: list[Differences] = []

    def restore_once() -> None:
        if not done:
            done.append(restore_from(taken.content, database, config))

    hasher = CountingHasher(meanwhile=restore_once)
    services = make_services(database, hasher=hasher)

    assert verdict(issued, services, new.plain) is Verdict.REFUSED
    assert done
    done.clear()
    assert verdict(suspended, services) is Verdict.SUSPENDED
    assert done


def test_logins_meanwhile_are_never_told_wrong(database: Database, config: Config) -> None:
    """While three backups come in one after the other: granted, suspended, and nothing else."""
    make_school(database)
    issued, suspended = make_organiser(database), make_organiser(database)
    taken = take(database, config, now=MORNING)
    change(database, suspensions.suspend, ORGANISER, suspended.username, reason=None)
    done = threading.Event()
    told: dict[str, list[Verdict]] = {issued.username: [], suspended.username: []}

    def log_in(credential: IssuedCredential) -> None:
        services = make_services(database)
        while not done.is_set():
            told[credential.username].append(verdict(credential, services))

    workers = [threading.Thread(target=log_in, args=(each,)) for each in (issued, suspended)]
    for worker in workers:
        worker.start()
    for _ in range(3):
        restore_from(taken.content, database, config)
    done.set()
    for worker in workers:
        worker.join()

    assert set(told[issued.username]) == {Verdict.GRANTED}
    assert set(told[suspended.username]) == {Verdict.SUSPENDED}


def test_a_reset_after_the_restore_is_no_version_that_was_checked_before(
    database: Database, config: Config
) -> None:
    """Nobody who checked a password of the lost days gets in by a version that is counted again."""
    make_school(database)
    issued = make_organiser(database)
    taken = take(database, config, now=MORNING)
    versions = set()
    for _ in range(3):
        (new,) = organisers.make_passwords(1, HASHER)
        change(database, organisers.reset_password, issued.username, new, keyed_hashes=KEYED_HASHES)
        with database.read_session() as session:
            versions.add(session.scalars(select(Organiser.credential_version)).one())

    restore_from(taken.content, database, config)

    with database.read_session() as session:
        version = session.scalars(select(Organiser.credential_version)).one()
    assert not {version, version - 1} & versions


def test_every_prosody_takes_a_snapshot(database: Database, config: Config) -> None:
    """A new epoch, later numbers; who was logged out everywhere since stays so, lost accounts as well."""
    make_school(database)
    issued, other = make_organiser(database), make_organiser(database)
    change(database, organisers.end_sessions, other.username)
    with database.read_connection() as connection:
        epoch, cursor = feed.position(connection)
    taken = take(database, config, now=MORNING)
    change(database, organisers.end_sessions, issued.username)
    lost = make_organiser(database)

    restore_from(taken.content, database, config)

    with database.read_session() as session:
        answer = feed.read(session, epoch, cursor, now=LATER)
    assert isinstance(answer, feed.Snapshot)
    assert answer.epoch != epoch
    assert answer.cursor > cursor + 1
    ended = {state.username: state.sessions_end_before for state in answer.states}
    assert ended == {issued.username: LATER, other.username: LATER, lost.username: LATER}


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


def test_staff_after_a_restore(database: Database, config: Config) -> None:
    """Nobody keeps a session; who was suspended, appointed anew or reset since does not sign in as before."""
    make_school(database)
    for name, role in (
        ("same", Role.ADMIN),
        ("suspended", Role.CLERK),
        ("demoted", Role.ADMIN),
        ("reset", Role.CLERK),
        ("deleted", Role.CLERK),
    ):
        make_staff(database, name, role)
    taken = take(database, config, now=MORNING)
    make_visit(database, "same")
    make_staff(database, "newcomer")
    change(database, staff_commands.suspend_staff, "suspended")
    change(database, staff_commands.change_role, "demoted", Role.CLERK)
    change(database, staff_commands.delete_staff, "deleted")
    invitation = make_invitation(ENCRYPTION)
    change(database, staff_commands.reset_staff, "reset", invitation, keyed_hashes=KEYED_HASHES)

    found = restore_from(taken.content, database, config)

    assert found.staff_to_invite == ("demoted", "reset")
    assert found.deleted_staff == ("deleted",)
    assert found.lost_staff == ("newcomer",)
    with database.read_session() as session:
        rows = {each.name: each for each in session.scalars(select(Staff))}
        assert session.scalars(select(StaffSession)).all() == []
    assert {name for name, each in rows.items() if each.password_hash is not None} == {"same", "suspended"}
    assert rows["suspended"].suspended_at == LATER
    assert rows.keys() == {"same", "suspended", "demoted", "reset"}


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


def test_with_a_new_secret_key_file(database: Database, config: Config) -> None:
    """Organisers log in all the same; staff are invited anew, and it is said whom."""
    make_school(database)
    issued = make_organiser(database, hasher=HASHER.with_quick_checks(4, SECRET_KEY))
    make_staff(database, "anna", Role.ADMIN)
    taken = take(database, config, now=MORNING)
    other = b"another key, of 32 bytes or more"

    with open_backup(taken.content) as backup:
        with backup.database.read_connection() as saved:
            assert key_fits(saved, QuickChecks(SECRET_KEY)) is True
            assert key_fits(saved, QuickChecks(other)) is False
        given = options(config, encryption=StaffEncryption(other))
        found = restore(database, backup, given, actor=ACTOR, now=LATER)

    assert found.unreadable_staff == found.staff_to_invite == ("anna",)
    services = make_services(database, hasher=HASHER.with_quick_checks(4, other))
    assert verdict(issued, services) is Verdict.GRANTED


def test_onto_a_new_machine(database: Database, config: Config) -> None:
    """Nobody knows what happened since, so it wants to be told; and the flag is no way around the rest."""
    make_school(database)
    issued = make_organiser(database)
    make_staff(database, "anna", Role.ADMIN)
    taken = take(database, config, now=MORNING)
    with pytest.raises(BackupError, match="not lost"):
        restore_from(taken.content, database, config, is_lost=True)
    with database.write_connection() as connection:
        for table in reversed(TABLES):
            if table.name != "revocation_feed":
                connection.execute(delete(table))

    with pytest.raises(BackupError, match="present-is-lost"):
        restore_from(taken.content, database, config)
    found = restore_from(taken.content, database, config, is_lost=True)

    assert found.is_new
    assert (found.deleted, found.staff_to_invite) == ((), ())
    assert verdict(issued, make_services(database)) is Verdict.GRANTED
    newcomer = make_organiser(database)
    assert verdict(newcomer, make_services(database)) is Verdict.GRANTED
    with database.read_session() as session:
        actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert "backup:restore" in actions
    assert actions.count("organiser:issue") == 2


@pytest.mark.parametrize("kept", [0, 50, 4096, 100_000])
def test_a_damaged_backup_changes_nothing(database: Database, config: Config, kept: int) -> None:
    """However much of it is left."""
    make_school(database)
    make_organiser(database)
    taken = take(database, config, now=MORNING)
    with database.read_connection() as connection:
        before = contents(connection)

    with pytest.raises(BackupError):
        restore_from(taken.content[:kept], database, config)

    with database.read_connection() as connection:
        assert contents(connection) == before


@pytest.mark.parametrize(("version", "words"), [("9999", "does not know"), (None, "none of AuthBridge")])
def test_a_backup_of_a_newer_program(
    database: Database, config: Config, version: str | None, words: str
) -> None:
    """The sentence says it; so for a database of somebody else."""
    taken = take(database, config, now=MORNING)
    with opened(taken.content) as backup:
        with backup.write_connection() as connection:
            connection.execute(
                text("UPDATE alembic_version SET version_num = :new"), {"new": version}
            ) if version else connection.execute(text("DROP TABLE alembic_version"))
        content = backup.content()
    with pytest.raises(BackupError, match=words):
        restore_from(content, database, config)


def test_a_copy_of_the_file_is_a_backup_as_well(
    sqlite_template: Path, database: Database, config: Config, tmp_path: Path
) -> None:
    """As the installer makes one before an upgrade; the logins in it are left out."""
    copied = tmp_path / "copied.db"
    copied.write_bytes(sqlite_template.read_bytes())
    former = Database(f"sqlite:///{copied}")
    make_school(former)
    issued = make_organiser(former)
    assert verdict(issued, make_services(former)) is Verdict.GRANTED
    former.empty_write_ahead_log()
    former.engine.dispose()

    restore_from(copied.read_bytes(), database, config, is_lost=True)

    with database.read_session() as session:
        assert session.scalar(select(func.count()).select_from(LoginAttempt)) == 0
    assert verdict(issued, make_services(database)) is Verdict.GRANTED


def test_a_backup_of_an_earlier_program(database: Database, config: Config) -> None:
    """It is brought to this version, in memory."""
    from authbridge.storage import schema  # noqa: PLC0415

    make_school(database)
    issued = make_organiser(database)
    taken = take(database, config, now=MORNING)
    with opened(taken.content) as backup:
        schema.downgrade(backup)
        content = backup.content()

    restore_from(content, database, config)

    assert verdict(issued, make_services(database)) is Verdict.GRANTED
