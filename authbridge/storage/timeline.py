"""Names the line of a database's history: a promoted standby of PostgreSQL begins another one."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class Timeline(GenericFunction[str]):
    """Gives "-" and the timeline (8 hexadecimal digits) on PostgreSQL, and "" on SQLite, which has one line.

    It fails on a server that is still a standby
    (https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-BACKUP).
    """

    name = "timeline"
    type = String()
    inherit_cache = True


@compiles(Timeline)
def _compile(_element: Timeline, _compiler: Any, **_options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    return "''"


@compiles(Timeline, "postgresql")
def _compile_for_postgresql(_element: Timeline, _compiler: Any, **_options: Any) -> str:  # noqa: ANN401
    return "'-' || left(pg_walfile_name(pg_current_wal_lsn()), 8)"
