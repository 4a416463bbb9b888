"""A database that can only be read."""

from contextlib import closing
from typing import Any

from sqlalchemy import event

from authbridge.storage.database import Database


def forbid_to_write(database: Database) -> None:
    """Lets the database itself refuse changes, on every connection that is opened from now on."""
    forbid = "PRAGMA query_only = ON" if database.is_sqlite else "SET default_transaction_read_only = ON"

    @event.listens_for(database.engine, "connect")
    def tell(connection: Any, _record: Any) -> None:  # noqa: ANN401
        with closing(connection.cursor()) as cursor:
            cursor.execute(forbid)
        if not database.is_sqlite:
            connection.commit()

    database.engine.dispose()
