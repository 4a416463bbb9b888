"""Lets all databases of a process share their compiled statements: each test opens databases of its own."""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import Dialect

_Key = tuple[Any, ...]


class CompiledStatements(dict[_Key, Any]):
    """What SQLAlchemy has compiled, by the statement and the kind of database instead of the one database."""

    def get(self, key: _Key, default: Any = None) -> Any:  # noqa: ANN401 - as a dict has it
        """Returns a compiled statement, ``default`` if there is none yet."""
        return super().get(_shared(key), default)

    def __setitem__(self, key: _Key, compiled: Any) -> None:  # noqa: ANN401 - likewise
        super().__setitem__(_shared(key), compiled)


def _shared(key: _Key) -> _Key:
    dialect, *rest = key
    assert isinstance(dialect, Dialect)
    return dialect.name, dialect.paramstyle, *rest


def share_compiled_statements() -> None:
    """Lets every connection from now on look there first; compiling takes longer than asking SQLite."""
    shared = CompiledStatements()

    @event.listens_for(Engine, "engine_connect")
    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=shared)
