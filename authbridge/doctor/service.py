"""Examines what only the service's own user may look at: the settings and the database."""

import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from authbridge import audit_rows, deletion_records, readiness
from authbridge.doctor import reports
from authbridge.doctor.database_log import examine_log
from authbridge.doctor.reports import IN_DATABASE, Report
from authbridge.errors import StorageError
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.setup import SETTINGS
from authbridge.revocations.status import nodes
from authbridge.schools.taken_over import count_taken_over
from authbridge.staff.encryption import StaffEncryption
from authbridge.staff.members import StaffState, list_staff
from authbridge.staff.resealing import not_current
from authbridge.storage import job_runs, schema, standby
from authbridge.storage.database import Database
from authbridge.storage.models import Role
from authbridge.synthetic_login.outcomes import SENTENCES
from authbridge.synthetic_login.records import latest

_WEEK = timedelta(days=7)
_RECORD = "deletion-record"
_EMPTY_LOG = """GRANT pg_checkpoint TO authbridge;
GRANT EXECUTE ON FUNCTION pg_switch_wal(), pg_ls_waldir() TO authbridge;
ALTER SYSTEM SET wal_recycle = off;
SELECT pg_reload_conf();"""  # as in deploy/README.md
_BACKUP_OVERDUE = timedelta(days=2)  # there is one a day


def examine_service(
    database: Database,
    encryption: StaffEncryption,
    *,
    offers_panel: bool,
    backup_folder: Path,
    now: datetime,
) -> list[Finding]:
    """Returns what is found; each finding once, also where all is well or nothing can be seen."""
    found = _of_database(database)
    if found.level is not Level.OK:
        return [found, *map(_unseen, IN_DATABASE)]
    parts = readiness.examine(database, now=now).words
    with database.read_session() as session:
        return [
            found,
            _of_storage(parts["storage"]),
            _of_purge(parts["purge"]) if parts["storage"] == "ok" else _unseen("purge"),
            examine_log(session),
            _of_standby(session),
            _of_backup(session, backup_folder, now),
            _of_secret_key(session, encryption),
            *_of_rows(session, offers_panel=offers_panel, now=now),
        ]


def keep_report(database: Database, report: Report) -> None:
    """Keeps the report for the panel; where the database does not take it, the report itself says why."""
    try:
        with database.write_session() as session:
            reports.keep(session, report)
    except StorageError:
        return


def _of_database(database: Database) -> Finding:
    try:
        schema.require_current(database)
    except StorageError as error:
        return Finding("database", Level.ERROR, Remark("%(fault)s", fault=error))
    return Finding("database", Level.OK, Remark("The database answers, and is of this program's version."))


def _unseen(name: str) -> Finding:
    return Finding(name, Level.NOTE, Remark("It cannot be seen while the database does not answer."))


def _of_storage(word: str) -> Finding:
    if word == "ok":
        return Finding("storage", Level.OK, Remark("The database can be written."))
    return Finding(
        "storage",
        Level.ERROR,
        Remark("The database cannot be written: nobody can open a meeting."),
        line="journalctl -u authbridge-api -n 50",
    )


def _of_purge(word: str) -> Finding:
    if word == "ok":
        return Finding("purge", Level.OK, Remark("Old rows were deleted within the last two hours."))
    return Finding(
        "purge",
        Level.ERROR,
        Remark("Old rows are not deleted: %(fault)s.", fault=word),
        Remark("Addresses and login names are promised to be gone in time; the service deletes every hour."),
        line="authbridge purge; systemctl restart authbridge-api",
    )


def _of_standby(session: Session) -> Finding:
    if standby.loses_commits(session.connection()):
        return Finding(
            "standby",
            Level.WARNING,
            Remark("PostgreSQL has a standby, and confirms changes before the standby has them."),
            Remark("If the standby has to take over, a suspension that staff were told is done may be gone."),
            line="ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)';\nSELECT pg_reload_conf();",
        )
    return Finding("standby", Level.OK, Remark("No standby of the database lacks what staff have changed."))


