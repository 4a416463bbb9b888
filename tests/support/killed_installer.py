"""Runs the installer on a tree, and kills it without warning before a given step that reaches the disk.

Started as a program: ROOT CLONE STEP ARGUMENT...  It ends with the installer's exit code, or by SIGKILL.  The
program that it installs is a stand-in, whose only command creates the database: kills take hundreds of runs.
"""

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import ParamSpec, TypeVar

from authbridge.installation.command import main
from authbridge.machine.files import Machine
from tests.support.tree_system import TreeSystem

_P = ParamSpec("_P")
_R = TypeVar("_R")


class LightSystem(TreeSystem):
    """A tree whose program only knows how to create its database."""

    def authbridge(self, program: str, *arguments: str) -> str:
        """Creates the database, as ``db upgrade`` does."""
        assert arguments == ("db", "upgrade")
        assert (self.machine.path(program) / "wsgi.py").is_file()
        with closing(sqlite3.connect(self.machine.path("/var/lib/authbridge/authbridge.db"))) as database:
            database.execute("CREATE TABLE IF NOT EXISTS schools (code TEXT)")
        return "The database is at version 0001.\n"


class _Killer:
    def __init__(self, step: int) -> None:
        self._left = step

    def before(self, real: Callable[_P, _R]) -> Callable[_P, _R]:
        """Returns the function with the kill before it."""

        def call(*arguments: _P.args, **named: _P.kwargs) -> _R:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        return call


def _run(root: Path, clone: Path, step: int, arguments: list[str]) -> int:
    killer = _Killer(step)
    os.fsync = killer.before(os.fsync)
    shutil.rmtree = killer.before(shutil.rmtree)  # type: ignore[assignment]  # it has attributes, too
    shutil.copytree = killer.before(shutil.copytree)
    sqlite3.connect = killer.before(sqlite3.connect)  # type: ignore[assignment]  # it is overloaded
    for name in ("rename", "symlink_to", "mkdir", "unlink", "rmdir"):
        setattr(Path, name, killer.before(getattr(Path, name)))
    for name in ("add_group", "add_user", "add_member", "remove_user", "remove_group", "build_venv"):
        setattr(TreeSystem, name, killer.before(getattr(TreeSystem, name)))
    machine = Machine(root)
    return main(arguments, clone, machine, LightSystem(machine))


if __name__ == "__main__":
    sys.exit(_run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
