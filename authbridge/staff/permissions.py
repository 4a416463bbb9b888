"""Lists what each role of the panel may do; nobody may do anything else."""

from enum import StrEnum
from types import MappingProxyType

from authbridge.storage.models import Role


class Right(StrEnum):
    """A permission that a page of the panel asks for."""

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
