"""Builds statements that several tables need: insert or else change, and delete a little at a time."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, delete, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import InstrumentedAttribute, Session

UNSYNCHRONISED = {"synchronize_session": False}  # nothing of it is held by the session

_BATCH = 500  # rows a transaction: a login waits for the writer before it


def upsert(
    table: Table,
    *,
    key: Collection[str],
    changed: Collection[str],
    add: bool = False,
    where: ColumnElement[bool] | None = None,
) -> postgresql.Insert:
    """Builds an INSERT with a parameter for each column; of an existing key it sets the columns ``changed``.

    ``add`` adds to these columns; ``where`` selects the rows that may be changed.
    """
    # PostgreSQL's form; SQLAlchemy writes it for SQLite in the same words.
    new = postgresql.insert(table).values({name: bindparam(name) for name in _names(table)})
    changes = {name: table.c[name] + new.excluded[name] if add else new.excluded[name] for name in changed}
    return new.on_conflict_do_update(index_elements=list(key), set_=changes, where=where)


def _names(table: Table) -> list[str]:
    return [column.name for column in table.c if column is not table.autoincrement_column]


def delete_some(session: Session, identity: InstrumentedAttribute[Any], is_old: ColumnElement[bool]) -> bool:
    """Deletes some of the rows that are too old; returns whether there may be more."""
    some = select(identity).where(is_old).limit(_BATCH)
    query = delete(identity.class_).where(identity.in_(some)).returning(identity)
    return len(session.execute(query, execution_options=UNSYNCHRONISED).all()) == _BATCH
