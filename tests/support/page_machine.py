"""A Jitsi machine with AuthBridge in force, on which the login page can be switched on."""

import os
import shutil
from pathlib import Path

from authbridge.machine.checks import nginx, website
from authbridge.machine.examination import plan_fixes
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.ledger import Ledger
from tests.support.doctor import write
from tests.support.jitsi_machine import HOST, Distribution, Release
from tests.support.prosody_machine import SETUP, examine_one, lay_machine

_NEEDED = {"nginx-address", "website-guests"}


def lay_page_machine(root: Path, release: Release, distribution: Distribution) -> Machine:
    """Lays a Jitsi machine of that year, with what the installer changes for a login and the units."""
    version = {"debian12": "0.12", "debian13": "13"}[distribution]
    machine = lay_machine(root, version, release=release, distribution=distribution)
    plan = PlannedChanges(machine)
    found = [each for check in (nginx, website) for each in check.examine(plan, SETUP) if each.id in _NEEDED]
    found += [examine_one(machine, name) for name in ("prosody-authentication", "prosody-guests")]
    Ledger(machine).apply(plan_fixes(machine, found), by="install")
    write(machine, "/etc/authbridge/authbridge.env", f"AUTHBRIDGE_XMPP_HOST={HOST}\n")
    for kind in ("socket", "service"):
        write(machine, f"/etc/systemd/system/authbridge-page.{kind}", "[Unit]\n")
    (root / "etc/systemd/system/sockets.target.wants").mkdir(parents=True)
    return machine


def copied(machine: Machine, root: Path) -> Machine:
    """Copies all files of a machine into another folder; those of Prosody's program are links."""
    shutil.copytree(machine.root, root, symlinks=True, dirs_exist_ok=True, copy_function=_copy)
    return Machine(root)


def _copy(source: str, target: str) -> None:
    if "/usr/lib/prosody/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)
