"""Accounts are issued, end, and are deleted; names are given once."""

from datetime import date
from functools import partial

import pytest
from sqlalchemy import select

from authbridge.audit import Action
from authbridge.errors import ConflictError, InputError, NotFoundError
from authbridge.login.authenticate import authenticate
from authbridge.login.policy import Verdict
from authbridge.schools import new_organisers
from authbridge.schools.commands import organisers
from authbridge.schools.lookup import get_organiser
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AlarmRaised,
    AuditEvent,
    LoginAttempt,
    LoginFailure,
    Organiser,
    RejectedAttempts,
    Suspension,
)
from tests.support.factories import (
    ACTOR,
    HASHER,
    TODAY,
    make_attempt,
    make_organiser,
    make_origin,
    make_school,
    make_services,
)
from tests.support.fakes import MORNING, CountingHasher
from tests.support.school_commands import commands, count, run, set_quota


def test_two_hundred_names_are_two_hundred_names(database: Database) -> None:
    """Issued names never collide, of one school and in one go."""
    make_school(database)
    set_quota(database, 200)
    (password,) = organisers.make_passwords(1, HASHER)

    with database.write_session() as session:
        issued = organisers.issue_organisers(
            session, "ohg", [password] * 200, valid_until=None, actor=ACTOR, now=MORNING
        )

    assert len({credential.username for credential in issued}) == 200


def test_progress_is_told_password_by_password() -> None:
    """Two hundred hashes take their time, and somebody waits for them."""
    told: list[int] = []

    organisers.make_passwords(3, HASHER, progress=told.append)

    assert told == [1, 2, 3]


def test_of_a_deleted_organiser_only_the_audit_is_left(database: Database) -> None:
    """History, journal, failures and what was told about guessing go; others keep theirs."""
    make_school(database)
    username, other = make_organiser(database).username, make_organiser(database).username
    services = make_services(database)
    for name in (username, other):
        run(database, commands(name)[Action.ORGANISER_SUSPEND])
        authenticate(make_attempt(name, "x", ip="198.51.100.7"), make_origin(), services, within=9)
        authenticate(make_attempt(name, "x", ip="198.51.100.7"), make_origin(), services, within=9)
        with database.write_session() as session:
            session.add(AlarmRaised(about=f"organiser:attacked {name}", at=MORNING))
    services.rejections.write_down(database)
    kept = (Suspension, LoginAttempt, RejectedAttempts, LoginFailure, Organiser)
    assert [count(database, model) for model in kept] == [2] * len(kept)

    run(database, commands(username)[Action.ORGANISER_DELETE])

    assert [count(database, model) for model in kept] == [1] * len(kept)
    with database.read_session() as session:
        assert session.scalars(select(AuditEvent.subject)).all().count(username) == 2
        with pytest.raises(NotFoundError):
            get_organiser(session, username)
    with pytest.raises(NotFoundError):
        run(database, commands(username)[Action.ORGANISER_DELETE])


def test_a_deletion_that_arrives_during_the_check_wins(database: Database) -> None:
    """The password was right a moment ago; nobody is let in with it."""
    make_school(database)
    issued = make_organiser(database)
    delete = partial(run, database, commands(issued.username)[Action.ORGANISER_DELETE])
    services = make_services(database, hasher=CountingHasher(meanwhile=delete))

    attempt = make_attempt(issued.username, issued.password, ip="198.51.100.7")
    decision = authenticate(attempt, make_origin(), services, within=9)

    assert decision.verdict is Verdict.REFUSED
    assert count(database, LoginAttempt) == 0


def test_the_name_of_a_deleted_organiser_is_not_given_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For as long as the audit speaks of him it speaks of nobody else."""
    make_school(database)
    username = make_organiser(database).username
    run(database, commands(username)[Action.ORGANISER_DELETE])
    drawn = iter([username, "ohg-bbbb"])
    monkeypatch.setattr(new_organisers, "draw_username", lambda _code: next(drawn))

    assert make_organiser(database).username == "ohg-bbbb"


def test_when_all_names_are_taken_nothing_is_issued(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search for a free one ends."""
    make_school(database)
    username = make_organiser(database).username
    monkeypatch.setattr(new_organisers, "draw_username", lambda _code: username)

    with pytest.raises(ConflictError, match="No free login name"):
        make_organiser(database)


@pytest.mark.parametrize("count", [0, 201])
def test_at_most_two_hundred_are_issued_at_once(count: int) -> None:
    """More is a mistake of the hand."""
    with pytest.raises(InputError):
        organisers.make_passwords(count, HASHER)


def test_validity_says_whether_it_changed(database: Database) -> None:
    """A second click changes nothing."""
    make_school(database)
    username = make_organiser(database).username

    def end() -> bool:
        with database.write_session() as session:
            return organisers.change_validity(
                session, username, date(2027, 7, 31), today=TODAY, actor=ACTOR, now=MORNING
            )

    assert (end(), end()) == (True, False)


def test_an_organiser_shows_neither_hash_nor_password(database: Database) -> None:
    """Representations end up in logs."""
    make_school(database)
    issued = make_organiser(database)

    with database.read_session() as session:
        row = session.scalars(select(Organiser)).one()
        assert "$2b$" not in repr(row)
    assert issued.password not in repr(issued)
