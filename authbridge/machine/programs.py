"""Runs other programs so that none commands our terminal, fills our memory, or keeps us waiting for ever.

Some run as other users, who may be up to no good: we are root.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

from authbridge.errors import AuthBridgeError

_MOST_BYTES = 16 * 1024 * 1024  # of one answer; the longest, of logrotate, has some hundred thousand
_AT_ONCE = 65_536  # bytes
_GRACE = 5.0  # seconds to end in, before it is killed; runuser takes 2


class ProgramError(AuthBridgeError):
    """Raised when a program cannot be run, does not end in time, or says too much."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program said: its exit code, standard output and standard error."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer in bytes."""

    code: int
    output: bytes
    errors: bytes

    def decoded(self) -> Answer:
        """Returns it as text; what is no UTF-8 is replaced."""
        output, errors = (each.decode("utf-8", "replace") for each in (self.output, self.errors))
        return Answer(self.code, output, errors)


def run_program(command: Sequence[str], *, patience: float, text: str = "") -> Answer:
    """Runs a program with ``text`` on its standard input, for ``patience`` seconds at most.

    Raises:
        ProgramError: It cannot be run, did not end in time, or said more than 16 MiB.
    """
    return exchange(command, text.encode("utf-8", "surrogateescape"), patience=patience).decoded()


def exchange(  # noqa: PLR0913 - as Popen has them
    command: Sequence[str],
    given: bytes | BinaryIO,
    *,
    patience: float,
    most: int = _MOST_BYTES,
    environ: Mapping[str, str] | None = None,
    owner: tuple[int, int] | None = None,
    into: BinaryIO | None = None,
    is_joined: bool = False,
) -> RawAnswer:
    """Runs a program as :func:`run_program` does, but with bytes or files.

    ``owner``: as that user and group alone.  ``into``: its output goes into that file.  ``is_joined``: what
    it writes to standard error stands in its output, in the order in which it came.

    It has a session of its own: with our terminal, a program of another user could type what root's shell
    does next (``TIOCSTI``), and ``runuser`` leaves it that.

    Raises:
        ProgramError: It cannot be run, did not end in time, or said more than ``most`` bytes.
    """
    deadline = time.monotonic() + patience
    errors = subprocess.STDOUT if is_joined else subprocess.PIPE
    try:
        with (
            _as_file(given) as file,
            _ended(_start(command, (file, into or subprocess.PIPE, errors), environ, owner)) as process,
        ):
            output, said = _read(process, command[0], deadline, most)
            code = process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise ProgramError("%(program)s does not end.", program=command[0]) from error
    except OSError as error:
        raise ProgramError(
            "%(program)s cannot be run: %(reason)s", program=command[0], reason=error.strerror
        ) from error
    return RawAnswer(code, output, said)


@contextmanager
def _as_file(given: bytes | BinaryIO) -> Iterator[BinaryIO]:
    if not isinstance(given, bytes):
        yield given
        return
    # In memory: the disk may be full.
    with os.fdopen(os.memfd_create("input"), "w+b") as file:
        file.write(given)
        file.seek(0)
        yield file


def _start(
    command: Sequence[str],
    streams: tuple[BinaryIO, BinaryIO | int, int],
    environ: Mapping[str, str] | None,
    owner: tuple[int, int] | None,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - no shell; every caller names the program
        command,
        stdin=streams[0],
        stdout=streams[1],
        stderr=streams[2],
        env=environ,
        cwd="/",
        user=owner and owner[0],
        group=owner and owner[1],
        extra_groups=owner and (),
        start_new_session=True,
    )


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    with process:
        try:
            yield process
        except BaseException:
            _end(process)
            raise


def _end(process: subprocess.Popen[bytes]) -> None:
    # The group has its number, and holds what it has started.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        os.killpg(process.pid, signal.SIGKILL)


def _read(process: subprocess.Popen[bytes], program: str, deadline: float, most: int) -> tuple[bytes, bytes]:
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, said in ((process.stdout, output), (process.stderr, errors)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, said)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(program, 0)
            for key, _ in ready:
                content = os.read(key.fd, _AT_ONCE)
                key.data.extend(content)
                if not content:
                    selector.unregister(key.fileobj)
            if len(output) + len(errors) > most:
                raise ProgramError("%(program)s says more than can be taken.", program=program)
    return bytes(output), bytes(errors)
