"""Finds what the machine itself lacks: the right time, room, closed files, running units."""

import grp
import os
import pwd
import re
from collections.abc import Iterator, Sequence

from authbridge.machine.advice import for_files
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.setup import PROGRAM, SETTINGS, Setup

BACKUPS = "/var/backups/authbridge"

_DATA = "/var/lib/authbridge"
_GIBIBYTE = 1024**3
_LITTLE, _TOO_LITTLE = _GIBIBYTE, _GIBIBYTE // 10  # bytes
_FEW_FILES = 1_000
OUR_FILES = (  # what nobody else may read, or change: mode at most, owner and group
    ("/etc/authbridge/secret-key", 0o640, "root", "authbridge"),
    (SETTINGS, 0o640, "root", "authbridge"),
    (_DATA, 0o700, "authbridge", "authbridge"),
    ("/var/lib/authbridge-changes", 0o700, "root", "root"),
    (BACKUPS, 0o700, "root", "root"),
)
_OF_JITSI = (
    "/etc/jitsi/jicofo/*",
    "/etc/jitsi/videobridge/*",
    "/etc/prosody/conf.avail/*.cfg.lua",
    "/etc/prosody/conf.d/*.cfg.lua",
    "/etc/prosody/prosody.cfg.lua",
    "/etc/turnserver.conf",
)
_SECRET = re.compile(
    r"""^(?!\s*(?:--|//|#))[^\n]*(?:secret|passw(?:or)?d)[\w-]*["']?\s*[:=]\s*["']?[^\s"'{}]{6}""",
    re.MULTILINE | re.IGNORECASE,
)
_FOR_OTHERS, _LOOKED_INTO_BY_OTHERS = 0o004, 0o001
_UNIT_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_UNITS = ("authbridge-api.socket", "authbridge-api.service")
_UNITS_OF_PANEL = ("authbridge-panel.socket", "authbridge-panel.service")
_FIRST_PERSON, _LAST_PERSON = 1_000, 59_999  # user ids of people (Debian Policy, 9.2.2)
_NO_SHELL = re.compile(r"/(nologin|false|sync)$")


def examine(plan: PlannedChanges, setup: Setup) -> Iterator[Finding]:
    """Yields a finding for each of them.

    Raises:
        UnreadableFileError: A file cannot be read.
    """
    machine = plan.machine
    yield _of_clock(machine)
    yield _of_disk(machine)
    yield _of_our_files(machine, setup)
    yield _of_jitsis_files(plan)
    yield _of_units(plan, setup)
    yield _of_local_users(plan)


