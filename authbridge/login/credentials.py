"""Reads the stored credential of an organiser, and the networks of their school, for one login."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection, bindparam, select

from authbridge.login.policy import Account
from authbridge.login.subjects import Credential
from authbridge.login.typed_passwords import StoredPassword, TypedPassword
from authbridge.login.usernames import Username
from authbridge.storage.models import Organiser, School, table_of
from authbridge.storage.prepared import Prepared

Differs = Callable[[TypedPassword, StoredPassword], bool]
"""Tells, without a hash, whether the typed password is another one than the stored."""


@dataclass(frozen=True, slots=True)
class OrganiserCredential:
    """The parts of an organiser that a login needs; ``former`` is the password before the present one."""

    organiser_id: int
    credential: Credential
    former: Credential | None
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
        _organisers.c.previous_hash,
        _organisers.c.previous_generated,
        _organisers.c.previous_quick_check,
        _organisers.c.previous_until,
        _organisers.c.suspended_at,
        _schools.c.suspended_at.label("school_suspended_at"),
        _organisers.c.valid_until,
        _organisers.c.last_login_on,
        _schools.c.trusted_networks,
        _schools.c.code,
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
    former_hash, former_generated, former_check, former_until, *state = state
    suspended_at, school_suspended_at, valid_until, last_login_on, networks, school = state
    return OrganiserCredential(
        organiser_id=organiser_id,
        credential=Credential(version, _stored(hashed, generated, quick_check)),
        former=(
            None
            if former_hash is None
            else Credential(version - 1, _stored(former_hash, former_generated, former_check))
        ),
        last_login_on=last_login_on,
        school_networks=tuple(networks),
        account=Account(
            credential_version=version,
            suspended=suspended_at is not None,
            school_suspended=school_suspended_at is not None,
            valid_until=valid_until,
            former_until=former_until,
            school=school,
        ),
    )


def choose_credential(
    found: OrganiserCredential, typed: TypedPassword, differs: Differs, today: date
) -> Credential:
    """Returns the credential with which the typed password is compared: one hash, as for every other account.

    While the former password counts, the quick checks tell which of the two was typed.  Both are compared
    only where they leave both (one wrong password in 65,536; imported ones have none: one in 256).
    """
    present, former = found.credential, found.former
    if former is None or not found.account.accepts(former.version, today):
        return present
    if differs(typed, present.stored):
        return former
    return present if differs(typed, former.stored) else replace(present, other=former)


def _stored(hashed: str, generated: bool, quick_check: str | None) -> StoredPassword:  # noqa: FBT001 - a column
    return StoredPassword(hashed, generated=generated, quick_check=quick_check)


def school_networks(connection: Connection, code: str) -> tuple[str, ...]:
    """Returns the own networks (CIDR) of the school of that code; none for an unknown code."""
    row = _SCHOOL_NETWORKS.run(connection, code=code)
    return () if row is None else tuple(row[0])
