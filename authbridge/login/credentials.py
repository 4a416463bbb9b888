"""Reads the stored credential of an organiser, and the networks of their school, for one login."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, bindparam, select

from authbridge.login.policy import Account
from authbridge.login.subjects import Credential
from authbridge.login.typed_passwords import StoredPassword
from authbridge.login.usernames import Username
from authbridge.storage.models import Organiser, School, table_of
from authbridge.storage.prepared import Prepared


@dataclass(frozen=True, slots=True)
class OrganiserCredential:
    """The parts of an organiser that a login needs."""

    organiser_id: int
    credential: Credential
    account: Account
    last_login_on: date | None
    school_networks: tuple[str, ...]


_organisers, _schools = table_of(Organiser), table_of(School)
_CREDENTIAL = (
    select(
        _organisers.c.id,
        _organisers.c.password_hash,
        _organisers.c.password_generated,
        _organisers.c.quick_check,
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
# PostgreSQL: the lock waits for a change under way, and later changes wait for it: else an old password could
# be granted after its reset.  (SQLite has one writer at a time.)  With NO KEY UPDATE the journal can still
# refer to the row.
_LOCK_CREDENTIAL = Prepared(_CREDENTIAL.with_for_update(of=_organisers, key_share=True))


def find_credential(
    connection: Connection, username: Username, *, lock: bool = False
) -> OrganiserCredential | None:
    """Returns the organiser of that name in their present state; None if there is none.

    ``lock`` waits for a change under way, and keeps the organiser unchanged until the transaction ends.
    """
    row = (_LOCK_CREDENTIAL if lock else _FIND_CREDENTIAL).run(connection, username=username)
    if row is None:
        return None
    organiser_id, hashed, generated, quick_check, version, *state = row
    suspended_at, school_suspended_at, valid_until, last_login_on, networks = state
    return OrganiserCredential(
        organiser_id=organiser_id,
        credential=Credential(version, StoredPassword(hashed, generated=generated, quick_check=quick_check)),
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
    """Returns the own networks (CIDR) of the school of that code; none for an unknown code."""
    row = _SCHOOL_NETWORKS.run(connection, code=code)
    return () if row is None else tuple(row[0])
