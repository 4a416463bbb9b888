"""Changing many organisers at once: all or none, in one event; who needs no change is counted apart."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from authbridge.errors import ConflictError, InputError, NotFoundError
from authbridge.login.authenticate import authenticate
from authbridge.revocations import reports
from authbridge.revocations.reports import Contact
from authbridge.revocations.running import running_meetings
from authbridge.schools.commands import organisers, selections, suspensions
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.commands.selections import SelectionResult
from authbridge.schools.lookup import get_organiser
from authbridge.schools.organiser_rows import OrganiserState
from authbridge.schools.print_jobs import find_print_job, get_print_job
from authbridge.schools.selection import MOST_SELECTED, StaleSelectionError, find_selection
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, LoginFailure, Revocation, Suspension
from tests.support.factories import (
    ACTOR,
    HASHER,
    KEYED_HASHES,
    make_attempt,
    make_organiser,
    make_origin,
    make_print_job,
    make_school,
    make_services,
)
from tests.support.fakes import MORNING

TODAY = MORNING.date()
SUMMER = date(2027, 7, 31)
LATER = MORNING + timedelta(minutes=1)
JOB = "D7K-42P"


@pytest.fixture(name="issued")
def issue_three(database: Database) -> list[IssuedCredential]:
    """Three organisers of one school, valid until the day after tomorrow, with their letters."""
    make_school(database)
    passwords = organisers.make_passwords(3, HASHER, print_job=make_print_job(JOB))
    with database.write_session() as session:
        return organisers.issue_organisers(
            session, "ohg", passwords, valid_until=TODAY + timedelta(days=2), actor=ACTOR, now=MORNING
        )


def names(issued: Sequence[IssuedCredential]) -> list[str]:
    """The login names."""
    return [str(each.username) for each in issued]


def run(
    database: Database, command: Callable[..., SelectionResult], *values: object, **options: object
) -> SelectionResult:
    """One command in its transaction, a minute after the organisers were issued."""
    with database.write_session() as session:
        return command(session, *values, actor=ACTOR, now=LATER, **options)


def events(database: Database) -> list[AuditEvent]:
    """The events about several organisers."""
    with database.read_session() as session:
        query = select(AuditEvent).where(AuditEvent.action.startswith("organisers:")).order_by(AuditEvent.id)
        return list(session.scalars(query))


def revoked(database: Database) -> list[tuple[str, str]]:
    """What the servers are told: name and action."""
    with database.read_session() as session:
        rows = session.execute(select(Revocation.username, Revocation.action).order_by(Revocation.id))
        return [(username, action) for username, action in rows]


def states(database: Database, usernames: Sequence[str]) -> list[OrganiserState]:
    """The state of each, by name."""
    with database.read_session() as session:
        return [row.state for row in find_selection(session, usernames, today=TODAY).rows]


def seen(database: Database, usernames: Sequence[str]) -> str:
    """What a page showed of them."""
    with database.read_session() as session:
        return find_selection(session, usernames, today=TODAY).seen


def verdict(database: Database, credential: IssuedCredential) -> str:
    """What a login is answered."""
    attempt = make_attempt(credential.username, credential.password)
    return authenticate(attempt, make_origin(), make_services(database), within=9).verdict


def test_suspending_many_is_one_event(database: Database, issued: list[IssuedCredential]) -> None:
    """Who was suspended already is counted apart and keeps the suspension; the servers hear of the others."""
    first, *others = names(issued)
    with database.write_session() as session:
        suspensions.suspend(session, ORGANISER, first, reason=None, actor=ACTOR, now=MORNING)

    result = run(database, selections.suspend_selection, names(issued))

    assert (result.changed, result.unchanged) == (tuple(others), 1)
    (told,) = events(database)
    assert (told.id, told.actor, told.action, told.subject) == (
        result.event_id, ACTOR, "organisers:suspend", "ohg",
    )  # fmt: skip
    assert told.detail == {"count": 2, "unchanged": 1, "usernames": others}
    assert revoked(database) == [(name, "suspend") for name in (first, *others)]
    assert [verdict(database, each) for each in issued] == ["suspended"] * 3
    with database.read_session() as session:
        assert [each.since for each in session.scalars(select(Suspension).order_by(Suspension.id))] == [
            MORNING, LATER, LATER,
        ]  # fmt: skip


def test_nothing_to_do_is_no_event(database: Database, issued: list[IssuedCredential]) -> None:
    """A second time everybody is counted apart, and the audit and the servers hear nothing."""
    run(database, selections.suspend_selection, names(issued))
    told = revoked(database)

    assert run(database, selections.suspend_selection, names(issued)) == SelectionResult((), 3, None)
    assert run(database, selections.end_sessions_of_selection, names(issued)) == SelectionResult((), 3, None)
    assert len(events(database)) == 1
    assert revoked(database) == told


def test_undo_reinstates_those_whom_the_click_suspended(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """Not who was suspended before, nor who was reinstated and suspended anew since."""
    before, since, plain = names(issued)
    with database.write_session() as session:
        suspensions.suspend(session, ORGANISER, before, reason=None, actor=ACTOR, now=MORNING)
    result = run(database, selections.suspend_selection, names(issued))
    with database.write_session() as session:
        suspensions.reinstate(session, ORGANISER, since, actor=ACTOR, now=LATER)
        again = LATER + timedelta(seconds=1)
        suspensions.suspend(session, ORGANISER, since, reason=None, actor=ACTOR, now=again)

    undone = run(database, selections.undo_selection, result.event_id, today=TODAY)

    assert (undone.changed, undone.unchanged) == ((plain,), 1)
    assert states(database, [before, since, plain]) == ["suspended", "suspended", "active"]
    assert revoked(database)[-1] == (plain, "reinstate")
    assert run(database, selections.undo_selection, result.event_id, today=TODAY).changed == ()


def test_extending_never_shortens(database: Database, issued: list[IssuedCredential]) -> None:
    """Who is valid longer, or without an end, stays so; undo gives each the day of before."""
    endless, longer, plain = names(issued)
    for name, day in ((endless, None), (longer, date(2028, 7, 31))):
        with database.write_session() as session:
            organisers.change_validity(session, name, day, today=TODAY, actor=ACTOR, now=MORNING)

    shown = seen(database, names(issued))
    result = run(database, selections.extend_selection, names(issued), SUMMER, seen=shown)

    assert (result.changed, result.unchanged) == ((plain,), 2)
    assert ends(database, names(issued)) == [None, date(2028, 7, 31), SUMMER]
    assert events(database)[0].detail["before"] == {plain: (TODAY + timedelta(days=2)).isoformat()}
    run(database, selections.undo_selection, result.event_id, today=TODAY)
    assert ends(database, names(issued)) == [None, date(2028, 7, 31), TODAY + timedelta(days=2)]
    assert revoked(database) == []


def ends(database: Database, usernames: Sequence[str]) -> list[date | None]:
    """The last day of each."""
    with database.read_session() as session:
        return [get_organiser(session, name).valid_until for name in usernames]


def test_ending_logs_out_and_can_be_undone(database: Database, issued: list[IssuedCredential]) -> None:
    """The validity ends with yesterday; who had expired is counted apart."""
    expired, *others = names(issued)
    with database.write_session() as session:
        organisers.change_validity(
            session, expired, TODAY - timedelta(days=9), today=TODAY, actor=ACTOR, now=MORNING
        )
    shown = seen(database, names(issued))

    result = run(database, selections.expire_selection, names(issued), seen=shown, today=TODAY)

    assert (result.changed, result.unchanged) == (tuple(others), 1)
    assert states(database, names(issued)) == ["expired"] * 3
    assert revoked(database)[1:] == [(name, "end_sessions") for name in others]
    run(database, selections.undo_selection, result.event_id, today=TODAY)
    assert states(database, names(issued)) == ["expired", "active", "active"]


def test_an_undo_takes_nothing_back_that_came_after(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """The same day set anew, for all or for one, is somebody's decision; an undo counts once."""
    usernames = names(issued)
    first = run(database, selections.extend_selection, usernames, SUMMER, seen=None)
    undo = partial(run, database, selections.undo_selection, first.event_id, today=TODAY)
    assert len(undo().changed) == len(usernames)
    run(database, selections.extend_selection, usernames[:2], SUMMER, seen=None)
    with database.write_session() as session:
        organisers.change_validity(session, usernames[2], SUMMER, today=TODAY, actor=ACTOR, now=MORNING)
    assert undo().changed == ()


