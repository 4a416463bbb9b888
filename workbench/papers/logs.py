"""Renders where login names and addresses stand: the tables of the database from their descriptions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, assert_never

from authbridge.data_protection.descriptions import (
    DataSubject,
    Keeping,
    KeptFor,
    KeptUntil,
    KeptWith,
    Months,
    TableDescription,
)
from authbridge.data_protection.inventory import INVENTORY
from authbridge.login.limits import Limits
from workbench.papers import render
from workbench.papers.roles import readers_of

_SECRETS = ("_hash", "_secret", "quick_check", "fingerprint")
_OF_NOBODY = {DataSubject.NOBODY, DataSubject.SCHOOL}


@dataclass(frozen=True, slots=True)
class Stored:
    """A table of the database: its level, its readers, and how long its rows and columns stay."""

    title: str
    name: str
    level: str
    readers: str
    kept: tuple[str, ...]
    deleted_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Defaults:
    """The settings that periods depend on, as they are unless an operator changes them."""

    retention_days: int = 7
    limits: Limits = field(default_factory=Limits)


def render_logs() -> str:
    """Returns the page."""
    return render("logs.md", tables=tuple(map(_stored, INVENTORY)))


def level_of(table: TableDescription) -> str:
    """Returns the protection level of what is most sensitive in the table."""
    if any(name.endswith(_SECRETS) for name in table.columns):
        return "secret"
    subjects = {table.subject} | {column.subject for column in table.columns.values() if column.subject}
    has_address = any(column.is_address for column in table.columns.values())
    return "personal" if has_address or subjects - _OF_NOBODY else "internal"


def _stored(table: TableDescription) -> Stored:
    columns = {name: column.kept for name, column in table.columns.items() if column.kept is not None}
    keepings: dict[Keeping, list[str]] = {table.kept: []}
    for name, keeping in columns.items():
        keepings.setdefault(keeping, []).append(name)
    return Stored(
        title=table.title,
        name=table.table.name,
        level=level_of(table),
        readers=readers_of(table.audience),
        kept=tuple(_kept(keeping, names) for keeping, names in keepings.items()),
        deleted_by=tuple(dict.fromkeys(name for keeping in keepings for name in _deleted_by(keeping))),
    )


def _kept(keeping: Keeping, columns: list[str]) -> str:
    about = f"{', '.join(f'`{name}`' for name in columns)}: " if columns else ""
    match keeping:
        case KeptFor(period=period, words=words, unless_words=longer):
            defaults: Any = _Defaults()
            usual = f"{about}{_duration(period(defaults))} {words}"
            return f"{usual}; {longer}" if longer else usual
        case KeptWith(words=words) | KeptUntil(words=words):
            return f"{about}{words}"
        case _:
            assert_never(keeping)


def _duration(period: timedelta | Months) -> str:
    if isinstance(period, Months):
        return _counted(period.number, "month")
    if not period:
        return "at once"
    if period % timedelta(days=1):
        return _counted(period // timedelta(hours=1), "hour")
    return _counted(period.days, "day")


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _deleted_by(keeping: Keeping) -> Iterator[str]:
    match keeping:
        case KeptFor(purge=purge):
            yield _name_of(purge)
        case KeptUntil(by=by) if by is not None:
            yield _name_of(by)
        case KeptWith(owner=owner):
            yield f"with {owner.__tablename__}"


def _name_of(function: Callable[..., object]) -> str:
    return f"{function.__module__.removeprefix('authbridge.')}.{function.__name__}"
