"""Restores a backup into a running database: all of it, or nothing; no access comes back that ended since.

The present audit, deletion records, journal and lockouts stay.  Every Prosody takes a snapshot afterwards.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, delete, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from authbridge import retention
from authbridge.audit import Action, Actor, record
from authbridge.backup.contents import saved_tables
from authbridge.backup.files import BackupError
from authbridge.backup.keeping import kept_beside
from authbridge.backup.opening import Backup
from authbridge.backup.states import Differences, Names, State, compare, read_state, unreadable_staff
from authbridge.config import Config
from authbridge.errors import StorageError
from authbridge.login.typed_passwords import StoredPassword
from authbridge.revocations import feed
from authbridge.schools.commands.organisers import forget_former_passwords
from authbridge.staff.encryption import StaffEncryption
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AuditEvent,
    MisuseReport,
    Organiser,
    Passkey,
    RecoveryCode,
    ReportCode,
    RevocationFeed,
    School,
    Staff,
    StaffSession,
    StoredDeletionRecord,
    Suspension,
    table_of,
)
from authbridge.storage.statements import UNSYNCHRONISED
from authbridge.storage.table_copy import copy_tables

# The present ones say what happened since as well.
_OF_WHAT_HAPPENED = {table_of(AuditEvent), table_of(StoredDeletionRecord)}

_Named = TypeVar("_Named", Organiser, School)

_NAMES_AT_ONCE = 500  # of a statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """What a restore needs besides the two databases.

    ``void`` is a password that nobody knows, for the accounts whose password was replaced since.
    """

    config: Config
    encryption: StaffEncryption
    void: StoredPassword
    is_lost: bool


def foresee(database: Database, backup: Backup, encryption: StaffEncryption) -> Differences:
    """Returns what restoring that backup would undo.

    Raises:
        StorageError: The present database cannot be read.
    """
    with backup.database.read_connection() as saved, database.snapshot() as present:
        then = read_state(saved)
        return compare(then, read_state(present), unreadable_staff=unreadable_staff(then, encryption))


def restore(
    database: Database, backup: Backup, options: Restore, *, actor: Actor, now: datetime
) -> Differences:
    """Puts the rows of the backup in the place of the present ones; returns what that has undone.

    Services may run: they see all of it at once, and a login that is under way is judged by it.

    Raises:
        BackupError: The present database is that of a new machine, and nobody said so; or the reverse.
        StorageError: The database does not answer; nothing was changed.
    """
    with backup.database.read_connection() as saved, database.exclusive_session() as session:
        connection = session.connection()
        then, present = read_state(saved), read_state(connection)
        _require_agreement(present, is_lost=options.is_lost)
        found = compare(then, present, unreadable_staff=unreadable_staff(then, options.encryption))
        last_id = saved.scalar(select(table_of(RevocationFeed).c.last_id)) or 0
        replaced = set(saved_tables(options.config)) - {table_of(RevocationFeed)}
        if not found.is_new:
            replaced -= _OF_WHAT_HAPPENED
        with kept_beside(connection, replaced):
            copy_tables(saved, connection, replaced)
        _keep_organisers_out(session, found, present, options.void)
        _keep_staff_out(session, found, present)
        if not found.is_new:
            _keep_codes_used(session, present)
        record(
            session,
            actor=actor,
            action=Action.BACKUP_RESTORE,
            subject="backup",
            now=now,
            **_in_audit(found, backup),
        )
        session.flush()
        feed.restart(session, after=last_id, ended=_names_logged_out(found), now=now)
    _purge(database, options.config, now)
    return found


def _purge(database: Database, config: Config, now: datetime) -> None:
    """Deletes what has become too old since the backup was taken; else the service does within the hour."""
    kept = timedelta(days=config.retention_days)
    with suppress(StorageError):  # all is restored, and must not look as if it were not
        retention.purge(database, clock=lambda: now, retention=kept, limits=config.limits)


def _require_agreement(present: State, *, is_lost: bool) -> None:
    if present.is_new and not is_lost:
        raise BackupError(
            "The present database is empty, so nobody knows whom staff have suspended since the backup was"
            " taken: they would get in again. If the former database is lost, say so: --present-is-lost"
        )
    if is_lost and not present.is_new:
        raise BackupError("The present database is not lost: it holds schools. Leave --present-is-lost out.")


def _names_logged_out(found: Differences) -> Names:
    return tuple(sorted({*found.lost, *found.deleted, *found.reset, *found.former_ended}))


def _in_audit(found: Differences, backup: Backup) -> Mapping[str, Any]:
    return {
        "taken_at": None if backup.taken_at is None else backup.taken_at.isoformat(),
        "suspended": len(found.suspended) + len(found.suspended_schools),
        "reset": len(found.reset),
        "deleted": len(found.deleted),
        "lost": len(found.lost) + len(found.lost_schools),
        "staff": len(found.staff_to_invite),
    }


def _keep_organisers_out(session: Session, found: Differences, present: State, void: StoredPassword) -> None:
    for names in _some(found.deleted):
        _delete(session, names)
    _suspend_again(session, Organiser, Organiser.username, present.suspensions_of_accounts, found.suspended)
    _suspend_again(session, School, School.code, present.suspensions_of_schools, found.suspended_schools)
    for names in _some(found.former_ended):
        forget_former_passwords(session, Organiser.username.in_(names))
    for organiser in _rows(session, Organiser, Organiser.username, {*found.expired, *found.reset}):
        account = present.accounts[organiser.username]
        if organiser.username in found.expired:
            organiser.valid_until = account.valid_until
        if organiser.username in found.reset:
            _void(organiser, void, present_version=account.password[1])


def _void(organiser: Organiser, void: StoredPassword, *, present_version: int) -> None:
    organiser.password_hash, organiser.quick_check = void.hash, void.quick_check
    organiser.password_generated = void.generated
    organiser.print_job_id = None
    # Above all versions so far, as is the former password's: a check under way finds none of its own.
    organiser.credential_version = max(organiser.credential_version, present_version) + 2
    organiser.previous_hash = organiser.previous_generated = None
    organiser.previous_quick_check = organiser.previous_until = None


def _delete(session: Session, names: Sequence[str]) -> None:
    # As the command that deletes one; they are in the audit already.
    ids = list(session.scalars(select(Organiser.id).where(Organiser.username.in_(names))))
    for query in (
        delete(Suspension).where(Suspension.organiser_id.in_(ids)),
        update(MisuseReport)
        .where(MisuseReport.organiser_id.in_(ids))
        .values(happened="", description="", result_note=None),
        delete(Organiser).where(Organiser.id.in_(ids)),
    ):
        session.execute(query, execution_options=UNSYNCHRONISED)


def _suspend_again(
    session: Session,
    model: type[_Named],
    name: InstrumentedAttribute[str],
    suspensions: Mapping[str, Row[Any]],
    names: Names,
) -> None:
    for found in _rows(session, model, name, names):
        former = suspensions[getattr(found, name.key)]
        found.suspended_at = former.since
        session.add(
            Suspension(
                organiser_id=found.id if isinstance(found, Organiser) else None,
                school_id=None if isinstance(found, Organiser) else found.id,
                reason=former.reason,
                reported_by=former.reported_by,
                note=former.note,
                since=former.since,
                suspended_by=former.suspended_by,
            )
        )


def _keep_staff_out(session: Session, found: Differences, present: State) -> None:
    session.execute(delete(StaffSession), execution_options=UNSYNCHRONISED)
    for staff in session.scalars(select(Staff)).all():
        member = None if found.is_new else present.staff.get(staff.name)
        if staff.name in found.deleted_staff:
            session.delete(staff)
            continue
        if member is not None:
            staff.suspended_at = staff.suspended_at or member.suspended_at
            staff.factor_step = max(staff.factor_step or 0, member.factor_step)  # no code counts twice
            _forget(session, Passkey, staff, Passkey.credential_id.not_in(member.passkeys))
        if staff.name in found.staff_to_invite:
            staff.password_hash = staff.factor_secret = staff.enrolled_at = None
            staff.factor_step = staff.void_step = None
            _forget(session, Passkey, staff)
            _forget(session, RecoveryCode, staff)


def _forget(
    session: Session, model: type[Passkey] | type[RecoveryCode], staff: Staff, *which: ColumnElement[bool]
) -> None:
    query = delete(model).where(model.staff_id == staff.id, *which)
    session.execute(query, execution_options=UNSYNCHRONISED)


def _keep_codes_used(session: Session, present: State) -> None:
    for code, school in session.execute(select(ReportCode, School.code).join(School)):
        if code.code_hash in present.codes:
            code.used_at = present.codes[code.code_hash]
        elif (Action.REPORT_CODE_WITHDRAW, school) in present.ended:
            session.delete(code)


def _rows(
    session: Session, model: type[_Named], name: InstrumentedAttribute[str], names: Collection[str]
) -> Iterator[_Named]:
    for some in _some(sorted(names)):
        yield from session.scalars(select(model).where(name.in_(some)).order_by(name))


def _some(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + _NAMES_AT_ONCE] for start in range(0, len(names), _NAMES_AT_ONCE))