def _of_backup(session: Session, folder: Path, now: datetime) -> Finding:
    taken_at = job_runs.last_done(session, job_runs.BACKUP)
    why = Remark("Without a backup all accounts are gone with this disk, and everybody needs a new letter.")
    if taken_at is None:
        what = Remark("No backup was taken yet.")
        is_new = len(deletion_records.latest(session, 2)) < 2  # noqa: PLR2004 - no whole night has gone by
        level = Level.NOTE if is_new else Level.WARNING
        return Finding("backup", level, what, why, line="systemctl start authbridge-backup")
    if now - taken_at > _BACKUP_OVERDUE:
        what = Remark("The last backup is of %(day)s.", day=f"{taken_at:%Y-%m-%d}")
        return Finding("backup", Level.WARNING, what, why, line="journalctl -u authbridge-backup -n 20")
    if not _is_ours(folder):
        what = Remark("The folder of the backups cannot be read and written by the service's user.")
        line = f"chown authbridge: {folder}; chmod 700 {folder}"
        return Finding("backup", Level.WARNING, what, why, where=str(folder), line=line)
    return Finding(
        "backup",
        Level.OK,
        Remark(
            "There is a backup of the last two days; one that is not copied elsewhere dies with this disk."
        ),
        where=str(folder),
    )


def _is_ours(folder: Path) -> bool:
    # Backups may be written elsewhere, and the folder may not be there; what may not be looked into is there.
    try:
        is_usable = folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK)
        return is_usable or not folder.exists()
    except OSError:
        return False


def _of_rows(session: Session, *, offers_panel: bool, now: datetime) -> Iterator[Finding]:
    yield _of_deletion_record(session, now)
    yield _of_servers(session, now)
    yield _of_synthetic_logins(session, now)
    yield _of_staff(session, now) if offers_panel else _without_panel()
    yield _of_taken_over(session)
    yield _of_alarms(session, now)


def _of_deletion_record(session: Session, now: datetime) -> Finding:
    record = next(iter(deletion_records.latest(session, 1)), None)
    if record is None:
        return _bytes_left(
            Level.NOTE,
            Remark("The first night, in which deleted rows are wiped from the files, is still to come."),
        )
    if deletion_records.is_overdue(record.made_at, now=now):
        return _bytes_left(
            Level.ERROR, Remark("Deleted rows were last wiped from the files on %(day)s.", day=record.day)
        )
    if record.overdue:
        tables = ", ".join(each.table for each in record.overdue)
        return _bytes_left(
            Level.ERROR, Remark("Last night rows were older than promised: %(tables)s.", tables=tables)
        )
    if not record.log_emptied:
        return replace(
            _bytes_left(Level.WARNING, Remark("The database's write-ahead log keeps deleted rows.")),
            line=_EMPTY_LOG,
        )
    return Finding(
        _RECORD, Level.OK, Remark("Deleted rows were wiped from the files of the database last night.")
    )


def _bytes_left(level: Level, what: Remark) -> Finding:
    return Finding(
        _RECORD,
        level,
        what,
        Remark(
            "Addresses and login names are promised to be gone; until then they can be read in the files."
        ),
        line="authbridge purge; journalctl -u authbridge-api -n 50",
    )


def _of_servers(session: Session, now: datetime) -> Finding:
    found = nodes(session, now=now)
    late = [node for node in found if node.is_late]
    if found and not late:
        return Finding("prosody-servers", Level.OK, Remark("Every Prosody server asks for suspensions."))
    why = Remark("Suspensions do not end meetings where the Prosody server does not ask for them.")
    if not found:
        return Finding(
            "prosody-servers",
            Level.WARNING,
            Remark("No Prosody server has asked for suspensions yet."),
            why,
            line="prosodyctl mod_auth_external check",
        )
    return Finding(
        "prosody-servers",
        Level.ERROR,
        Remark("The Prosody server %(node)s no longer asks for suspensions.", node=late[0].node),
        why,
        line=f"authbridge node forget {shlex.quote(late[0].node)}  # if it is gone for good",
    )


