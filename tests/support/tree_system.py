"""Stands in for the programs of a machine where its root is a tree of files: no apt, no useradd, no systemd.

Users are lines in the tree's own ``/etc/passwd`` and ``/etc/group``; the program is the real one, with the
packages of these tests.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from authbridge.installation.system import ProgramFailedError, System
from workbench import ROOT

_Change = Callable[[str], str | None]
_KEPT = ("PATH", "PYTHONPYCACHEPREFIX")  # without the latter, Python would compile all packages each time
_HERE = f"{os.getuid()}:{os.getgid()}"  # whoever runs the tests owns the files of all users


class TreeSystem(System):
    """The programs of a machine that is a tree."""

    def missing_packages(self, names: Sequence[str]) -> list[str]:
        """Returns those that are not in ``/var/lib/packages`` of the tree."""
        present = (self.machine.read("/var/lib/packages") or "").split()
        return [name for name in names if name not in present]

    def install_packages(self, names: Sequence[str]) -> None:
        """Writes them there."""
        self._append("/var/lib/packages", *names)

    def add_group(self, name: str) -> None:
        """Adds a line."""
        self._append("/etc/group", f"{name}:x:{os.getgid()}:")

    def add_user(self, name: str, *, home: str) -> None:
        """Adds a line."""
        self._append("/etc/passwd", f"{name}:x:{_HERE}::{home}:/usr/sbin/nologin")

    def add_member(self, user: str, group: str) -> None:
        """Adds the user to the group's line."""
        self._edit("/etc/group", group, lambda line: f"{line}{'' if line.endswith(':') else ','}{user}")

    def remove_member(self, user: str, group: str) -> None:
        """Takes the user out of the group's line."""
        self._edit("/etc/group", group, lambda line: _without(line, user))

    def remove_user(self, name: str) -> None:
        """Removes the line."""
        self._edit("/etc/passwd", name, lambda _line: None)

    def remove_group(self, name: str) -> None:
        """Removes the line."""
        self._edit("/etc/group", name, lambda _line: None)

    def build_venv(self, folder: Path, requirements: Path) -> None:
        """Takes the Python of the tests."""
        assert requirements.is_file()
        folder.symlink_to(ROOT / ".venv")

    def compile(self, program: Path) -> None:
        """Leaves that out: it takes a second."""

    def as_service(self) -> tuple[str, ...]:
        """Stays who runs the tests."""
        return ()

    def authbridge(self, program: str, *arguments: str) -> str:
        """Runs the program of the tree on the tree's own files."""
        folder = self.machine.path(program)
        environ = {
            name: value.replace("/etc/", f"{self.machine.root}/etc/")
            for name, value in self.settings().items()
        }
        url = environ["AUTHBRIDGE_DATABASE_URL"]
        environ["AUTHBRIDGE_DATABASE_URL"] = url.replace("sqlite:///", f"sqlite:///{self.machine.root}")
        ended = subprocess.run(  # noqa: S603 - this Python, the program that was just copied
            [sys.executable, "-m", "authbridge", *arguments],
            check=False,
            env={
                **environ,
                **{name: os.environ[name] for name in _KEPT if name in os.environ},
                "PYTHONPATH": str(folder),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if ended.returncode != 0:
            raise ProgramFailedError("%(words)s", words=ended.stderr)
        return ended.stdout

    def _append(self, name: str, *lines: str) -> None:
        path = self.machine.path(name)
        path.write_text(
            (self.machine.read(name) or "") + "".join(f"{line}\n" for line in lines), encoding="utf-8"
        )

    def _edit(self, name: str, key: str, change: _Change) -> None:
        lines = (self.machine.read(name) or "").splitlines()
        changed = (change(line) if line.startswith(f"{key}:") else line for line in lines)
        text = "".join(f"{line}\n" for line in changed if line is not None)
        self.machine.path(name).write_text(text, encoding="utf-8")


def _without(line: str, user: str) -> str:
    start, _, members = line.rpartition(":")
    return f"{start}:{','.join(each for each in members.split(',') if each != user)}"
