"""Puts a program in force: copies the database, switches the link, migrates; all of it, or none.

While that goes on, no service runs, but systemd holds their ports: logins wait.  The settings file is locked,
and each service waits for the lock before it starts (``ExecStartPre`` of the units).  If we are killed, the
lock is gone with us.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from authbridge.errors import AuthBridgeError
from authbridge.installation import jitsi, postgresql, program, restarts, units
from authbridge.installation.locking import locked
from authbridge.installation.record import Upgrade
from authbridge.installation.settings import BACKUPS, database_file
from authbridge.installation.sqlite_file import open_content, read_content, without_rows, write_content
from authbridge.installation.steps import Installation, InstallationError, SystemAction
from authbridge.installation.system import umask
from authbridge.machine.setup import PROGRAM, SETTINGS
from authbridge.machine.whole_files import write_whole

SHORT_LIVED = (
    "alarms_raised",
    "known_networks",
    "login_attempts",
    "login_failures",
    "network_waits",
    "rejected_attempts",
    "staff_sessions",
    "synthetic_logins",
)
"""The tables whose rows are gone after a week; a test holds them against the record of processing."""

_PATIENCE = 30.0  # seconds in which a service ends; its unit gives it 5
_LOOK = 0.1  # seconds


def require_copyable(installation: Installation) -> None:
    """Checks, before anything is changed, that an upgrade can copy the database and bring it back.

    Raises:
        InstallationError: It cannot.
    """
    if _is_upgrade(installation) and database_file(installation) is None:
        postgresql.require_programs(installation)


def put_in_force(installation: Installation) -> Iterator[SystemAction]:
    """Switches to the program of the clone and brings the database to its version."""
    folder = installation.folder
    current, upgrade = program.current_folder(installation.machine), installation.record.upgrade
    if current != folder:
        words = f"Switch {PROGRAM} to {folder}, and bring the database to its version."
        if _is_upgrade(installation):
            words = (
                f"Stop the services; copy the database to {BACKUPS} (kept for a week); "
                f"switch {PROGRAM} from {current} to {folder}; bring the database to its version; start the "
                "services."
            )
        yield SystemAction(words, partial(_switch, installation, folder))
    elif upgrade is not None and upgrade.after == folder and upgrade.schema_after is None:
        yield SystemAction(
            "Bring the database to the version of the program.", partial(_migrate, installation, folder)
        )


def roll_back(installation: Installation) -> Iterator[SystemAction]:
    """Switches to the program from before the last upgrade, and to its database if the tables have changed.

    Raises:
        InstallationError: There is none.
    """
    upgrade = installation.record.upgrade
    if upgrade is None or not installation.machine.path(upgrade.before).exists():
        raise InstallationError("There is no former program to go back to.")
    words = f"Switch {PROGRAM} from {upgrade.after} back to {upgrade.before}."
    if changes_data(upgrade):
        if upgrade.backup is None or not installation.machine.path(upgrade.backup).exists():
            raise InstallationError(
                "The tables have changed with the upgrade, and the copy of the database from before it is "
                "gone: it is kept for a week. There is no way back."
            )
        words += f"\nBring the database of before the upgrade back, from {upgrade.backup}."
        words += _lost(installation, upgrade.backup)
    yield from jitsi.switch_page_off(installation, upgrade.before)
    yield SystemAction(words, partial(_go_back, installation, upgrade))


def changes_data(upgrade: Upgrade) -> bool:
    """Tells whether the way back loses what was entered since."""
    return upgrade.schema_after != upgrade.schema_before


@contextmanager
def services_stopped(installation: Installation) -> Iterator[None]:
    """Stops the services for a while; systemd keeps what is asked meanwhile until they run again.

    Raises:
        InstallationError: A service does not end.
        LockedError: Somebody else holds the lock.
    """
    system = installation.system
    running = [unit for unit in units.SERVICES if system.is_active(unit)]
    with locked(installation.machine.path(SETTINGS)):
        before = {unit: system.main_process(unit) for unit in running}
        if running:
            system.systemctl("restart", "--no-block", *running)
        deadline = time.monotonic() + _PATIENCE
        while any(system.main_process(unit) == number != 0 for unit, number in before.items()):
            if time.monotonic() > deadline:
                raise InstallationError(
                    "A service does not end: systemctl status %(units)s", units=" ".join(running)
                )
            time.sleep(_LOOK)
        yield


def _switch(installation: Installation, folder: str) -> None:
    machine, record = installation.machine, installation.record
    former = program.current_folder(machine)
    has_data = _is_upgrade(installation)
    before = _version(installation, former) if former is not None and has_data else None
    with services_stopped(installation):
        backup = _back_up(installation, folder) if has_data else None
        if former == PROGRAM:
            former = program.BY_HAND
        record.note_upgrade(Upgrade(former or folder, folder, backup, before, None))
        program.set_aside(installation)
        program.point_to(machine, folder)
        _migrate(installation, folder)
    if former is not None and _differ_for_prosody(machine.path(former), machine.path(folder)):
        restarts.need(installation, ["prosody"])


def _migrate(installation: Installation, folder: str) -> None:
    upgrade = installation.record.upgrade
    if upgrade is None:
        raise InstallationError("There is no upgrade under way.")
    try:
        after = _version(installation, folder)
    except AuthBridgeError as error:
        if upgrade.before == folder:  # the first one: there is nothing to go back to
            raise
        try:
            _restore(installation, upgrade)
        except InstallationError as fault:
            raise InstallationError(
                "The upgrade failed:\n%(reason)s\n%(fault)s", reason=error, fault=fault
            ) from fault
        raise InstallationError(
            "The upgrade failed, and %(program)s and the database are as before:\n%(reason)s",
            program=upgrade.before,
            reason=error,
        ) from error
    if upgrade.backup is not None:
        _leave_logins_out(installation, upgrade.backup)
    installation.record.note_upgrade(
        None if upgrade.before == folder else replace(upgrade, schema_after=after)
    )


def _go_back(installation: Installation, upgrade: Upgrade) -> None:
    path = installation.machine.path
    if _differ_for_prosody(path(upgrade.after), path(upgrade.before)):
        restarts.need(installation, ["prosody"])
    with services_stopped(installation):
        if not changes_data(upgrade):
            upgrade = replace(upgrade, backup=None)
        _restore(installation, upgrade)


def _restore(installation: Installation, upgrade: Upgrade) -> None:
    # In an order that can be repeated: the record goes last.
    machine = installation.machine
    if upgrade.backup is not None:
        _bring_back(installation, upgrade, upgrade.backup)
    if upgrade.before == program.BY_HAND:
        program.put_back(machine)
    else:
        program.point_to(machine, upgrade.before)
    units.take_back_files_of(installation, upgrade.after)
    installation.record.note_upgrade(None)


def _differ_for_prosody(former: Path, new: Path) -> bool:
    texts = (
        {name: path.read_bytes() for name, path in program.files_of(each, "prosody_mod")}
        for each in (former, new)
    )
    return next(texts) != next(texts)


def _version(installation: Installation, folder: str) -> str:
    # A program that finds its own version changes nothing.
    words = installation.system.authbridge(folder, "db", "upgrade")
    found = re.search(r"at version (\S+?)\.?$", words, re.MULTILINE)
    if found is None:
        raise InstallationError(
            "The program does not tell the version of the database: %(words)s", words=words
        )
    return found[1]


def _is_upgrade(installation: Installation) -> bool:
    current = program.current_folder(installation.machine)
    return current not in {None, installation.folder} and _has_data(installation)


def _has_data(installation: Installation) -> bool:
    file = database_file(installation)
    return file is None or installation.machine.real(file).exists()


def _back_up(installation: Installation, folder: str) -> str:
    machine, file = installation.machine, database_file(installation)
    place = machine.path(BACKUPS)
    if not place.exists():
        place.mkdir(mode=0o700, parents=True)
    name = f"{BACKUPS}/{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.{'db' if file else 'sql'}"
    try:
        with umask(0o077):
            if file is None:
                postgresql.save(installation, machine.path(name))
            else:
                write_whole(machine.path(name), read_content(installation, file), mode=0o600)
    except (AuthBridgeError, OSError) as error:
        units.take_back_files_of(installation, folder)
        raise InstallationError(
            "The database cannot be copied, and without a copy there is no upgrade: program and database are "
            "as before.\n%(reason)s",
            reason=error,
        ) from error
    return name


def _leave_logins_out(installation: Installation, backup: str) -> None:
    """Empties what lives for a week at most: the copy lives for another one."""
    path = installation.machine.path(backup)
    try:
        if database_file(installation) is None:
            write_whole(path, postgresql.without_rows(path, SHORT_LIVED), mode=0o600)
        else:
            write_whole(path, without_rows(path.read_bytes(), SHORT_LIVED), mode=0o600)
    except OSError as error:
        raise InstallationError(
            "The upgrade is done, but its copy of the database, %(backup)s, still holds logins: give "
            "deploy/install again.\n%(reason)s",
            backup=path,
            reason=error,
        ) from error


def _bring_back(installation: Installation, upgrade: Upgrade, backup: str) -> None:
    file, path = database_file(installation), installation.machine.path(backup)
    try:
        if file is None:
            postgresql.restore(installation, path)
        else:
            write_content(installation, file, path.read_bytes())
    except (AuthBridgeError, OSError) as error:
        raise InstallationError(
            "The database could not be brought back, which is done wholly or not at all: %(state)s.  In "
            "force is the program %(program)s.  The copy of before the upgrade is %(backup)s.  Once this is "
            "mended, give deploy/install --rollback --yes:\n%(reason)s",
            state=_state(installation, upgrade),
            program=program.current_folder(installation.machine),
            backup=backup,
            reason=error,
        ) from error


def _state(installation: Installation, upgrade: Upgrade) -> str:
    try:
        found = _version_of_tables(installation)
    except AuthBridgeError:
        return "it does not answer, so that the version of its tables cannot be told"
    versions = {upgrade.schema_before: " (before the upgrade)", upgrade.schema_after: " (after the upgrade)"}
    return f"its tables are of version {found}{versions.get(found, '')}"


def _version_of_tables(installation: Installation) -> str:
    file, question = database_file(installation), "SELECT version_num FROM alembic_version"
    if file is None:
        return postgresql.ask(installation, question).strip()
    with open_content(read_content(installation, file)) as data:
        return str(data.execute(question).fetchone()[0])


def _lost(installation: Installation, backup: str) -> str:
    file, path = database_file(installation), installation.machine.path(backup)
    if file is None:
        now, then = postgresql.count_rows(installation), postgresql.count_rows_of(path)
    else:
        now, then = _counts(read_content(installation, file)), _counts(path.read_bytes())
    differing = sorted(table for table in now.keys() | then.keys() if now.get(table, 0) != then.get(table, 0))
    lines = (f"\n  {table}: {now.get(table, 0)} rows now, {then.get(table, 0)} then" for table in differing)
    return "\nWhat was entered since then is lost; tables that differ in size:" + ("".join(lines) or " none")


def _counts(content: bytes) -> dict[str, int]:
    with open_content(content) as data:
        tables = [name for (name,) in data.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: data.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - SQLite's own names
            for name in tables
        }
