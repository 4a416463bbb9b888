"""Takes credentials over from a table in a thread: two thousand passwords take minutes to hash."""

import logging
from concurrent.futures import wait

from admin.issuing import WorkError
from admin.panel import Panel, current_panel, now, today
from admin.session.sessions import current_actor, current_session
from admin.stores.import_tables import ImportTable
from authbridge.audit import Actor
from authbridge.errors import AuthBridgeError, location_of
from authbridge.schools.credential_table import read_credentials
from authbridge.schools.importing import import_credentials
from authbridge.schools.school_table import read_schools

_log = logging.getLogger(__name__)

_SOON = 1.5  # seconds that the page waits before it shows progress


def keep_credentials(content: bytes) -> ImportTable:
    """Reads a table of credentials, and keeps it for the session that sent it.

    Raises:
        ImportFileError: The table has faults.
    """
    table = read_credentials(content, today=today())
    return _keep(ImportTable(current_session().id_hash, table.file, credentials=list(table.credentials)))


def keep_schools(content: bytes) -> ImportTable:
    """Reads a table of schools, and keeps it for the session that sent it.

    Raises:
        ImportFileError: The table has faults.
    """
    table = read_schools(content, today=today())
    return _keep(ImportTable(current_session().id_hash, table.file, schools=list(table.lines)))


def _keep(table: ImportTable) -> ImportTable:
    current_panel().import_tables.add(table, now=now())
    return table


def start(table: ImportTable) -> None:
    """Starts to hash the passwords of the table, and to take its credentials over."""
    panel = current_panel()
    table.begin()
    panel.import_tables.hold(table, now=now())
    wait([panel.issuers.submit(_work, panel, table, current_actor())], timeout=_SOON)


def _work(panel: Panel, table: ImportTable, actor: Actor) -> None:
    try:
        count = _import(panel, table, actor)
        if count is not None:
            table.finish(count)
    except AuthBridgeError as error:
        table.stop(error.with_traceback(None))  # a traceback refers to the passwords
    except Exception as error:  # noqa: BLE001 - a thread's last resort; its text may quote a password
        _log.error("bug: %s at %s", type(error).__name__, location_of(error))
        table.stop(WorkError("Something went wrong in the program itself. Please tell the technician."))
    panel.import_tables.release(table, now=panel.clock())


def _import(panel: Panel, table: ImportTable, actor: Actor) -> int | None:
    """Takes the credentials over; None if the session has ended: then nothing is done without its person."""

    def note(hashed: int) -> None:
        table.done = hashed

    return import_credentials(
        list(table.credentials),
        panel,
        actor=actor,
        pool=panel.hashers,
        note_hashed=note,
        is_wanted=lambda: panel.import_tables.holds(table, now=panel.clock()),
    )
