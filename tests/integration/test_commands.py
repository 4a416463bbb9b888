"""What staff do: each change leaves exactly one trace, and what changes nothing leaves none."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import Action
from authbridge.authenticate import authenticate
from authbridge.commands import lockouts, organisers, schools, suspensions
from authbridge.commands.organisers import ImportedCredential
from authbridge.database import Database
from authbridge.errors import ConflictError, ImportFileError, InputError, NotFoundError
from authbridge.models import AuditEvent, Organiser, SuspensionReason
from authbridge.queries import get_organiser, get_school, list_organisers, list_suspensions
from authbridge.usernames import Username
from tests.factories import (
    ACTOR,
    HASHER,
    TRACES,
    make_attempt,
    make_organiser,
    make_origin,
    make_school,
    make_setting,
)
from tests.fakes import MORNING

Command = Callable[[Session], object]

LOST = SuspensionReason.LETTER_LOST


def imported(line: int, school: str, username: str) -> ImportedCredential:
    """A line of a file."""
    stored = HASHER.hash("Geheim", generated=False)
    return ImportedCredential(line, school, Username(username), stored)


def commands(username: str) -> dict[Action, Command]:
    """Every command there is, once, as something that changes something."""
    (password,) = organisers.make_passwords(1, HASHER)
    who: dict[str, Any] = {"actor": ACTOR, "now": MORNING}
    return {
        Action.SCHOOL_ADD: lambda s: schools.add_school(s, "gsw", "Grundschule", **who),
        Action.SCHOOL_CHANGE: lambda s: schools.change_school(s, "ohg", name="Anders", **who),
        Action.SCHOOL_SUSPEND: lambda s: suspensions.suspend_school(s, "ohg", reason=LOST, **who),
        Action.SCHOOL_REINSTATE: lambda s: suspensions.reinstate_school(s, "ohg", **who),
        Action.ORGANISER_ISSUE: lambda s: organisers.issue_organisers(
            s, "ohg", [password], valid_until=None, **who
        ),
        Action.ORGANISER_IMPORT: lambda s: organisers.import_organisers(
            s, [imported(2, "ohg", "frau.a")], **who
        ),
        Action.ORGANISER_RESET: lambda s: organisers.reset_password(
            s, username, password, traces=TRACES, **who
        ),
        Action.ORGANISER_CHANGE_VALIDITY: lambda s: organisers.change_validity(
            s, username, date(2027, 7, 31), **who
        ),
        Action.ORGANISER_SUSPEND: lambda s: suspensions.suspend_organiser(s, username, reason=LOST, **who),
        Action.ORGANISER_REINSTATE: lambda s: suspensions.reinstate_organiser(s, username, **who),
        Action.ORGANISER_CLEAR_LOCKOUT: lambda s: lockouts.clear_name(s, username, traces=TRACES, **who),
        Action.NETWORK_CLEAR_LOCKOUT: lambda s: lockouts.clear_network(s, "198.51.100.7", **who),
    }


NEVER_REPEATS = {Action.SCHOOL_ADD, Action.ORGANISER_ISSUE, Action.ORGANISER_IMPORT, Action.ORGANISER_RESET}


def actions(database: Database) -> list[str]:
    """The audit, oldest first."""
    with database.reading() as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def run(database: Database, command: Command) -> None:
    """One command in its transaction."""
    with database.writing() as session:
        command(session)


@pytest.mark.parametrize("action", list(Action))
def test_a_command_writes_exactly_one_audit_event(database: Database, action: Action) -> None:
    """Who did it, when, to whom; and a second time, where nothing changes, writes none."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    before = {
        Action.SCHOOL_REINSTATE: Action.SCHOOL_SUSPEND,
        Action.ORGANISER_REINSTATE: Action.ORGANISER_SUSPEND,
    }
    if action in before:
        run(database, every[before[action]])
    authenticate(
        make_attempt(username, "x", ip="198.51.100.7"), make_origin(), make_setting(database), within=9
    )
    already = actions(database)

    run(database, every[action])

    assert actions(database) == [*already, action]
    if action not in NEVER_REPEATS:
        run(database, every[action])
        assert actions(database) == [*already, action]


def test_no_audit_event_holds_a_password_or_a_hash(database: Database) -> None:
    """The audit may be read by anybody who is allowed to see who did what."""
    make_school(database)
    issued = make_organiser(database)
    (password,) = organisers.make_passwords(1, HASHER)
    with database.writing() as session:
        organisers.reset_password(session, issued.username, password, traces=TRACES, actor=ACTOR, now=MORNING)
        organisers.import_organisers(session, [imported(2, "ohg", "frau.a")], actor=ACTOR, now=MORNING)

    with database.reading() as session:
        everything = repr([(event.subject, event.detail) for event in session.scalars(select(AuditEvent))])
    for secret in (issued.password, password.plain, "Geheim", "$2b$"):
        assert secret not in everything