def _of_clock(machine: Machine) -> Finding:
    answer = machine.run("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if answer is None or answer.output.strip() not in {"yes", "no"}:
        return _ok("clock", Remark("It cannot be seen here whether the clock is right."))
    if answer.output.strip() == "yes":
        return _ok("clock", Remark("The clock is set by a time server."))
    return Finding(
        "clock",
        Level.WARNING,
        Remark("No time server sets the clock."),
        Remark("One-time codes of staff, lockouts and deletion go by the clock."),
        line="apt-get install systemd-timesyncd && timedatectl set-ntp true",
    )


def _of_disk(machine: Machine) -> Finding:
    worst = min(
        ((*_room(machine, folder), folder) for folder in (_DATA, "/var/log", "/etc")),
        key=lambda found: (min(found[0], _LITTLE), found[1]),
    )
    room, files, folder = worst
    if room >= _LITTLE and files >= _FEW_FILES:
        return _ok("disk", Remark("There is room on the disk."))
    return Finding(
        "disk",
        Level.ERROR if room < _TOO_LITTLE or files < _FEW_FILES else Level.WARNING,
        Remark(
            "%(folder)s has room for %(room)s MiB and %(files)s files.",
            folder=folder,
            room=room // 1024**2,
            files=files,
        ),
        Remark("Where a login cannot be written down, it is refused."),
        where=folder,
        # Names of others stand in it, which could command the terminal.
        line="du -xh --max-depth=2 /var | sort -h | tail | cat -v",
    )


def _room(machine: Machine, folder: str) -> tuple[int, int]:
    path = machine.real(folder)
    while not path.exists():
        path = path.parent
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize, found.f_favail if found.f_files else _FEW_FILES


def _of_our_files(machine: Machine, setup: Setup) -> Finding:
    files = [(setup.token_file, 0o640, "root", "authbridge-token"), *OUR_FILES]
    if setup.smtp_password_file is not None:
        files.append((setup.smtp_password_file, 0o600, "authbridge", "authbridge"))
    commands = [
        command
        for name, mode, user, group in files
        for command in _corrections(machine, name, mode, (user, group))
    ]
    if not commands:
        return _ok("file-modes", Remark("Secrets and data are closed to everybody else."))
    return Finding(
        "file-modes",
        Level.ERROR,
        Remark("Secrets or data of AuthBridge are open to others, or belong to others."),
        Remark(
            "With the token anybody can ask the login service as Prosody does; with the secret key or the"
            " database anybody can try passwords without a lockout."
        ),
        where=commands[0].rpartition(" ")[2],
        line="\n".join(commands),
    )


def _corrections(machine: Machine, name: str, mode: int, owner: tuple[str, str]) -> Iterator[str]:
    path = machine.real(name)
    if not path.exists():
        return
    status = path.stat()
    if machine.is_live and owner != _owner_of(status.st_uid, status.st_gid):
        yield f"chown {':'.join(owner)} {name}"
    if status.st_mode & 0o7777 & ~mode:
        yield f"chmod {mode:o} {name}"


def _owner_of(user: int, group: int) -> tuple[str, str]:
    try:
        return pwd.getpwuid(user).pw_name, grp.getgrgid(group).gr_name
    except KeyError:
        return str(user), str(group)


def _of_jitsis_files(plan: PlannedChanges) -> Finding:
    names = dict.fromkeys(name for pattern in _OF_JITSI for name in plan.names(pattern))
    opened = [
        name
        for name in names
        if _is_open(plan.machine, name) and _SECRET.search(plan.read(name) or "") is not None
    ]
    if not opened:
        return _ok("jitsi-file-modes", Remark("Files of Jitsi with passwords in them are closed to others."))
    return Finding(
        "jitsi-file-modes",
        Level.WARNING,
        Remark("Every account of this machine can read the passwords in %(file)s.", file=opened[0]),
        Remark("With the password of jicofo or of TURN one gets into meetings."),
        where=opened[0],
        line=for_files(plan.machine, opened, "chmod", "o-rwx"),
    )


def _is_open(machine: Machine, name: str) -> bool:
    path = machine.real(name)
    inside = path.relative_to(machine.root)
    folders = [machine.root / folder for folder in inside.parents if str(folder) != "."]
    return bool(path.stat().st_mode & _FOR_OTHERS) and all(
        folder.stat().st_mode & _LOOKED_INTO_BY_OTHERS for folder in folders
    )


def _of_units(plan: PlannedChanges, setup: Setup) -> Finding:
    units = _UNITS + (_UNITS_OF_PANEL if setup.panel_url else ())
    missing = [unit for unit in units if _file_of(plan, unit) is None]
    if missing:
        return _bad_units(
            Remark("The systemd unit %(unit)s is missing.", unit=missing[0]), missing, "deploy/install"
        )
    idle = [unit for unit in units if not _says_yes(plan.machine, "is-active", unit)]
    if idle:
        return _bad_units(
            Remark("%(unit)s does not run.", unit=idle[0]), idle, f"systemctl start {' '.join(idle)}"
        )
    off = [unit for unit in units if not _says_yes(plan.machine, "is-enabled", unit)]
    if off:
        command = f"systemctl enable {' '.join(off)}"
        return _bad_units(Remark("%(unit)s would not start after a reboot.", unit=off[0]), off, command)
    changed = [unit for unit in units if _is_changed(plan, unit)]
    if changed:
        return Finding(
            "units",
            Level.WARNING,
            Remark("%(unit)s is not the file that came with the program.", unit=changed[0]),
            Remark(
                "It closes the service off from the rest of the machine. Own settings belong in a drop-in."
            ),
            where=_file_of(plan, changed[0]) or "",
            line=f"systemctl edit {changed[0]}",
        )
    return _ok("units", Remark("The systemd units are as they came, and run."))


def _bad_units(what: Remark, units: Sequence[str], command: str) -> Finding:
    why = Remark("Without them nobody can open a meeting, or staff cannot suspend.")
    return Finding("units", Level.ERROR, what, why, where=units[0], line=command)


def _file_of(plan: PlannedChanges, unit: str) -> str | None:
    names = (f"{folder}/{unit}" for folder in _UNIT_FOLDERS)
    return next((name for name in names if plan.read(name) is not None), None)


def _says_yes(machine: Machine, question: str, unit: str) -> bool:
    # Where systemd does not run (a tree, a chroot), it says nothing of a unit.
    answer = machine.run("systemctl", question, unit)
    return answer is None or answer.code == 0 or answer.output.strip() in {"offline", ""}


def _is_changed(plan: PlannedChanges, unit: str) -> bool:
    shipped = plan.read(f"{PROGRAM}/deploy/systemd/{unit}")
    return shipped is not None and shipped != plan.read(_file_of(plan, unit) or "")


def _of_local_users(plan: PlannedChanges) -> Finding:
    people = [
        line.split(":")[0] for line in (plan.read("/etc/passwd") or "").splitlines() if _is_person(line)
    ]
    if len(people) <= 1 or "authbridge" in (plan.read("/etc/nftables.conf") or ""):
        return _ok("local-users", Remark("No stranger of this machine reaches the login service."))
    return Finding(
        "local-users",
        Level.NOTE,
        Remark("%(count)s people have an account on this machine.", count=len(people)),
        Remark("Without the token they learn nothing from the login service, but they can keep it busy."),
        where="/etc/nftables.conf",
        line=f'include "{PROGRAM}/deploy/nftables.conf.example"',
    )


def _is_person(line: str) -> bool:
    fields = line.split(":")
    if len(fields) != 7 or not fields[2].isdecimal():  # noqa: PLR2004 - as passwd(5) has them
        return False
    is_of_people = _FIRST_PERSON <= int(fields[2]) <= _LAST_PERSON
    return is_of_people and not _NO_SHELL.search(fields[6])


def _ok(name: str, what: Remark) -> Finding:
    return Finding(name, Level.OK, what)
