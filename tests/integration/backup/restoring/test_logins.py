"""Logins during and after a restore: access that ended since the backup stays ended."""

import threading
from datetime import timedelta

from sqlalchemy import select

from authbridge.audit import Action
from authbridge.backup.opening import open_backup
from authbridge.backup.restoring import foresee
from authbridge.backup.states import Differences
from authbridge.backup.taking import take
from authbridge.config import Config
from authbridge.login.policy import Verdict
from authbridge.revocations import feed
from authbridge.schools.commands import organisers, suspensions
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Organiser, Suspension, SuspensionReason
from tests.support.factories import (
    ENCRYPTION,
    HASHER,
    KEYED_HASHES,
    TODAY,
    make_organiser,
    make_school,
    make_services,
)
from tests.support.fakes import MORNING, CountingHasher
from tests.support.restores import LATER, change, restore_from, verdict


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
    done = list[Differences]()

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
