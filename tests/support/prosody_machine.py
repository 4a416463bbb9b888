"""Adds a real Prosody and our modules to a tree of a Jitsi machine, for the checks that read it with Lua."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from authbridge.machine.checks import prosody
from authbridge.machine.checks.prosody_look import Look
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Finding
from authbridge.machine.ledger import Ledger
from authbridge.machine.prosody_config import read_configuration
from authbridge.machine.setup import Setup
from tests.support.jitsi_machine import HOST, Distribution, Release, lay_out
from workbench import CACHE, ROOT

SETUP = Setup(host=HOST)
TOKEN = "0123456789abcdef" * 4
MAIN_FILE = "etc/prosody/prosody.cfg.lua"


def lay_prosody(root: Path, version: str) -> None:
    """Links the unpacked Prosody of that version below ``root``, as its package lays it."""
    shutil.copytree(
        CACHE / "prosody" / version / "usr/lib/prosody", root / "usr/lib/prosody", copy_function=os.link
    )


def lay_machine(
    root: Path,
    version: str,
    *,
    release: Release = "2025",
    distribution: Distribution = "debian13",
    secured: bool = False,
) -> Machine:
    """Lays a Jitsi machine with that Prosody and AuthBridge's files; Jitsi's are as they were."""
    lay_out(root, release=release, distribution=distribution, secured=secured)
    lay_prosody(root, version)
    shutil.copytree(ROOT / "prosody_mod", root / "opt/authbridge/prosody_mod")
    token = root / SETUP.token_file.lstrip("/")
    token.parent.mkdir(parents=True)
    token.write_text(TOKEN)
    token.chmod(0o640)
    (root / "etc/passwd").write_text("root:x:0:0:::\nprosody:x:4711:4711:::\nwww-data:x:33:33:::\n")
    (root / "etc/group").write_text("root:x:0:\nauthbridge-token:x:4712:prosody\n")
    os.chown(token, 0, 4712)
    return Machine(root)


def examine(machine: Machine) -> dict[str, Finding]:
    """All findings about Prosody, by id."""
    return {finding.id: finding for finding in prosody.examine(PlannedChanges(machine), SETUP)}


def examine_one(machine: Machine, name: str) -> Finding:
    """The finding of one check, without the others."""
    plan = PlannedChanges(machine)
    look = Look(name, plan, SETUP, read_configuration(plan))
    return prosody.CHECKS[name](look)


def mend(machine: Machine, *found: Finding) -> None:
    """Makes the changes of these findings, as `authbridge doctor --fix` does."""
    plan = PlannedChanges(machine)
    for finding in found:
        if finding.fix is not None:
            finding.fix(plan)
    Ledger(machine).apply(plan.changes(), by="doctor")


def texts(machine: Machine) -> Mapping[str, bytes]:
    """Every file of Prosody's configuration, by name."""
    files = (machine.root / "etc/prosody").rglob("*.lua")
    return {str(path): path.read_bytes() for path in files if not path.is_symlink()}


def change(machine: Machine, file: str, old: str, new: str) -> None:
    """Puts other words into a file, as the administrator would."""
    path = machine.root / file
    text = path.read_text()
    assert old in text
    path.unlink()  # a tree shares its files with that it was copied from
    path.write_text(text.replace(old, new, 1))


def appended(machine: Machine, line: str) -> None:
    """Sets one more option above all hosts."""
    change(machine, MAIN_FILE, "pidfile =", f"{line}\npidfile =")


def copied(machine: Machine, root: Path) -> Machine:
    """Links all files of a machine into another folder."""
    shutil.copytree(machine.root, root, symlinks=True, copy_function=os.link, dirs_exist_ok=True)
    return Machine(root)
