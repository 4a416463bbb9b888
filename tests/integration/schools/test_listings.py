"""What staff see listed: complete, in order, found by any part, and at a cost that no row adds to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from authbridge.login import policy
from authbridge.revocations import status
from authbridge.revocations.running import running_meetings
from authbridge.schools import listings
from authbridge.schools.commands import schools, suspensions
from authbridge.schools.commands.suspensions import SuspensionDescription
from authbridge.schools.history import suspension_rows
from authbridge.schools.listings import Extent
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.schools.organiser_filters import OrganiserFilter, OrganiserQuery
from authbridge.schools.organiser_rows import OrganiserState, organiser_row, state_of
from authbridge.schools.overview import (
    ExpiringRow,
    SuspendedRow,
    count_schools_without_contract,
    list_expiring,
    list_suspended,
)
from authbridge.schools.print_jobs import list_print_jobs
from authbridge.schools.school_rows import SchoolFilter, school_counts
from authbridge.schools.search import find_by_text
from authbridge.schools.selection import find_selection
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import Organiser, Reporter, School, SuspensionReason
from tests.support.factories import ACTOR, make_organiser, make_school
from tests.support.fakes import MORNING

TODAY = MORNING.date()
ENDS = (None, TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=31))
HASH = "$2b$04$" + "." * 53


def add_organisers(database: Database, code: str, *names: str, valid_until: date | None = None) -> None:
    """Organisers of these names."""
    with database.write_session() as session:
        school = get_school(session, code)
        session.add_all(
            Organiser(
                username=name,
                school=school,
                password_hash=HASH,
                password_generated=True,
                valid_until=valid_until,
                created_at=MORNING,
            )
            for name in names
        )


def add_schools(database: Database, count: int) -> None:
    """Schools with the codes s000, s001 and so on."""
    with database.write_session() as session:
        session.add_all(
            School(code=f"s{number:03}", name=f"Schule {number}", created_at=MORNING)
            for number in range(count)
        )


def suspend(database: Database, *names: str) -> None:
    """Suspends these organisers, one a minute."""
    for minute, name in enumerate(names):
        with database.write_session() as session:
            now = MORNING + timedelta(minutes=minute)
            suspensions.suspend(session, ORGANISER, name, reason=None, actor=ACTOR, now=now)


def suspend_school(database: Database, code: str) -> None:
    """Suspends a school, before everybody else."""
    with database.write_session() as session:
        now = MORNING - timedelta(minutes=1)
        suspensions.suspend(session, SCHOOL, code, reason=SuspensionReason.MISUSE, actor=ACTOR, now=now)


def locate(database: Database, code: str, place: str) -> None:
    """Says where the school is."""
    with database.write_session() as session:
        schools.change_school(session, code, place=place, actor=ACTOR, now=MORNING)


def codes(database: Database, text: str = "", show: SchoolFilter = SchoolFilter.ALL) -> list[str]:
    """The codes of the schools that the list shows."""
    with database.read_session() as session:
        return [row.code for row in listings.list_school_rows(session, text=text, show=show).rows]


def names(database: Database, text: str = "", **asked: Any) -> list[str]:  # noqa: ANN401
    """The names of the organisers that the list shows, which are those that a selection would take."""
    query = OrganiserQuery(text=text, **asked)
    with database.read_session() as session:
        page = listings.list_organiser_rows(session, query, today=TODAY)
        usernames = listings.list_usernames(session, query, today=TODAY, limit=50)
    assert [row.username for row in page.rows] == list(usernames)
    return [row.username for row in page.rows]


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are run meanwhile."""
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize(("suspended", "school_suspended"), list(product([False, True], repeat=2)))
@pytest.mark.parametrize("valid_until", ENDS)
def test_the_state_is_what_a_login_would_be_told(
    valid_until: date | None, *, suspended: bool, school_suspended: bool
) -> None:
    """One table of words for the policy's reasons."""
    account = policy.Account(
        credential_version=1,
        suspended=suspended,
        school_suspended=school_suspended,
        valid_until=valid_until,
    )

    state = state_of(
        suspended=suspended, school_suspended=school_suspended, valid_until=valid_until, today=TODAY
    )

    assert (
        policy.judge(account, checked_version=1, today=TODAY).reason
        is {
            OrganiserState.ACTIVE: policy.Reason.IN_ORDER,
            OrganiserState.SUSPENDED: policy.Reason.ORGANISER_SUSPENDED,
            OrganiserState.SCHOOL_SUSPENDED: policy.Reason.SCHOOL_SUSPENDED,
            OrganiserState.EXPIRED: policy.Reason.PAST_VALIDITY,
        }[state]
    )


