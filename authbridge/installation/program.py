"""Puts the program of a clone beside the one that runs: ``/opt/authbridge-VERSION``.

The version is a hash of its files.  A virtual environment cannot be moved (its scripts have paths): it is
made in its place, and the folder counts when the file ``.complete`` stands in it, which is written last.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from authbridge.installation.steps import Installation, SystemAction
from authbridge.machine.files import Machine
from authbridge.machine.setup import PROGRAM
from authbridge.machine.whole_files import sync, write_whole

BY_HAND = f"{PROGRAM}-by-hand"
"""Where the folder of an installation by hand stays."""

_PARTS = ("authbridge", "admin", "prosody_mod", "deploy", "wsgi.py", "LICENSE", "README.md", "CHANGELOG.md")
_LEFT_OUT = {"__pycache__", "screenshots", "node_modules"}
_FOLDER = re.compile(r"authbridge-[0-9a-f]{12}")
_COMPLETE = ".complete"


def folder_of(clone: Path) -> str:
    """Returns the folder of the program that stands in the clone."""
    digest = hashlib.sha256()
    for name, source in files_of(clone):
        content = source.read_bytes()
        is_program = bool(source.stat().st_mode & 0o100)
        digest.update(f"{name}\0{is_program}\0{len(content)}\0".encode())
        digest.update(content)
    return f"{PROGRAM}-{digest.hexdigest()[:12]}"


def files_of(clone: Path, *parts: str) -> Iterator[tuple[str, Path]]:
    """Yields each file of the program (or of these parts of it) by its name below the folder, sorted."""
    for part in sorted(parts or _PARTS):
        top = clone / part
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            inside = path.relative_to(clone)
            if path.is_file() and not _LEFT_OUT & set(inside.parts) and path.suffix != ".pyc":
                yield str(inside), path


def current_folder(machine: Machine) -> str | None:
    """Returns the folder of the program that is in force; None: there is none."""
    link = machine.path(PROGRAM)
    if link.is_symlink():
        return str(Path(PROGRAM).parent / link.readlink())
    if link.is_dir():
        return PROGRAM
    return BY_HAND if machine.path(BY_HAND).is_dir() else None  # killed while it was set aside


def build(installation: Installation) -> Iterator[SystemAction]:
    """Copies the program and installs the Python packages that it needs."""
    folder = installation.folder
    if not is_complete(installation.machine, folder):
        words = f"Copy the program to {folder}, and load its Python packages (pinned by hash, some 40 MB)."
        yield SystemAction(words, partial(_build, installation, folder))


def is_complete(machine: Machine, folder: str) -> bool:
    """Tells whether that program can be put in force."""
    return (machine.path(folder) / _COMPLETE).exists()


def point_to(machine: Machine, folder: str) -> None:
    """Puts a program in force: all paths go through one symbolic link, which is replaced in one go."""
    link = machine.path(PROGRAM)
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(folder.rpartition("/")[2])
    new.rename(link)
    sync(link.parent)


def set_aside(installation: Installation) -> None:
    """Makes room for the link where the program was installed by hand."""
    machine, place = installation.machine, installation.machine.path(PROGRAM)
    if place.is_dir() and not place.is_symlink():
        installation.record.note("by-hand", BY_HAND)
        place.rename(machine.path(BY_HAND))
        sync(place.parent)


def put_back(machine: Machine) -> None:
    """Takes the link away, and gives an installation by hand its place back."""
    place, by_hand = machine.path(PROGRAM), machine.path(BY_HAND)
    if place.is_symlink():
        place.unlink()
    if by_hand.is_dir() and not place.exists():
        by_hand.rename(place)


def remove_former(installation: Installation) -> Iterator[SystemAction]:
    """Removes programs that are neither in force nor the one before it."""
    upgrade = installation.record.upgrade
    kept = {current_folder(installation.machine), installation.folder}
    kept |= {upgrade.before, upgrade.after} if upgrade else set()
    for folder in _folders(installation.machine):
        if folder not in kept:
            yield SystemAction(
                f"Remove the former program {folder}.", partial(_remove, installation.machine, folder)
            )


def remove_all(installation: Installation) -> Iterator[SystemAction]:
    """Removes the program and its former versions."""
    machine = installation.machine
    place = machine.path(PROGRAM)
    by_hand = installation.record.names("by-hand")
    if (by_hand and machine.path(BY_HAND).exists()) or place.is_symlink():
        words = (
            f"Give the installation by hand its place {PROGRAM} back." if by_hand else f"Remove {PROGRAM}."
        )
        yield SystemAction(words, partial(put_back, machine))
    for folder in _folders(machine):
        yield SystemAction(f"Remove {folder}.", partial(_remove, machine, folder))


def _folders(machine: Machine) -> list[str]:
    found = sorted(machine.path(PROGRAM).parent.iterdir())
    return [f"/opt/{path.name}" for path in found if _FOLDER.fullmatch(path.name) and not path.is_symlink()]


def _build(installation: Installation, folder: str) -> None:
    target = installation.machine.path(folder)
    installation.record.note("programs", folder)
    _remove(installation.machine, folder)
    target.mkdir(mode=0o755)
    for name, source in files_of(installation.clone):
        copy = target / name
        copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        copy.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)
    installation.system.build_venv(target / ".venv", target / "deploy/requirements.txt")
    installation.system.compile(target)
    os.sync()  # thousands of files: all of them before the mark that says so
    write_whole(target / _COMPLETE, b"", mode=0o644)


def _remove(machine: Machine, folder: str) -> None:
    target = machine.path(folder)
    if target.exists():
        (target / _COMPLETE).unlink(missing_ok=True)
        shutil.rmtree(target)
