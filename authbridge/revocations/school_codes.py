"""Tells the nodes the codes of the schools: a room name that begins with one belongs to that school."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import select

from authbridge.storage.database import Database
from authbridge.storage.models import School

_VERSION_BYTES = 8


@dataclass(frozen=True, slots=True)
class SchoolCodes:
    """The codes of all schools, sorted; ``version`` is another one whenever they are others."""

    version: str
    codes: tuple[str, ...]


def news(database: Database, known: str | None) -> SchoolCodes | None:
    """Returns the codes, unless ``known`` is their version; None also for a node that does not ask for them.

    Raises:
        StorageError: The database does not answer.
    """
    if known is None:
        return None
    with database.read_session() as session:
        # Sorted here: databases sort digits and letters in orders of their own, and the version must not
        # depend on that.
        codes = tuple(sorted(session.scalars(select(School.code))))
    version = hashlib.blake2b(" ".join(codes).encode(), digest_size=_VERSION_BYTES).hexdigest()
    return None if version == known else SchoolCodes(version, codes)