def test_a_failed_command_leaves_nothing_behind(database: Database) -> None:
    """All of a file is taken over or none of it, and the audit says nothing of what did not happen."""
    make_school(database)
    already = actions(database)
    lines = [imported(2, "ohg", "frau.a"), imported(3, "gibt", "frau.b"), imported(4, "ohg", "frau.a")]

    with pytest.raises(ImportFileError) as raised, database.writing() as session:
        organisers.import_organisers(session, lines, actor=ACTOR, now=MORNING)

    assert [line for line, _ in raised.value.faults] == [3, 4]
    assert actions(database) == already
    with database.reading() as session:
        assert list_organisers(session) == []


def test_two_hundred_names_are_two_hundred_names(database: Database) -> None:
    """Issued names never collide, of one school and in one go."""
    make_school(database)
    (password,) = organisers.make_passwords(1, HASHER)

    with database.writing() as session:
        issued = organisers.issue_organisers(
            session, "ohg", [password] * 200, valid_until=None, actor=ACTOR, now=MORNING
        )

    assert len({credential.username for credential in issued}) == 200


@pytest.mark.parametrize("count", [0, 201])
def test_at_most_two_hundred_are_issued_at_once(count: int) -> None:
    """More is a mistake of the hand."""
    with pytest.raises(InputError):
        organisers.make_passwords(count, HASHER)


def test_suspensions_keep_their_history(database: Database) -> None:
    """Who suspended, why, from when until when; the latest first."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    for action in (Action.ORGANISER_SUSPEND, Action.ORGANISER_REINSTATE, Action.ORGANISER_SUSPEND):
        run(database, every[action])

    with database.reading() as session:
        latest, first = list_suspensions(session, get_organiser(session, username))
    assert (latest.until, latest.reason, latest.suspended_by) == (None, LOST, ACTOR)
    assert (first.until, first.reinstated_by) == (MORNING, ACTOR)


def test_setting_a_password_never_reinstates(database: Database) -> None:
    """A new letter for a suspended organiser opens nothing."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    run(database, every[Action.ORGANISER_SUSPEND])

    run(database, every[Action.ORGANISER_RESET])

    with database.reading() as session:
        assert get_organiser(session, username).suspended_at == MORNING


def test_reinstating_a_school_leaves_its_suspended_organisers_suspended(database: Database) -> None:
    """The two suspensions are two decisions."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    for action in (Action.ORGANISER_SUSPEND, Action.SCHOOL_SUSPEND, Action.SCHOOL_REINSTATE):
        run(database, every[action])

    with database.reading() as session:
        organiser = get_organiser(session, username)
        assert (organiser.suspended_at, organiser.school.suspended_at) == (MORNING, None)


def test_what_is_not_there_is_named(database: Database) -> None:
    """A mistyped code or name is told, not guessed."""
    with database.reading() as session:
        with pytest.raises(NotFoundError, match="gibt"):
            get_school(session, "gibt")
        with pytest.raises(NotFoundError, match="nicht"):
            get_organiser(session, "nicht")


def test_a_code_is_given_once(database: Database) -> None:
    """A school's code is never reused while the school is there."""
    make_school(database)

    with pytest.raises(ConflictError, match="ohg"):
        make_school(database, "OHG", "Another")


@pytest.mark.parametrize("network", ["300.1.1.1", "198.51.100.0/33", "example.org", "", "0.0.0.0/0", "::/0"])
def test_a_bad_network_is_refused(database: Database, network: str) -> None:
    """Trust is never given to something that is not an address."""
    make_school(database)

    with pytest.raises(InputError), database.writing() as session:
        schools.change_school(session, "ohg", trusted_networks=[network], actor=ACTOR, now=MORNING)


def test_networks_are_kept_in_one_form(database: Database) -> None:
    """Host bits, doubles and order do not matter."""
    make_school(database)

    with database.writing() as session:
        school = schools.change_school(
            session,
            "ohg",
            trusted_networks=["198.51.100.7/24", "2001:DB8::1/48", "198.51.100.0/24"],
            actor=ACTOR,
            now=MORNING,
        )

    assert school.trusted_networks == ["198.51.100.0/24", "2001:db8::/48"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\0b", "a\u202eb"])
def test_a_schools_name_is_printable(database: Database, name: str) -> None:
    """What cannot be printed on a letter is no name."""
    with pytest.raises(InputError), database.writing() as session:
        schools.add_school(session, "gsw", name, actor=ACTOR, now=MORNING)


def test_an_organiser_shows_neither_hash_nor_password(database: Database) -> None:
    """Representations end up in logs."""
    make_school(database)
    issued = make_organiser(database)

    with database.reading() as session:
        row = session.scalars(select(Organiser)).one()
        assert "$2b$" not in repr(row)
    assert issued.password not in repr(issued)
