"""Reads the files of a machine, and collects what is to be changed in them before anything is."""

import difflib
import errno
import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from authbridge.errors import AuthBridgeError
from authbridge.machine.programs import Answer, ProgramError, run_program

_SECRET = re.compile(
    r"""(?i)((?:secret|passw(?:or)?d|token|credential)(?!\w*_file|authurl\b)[\w-]*["']?\s*[:=]\s*|\buser\s*=\s*[^\s:]+:"""
    r"""|authorization\s+)("[^"]*"|'[^']*'|\S+)"""
)
_PATIENCE = 60.0  # seconds
_MOST_LINKS = 40  # as the kernel follows
_MOST_BYTES = 64 * 1024 * 1024  # dpkg's list of packages has some millions


_UNREADABLE = "%(file)s cannot be read: %(reason)s"


class UnreadableFileError(AuthBridgeError):
    """Raised when a file of the machine is there and cannot be read: mostly the caller is not root."""


class Machine:
    """The files below ``root``, and the machine's programs where ``root`` is the machine itself.

    Names are absolute, as the machine itself has them: ``/etc/nginx/nginx.conf``.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    @property
    def is_live(self) -> bool:
        """Tells whether this is the machine that we run on, and not a tree of files."""
        return self.root == Path("/")

    def path(self, name: str) -> Path:
        """Returns where that name stands; if it is a symbolic link, the link itself."""
        folder, _, last = name.rstrip("/").rpartition("/")
        return self.real(folder) / last

    def real(self, name: str) -> Path:
        """Returns where the file stands to which links lead from that name; ``/`` in a link is ``root``.

        A link counts only if it is root's: jicofo's user owns its folder, and could lead root anywhere.

        Raises:
            UnreadableFileError: The links lead in a circle, or one belongs to somebody else.
        """
        real, rest, links = self.root, name.strip("/").split("/"), 0
        while rest:
            part = rest.pop(0)
            if part in {"", "."}:
                continue
            real = (real.parent if real != self.root else real) if part == ".." else real / part
            if real.is_symlink():
                links += 1
                if links > _MOST_LINKS:
                    raise UnreadableFileError(_UNREADABLE, file=name, reason="links in a circle")
                if not self.is_own(real):
                    raise UnreadableFileError(_UNREADABLE, file=name, reason=f"{real} is not root's link")
                target = str(real.readlink())
                real, rest = (self.root if target.startswith("/") else real.parent), target.split("/") + rest
        return real

    def is_own(self, path: Path) -> bool:
        """Tells whether a file, folder or link belongs to root, to us, or to whom the whole tree belongs."""
        return path.lstat().st_uid in {0, os.geteuid(), self.root.stat().st_uid}

    def read(self, name: str) -> str | None:
        """Returns the text of a file, what is no UTF-8 in it as surrogates; None: there is no such file.

        Raises:
            UnreadableFileError: It is there and cannot be read.
        """
        try:
            return read_file(self.real(name)).decode("utf-8", "surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UnreadableFileError(_UNREADABLE, file=name, reason=error.strerror) from error

    def names(self, pattern: str) -> list[str]:
        """Returns the names of the files that a pattern such as ``/etc/logrotate.d/*`` matches, sorted."""
        found = (f"/{path.relative_to(self.root)}" for path in self.root.glob(pattern.lstrip("/")))
        return sorted(name for name in found if self._is_file(name))

    def _is_file(self, name: str) -> bool:
        try:
            return self.real(name).is_file()
        except UnreadableFileError:  # anybody may lay such a link into a folder of theirs
            return False

    def run(self, *command: str, patience: float = _PATIENCE, text: str | None = None) -> Answer | None:
        """Runs a program of the machine with ``text`` on its standard input.

        Returns:
            What it said; None if it is not installed, did not end within ``patience`` seconds, said more than
            16 MiB, or ``root`` is a tree of files.
        """
        if not self.is_live:
            return None
        try:
            return run_program(command, patience=patience, text=text or "")
        except ProgramError:
            return None


def read_file(real: Path) -> bytes:
    """Returns the content of a file whose links were followed: one that was put there since is not.

    Its folder may be another user's, who could put a FIFO there: nothing is waited for.

    Raises:
        OSError: It cannot be read, is longer than 64 MiB, or is a link or no file by now.
    """
    if real == Path(os.devnull):  # systemd's way to say that there is nothing
        return b""
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(real))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(_MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > _MOST_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(real))
    return content


@dataclass(frozen=True, slots=True)
class Change:
    """What shall stand in a file: ``after`` in place of ``before``; None: no file.

    ``mode`` and ``owner`` (``user:group``) are those of a new file; one that is there keeps its own.
    ``is_link``: it is a symbolic link, and ``after`` is where it leads.
    """

    name: str
    before: str | None
    after: str | None
    mode: int = 0o644
    owner: str = "root:root"
    is_link: bool = False

    def diff(self) -> str:
        """Returns the change as a unified diff, with secrets of the lines around it hidden."""
        before, after = ((text or "").splitlines(keepends=True) for text in (self.before, self.after))
        old, new = (self.name if text is not None else "/dev/null" for text in (self.before, self.after))
        lines = difflib.unified_diff(before, after, old, new, n=2)
        ended = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
        return "".join(_SECRET.sub(r"\1…", line) for line in ended)


class PlannedChanges:
    """A machine with changes that are not made yet: reads as if they were."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._changes: dict[str, Change] = {}

    def read(self, name: str) -> str | None:
        """Returns the text of a file as it shall be, or None: there shall be none.

        Raises:
            UnreadableFileError: It is there and cannot be read.
        """
        return self._changes[name].after if name in self._changes else self.machine.read(name)

    def names(self, pattern: str) -> list[str]:
        """Returns the names of the files that a pattern such as ``/etc/logrotate.d/*`` matches, sorted."""
        planned = {each.name: each.after for each in self._changes.values()}
        there = {name for name in self.machine.names(pattern) if planned.get(name, name) is not None}
        return sorted(
            there
            | {name for name, after in planned.items() if after is not None and PurePath(name).match(pattern)}
        )

    def write(self, name: str, text: str | None, *, mode: int = 0o644, owner: str = "root:root") -> None:
        """Notes what shall stand in a file; None: it shall be gone."""
        before = self._changes[name].before if name in self._changes else self.machine.read(name)
        self._changes[name] = Change(name, before, text, mode, owner)

    def link(self, name: str, target: str) -> None:
        """Notes that a symbolic link shall stand there, unless something does."""
        if not self.machine.path(name).is_symlink():
            self._changes[name] = Change(name, None, target, is_link=True)

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        """Notes a change of a file's present text; one that is not there counts as empty."""
        self.write(name, change(self.read(name) or ""))

    def changes(self) -> Sequence[Change]:
        """Returns what differs from the machine, in the order in which it was first noted."""
        return [change for change in self._changes.values() if change.before != change.after]
