"""Says what a backup leaves out: what is promised to be gone within a week, and what is of now only."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Table

from authbridge.config import Config
from authbridge.data_protection.descriptions import KeptFor, KeptWith, TableDescription
from authbridge.data_protection.inventory import INVENTORY, description_of
from authbridge.login.limits import Limits
from authbridge.storage.models import MachineReport, ProsodyNode, RecoveryCode, ReportCode
from authbridge.storage.table_copy import TABLES

KEPT = timedelta(days=7)
"""How long a backup is kept."""

HORIZON = KEPT + timedelta(days=1)
"""How old a backup is at most: the daily one deletes those that are too old."""

_RETENTION_DAYS = 7  # unless an operator sets it
# Codes that count once would count again; servers enter themselves, and are looked at every night.
_OF_NOW = {RecoveryCode, ProsodyNode, MachineReport}
# They are deleted a day after their last one, which is a year after they were printed on paper.
_ON_PAPER = {ReportCode}


def saved_tables(config: Config) -> tuple[Table, ...]:
    """Returns the tables that a backup has, by the record of processing: a new table is described there.

    What an operator keeps longer than usual is left out all the same.
    """
    usual = replace(config, retention_days=_RETENTION_DAYS, limits=Limits())
    left_out = {described.table for described in INVENTORY if _is_left_out(described, usual)}
    return tuple(table for table in TABLES if table not in left_out)


def _is_left_out(described: TableDescription, usual: Config) -> bool:
    return (
        described.model in _OF_NOW
        or any(column.is_address for column in described.columns.values())
        or any(_is_short(owner, usual) for owner in _with_owners(described))
    )


def _with_owners(described: TableDescription) -> Iterator[TableDescription]:
    yield described
    if isinstance(described.kept, KeptWith):
        yield from _with_owners(description_of(described.kept.owner))


def _is_short(described: TableDescription, usual: Config) -> bool:
    if not isinstance(described.kept, KeptFor) or described.model in _ON_PAPER:
        return False
    period = described.kept.period(usual)
    return isinstance(period, timedelta) and period <= KEPT
