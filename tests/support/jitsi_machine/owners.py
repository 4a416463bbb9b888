"""Gives files of a root to its own users and groups, which are not those of this machine."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owners:
    """The numbers of the users and groups of one root, by name; both empty where it has none."""

    users: dict[str, int]
    groups: dict[str, int]

    @classmethod
    def of(cls, root: Path) -> "Owners":
        """Reads those of that root."""
        return cls(_numbers(root / "etc/passwd"), _numbers(root / "etc/group"))

    def give(self, path: Path, owner: str) -> None:
        """Gives a file to ``USER:GROUP``; does nothing in a root without users.

        Raises:
            KeyError: The root has users, but not this one.
        """
        if self.users:
            user, group = owner.split(":")
            os.chown(path, self.users[user], self.groups[group])


def _numbers(file: Path) -> dict[str, int]:
    if not file.exists():
        return {}
    entries = (line.split(":") for line in file.read_text().splitlines())
    return {entry[0]: int(entry[2]) for entry in entries}
