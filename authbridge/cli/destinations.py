"""Hands secrets out that are shown once: written and safe first, in force afterwards, so that none is lost.

No transaction is open while a secret is written: a pager that nobody closes keeps no login waiting.
"""

import errno
import fcntl
import io
import os
import select
import signal
import stat
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import click

from authbridge.cli.streams import OutputError, UnsaidError
from authbridge.errors import AuthBridgeError, InputError, StorageError

_FAILED = "Nothing was issued, for {place} could not be written: {reason}."

_LOOK = 10  # milliseconds between two looks whether the reader of a pipe has taken everything


class HandoutError(AuthBridgeError):
    """Raised when secrets cannot be written where they were to go; nothing was issued."""


class Destination(Protocol):
    """The place to which secrets go; it is used once."""

    place: str

    def take(self, content: bytes) -> None:
        """Takes the secrets; returns when they are safe there.

        Raises :class:`authbridge.cli.streams.OutputError` or :class:`OSError` if they are not.
        """

    def take_back(self) -> None:
        """Removes the secrets, for they do not count, as far as they can be removed."""

    def confirm(self) -> None:
        """Gives the secrets their place, for they count.

        Raises :class:`authbridge.cli.streams.UnsaidError` if they stay where they are.
        """


def hand_out(destination: Destination, content: bytes, put_in_force: Callable[[], object]) -> None:
    """Writes ``content``, then calls ``put_in_force``, which commits.

    If the process is killed in between, the secrets are in somebody's hands and do not count, or do.  The
    other order could lose the only copy of a password that counts.

    Raises:
        HandoutError: The content cannot be written; nothing was issued.
    """
    try:
        destination.take(content)
    except OutputError as error:
        destination.take_back()
        raise HandoutError(_FAILED.format(place=destination.place, reason=error.reason)) from error
    except OSError as error:
        destination.take_back()
        raise HandoutError(_FAILED.format(place=destination.place, reason=error.strerror)) from error
    except BaseException:  # Ctrl-C in front of a reader that takes nothing
        destination.take_back()
        click.echo("Nothing was issued.", err=True)
        raise
    with _uninterrupted():
        _put_in_force(destination, put_in_force)
        destination.confirm()


def _put_in_force(destination: Destination, put_in_force: Callable[[], object]) -> None:
    try:
        put_in_force()
    except StorageError:
        # PostgreSQL may have committed, and its answer was lost.
        click.echo(
            f"It is not certain whether this was issued. Keep what was written ({destination.place}), and "
            "look when the database answers: what is listed counts. If in doubt, reset it.",
            err=True,
        )
        raise
    except AuthBridgeError:
        destination.take_back()
        click.echo("Nothing was issued; what was written is void.", err=True)
        raise


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignores Ctrl-C, which could come between the commit and its return, and would look like a failure."""
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


class StandardOutput:
    """Standard output: a file of the shell's, a pipe or a screen."""

    place = "standard output"

    def __init__(self) -> None:
        self._start: int | None = None  # where a file ended before; None for what is no file

    def take(self, content: bytes) -> None:
        """Writes, and waits until a disk has it, or the reader of a pipe."""
        descriptor = _descriptor()
        mode = 0 if descriptor is None else os.fstat(descriptor).st_mode
        if descriptor is not None and stat.S_ISREG(mode):
            self._start = os.fstat(descriptor).st_size
        click.echo(content, nl=False)
        if self._start is not None and descriptor is not None:
            os.fsync(descriptor)
        elif descriptor is not None and stat.S_ISFIFO(mode):
            _await_reader(descriptor)

    def take_back(self) -> None:
        """Cuts a file off where it ended before; what was printed cannot be taken back."""
        descriptor = _descriptor()
        if self._start is not None and descriptor is not None:
            with suppress(OSError):
                os.ftruncate(descriptor, self._start)
                os.lseek(descriptor, self._start, os.SEEK_SET)

    def confirm(self) -> None:
        """Does nothing: what was written is in its place."""


def _descriptor() -> int | None:
    try:
        return sys.stdout.fileno()
    except io.UnsupportedOperation:  # a stream in memory
        return None


def _await_reader(pipe: int) -> None:
    """Waits until the pipe is empty.

    A printer that is killed with the passwords still in the pipe would lose them, and no write would fail.
    """
    poll = select.poll()
    poll.register(pipe, 0)  # errors alone
    while int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder):
        if poll.poll(_LOOK):
            raise OutputError(BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)))


class NewFile:
    """A new file, readable by its owner alone; its name ends in ``.part`` until what it holds counts.

    The empty file with the final name keeps the name free until then.
    """

    def __init__(self, path: Path) -> None:
        """Makes both files.

        Raises:
            InputError: They cannot be made.
        """
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self.place = str(self._part)
        if self._part.exists():
            raise InputError(
                f"{self._part} was left by a command that was cut off, and may hold passwords: "
                f"look into {self._part.name} first. Nothing was issued."
            )
        os.close(_new_private_file(path))
        try:
            self._file = _new_private_file(self._part)
        except InputError:
            path.unlink()
            raise
        self._is_empty = True

    def take(self, content: bytes) -> None:
        """Writes onto the disk."""
        self._is_empty = False
        with os.fdopen(self._file, "wb", closefd=False) as file:
            file.write(content)
            file.flush()
            os.fsync(self._file)

    def take_back(self) -> None:
        """Removes both files."""
        self._path.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)

    def confirm(self) -> None:
        """Gives the file its final name."""
        try:
            self._part.replace(self._path)
        except OSError as error:
            words = f"Issued. The passwords stand in {self._part}, which could not be renamed."
            raise UnsaidError(words, OutputError(error)) from error

    def close(self) -> None:
        """Closes the file; removes both if nothing was written."""
        os.close(self._file)
        if self._is_empty:
            self.take_back()


def _new_private_file(path: Path) -> int:
    try:
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise InputError(f"{path} cannot be made: {error.strerror}. Nothing was issued.") from error