def test_a_filter_by_state_shows_those_in_that_state(database: Database) -> None:
    """The database and the table of words agree about every organiser."""
    for code in ("ohg", "gsw"):
        make_school(database, code)
        for number, valid_until in enumerate(ENDS):
            add_organisers(database, code, f"{code}-a{number}", f"{code}-b{number}", valid_until=valid_until)
            suspend(database, f"{code}-b{number}")
    suspend_school(database, "gsw")

    with database.read_session() as session:
        everybody = listings.list_organiser_rows(session, today=TODAY).rows
    assert len(everybody) == 16
    for state in OrganiserState:
        expected = [row.username for row in everybody if row.state is state]
        assert names(database, show=OrganiserFilter(state)) == expected
        assert expected


def test_a_row_tells_what_the_detail_page_tells(database: Database) -> None:
    """The same words, whichever way the organiser was read."""
    make_school(database)
    name = make_organiser(database, valid_until=TODAY).username
    suspend(database, name)

    with database.read_session() as session:
        (row,) = listings.list_organiser_rows(session, today=TODAY).rows
    with database.read_session() as session:
        assert organiser_row(get_organiser(session, name), TODAY) == row
    assert (row.school_code, row.school_name, row.suspended_at) == ("ohg", "Otto-Hahn-Gymnasium", MORNING)
    assert (row.state, row.valid_until, row.last_login_on) == (OrganiserState.SUSPENDED, TODAY, None)


def test_a_school_row_counts(database: Database) -> None:
    """How many organisers, how many of them suspended; a school without any counts none."""
    make_school(database)
    make_school(database, "gsw", "Grundschule")
    add_organisers(database, "ohg", "ohg-a", "ohg-b", "ohg-c")
    suspend(database, "ohg-b")

    with database.read_session() as session:
        empty, full = listings.list_school_rows(session).rows
        counts = school_counts(session, get_school(session, "ohg"))
    assert (empty.code, empty.organisers, empty.suspended_organisers, empty.quota) == ("gsw", 0, 0, 50)
    assert (full.code, full.organisers, full.suspended_organisers) == ("ohg", 3, 1)
    assert (counts.organisers, counts.suspended_organisers) == (3, 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["ohg", "zue"]),
        ("  ", ["ohg", "zue"]),
        ("OHG", ["ohg"]),
        ("züttlingen", ["zue"]),
        ("ZÜTT", ["zue"]),
        ("zu\u0308tt", ["zue"]),
        ("STRASSE", ["zue"]),
        ("balingen", ["ohg"]),
        ("100%", ["zue"]),
        ("%", ["zue"]),
        ("_", []),
        ("\\", []),
        ("'", []),
        ("nirgends", []),
        ("o\0h", []),
    ],
)
def test_a_school_is_found_by_any_part(database: Database, text: str, found: list[str]) -> None:
    """Code, name or place; capitals do not matter, and no sign means anything but itself."""
    make_school(database)
    locate(database, "ohg", "72336 Balingen")
    make_school(database, "zue", "Schule an der Straße „100%“ d'Élan")
    locate(database, "zue", "Züttlingen")

    assert codes(database, text) == found


def test_schools_by_what_is_wrong_with_them(database: Database) -> None:
    """Suspended, or without a contract."""
    make_school(database)
    make_school(database, "gsw", "Grundschule")
    suspend_school(database, "gsw")
    with database.write_session() as session:
        schools.change_school(session, "gsw", contract_on=TODAY, actor=ACTOR, now=MORNING)

    assert codes(database, show=SchoolFilter.SUSPENDED) == ["gsw"]
    assert codes(database, show=SchoolFilter.NO_CONTRACT) == ["ohg"]
    assert codes(database, "grund", show=SchoolFilter.NO_CONTRACT) == []
    with database.read_session() as session:
        assert count_schools_without_contract(session) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hg-k", ["ohg-kwtx"]),
        ("OHG", ["frau.a", "ohg-kwtx"]),
        ("otto", ["frau.a", "ohg-kwtx"]),
        (" frau", ["frau.a", "frau_b"]),
        ("_", ["frau_b"]),
        ("%", []),
        ("\\", []),
        ("ü", []),
        ("frau\0", []),
        ("\ud800", []),
    ],
)
def test_an_organiser_is_found_by_any_part(database: Database, text: str, found: list[str]) -> None:
    """Of the name, or of the school."""
    make_school(database)
    make_school(database, "gsw", "Grundschule")
    add_organisers(database, "ohg", "ohg-kwtx", "frau.a")
    add_organisers(database, "gsw", "frau_b")

    assert names(database, text) == found


def test_the_organisers_of_one_school(database: Database) -> None:
    """And of no other, whatever their names."""
    make_school(database)
    make_school(database, "gsw", "Grundschule")
    add_organisers(database, "ohg", "gsw-xxxx", "b", "a")
    add_organisers(database, "gsw", "c")

    with database.read_session() as session:
        page = listings.list_organiser_rows(session, OrganiserQuery(code="ohg"), today=TODAY)
    assert [row.username for row in page.rows] == ["a", "b", "gsw-xxxx"]


