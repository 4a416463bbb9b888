"""Defines how a table is described in the record of processing: purpose, people, readers, and the end.

The sentences are English, marked with :func:`N_`; the panel translates them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Date, Table, and_
from sqlalchemy.orm import InstrumentedAttribute

from authbridge.config import Config
from authbridge.staff.permissions import PERMISSIONS, Permission
from authbridge.storage.models import Base, Role, table_of


def N_(sentence: str) -> str:  # noqa: N802 - gettext's name for it, which the extraction knows
    """Marks a sentence for translation; returns it as it is."""
    return sentence


class DataSubject(StrEnum):
    """Whose data it is."""

    ORGANISER = "organiser"
    STAFF = "staff"
    SCHOOL = "school"
    NOBODY = "nobody"


class Audience(StrEnum):
    """Who sees it in the panel."""

    EVERY_ROLE = "every-role"
    INSPECTORS = "inspectors"
    APPOINTERS = "appointers"
    OWNER = "owner"  # the member of staff themself
    PROGRAM = "program"  # no page shows it


_PERMISSION = {
    Audience.EVERY_ROLE: Permission.READ,
    Audience.INSPECTORS: Permission.INSPECT,
    Audience.APPOINTERS: Permission.APPOINT,
}


def roles_of(audience: Audience) -> tuple[Role, ...]:
    """Returns the roles whose pages show it."""
    permission = _PERMISSION.get(audience)
    return tuple(role for role in Role if permission in PERMISSIONS[role])


@dataclass(frozen=True, slots=True)
class Months:
    """That many whole months, beside the present one."""

    number: int


Period = Callable[[Config], timedelta | Months]
"""How long, by the settings of this installation."""


def fixed(period: timedelta | Months) -> Period:
    """Returns a period that is no setting."""
    return lambda _config: period


def beginning_of(period: timedelta | Months, now: datetime) -> datetime:
    """Returns the moment before which everything may be gone."""
    if isinstance(period, timedelta):
        return now - period
    year, month = divmod(12 * now.year + now.month - 1 - period.number, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)  # two conditions of SQL cannot be compared
class KeptFor:
    """A promise: ``purge`` deletes it once ``period`` has passed ``since``; ``words`` say since what.

    ``purge`` is one of the functions that :mod:`authbridge.retention` calls.  Where only a column is
    emptied, ``held`` selects the rows that still hold something.  ``unless`` selects those that may stay at a
    moment all the same; ``unless_words`` say why, and for how long.
    """

    period: Period
    since: InstrumentedAttribute[Any]
    words: str
    purge: Callable[..., object]
    held: ColumnElement[bool] | None = None
    unless: Callable[[datetime], ColumnElement[bool]] | None = None
    unless_words: str = ""

    def is_late(self, config: Config, moment: datetime) -> ColumnElement[bool]:
        """Returns the condition of the rows that should have been gone at that moment; NULL: it goes on."""
        stays = [] if self.unless is None else [~self.unless(moment)]
        return and_(self._is_old(config, moment), *stays)

    def stays_longer(self, config: Config, moment: datetime) -> ColumnElement[bool] | None:
        """Returns the condition of the rows that are older, but may stay at that moment; None: no row may."""
        return None if self.unless is None else and_(self._is_old(config, moment), self.unless(moment))

    def _is_old(self, config: Config, moment: datetime) -> ColumnElement[bool]:
        limit = beginning_of(self.period(config), moment)
        is_old = self.since < (limit.date() if isinstance(self.since.type, Date) else limit)
        return is_old if self.held is None else and_(is_old, self.held)


@dataclass(frozen=True, slots=True)
class KeptWith:
    """It goes with a row of another table: the database itself deletes it (ON DELETE CASCADE)."""

    owner: type[Base]
    words: str


@dataclass(frozen=True, slots=True)
class KeptUntil:
    """It stays until somebody or something ends it; ``by`` is the command, None where the words say why."""

    words: str
    by: Callable[..., object] | None = None


Keeping = KeptFor | KeptWith | KeptUntil


@dataclass(frozen=True, slots=True)
class ColumnDescription:
    """What a column holds; None: as for its table.

    ``is_address``: an address or a network of a person, which only some roles may see.  ``is_internal``: it
    says nothing to a reader, and stands in the file of an access request only.  ``withheld`` is the reason
    for which even that file lacks it.
    """

    words: str
    subject: DataSubject | None = None
    audience: Audience | None = None
    kept: Keeping | None = None
    is_address: bool = False
    is_internal: bool = False
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class TableDescription:
    """What a table holds and why; ``oldest`` is the moment by which its oldest row is found, None: none."""

    model: type[Base]
    title: str
    purpose: str
    subject: DataSubject
    audience: Audience
    kept: Keeping
    columns: Mapping[str, ColumnDescription]
    oldest: InstrumentedAttribute[Any] | None = None

    @property
    def table(self) -> Table:
        """Returns the table."""
        return table_of(self.model)

    @property
    def promises(self) -> tuple[KeptFor, ...]:
        """Returns what is promised to be deleted in time, of the table and of single columns."""
        kept = [self.kept, *(column.kept for column in self.columns.values())]
        return tuple(dict.fromkeys(each for each in kept if isinstance(each, KeptFor)))
