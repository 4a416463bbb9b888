"""Reads the stored credential of an organiser, and the networks of their school, for one login."""

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, bindparam, select

from authbridge.login.passwords import StoredPassword
from authbridge.login.policy import Account
from authbridge.storage.models import Organiser, School, table_of
from authbridge.storage.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Credential:
    """An organiser as a login meets him."""

    organiser_id: int
    stored: StoredPassword = field(repr=False)
    account: Account
    last_login_on: date | None
    school_networks: tuple[str, ...]


_organisers, _schools = table_of(Organiser), table_of(School)
_CREDENTIAL = (
    select(
        _organisers.c.id,
        _organisers.c.password_hash,
        _organisers.c.password_generated,
        _organisers.c.credential_version,
        _organisers.c.suspended_at,
        _schools.c.suspended_at.label("school_suspended_at"),
        _organisers.c.valid_until,
        _organisers.c.last_login_on,
        _schools.c.trusted_networks,
    )
    .join_from(_organisers, _schools)
    .where(_organisers.c.username == bindparam("username"))
)


_SCHOOL_NETWORKS = Prepared(select(_schools.c.trusted_networks).where(_schools.c.code == bindparam("code")))
_FIND_CREDENTIAL = Prepared(_CREDENTIAL)
# PostgreSQL: whoever is changing this organiser comes first, and whoever comes later waits.  (SQLite has
# one writer at a time.)  NO KEY UPDATE lets the journal go on referring to the row.
_LOCK_CREDENTIAL = Prepared(_CREDENTIAL.with_for_update(of=_organisers, key_share=True))


def find_credential(connection: Connection, username: str, *, lock: bool = False) -> Credential | None:
    """The organiser of that canonical name and his present state, None if there is none.

    ``lock`` waits for a change under way and keeps others from changing him until the transaction ends.
    """
    row = (_LOCK_CREDENTIAL if lock else _FIND_CREDENTIAL).run(connection, username=username)
    if row is None:
        return None
    organiser_id, hashed, generated, version, suspended_at, school_suspended_at, valid_until, *rest = row
    last_login_on, networks = rest
    return Credential(
        organiser_id=organiser_id,
        stored=StoredPassword(hashed, generated=generated),
        last_login_on=last_login_on,
        school_networks=tuple(networks),
        account=Account(
            credential_version=version,
            suspended=suspended_at is not None,
            school_suspended=school_suspended_at is not None,
            valid_until=valid_until,
        ),
    )


def school_networks(connection: Connection, code: str) -> tuple[str, ...]:
    """The own networks (CIDR) of the school of that code; none where there is no such school."""
    row = _SCHOOL_NETWORKS.run(connection, code=code)
    return () if row is None else tuple(row[0])