def test_filters_for_those_who_may_need_something(database: Database) -> None:
    """Those who expire soon, who never logged in, who wait: each of one school, too."""
    make_school(database)
    make_school(database, "gsw", "Grundschule")
    add_organisers(database, "ohg", "ohg-a", "ohg-b", valid_until=TODAY + timedelta(days=30))
    add_organisers(database, "gsw", "gsw-a", valid_until=TODAY)
    add_organisers(database, "gsw", "gsw-b", valid_until=TODAY - timedelta(days=1))
    with database.write_session() as session:
        get_organiser(session, "ohg-a").last_login_on = TODAY

    assert names(database, show=OrganiserFilter.EXPIRING) == ["gsw-a", "ohg-a", "ohg-b"]
    assert names(database, show=OrganiserFilter.EXPIRING, code="ohg") == ["ohg-a", "ohg-b"]
    assert names(database, show=OrganiserFilter.NEVER_LOGGED_IN) == ["gsw-a", "gsw-b", "ohg-b"]
    assert names(database, show=OrganiserFilter.WAITING, waiting=["ohg-a", "gsw-b"]) == ["gsw-b", "ohg-a"]
    assert names(database, show=OrganiserFilter.WAITING) == []


@pytest.mark.parametrize(
    ("asked", "number", "rows"),
    [(-1, 1, 50), (0, 1, 50), (1, 1, 50), (2, 2, 50), (3, 3, 1), (4, 3, 1), (10**30, 3, 1)],
)
def test_a_page_that_is_not_there_is_the_last(database: Database, asked: int, number: int, rows: int) -> None:
    """Whoever reloads an old page sees what there is; no row is on two pages."""
    add_schools(database, 101)
    add_organisers(database, "s000", *(f"x{number:03}" for number in range(101)))

    with database.read_session() as session:
        of_schools = listings.list_school_rows(session, extent=Extent(asked))
        of_organisers = listings.list_organiser_rows(session, today=TODAY, extent=Extent(asked))
    for page in (of_schools, of_organisers):
        assert (page.number, page.pages, page.total, len(page.rows)) == (number, 3, 101, rows)
    first = (number - 1) * 50
    assert of_schools.rows[0].code == f"s{first:03}"
    assert of_organisers.rows[0].username == f"x{first:03}"


def test_an_empty_list_has_one_empty_page(database: Database) -> None:
    """The first day."""
    with database.read_session() as session:
        for page in (listings.list_school_rows(session), listings.list_organiser_rows(session, today=TODAY)):
            assert (page.rows, page.number, page.pages, page.total) == ((), 1, 1, 0)


def test_the_search_finds_schools_and_organisers(database: Database) -> None:
    """From three letters, by name and by place; more than twenty are not shown."""
    make_school(database)
    add_organisers(database, "ohg", *(f"ohg-{number:02}" for number in range(21)), "frau.a")

    with database.read_session() as session:
        assert find_by_text(session, " oh ", today=TODAY) is None
        many = find_by_text(session, "OHG", today=TODAY)
        one = find_by_text(session, "rau.", today=TODAY)
    assert many is not None
    assert one is not None
    assert ([row.code for row in many.schools], len(many.organisers), many.more) == (["ohg"], 20, True)
    assert ([row.username for row in one.organisers], one.schools, one.more) == (["frau.a"], (), False)


def test_who_is_suspended_now(database: Database) -> None:
    """Organisers and schools, latest first; those of a suspended school are not told one by one."""
    make_school(database)
    make_school(database, "gsw", "Grundschule")
    add_organisers(database, "ohg", "ohg-a", "ohg-b", "ohg-c")
    add_organisers(database, "gsw", "gsw-a")
    suspend(database, "ohg-c", "ohg-a", "ohg-b")
    suspend_school(database, "gsw")
    with database.write_session() as session:
        suspensions.reinstate(session, ORGANISER, "ohg-c", actor=ACTOR, now=MORNING)

    with database.read_session() as session:
        everybody = list_suspended(session, limit=10)
        first = list_suspended(session, limit=1)
    title = "Otto-Hahn-Gymnasium"
    assert everybody.rows == (
        SuspendedRow("organiser", "ohg-b", title, MORNING + timedelta(minutes=2), None),
        SuspendedRow("organiser", "ohg-a", title, MORNING + timedelta(minutes=1), None),
        SuspendedRow("school", "gsw", "Grundschule", MORNING - timedelta(minutes=1), "misuse"),
    )
    assert (first.rows, first.total, everybody.total) == (everybody.rows[:1], 3, 3)


