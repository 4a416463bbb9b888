"""Keeps what the installer has made on a machine, so that exactly this is taken back.

Each thing is noted before it is made: who is killed in between has noted too much, never too little, and
taking back what is not there does no harm.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from authbridge.errors import AuthBridgeError
from authbridge.machine.files import Machine
from authbridge.machine.whole_files import write_whole

FOLDER = "/var/lib/authbridge-installation"
"""Where the record of a machine stands; for root alone."""


class BusyError(AuthBridgeError):
    """Raised when another installer is at work on this machine."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The step from one program to the next.

    ``before`` and ``after`` are folders, ``backup`` a copy of the database from between the two;
    ``schema_before`` and ``schema_after`` are versions of its tables.  ``schema_after`` is None while it is
    under way.
    """

    before: str
    after: str
    backup: str | None
    schema_before: str | None
    schema_after: str | None


class Record:
    """What was made on this machine, by kind: packages, groups, users, members, folders, and so on."""

    def __init__(self, machine: Machine) -> None:
        self._folder = machine.path(FOLDER)
        self._file = self._folder / "made.json"

    @property
    def exists(self) -> bool:
        """Tells whether anything was made here and not taken back."""
        return self._file.exists()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps other installers away meanwhile.

        Raises:
            BusyError: There is one.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError("Another installer is at work on this machine.") from None
        else:
            yield
        finally:
            if not self.exists:
                shutil.rmtree(self._folder, ignore_errors=True)
            os.close(descriptor)

    def names(self, kind: str) -> list[str]:
        """Returns what of that kind was made, oldest first."""
        found: list[str] = self._read().get(kind, [])
        return found

    def note(self, kind: str, name: str) -> None:
        """Notes one thing that is about to be made; a second time changes nothing."""
        content = self._read()
        if name not in content.setdefault(kind, []):
            content[kind].append(name)
            self._write(content)

    def forget(self, kind: str, name: str) -> None:
        """Forgets one thing: it is taken back."""
        content = self._read()
        if name in content.get(kind, []):
            content[kind].remove(name)
            self._write(content)

    @property
    def digests(self) -> dict[str, str]:
        """Returns the SHA-256 of files as they were written, by name."""
        found: dict[str, str] = self._read().get("digests", {})
        return found

    def note_digest(self, name: str, digest: str) -> None:
        """Notes how a file is about to be written."""
        content = self._read()
        if content.setdefault("digests", {}).get(name) != digest:
            content["digests"][name] = digest
            self._write(content)

    @property
    def upgrade(self) -> Upgrade | None:
        """Returns the latest upgrade, if it was not rolled back."""
        found = self._read().get("upgrade")
        return Upgrade(**found) if found else None

    def note_upgrade(self, upgrade: Upgrade | None) -> None:
        """Notes an upgrade; None: there is none any more."""
        self._write({**self._read(), "upgrade": asdict(upgrade) if upgrade else None})

    def remove(self) -> None:
        """Forgets everything: all is taken back."""
        self._file.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        return found

    def _write(self, content: dict[str, Any]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._file, json.dumps(content, indent=1).encode(), mode=0o600)
