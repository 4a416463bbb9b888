"""Finds whether PostgreSQL writes values of rows into a log of its own, where no deletion reaches them.

All values are bound parameters, and only ``log_error_verbosity`` decides whether PostgreSQL adds them to what
it logs: the details of a failed statement have the whole row, those of a logged statement its parameters.

Source: PostgreSQL's documentation, "Error Reporting and Logging"; seen with PostgreSQL 15.
"""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from authbridge.machine.findings import Finding, Level, Remark

_ID = "database-log"
_OFF = {  # each can log statements that succeed: the values with which it does not
    "log_statement": {"none", "ddl"},
    "log_min_duration_statement": {"-1"},
    "log_min_duration_sample": {"-1"},
    "log_transaction_sample_rate": {"0"},
}
_SETTINGS = text("SELECT name, setting FROM pg_settings WHERE name LIKE 'log%'")
_TERSE = "ALTER SYSTEM SET log_error_verbosity = terse;\nSELECT pg_reload_conf();"  # as in deploy/README.md


def examine_log(session: Session) -> Finding:
    """Returns what the settings say that hold for the service's own connections."""
    if session.get_bind().dialect.name == "sqlite":
        return Finding(_ID, Level.OK, Remark("SQLite has no log of its own."))
    settings: dict[str, str] = dict(session.execute(_SETTINGS).all())
    if settings.get("log_error_verbosity") == "terse":
        return Finding(_ID, Level.OK, Remark("PostgreSQL keeps the values of rows out of its own log."))
    is_every = _logs_statements(settings)
    return Finding(
        _ID,
        Level.ERROR if is_every else Level.WARNING,
        Remark("PostgreSQL writes addresses and login names of all logins into its own log.")
        if is_every
        else Remark("PostgreSQL writes whole rows into its own log when a statement fails."),
        Remark("That log keeps them when the rows are deleted; hashes of passwords can be among them."),
        line=_TERSE,
    )


def _logs_statements(settings: Mapping[str, str]) -> bool:
    is_on = any(settings.get(name, "-1") not in off for name, off in _OFF.items())
    return is_on and settings.get("log_parameter_max_length") != "0"
