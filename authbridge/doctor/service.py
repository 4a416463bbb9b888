"""Examines what only the service's own user may look at: the settings and the database."""

from authbridge.doctor import reports
from authbridge.doctor.reports import Report
from authbridge.errors import StorageError
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.storage import schema
from authbridge.storage.database import Database


def examine_service(database: Database) -> list[Finding]:
    """Returns what is found; each finding once, also where all is well."""
    return [_of_database(database)]


def keep_report(database: Database, report: Report) -> None:
    """Keeps the report for the panel; where the database does not take it, the report itself says why."""
    try:
        with database.write_session() as session:
            reports.keep(session, report)
    except StorageError:
        return


def _of_database(database: Database) -> Finding:
    try:
        schema.require_current(database)
    except StorageError as error:
        return Finding("database", Level.ERROR, Remark("%(fault)s", fault=error))
    return Finding("database", Level.OK, Remark("The database answers, and is of this program's version."))
