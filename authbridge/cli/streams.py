"""Standard output and standard error of the command line, which no locale and no full disk brings down.

A character that the locale lacks is written in ASCII.  If standard output takes nothing more, each write
raises :class:`OutputError`; standard error falls silent instead, for nobody is left to be told.
"""

import codecs
import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_IN_ASCII = "authbridge.in_ascii"
_PLAIN = str.maketrans({"“": '"', "”": '"', "„": '"', "’": "'", "–": "-", "—": "-", "…": "...", "×": "x"})
_REASONS = {errno.EPIPE: "its reader has gone", errno.EBADF: "it is closed"}


class OutputError(click.ClickException):
    """Raised when standard output takes nothing more; ``reason`` completes "standard output: …"."""

    def __init__(self, error: OSError) -> None:
        self.reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
        self._is_wanted = error.errno != errno.EPIPE
        super().__init__(f"The output could not be written: {self.reason}.")

    def show(self, file: object = None) -> None:  # noqa: ARG002 - as click has it
        """Says so, but not to a person whose pager or "head" has read enough."""
        if self._is_wanted:
            click.echo(f"Error: {self.message}", err=True)


class UnsaidError(OutputError):
    """Raised when a command has done its work, and standard output does not take the words for it."""

    exit_code = 5

    def __init__(self, words: str, error: OutputError) -> None:
        click.ClickException.__init__(self, words)
        self.reason = error.reason

    def show(self, file: object = None) -> None:  # noqa: ARG002 - as click has it
        """Says on standard error what was done."""
        click.echo(self.message, err=True)
        click.echo(f"That stands; only the output could not be written: {self.reason}.", err=True)


class _Output(io.FileIO):
    """Standard output: raises :class:`OutputError` at the first fault, and drops what comes after it.

    Else Python would write once more at its end, and turn the exit code into 120.
    """

    _is_dead = False

    def write(self, content: "ReadableBuffer", /) -> int:
        size = memoryview(content).nbytes
        if self._is_dead:
            return size
        try:
            # A pipe that another program has made non-blocking takes nothing while it is full.
            while (written := super().write(content)) is None:
                select.select([], [self], [])
        except OSError as error:
            self._is_dead = True
            return self._fail(error, size)
        return written

    def _fail(self, error: OSError, _size: int) -> int:
        raise OutputError(error) from None


class _Complaints(_Output):
    """Standard error: drops what it cannot write."""

    def _fail(self, _error: OSError, size: int) -> int:
        return size


def open_streams() -> None:
    """Replaces ``sys.stdout``, ``sys.stderr`` and a closed ``sys.stdin``; called once, before all else."""
    codecs.register_error(_IN_ASCII, _in_ascii)
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None:
            _occupy(number)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as we run
    sys.stdout = _text(_Output(1, "wb", closefd=False), sys.stdout)
    sys.stderr = _text(_Complaints(2, "wb", closefd=False), sys.stderr)


def _text(raw: io.FileIO, former: TextIO | None) -> io.TextIOWrapper:
    encoding = getattr(former, "encoding", None) or "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, _IN_ASCII, line_buffering=True)


def _occupy(number: int) -> None:
    """Gives a closed descriptor to a file that cannot be written: else the database would be given it."""
    descriptor = os.open(os.devnull, os.O_RDONLY)
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Replaces typographic marks by those of a typewriter, other characters by their number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end
