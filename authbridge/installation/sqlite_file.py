"""Reads and writes SQLite's file with the rights of the service's user, in a process of its own.

The folder is that user's: as root we would follow its links, and do what stands in its journals; a FIFO in
place of a file, or a lock, would hold us up for ever.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager

from authbridge.installation.steps import Installation, InstallationError
from authbridge.installation.system import USER
from authbridge.machine.programs import ProgramError, exchange

_PYTHON = "/usr/bin/python3"  # as deploy/install; one of a virtual environment may not be for that user
_PATIENCE = 120.0  # seconds
_MOST_BYTES = 1024**3  # as many as SQLite takes into memory (SQLITE_MEMDB_DEFAULT_MAXSIZE)
# Only one that is there is read; SQLite would make an empty one.
_PROGRAM = """
import pathlib, sqlite3, sys
memory = sqlite3.connect(":memory:")
verb, file = sys.argv[1], pathlib.Path(sys.argv[2]).as_uri()
if verb == "read":
    sqlite3.connect(f"{file}?mode=rw", uri=True).backup(memory)
    if memory.execute("PRAGMA page_count").fetchone()[0]:
        sys.stdout.buffer.write(memory.serialize())
else:
    memory.deserialize(sys.stdin.buffer.read())
    memory.backup(sqlite3.connect(f"{file}?mode=rwc", uri=True))
"""


def read_content(installation: Installation, file: str) -> bytes:
    """Returns the content of a file with the same data, whatever journals there are beside it.

    Raises:
        InstallationError: They cannot be read, or somebody holds a lock on them.
    """
    return _ask(installation, "read", file)


@contextmanager
def open_content(content: bytes) -> Iterator[sqlite3.Connection]:
    """Opens the content of such a file in memory.

    Raises:
        InstallationError: It is none, or lacks what is asked for.
    """
    try:
        with closing(sqlite3.connect(":memory:")) as data:
            if content:
                data.deserialize(_without_journal(content))
            yield data
    except sqlite3.Error as error:
        raise InstallationError("The database cannot be read: %(reason)s", reason=error) from error


def write_content(installation: Installation, file: str, content: bytes) -> None:
    """Puts the content of a file in the place of the data, in one transaction.

    Raises:
        InstallationError: They cannot be written, somebody holds a lock on them, or there is no content.
    """
    if not content:
        raise _fault(file, "The copy is empty.")
    _ask(installation, "write", file, _without_journal(content))


def without_rows(content: bytes, tables: Collection[str]) -> bytes:
    """Returns the content without the rows of these tables, nor their bytes.

    Raises:
        InstallationError: It is none.
    """
    with open_content(content) as data:
        present = {name for (name,) in data.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in present.intersection(tables):
            data.execute(f"DELETE FROM {table}")  # noqa: S608 - a table of ours
        data.commit()
        data.execute("VACUUM")
        return data.serialize()


def _without_journal(content: bytes) -> bytes:
    # In memory there is no write-ahead log; bytes 18 and 19 say so (sqlite.org/c3ref/deserialize.html).
    return content[:18] + b"\1\1" + content[20:] if content else b""


def _ask(installation: Installation, verb: str, file: str, content: bytes = b"") -> bytes:
    system, place = installation.system, installation.machine.real(file)
    owner = system.ids(USER, USER) if system.may_give else None
    command = (_PYTHON, "-I", "-c", _PROGRAM, verb, str(place))
    try:
        answer = exchange(command, content, patience=_PATIENCE, most=_MOST_BYTES, environ={}, owner=owner)
    except ProgramError as error:
        raise _fault(file, f"{error} A lock, or what is no file, may be in the way.") from error
    if answer.code != 0:
        said = answer.errors.decode("utf-8", "replace").strip().splitlines() or [""]
        raise _fault(file, said[-1].removeprefix("sqlite3.OperationalError: "))
    return answer.output


def _fault(file: str, reason: str) -> InstallationError:
    return InstallationError("The database %(file)s cannot be opened: %(reason)s", file=file, reason=reason)