def _of_synthetic_logins(session: Session, now: datetime) -> Finding:
    why = Remark("A login that the program tries itself shows that nobody can log in before a teacher does.")
    state = latest(session.connection(), now=now)
    if state is None:
        return Finding(
            "synthetic-login",
            Level.NOTE,
            Remark("No synthetic login was ever tried."),
            why,
            where=SETTINGS,
            line="AUTHBRIDGE_SYNTHETIC_LOGIN_URL=https://YOUR-HOST/http-bind",
        )
    if state.is_overdue(now):
        return Finding(
            "synthetic-login",
            Level.WARNING,
            Remark("The last synthetic login was at %(at)s UTC.", at=f"{state.at:%Y-%m-%d %H:%M}"),
            why,
            where=state.machine,
            line="systemctl status authbridge-synthetic-login.timer authbridge-synthetic-login.service",
        )
    if state.failing_since is None:
        return Finding("synthetic-login", Level.OK, SENTENCES[state.result.outcome])
    return Finding(
        "synthetic-login",
        Level.ERROR if state.is_failing else Level.WARNING,
        SENTENCES[state.result.outcome],
        why,
        where=state.machine,
        line=f"authbridge synthetic-login  # {state.result.detail or state.result.outcome}",
    )


def _without_panel() -> Finding:
    return Finding("staff", Level.OK, Remark("No panel is offered."))


def _of_staff(session: Session, now: datetime) -> Finding:
    states = [each.state for each in list_staff(session, now=now) if each.role is Role.ADMIN]
    if StaffState.ACTIVE in states:
        return Finding("staff", Level.OK, Remark("An administrator can sign in to the panel."))
    why = Remark("Everybody has a second factor: it is connected when the invitation is accepted.")
    if StaffState.INVITED in states:
        return Finding("staff", Level.NOTE, Remark("The invited administrator has not come yet."), why)
    return Finding(
        "staff",
        Level.WARNING,
        Remark("No administrator can sign in to the panel."),
        why,
        line="authbridge staff add NAME --role admin",
    )


def _of_secret_key(session: Session, encryption: StaffEncryption) -> Finding:
    names = not_current(session, encryption)
    if names and not encryption.has_former:
        return Finding(
            "secret-key",
            Level.WARNING,
            Remark("Second factors are of another secret key: %(names)s.", names=", ".join(names)),
            Remark("These members of staff cannot sign in with a code."),
            line="authbridge staff reset NAME",
        )
    if names:
        return Finding(
            "secret-key",
            Level.WARNING,
            Remark(
                "Second factors are still sealed under the former secret key: %(count)s.", count=len(names)
            ),
            Remark("The change of the secret key has begun and is not done."),
            line="authbridge staff reseal",
        )
    if encryption.has_former:
        return Finding(
            "secret-key",
            Level.NOTE,
            Remark("The former secret key is still in its file, and nothing needs it any more."),
            where="/etc/authbridge/secret-key",
            line="sed -i 2d /etc/authbridge/secret-key",
        )
    return Finding("secret-key", Level.OK, Remark("All second factors are sealed under the secret key."))


def _of_taken_over(session: Session) -> Finding:
    schools = count_taken_over(session).values()
    if not schools:
        return Finding("taken-over", Level.OK, Remark("All passwords were made by AuthBridge."))
    return Finding(
        "taken-over",
        Level.NOTE,
        Remark(
            "%(count)s organisers have a password from before; %(waiting)s of them have not come yet.",
            count=sum(school.imported for school in schools),
            waiting=sum(school.not_come for school in schools),
        ),
        Remark(
            "Passwords that people have chosen may be weak, and may be used elsewhere. New ones are better."
        ),
        line="authbridge organiser list --not-come",
    )


def _of_alarms(session: Session, now: datetime) -> Finding:
    count = audit_rows.count_alarms(session, since=now - _WEEK)
    if not count:
        return Finding("alarms", Level.OK, Remark("No alarm in the last seven days."))
    return Finding(
        "alarms",
        Level.NOTE,
        Remark("%(count)s alarms in the last seven days: somebody guesses passwords.", count=count),
        line="authbridge lockout list",
    )
