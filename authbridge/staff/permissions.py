"""Lists what each role of the panel may do; nobody may do anything else."""

from enum import StrEnum
from types import MappingProxyType

from authbridge.storage.models import Role


class Permission(StrEnum):
    """What a page of the panel asks for."""

    READ = "read"  # see everything but secrets
    INSPECT = "inspect"  # the journal with addresses, holds of its entries, and the audit
    MANAGE = "manage"  # schools, organisers, letters, suspensions, waits
    APPOINT = "appoint"  # staff


PERMISSIONS = MappingProxyType(
    {
        Role.ADMIN: frozenset(Permission),
        Role.CLERK: frozenset({Permission.READ, Permission.MANAGE}),
        Role.AUDITOR: frozenset({Permission.READ, Permission.INSPECT}),
    }
)