def test_what_expires_soon(database: Database) -> None:
    """From today to the thirtieth day from now, by school, soonest first."""
    make_school(database)
    for days in (-1, 30, 31, 0):
        add_organisers(database, "ohg", f"in{days}", valid_until=TODAY + timedelta(days=days))
    add_organisers(database, "ohg", "never")
    make_school(database, "gsw", "Grundschule")
    add_organisers(database, "gsw", "tomorrow", valid_until=TODAY + timedelta(days=1))

    with database.read_session() as session:
        soon = list_expiring(session, today=TODAY)
    assert soon == (
        ExpiringRow("ohg", "Otto-Hahn-Gymnasium", 2, TODAY),
        ExpiringRow("gsw", "Grundschule", 1, TODAY + timedelta(days=1)),
    )


def test_a_history_tells_everything(database: Database) -> None:
    """Who, when, why, on whose word, and the note; latest first."""
    make_school(database)
    add_organisers(database, "ohg", "ohg-a")
    suspend(database, "ohg-a")
    with database.write_session() as session:
        suspensions.reinstate(session, ORGANISER, "ohg-a", actor=ACTOR, now=MORNING)
    suspend(database, "ohg-a")
    with database.write_session() as session:
        said = SuspensionDescription(SuspensionReason.MISUSE, Reporter.SCHOOL_HEAD, "Chat der 9b")
        suspensions.describe(session, ORGANISER, "ohg-a", said, actor=ACTOR, now=MORNING)

    with database.read_session() as session:
        latest, first = suspension_rows(session, get_organiser(session, "ohg-a"), now=MORNING)
    assert (latest.reason, latest.reported_by, latest.note) == ("misuse", "school-head", "Chat der 9b")
    assert (latest.until, latest.suspended_by) == (None, ACTOR)
    assert (first.until, first.reinstated_by, first.reason) == (MORNING, ACTOR, None)


EXPIRED = OrganiserQuery(show=OrganiserFilter.EXPIRED)
MANY = status.RevokedTogether([f"s000-{number:03}" for number in range(100)])
LISTINGS: dict[str, tuple[int, Callable[[Session], object]]] = {
    "schools": (3, listings.list_school_rows),
    "schools by text": (3, lambda s: listings.list_school_rows(s, text="schule", extent=Extent(2))),
    "organisers": (2, lambda s: listings.list_organiser_rows(s, today=TODAY)),
    "of a school": (2, lambda s: listings.list_organiser_rows(s, OrganiserQuery(code="s000"), today=TODAY)),
    "by state": (2, lambda s: listings.list_organiser_rows(s, EXPIRED, today=TODAY)),
    "by text": (3, lambda s: listings.list_organiser_rows(s, OrganiserQuery(text="schule"), today=TODAY)),
    "search": (4, lambda s: find_by_text(s, "s00", today=TODAY)),
    "suspended": (2, lambda s: list_suspended(s, limit=20)),
    "expiring": (1, lambda s: list_expiring(s, today=TODAY)),
    "nodes": (1, lambda s: status.nodes(s, now=MORNING)),
    "effect": (3, lambda s: [status.revocation_status_of(s, Organiser(username="s000-001"), now=MORNING)]),
    "effect of a school": (3, lambda s: [status.revocation_status_of(s, School(id=1), now=MORNING)]),
    "meetings": (2, lambda s: status.meetings(s, now=MORNING)),
    "effect of many": (3, lambda s: [status.revocation_status_of(s, MANY, now=MORNING)]),
    "running meetings": (1, lambda s: running_meetings(s, now=MORNING).of(MANY.usernames)),
    "a selection": (1, lambda s: find_selection(s, MANY.usernames, today=TODAY)),
    "print jobs": (2, lambda s: [list_print_jobs(s, get_school(s, "s000"), limit=5)]),
    "meetings of a school": (2, lambda s: [status.meetings_of(s, School(id=1), now=MORNING)]),
}


@pytest.mark.parametrize("name", LISTINGS)
def test_no_row_adds_a_query(database: Database, name: str) -> None:
    """One organiser or two hundred: as many statements, and none of them asks for a hash."""
    most, read = LISTINGS[name]
    for _ in range(2):
        add_schools(database, 1) if not codes(database) else fill(database)
        with counted(database) as statements, database.read_session() as session:
            rows = read(session)
        assert rows is not None
        assert len(statements) <= most, statements
        assert "password_hash" not in "".join(statements)


def fill(database: Database) -> None:
    """A county."""
    with database.write_session() as session:
        session.add_all(
            School(code=f"s{number:03}", name=f"Schule {number}", created_at=MORNING)
            for number in range(1, 60)
        )
    add_organisers(database, "s000", *(f"s000-{number:03}" for number in range(100)))
    add_organisers(database, "s001", *(f"s001-{number:03}" for number in range(100)), valid_until=TODAY)
    suspend(database, "s000-001", "s000-002", "s001-001")
