"""Issuing in two steps: credentials are prepared, somebody has them in hand, then they are in force."""

from dataclasses import dataclass, field

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.clock import Clock
from authbridge.errors import ConflictError
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.passwords import Hasher
from authbridge.login.typed_passwords import StoredPassword, parse_password
from authbridge.schools.commands.organisers import IssuedCredential, QuotaError
from authbridge.schools.issuing import Order, prepare, put_in_force
from authbridge.schools.lookup import get_school
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Organiser, Revocation
from tests.support.factories import ACTOR, HASHER, KEYED_HASHES, make_organiser, make_school
from tests.support.fakes import FakeClock


@dataclass(frozen=True)
class Services:
    """What issuing needs, of a command line."""

    database: Database
    hasher: Hasher = HASHER
    keyed_hashes: KeyedHashes = KEYED_HASHES
    clock: Clock = field(default_factory=FakeClock)


def order(database: Database, count: int, *usernames: str) -> Order:
    """An order for the school."""
    with database.read_session() as session:
        return Order(get_school(session, "ohg"), count, None, usernames)


def contents(session: Session) -> list[object]:
    """What issuing writes."""
    hashes = session.execute(
        select(Organiser.username, Organiser.password_hash, Organiser.credential_version)
    )
    actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id))
    return [*sorted(map(tuple, hashes)), *actions, *session.scalars(select(Revocation.id))]


def stored(database: Database) -> list[object]:
    """What of that is in the database."""
    with database.read_session() as session:
        return contents(session)


def is_in_force(database: Database, credential: IssuedCredential) -> bool:
    """Whether the database knows that username with that password."""
    with database.read_session() as session:
        query = select(Organiser.password_hash).where(Organiser.username == credential.username)
        found = session.scalar(query)
    return found is not None and HASHER.matches(
        parse_password(credential.password), StoredPassword(found, generated=True)
    )


def test_credentials_that_are_prepared_leave_no_trace(database: Database) -> None:
    """New ones, or a new password; put in force they are as they were shown."""
    make_school(database)
    former = make_organiser(database)
    services = Services(database)
    before = stored(database)

    new = prepare(order(database, 2), services, actor=ACTOR)
    renewed = prepare(order(database, 1, former.username), services, actor=ACTOR)

    assert stored(database) == before
    assert is_in_force(database, former)
    put_in_force(new, services, actor=ACTOR)
    put_in_force(renewed, services, actor=ACTOR)
    assert all(is_in_force(database, each) for each in (*new.credentials, *renewed.credentials))
    assert not is_in_force(database, former)


def test_what_would_fail_fails_before_it_is_shown(database: Database) -> None:
    """The quota is looked at in the rehearsal."""
    make_school(database, quota=1)

    with pytest.raises(QuotaError):
        prepare(order(database, 2), Services(database), actor=ACTOR)


def test_a_name_that_somebody_else_was_given_meanwhile(database: Database) -> None:
    """Nobody has two passwords, and the one who came first keeps theirs."""
    make_school(database)
    services = Services(database)
    prepared = prepare(order(database, 1), services, actor=ACTOR)
    put_in_force(prepared, services, actor=ACTOR)
    before = stored(database)

    with pytest.raises(ConflictError):
        put_in_force(prepared, services, actor=ACTOR)

    assert stored(database) == before
    for credential in prepared.credentials:
        assert credential.password not in repr(prepared)
