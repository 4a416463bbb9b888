"""The command line of the installer: ``deploy/install``.

Exit codes: 0 done (also when there was nothing to do), 1 it could not be done, 2 the command was mistyped.
"""

import argparse
import errno
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import indent

from authbridge.errors import AuthBridgeError
from authbridge.installation import (
    accounts,
    database,
    first_staff,
    jitsi,
    packages,
    panel_site,
    preflight,
    program,
    restarts,
    settings,
    units,
)
from authbridge.installation.record import Record
from authbridge.installation.steps import Actions, Installation, InstallStep, Options, nothing, run
from authbridge.installation.system import System, umask
from authbridge.machine.files import Machine
from authbridge.machine.terminal import printable

STEPS = (
    InstallStep("Debian packages", packages.install, packages.keep),
    InstallStep("Program", program.build, program.remove_all),
    InstallStep("User and groups", accounts.add, accounts.remove),
    InstallStep("Settings, secrets, folders", settings.make, settings.take_away),
    InstallStep("Command and systemd units", units.write, units.take_back),
    InstallStep("Put in force", database.put_in_force, nothing),
    InstallStep("Services", units.start, nothing),
    InstallStep("Files of Jitsi, Prosody and nginx", jitsi.mend_files, jitsi.restore_files),
    InstallStep("The panel's site", panel_site.offer, nothing),
    InstallStep("Restarts", restarts.give, nothing),
    InstallStep("Files of Jitsi, Prosody and nginx, once more", jitsi.mend_what_shows_now, nothing),
    InstallStep("Restarts, once more", restarts.give_again, nothing),
    InstallStep("First member of staff", first_staff.invite, nothing),
    InstallStep("Former programs", program.remove_former, nothing),
)
"""In this order; taken back in the opposite one."""

_FULL = (
    "The disk is full: df -h says which one.  Make room, and give this command again: it goes on from here.\n"
)


def main(
    arguments: Sequence[str], clone: Path, machine: Machine | None = None, system: System | None = None
) -> int:
    """Installs, upgrades or takes back; returns the exit code."""
    asked = _parser().parse_args(arguments)
    machine = machine or Machine()
    try:
        with umask(0o022):
            return _run(asked, clone, machine, system or System(machine))
    except (AuthBridgeError, OSError) as error:
        sys.stderr.write(f"\ninstall: {printable(str(error))}\n")
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            sys.stderr.write(_FULL)
        return 1


def _run(asked: argparse.Namespace, clone: Path, machine: Machine, system: System) -> int:
    preflight.require_root(machine)
    record = Record(machine)
    if (asked.undo or asked.rollback) and not record.exists:
        if not asked.dry_run:
            with record.lock():
                pass  # it removes what a killed installer may have left
        _say("Nothing was installed here by this command.")
        return 0
    host = "" if asked.undo or asked.rollback else preflight.find_host(machine, asked.host)
    options = Options(
        host,
        asked.panel and asked.panel.lower(),
        asked.admin,
        _absolute(asked.certificate),
        _absolute(asked.certificate_key),
        restart=asked.restart,
    )
    installation = Installation(machine, system, record, clone, options, program.folder_of(clone))
    if asked.dry_run:
        return _carry_out(asked, installation)
    with record.lock():
        return _carry_out(asked, installation)


def _carry_out(asked: argparse.Namespace, installation: Installation) -> int:
    steps: list[tuple[str, Actions]]
    if asked.undo:
        steps = [(step.title, step.way_back) for step in reversed(STEPS)]
    elif asked.rollback:
        steps = [
            ("Back to the former program", database.roll_back),
            ("Services", units.start),
            ("Restarts", restarts.give_after_rollback),
        ]
        upgrade = installation.record.upgrade
        if upgrade and database.changes_data(upgrade) and not (asked.yes or asked.dry_run):
            run(steps, installation, _say, dry=True)
            _say("\nNothing was changed.  Data will be lost: if that is meant, add --yes.")
            return 1
    else:
        preflight.require_possible(installation)
        steps = [(step.title, step.actions) for step in STEPS]
    count = run(steps, installation, _say, dry=asked.dry_run)
    if asked.undo and not asked.dry_run:
        installation.record.remove()
    _say_end(installation, count, dry=asked.dry_run)
    return 0


def _say_end(installation: Installation, count: int, *, dry: bool) -> None:
    if dry:
        _say(f"\nTo be changed: {count}.  Nothing was." if count else "\nNothing would be changed.")
    else:
        _say(f"\nDone; changes: {count}." if count else "\nAll is as it shall be: nothing was changed.")
    if installation.todo:
        _say("\nFor you to do or to know")
    for each in installation.todo:
        _say(indent(f"* {each}", "  ").replace("\n", "\n  "))


def _absolute(file: str | None) -> str | None:
    return str(Path.cwd() / file) if file else None


def _say(words: str) -> None:
    sys.stdout.write(f"{printable(words)}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy/install",
        description="Installs AuthBridge on a Jitsi machine, upgrades it to this clone, or takes it back.",
        epilog="Exit codes: 0 done, 1 it could not be done, 2 mistyped.",
    )
    parser.add_argument(
        "--host", metavar="NAME", help="where meetings are held; found by itself if there is one"
    )
    parser.add_argument(
        "--panel", metavar="NAME", help="the host name of the panel, for example panel.example.org"
    )
    parser.add_argument("--admin", metavar="NAME", help="invite this first member of staff to the panel")
    parser.add_argument(
        "--certificate", metavar="FILE", help="of the panel, if not in /etc/letsencrypt/live/NAME"
    )
    parser.add_argument("--certificate-key", metavar="FILE", help="its key")
    parser.add_argument(
        "--restart", action="store_true", help="restart Prosody and jicofo: ends running meetings"
    )
    parser.add_argument("--yes", action="store_true", help="with --rollback: data entered since may be lost")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--undo", action="store_true", help="take all of it back")
    what.add_argument(
        "--rollback", action="store_true", help="go back to the program of before the last upgrade"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be changed, and change nothing"
    )
    return parser
