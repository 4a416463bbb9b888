"""Tells whether a standby of PostgreSQL may lack what was committed."""

from sqlalchemy import Connection, text

_FOLLOWERS = "SELECT count(*) FROM pg_stat_replication"  # the rows are there for everybody, the details not
_WAITS = (
    "SELECT current_setting('synchronous_standby_names') <> ''"
    " AND current_setting('synchronous_commit') NOT IN ('off', 'local')"
)


def loses_commits(connection: Connection) -> bool:
    """Tells whether a server follows this one, and a commit does not wait for it; False on SQLite."""
    if connection.dialect.name != "postgresql":
        return False
    followers: int = connection.execute(text(_FOLLOWERS)).scalar_one()
    waits: bool = connection.execute(text(_WAITS)).scalar_one()
    return followers > 0 and not waits
