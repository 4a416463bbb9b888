"""Questions to the database that several edges ask; nothing here changes anything."""

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session, contains_eager

from authbridge.errors import NotFoundError
from authbridge.models import Organiser, School, table_of
from authbridge.passwords import StoredPassword
from authbridge.policy import Account
from authbridge.prepared import Prepared
from authbridge.usernames import parse_school_code, parse_username


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


def get_school(session: Session, code: str, *, lock: bool = False) -> School:
    """The school of that code; raises :class:`NotFoundError`.  ``lock`` keeps others from changing it."""
    query = select(School).where(School.code == parse_school_code(code))
    school = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if school is None:
        raise NotFoundError("There is no school “%(code)s”.", code=code)
    return school


def get_organiser(session: Session, username: str, *, lock: bool = False) -> Organiser:
    """The organiser of that name; raises :class:`NotFoundError`.  ``lock`` keeps others from changing him."""
    query = (
        select(Organiser)
        .join(Organiser.school)
        .options(contains_eager(Organiser.school))
        .where(Organiser.username == parse_username(username))
    )
    organiser = session.scalars(query.with_for_update(of=Organiser) if lock else query).one_or_none()
    if organiser is None:
        raise NotFoundError("There is no organiser “%(username)s”.", username=username)
    return organiser


def list_schools(session: Session) -> list[School]:
    """All schools, by code."""
    return list(session.scalars(select(School).order_by(School.code)))


def list_organisers(session: Session, code: str | None = None) -> list[Organiser]:
    """The organisers of one school, or all, by name; their school is loaded with them."""
    query = (
        select(Organiser)
        .join(Organiser.school)
        .options(contains_eager(Organiser.school))
        .order_by(Organiser.username)
    )
    if code is not None:
        query = query.where(Organiser.school_id == get_school(session, code).id)
    return list(session.scalars(query))
