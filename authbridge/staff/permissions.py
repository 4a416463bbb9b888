"""What each role of the panel may do; whatever is not listed, nobody may."""

from enum import StrEnum
from types import MappingProxyType

from authbridge.storage.models import Role


class Right(StrEnum):
    """What a page of the panel asks for."""

    READ = "read"  # see everything but secrets
    MANAGE = "manage"  # schools, organisers, letters, suspensions, waits
    APPOINT = "appoint"  # staff


RIGHTS = MappingProxyType(
    {
        Role.ADMIN: frozenset({Right.READ, Right.MANAGE, Right.APPOINT}),
        Role.CLERK: frozenset({Right.READ, Right.MANAGE}),
        Role.AUDITOR: frozenset({Right.READ}),
    }
)
