"""Changes files so that all of it can be taken back: copies first, one file at a time, each as a whole.

An entry of the ledger is a folder that only root may read (Prosody's and jicofo's files hold secrets):
``entry.json``, and beside it each file as it was and as we wrote it.  It is complete on the disk before the
first file changes, and a file is either as before or as after: who is killed in the middle can take it back.
"""

import contextlib
import grp
import hashlib
import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from authbridge.machine.files import Change, Machine, UnreadableFileError, read_file
from authbridge.machine.whole_files import removed_on_failure, sync, write_whole

FOLDER = "/var/lib/authbridge-changes"
"""Where the ledger of a machine stands."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """Who may do what with a file."""

    mode: int
    user: int
    group: int

    @classmethod
    def of(cls, path: Path) -> "Attributes":
        """Returns those of a file that is there."""
        status = path.lstat()
        return cls(status.st_mode & 0o7777, status.st_uid, status.st_gid)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of an entry: before and after as SHA-256 (None: no file), and what else has to come back.

    ``modified`` is when it was last changed before, in nanoseconds since 1970.
    """

    name: str
    before: str | None
    after: str | None
    is_link: bool
    attributes: Attributes
    modified: int
    made_folders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of a file when an entry was taken back.

    ``is_restored``: it is byte for byte as before.  Else somebody else has changed it since, and either only
    our lines were taken out, or (``copy``) that was not possible: there it lies as it was before us.
    """

    name: str
    is_restored: bool
    copy: str | None = None


class Ledger:
    """What was changed on a machine and not taken back yet, oldest first."""

    def __init__(self, machine: Machine, folder: str = FOLDER) -> None:
        self._machine = machine
        self._folder = machine.path(folder)

    def apply(self, changes: Sequence[Change], *, by: str) -> None:
        """Makes the changes; ``by`` names them for :meth:`undo`, for example ``doctor``.

        Raises:
            OSError: A file could not be written, mostly on a full disk.  All are as before, if that was
                possible; else what was changed stands in the ledger.
        """
        self._sweep()
        if not changes:
            return
        entry = self._make_entry()
        try:
            self._write_entry(entry, changes, by)
            for number, kept in enumerate(_read_entry(entry)):
                self._put(kept, None if kept.after is None else entry / f"{number}.after")
        except OSError:
            with contextlib.suppress(OSError):  # the disk may be too full for the way back, too
                self._undo([entry] if (entry / "entry.json").exists() else [])
            raise

    def undo(self, by: str) -> list[Undone]:
        """Takes back all that was changed under that name, the latest first.

        What cannot be taken back (see :class:`Undone`) is left as it is, and its entry stays.

        Raises:
            OSError: A file could not be written.  Undo again when the cause is mended.
        """
        return self._undo(self._entries(by))

    def undo_last(self, by: str) -> list[Undone]:
        """Takes back what the last :meth:`apply` under that name has changed; as :meth:`undo` in all else."""
        return self._undo(self._entries(by)[-1:])

    def holds(self, by: str) -> bool:
        """Tells whether something was changed under that name and not taken back."""
        return bool(self._entries(by))

    def names(self, by: str) -> list[str]:
        """Returns the files that were changed under that name."""
        return [kept.name for entry in self._entries(by) for kept in _read_entry(entry)]

    def _undo(self, entries: Sequence[Path]) -> list[Undone]:
        self._sweep()
        undone = []
        for entry in reversed(entries):
            of_entry = [
                self._take_back(entry, number, kept)
                for number, kept in reversed(list(enumerate(_read_entry(entry))))
            ]
            undone += of_entry
            if all(each.copy is None for each in of_entry):
                _remove(entry)
        with contextlib.suppress(OSError):  # others' entries are left in it
            self._folder.rmdir()
        return undone

    def _sweep(self) -> None:
        # Without entry.json nothing was changed yet, or all is taken back.
        for path in self._folder.glob("*"):
            if not (path / "entry.json").exists():
                shutil.rmtree(path)

    def _entries(self, by: str) -> list[Path]:
        complete = sorted(path.parent for path in self._folder.glob("*/entry.json"))
        return [entry for entry in complete if json.loads((entry / "entry.json").read_bytes())["by"] == by]

    def _make_entry(self) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        numbers = [int(path.name) for path in self._folder.iterdir() if path.name.isdigit()]
        entry = self._folder / f"{max(numbers, default=0) + 1:04}"
        entry.mkdir(mode=0o700)
        return entry

    def _write_entry(self, entry: Path, changes: Sequence[Change], by: str) -> None:
        files = []
        for number, change in enumerate(changes):
            for state, text in (("before", change.before), ("after", change.after)):
                if text is not None:
                    write_whole(entry / f"{number}.{state}", _encode(text), mode=0o600)
            files.append(asdict(self._keep(change)))
        write_whole(
            entry / "entry.json", json.dumps({"by": by, "files": files}, indent=1).encode(), mode=0o600
        )
        sync(self._folder)

    def _keep(self, change: Change) -> Kept:
        attributes, modified = Attributes(change.mode, *_ids(change.owner)), 0
        if change.before is not None:
            real = self._machine.real(change.name)
            attributes, modified = Attributes.of(real), real.stat().st_mtime_ns
        parents = self._machine.path(change.name).parents
        return Kept(
            name=change.name,
            before=_digest(change.before),
            after=_digest(change.after),
            is_link=change.is_link,
            attributes=attributes,
            modified=modified,
            made_folders=tuple(
                f"/{each.relative_to(self._machine.root)}" for each in parents if not each.exists()
            ),
        )

    def _take_back(self, entry: Path, number: int, kept: Kept) -> Undone:
        present = self._digest_of(kept.name, is_link=kept.is_link)
        copy = entry / f"{number}.before"
        if present not in {kept.before, kept.after}:
            return self._take_out(entry, number, kept)
        if present == kept.after:
            self._put(kept, None if kept.before is None else copy, modified=kept.modified)
        self._tidy(kept)
        return Undone(kept.name, is_restored=True)

    def _take_out(self, entry: Path, number: int, kept: Kept) -> Undone:
        # Somebody changed the file after us: our lines go, theirs stay, if the two do not touch.
        real = self._machine.real(kept.name)
        copy, ours = entry / f"{number}.before", entry / f"{number}.after"
        if kept.is_link or kept.before is None or kept.after is None or not real.exists():
            return Undone(kept.name, is_restored=False, copy=str(copy))
        theirs = entry / f"{number}.theirs"
        write_whole(theirs, read_file(real), mode=0o600)
        merged = subprocess.run(["diff3", "-m", theirs, ours, copy], check=False, capture_output=True)  # noqa: S603, S607
        if merged.returncode != 0:
            return Undone(kept.name, is_restored=False, copy=str(copy))
        _replace(self._place(kept.name), merged.stdout, Attributes.of(real))
        return Undone(kept.name, is_restored=False)

    def _put(self, kept: Kept, source: Path | None, *, modified: int | None = None) -> None:
        path = self._machine.path(kept.name)
        if source is None:
            path.unlink(missing_ok=True)
        elif kept.is_link:
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                path.symlink_to(_decode(source.read_bytes()))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self._place(kept.name), source.read_bytes(), kept.attributes, modified)
        if path.parent.exists():
            sync(path.parent)

    def _place(self, name: str) -> Path:
        # Who owns a folder can put a link in the place of one in it, after we have looked.
        real = self._machine.real(name)
        on_the_way = [each for each in real.parent.parents if each.is_relative_to(self._machine.root)]
        if not all(map(self._machine.is_own, on_the_way)):
            raise UnreadableFileError(
                "%(file)s stays as it is: the way to it leads through a folder that is not root's.", file=name
            )
        return real

    def _tidy(self, kept: Kept) -> None:
        # What somebody who was killed has left, and the folders that were made for the file.
        _new_name(self._machine.real(kept.name)).unlink(missing_ok=True)
        for name in kept.made_folders:
            try:
                self._machine.path(name).rmdir()
            except FileNotFoundError:
                continue
            except OSError:  # something else has come into it
                return

    def _digest_of(self, name: str, *, is_link: bool) -> str | None:
        if is_link:
            path = self._machine.path(name)
            return _digest(str(path.readlink())) if path.is_symlink() else None
        try:
            return hashlib.sha256(read_file(self._machine.real(name))).hexdigest()
        except FileNotFoundError:
            return None


def _read_entry(entry: Path) -> Iterator[Kept]:
    for fields in json.loads((entry / "entry.json").read_bytes())["files"]:
        yield Kept(
            **{
                **fields,
                "attributes": Attributes(**fields["attributes"]),
                "made_folders": tuple(fields["made_folders"]),
            }
        )


def _remove(entry: Path) -> None:
    # First what makes it an entry: killed in between, it is none any more.
    (entry / "entry.json").unlink()
    sync(entry)
    shutil.rmtree(entry)


def _new_name(real: Path) -> Path:
    # A name that nobody reads, should we be killed while it is there: nginx and Prosody leave out names that
    # begin with a point, and logrotate reads just those whatever they end with.
    point = "" if real.parent.name == "logrotate.d" else "."
    return real.with_name(f"{point}{real.name}.dpkg-new")


def _replace(real: Path, content: bytes, attributes: Attributes, modified: int | None = None) -> None:
    new = _new_name(real)
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with removed_on_failure(new), os.fdopen(descriptor, "wb") as file:
        if os.geteuid() == 0:
            os.fchown(descriptor, attributes.user, attributes.group)
        os.fchmod(descriptor, attributes.mode)
        file.write(content)
        file.flush()
        if modified is not None:
            os.utime(descriptor, ns=(modified, modified))
        os.fsync(descriptor)
    new.rename(real)


def _ids(owner: str) -> tuple[int, int]:
    user, _, group = owner.partition(":")
    return pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid


def _digest(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(_encode(text)).hexdigest()


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decode(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")
