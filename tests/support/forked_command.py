"""``authbridge …`` in a process of its own, with real descriptors; forked, for a new Python is slow."""

import gc
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from authbridge.cli import run

Hook = Callable[[], None]


def do_nothing() -> None:
    """The hook of a command that runs as it does."""


@dataclass(frozen=True, slots=True)
class Running:
    """A command that has begun; its standard error goes to a file."""

    pid: int
    complaints: Path

    def wait(self) -> "Ended":
        """Returns how it ended."""
        _, status = os.waitpid(self.pid, 0)
        return Ended(os.waitstatus_to_exitcode(status), self.complaints.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended: its exit code (-9: killed) and standard error."""

    code: int
    stderr: str


def start_forked(
    environ: Mapping[str, str],
    *arguments: str,
    stdout: int,
    encoding: str = "utf-8",
    hook: Hook = do_nothing,
    unread: int | None = None,
) -> Running:
    """Starts a command; ``hook`` is called in its process first, ``encoding`` is that of its locale.

    ``unread`` is the other end of a pipe, which the fork must not hold open.
    """
    number, name = tempfile.mkstemp(dir=environ["TMPDIR"])
    pid = os.fork()
    if pid:
        os.close(number)
        return Running(pid, Path(name))
    os.dup2(stdout, 1)
    os.dup2(number, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell has started with "&"
    gc.freeze()  # what the tests have left open is theirs: closed here, its locks and numbers would be ours
    if unread is not None:
        os.close(unread)
    os._exit(_run(environ, arguments, encoding, hook))


def _run(environ: Mapping[str, str], arguments: tuple[str, ...], encoding: str, hook: Hook) -> int:
    os.environ.update(environ)
    sys.argv = ["authbridge", *arguments]
    sys.stdout = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115 - for the process's whole life
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - likewise
    hook()
    try:
        run()
    except SystemExit as ended:
        return _flush(int(ended.code or 0))
    except BaseException:  # noqa: BLE001 - the fork must not go on as a second pytest
        traceback.print_exc()
    return 99


def _flush(code: int) -> int:
    """Does what Python does at the end of a process."""
    try:
        sys.stdout.flush()
    except OSError:
        return 120
    return code