def test_undoing_an_extension_of_expired_ones_logs_them_out_again(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """An organiser who logged in meanwhile does not stay in."""
    name = names(issued)[0]
    with database.write_session() as session:
        organisers.change_validity(
            session, name, TODAY - timedelta(days=1), today=TODAY, actor=ACTOR, now=MORNING
        )
    result = run(database, selections.extend_selection, [name], SUMMER, seen=seen(database, [name]))
    told = len(revoked(database))

    run(database, selections.undo_selection, result.event_id, today=TODAY)

    assert states(database, [name]) == ["expired"]
    assert revoked(database)[told:] == [(name, "end_sessions")]


def test_what_cannot_be_undone_is_said(database: Database, issued: list[IssuedCredential]) -> None:
    """A logout, somebody else's event, the undoing itself."""
    result = run(database, selections.end_sessions_of_selection, names(issued))
    undone = run(
        database,
        selections.undo_selection,
        run(database, selections.suspend_selection, names(issued)).event_id,
        today=TODAY,
    )
    for event_id in (result.event_id, undone.event_id, 1, 10**6):
        with pytest.raises(NotFoundError):
            run(database, selections.undo_selection, event_id, today=TODAY)


def reset(
    database: Database, usernames: Sequence[str], shown: str | None, job: str
) -> list[IssuedCredential]:
    """New passwords for them, with letters."""
    made = organisers.make_passwords(len(usernames), HASHER, print_job=make_print_job(job))
    with database.write_session() as session:
        return selections.reset_selection(
            session,
            dict(zip(usernames, made, strict=True)),
            seen=shown,
            keyed_hashes=KEYED_HASHES,
            actor=ACTOR,
            now=LATER,
        )


def test_new_passwords_for_many(database: Database, issued: list[IssuedCredential]) -> None:
    """The old ones are void, their failures forgotten, their sessions ended; a suspension stays."""
    with database.write_session() as session:
        suspensions.suspend(session, ORGANISER, names(issued)[0], reason=None, actor=ACTOR, now=MORNING)
    authenticate(make_attempt(names(issued)[1], "x"), make_origin(), make_services(database), within=9)

    renewed = reset(database, names(issued), seen(database, names(issued)), "X4X-X4X")

    assert [verdict(database, each) for each in renewed] == ["suspended", "granted", "granted"]
    assert {each.valid_until for each in renewed} == {TODAY + timedelta(days=2)}
    with database.read_session() as session:
        assert session.scalars(select(LoginFailure)).all() == []
    assert verdict(database, issued[1]) == "refused"
    (told,) = events(database)
    assert told.detail == {
        "count": 3, "unchanged": 0, "usernames": names(issued), "print_job": "X4X-X4X",
    }  # fmt: skip
    assert revoked(database)[1:] == [(name, "end_sessions") for name in names(issued)[1:]]


def test_a_print_job_holds_its_letters_as_long_as_they_are_valid(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """A new password takes its organiser to the new letter's job; who printed it and when stays."""
    reset(database, names(issued)[:2], None, "X4X-X4X")

    with database.read_session() as session:
        old, new = get_print_job(session, JOB), get_print_job(session, "X4X-X4X")
    assert (old.school_code, old.at, old.actor, old.letters, old.current, old.void) == (
        "ohg", MORNING, ACTOR, 3, 1, 2,
    )  # fmt: skip
    assert (new.letters, new.current, new.void) == (2, 2, 0)


@pytest.mark.parametrize(
    "typed", ["D7K-42P", "d7k-42p", " d7k42p ", "D7K 42P", "D7K - 42P", "d7k\u201342p", "D7K\u201142P"]
)
def test_the_number_of_a_letter_is_found_as_it_is_read_out(database: Database, typed: str) -> None:
    """Capitals, blanks and kinds of hyphens do not matter."""
    make_school(database)
    passwords = organisers.make_passwords(1, HASHER, print_job=make_print_job(JOB))
    with database.write_session() as session:
        organisers.issue_organisers(session, "ohg", passwords, valid_until=None, actor=ACTOR, now=MORNING)
    with database.read_session() as session:
        found = find_print_job(session, typed)
        assert found is not None
        assert found.id == JOB
        assert find_print_job(session, "D7K-42X") is find_print_job(session, "ohg-d7k-42p") is None


def test_letters_are_printed_for_one_school_at_a_time(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """Passwords of two schools on one pile would go to the wrong one; nothing is changed."""
    make_school(database, "gsw", "Grundschule")
    other = make_organiser(database, "gsw")
    with pytest.raises(ConflictError):
        reset(database, [names(issued)[0], other.username], None, "X4X-X4X")
    assert verdict(database, issued[0]) == verdict(database, other) == "granted"


def delete(session: Session, username: str) -> None:
    """Somebody deletes an organiser."""
    organisers.delete_organiser(session, username, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=LATER)


def renew(session: Session, username: str) -> None:
    """Somebody makes a new password."""
    (password,) = organisers.make_passwords(1, HASHER)
    organisers.reset_password(session, username, password, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=LATER)


def prolong(session: Session, username: str) -> None:
    """Somebody extends the validity."""
    organisers.change_validity(session, username, SUMMER, today=TODAY, actor=ACTOR, now=LATER)


@pytest.mark.parametrize("meanwhile", [delete, renew, prolong])
def test_a_stale_selection_changes_nothing(
    database: Database, issued: list[IssuedCredential], meanwhile: Callable[[Session, str], None]
) -> None:
    """What was shown is what is done: all of it, or nothing and a sentence."""
    shown = seen(database, names(issued))
    with database.write_session() as session:
        meanwhile(session, names(issued)[0])
    before = states(database, names(issued))

    with pytest.raises(StaleSelectionError):
        run(database, selections.expire_selection, names(issued), seen=shown, today=TODAY)
    with pytest.raises(StaleSelectionError):
        reset(database, names(issued), shown, "X4X-X4X")

    assert states(database, names(issued)) == before
    assert events(database) == []


def test_an_emergency_asks_only_that_they_exist(database: Database, issued: list[IssuedCredential]) -> None:
    """Suspending stops for a deleted organiser, but not because somebody made a new password meanwhile."""
    with database.write_session() as session:
        renew(session, names(issued)[0])
    assert len(run(database, selections.suspend_selection, names(issued)).changed) == 3
    with database.write_session() as session:
        delete(session, names(issued)[0])
    with pytest.raises(StaleSelectionError):
        run(database, selections.reinstate_selection, names(issued), seen=None)
    with pytest.raises(StaleSelectionError):
        run(database, selections.suspend_selection, [*names(issued)[1:], "no\0body"])


@pytest.mark.parametrize("count", [0, MOST_SELECTED + 1])
def test_a_selection_is_neither_empty_nor_endless(database: Database, count: int) -> None:
    """Logins wait for the one transaction."""
    with pytest.raises(InputError):
        run(database, selections.suspend_selection, [f"x{number}" for number in range(count)])


def test_in_a_suspended_school_the_servers_hear_nothing(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """Its sessions have ended already; the suspensions of its organisers hold when it is reinstated."""
    with database.write_session() as session:
        suspensions.suspend(session, SCHOOL, "ohg", reason=None, actor=ACTOR, now=MORNING)
    told = revoked(database)
    assert len(run(database, selections.suspend_selection, names(issued)).changed) == 3
    assert revoked(database) == told
    with database.write_session() as session:
        suspensions.reinstate(session, SCHOOL, "ohg", actor=ACTOR, now=LATER)
    assert states(database, names(issued)) == ["suspended"] * 3


def test_what_a_change_ends_is_never_said_to_be_nothing(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """The meetings that are known, and the servers of which nothing is; with no server nobody knows."""
    with database.read_session() as session:
        assert not running_meetings(session, now=MORNING).is_known
    with database.write_session() as session:
        reports.note_contact(
            session, Contact("jitsi1", None, 0, (), {names(issued)[0]: 2, "gsw-x": 4}), now=MORNING
        )
        long_ago = MORNING - timedelta(minutes=1)
        reports.note_contact(session, Contact("jitsi2", None, 0, (), {names(issued)[1]: 1}), now=long_ago)
    with database.read_session() as session:
        count = running_meetings(session, now=MORNING).of(names(issued))
    assert (count.known, count.silent, count.is_known) == (2, ("jitsi2",), True)


def test_no_organiser_of_a_selection_adds_a_query(database: Database) -> None:
    """Fifty or two: as many statements."""
    make_school(database, quota=100)
    few, many = issue(database, 2), issue(database, 50)
    assert count_statements(database, few) == count_statements(database, many)


def issue(database: Database, count: int) -> list[str]:
    """Organisers without letters."""
    passwords = organisers.make_passwords(count, HASHER)
    with database.write_session() as session:
        return names(
            organisers.issue_organisers(
                session, "ohg", passwords, valid_until=TODAY, actor=ACTOR, now=MORNING
            )
        )


def count_statements(database: Database, usernames: list[str]) -> list[int]:
    """The number of statements of each command."""
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *asked: statements.append(str(asked[2])))
    counts = []
    commands: tuple[Callable[[], object], ...] = (
        lambda: run(database, selections.suspend_selection, usernames),
        lambda: run(database, selections.reinstate_selection, usernames, seen=None),
        lambda: run(database, selections.end_sessions_of_selection, usernames),
        lambda: run(database, selections.extend_selection, usernames, SUMMER, seen=None),
        lambda: reset(database, usernames, None, f"X4X-X{len(usernames)}"),
        lambda: run(database, selections.expire_selection, usernames, seen=None, today=TODAY),
    )
    for command in commands:
        statements.clear()
        command()
        counts.append(len(statements))
    return counts
