"""Describes every table and every column; a test holds them against :mod:`authbridge.storage.models`."""

from authbridge.data_protection.descriptions import TableDescription
from authbridge.data_protection.inventory import accounts, logins, people, servers
from authbridge.storage.models import Base

INVENTORY: tuple[TableDescription, ...] = (*accounts.TABLES, *logins.TABLES, *people.TABLES, *servers.TABLES)
"""All tables, in the order of the page."""

_BY_MODEL = {each.model: each for each in INVENTORY}


def description_of(model: type[Base]) -> TableDescription:
    """Returns the description of a table."""
    return _BY_MODEL[model]
