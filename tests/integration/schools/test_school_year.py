"""The change of a school year for one school: all or nothing, as it was shown, in one event."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from authbridge.errors import InputError
from authbridge.login.authenticate import authenticate
from authbridge.schools.commands import organisers, school_year, selections, suspensions
from authbridge.schools.commands.organisers import IssuedCredential, QuotaError
from authbridge.schools.commands.school_year import YearChange
from authbridge.schools.lookup import get_school
from authbridge.schools.school_year import SchoolCalendar
from authbridge.schools.selection import StaleSelectionError
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.schools.year_overview import list_reminders, list_school_years
from authbridge.schools.year_plans import YearForecast, YearPlan, foretell, list_present
from authbridge.schools.year_reports import YearOutcome, get_reports, list_changes
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Organiser, Revocation
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
CALENDAR = SchoolCalendar(TODAY, (9, 30))
NEXT = date(2027, 9, 30)
TRANSITION = TODAY + timedelta(days=14)
YESTERDAY = TODAY - timedelta(days=1)
JOB = "D7K-42P"


@pytest.fixture(name="issued")
def issue_five(database: Database) -> list[IssuedCredential]:
    """Five accesses of one school, which run out soon, with their letters."""
    make_school(database, quota=6)
    passwords = organisers.make_passwords(5, HASHER)
    with database.write_session() as session:
        return organisers.issue_organisers(
            session, "ohg", passwords, valid_until=TODAY + timedelta(days=30), actor=ACTOR, now=MORNING
        )


def plan(stay: Sequence[str] | None = (), **others: object) -> YearPlan:
    """Those stay; the others run out with the transition."""
    staying = None if stay is None else tuple(stay)
    made = YearPlan("run-1", "ohg", CALENDAR, NEXT, others_until=TRANSITION, stay=staying)
    return replace(made, **others)  # type: ignore[arg-type]  # fields of the plan


def foretold(database: Database, planned: YearPlan) -> YearForecast:
    """What the page shows beforehand."""
    with database.read_session() as session:
        return foretell(list_present(session, get_school(session, planned.code), now=MORNING), planned)


def carry_out(database: Database, planned: YearPlan) -> YearChange:
    """The change, with as many new passwords as it needs."""
    letters = foretold(database, planned).letters
    passwords = organisers.make_passwords(letters, HASHER, print_job=make_print_job(JOB)) if letters else []
    with database.write_session() as session:
        return school_year.change_school_year(
            session, planned, passwords, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING
        )


def ends(database: Database) -> dict[str, date | None]:
    """The last day of each access."""
    with database.read_session() as session:
        return {each.username: each.valid_until for each in session.scalars(select(Organiser))}


def events(database: Database) -> list[AuditEvent]:
    """The events about changes of the school year."""
    with database.read_session() as session:
        query = select(AuditEvent).where(AuditEvent.action == "school:change-year")
        return list(session.scalars(query))


def logged_out(database: Database) -> list[str]:
    """Whose sessions the servers are told to end."""
    with database.read_session() as session:
        query = select(Revocation.username).where(Revocation.action == "end_sessions")
        return list(session.scalars(query.order_by(Revocation.id)))


def verdict(database: Database, credential: IssuedCredential) -> str:
    """What a login is answered."""
    attempt = make_attempt(credential.username, credential.password)
    return authenticate(attempt, make_origin(), make_services(database), within=9).verdict


def test_those_who_stay_are_extended_and_the_others_run_out(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """One event names them all; a day that is still to come ends no session, and expired ones stay so."""
    *stay, leaves, over = [str(each.username) for each in issued]
    with database.write_session() as session:
        organisers.change_validity(session, over, YESTERDAY, today=TODAY, actor=ACTOR, now=MORNING)
        suspensions.suspend(session, ORGANISER, stay[0], reason=None, actor=ACTOR, now=MORNING)
    before = logged_out(database)

    change = carry_out(database, plan(stay))

    assert ends(database) == {**dict.fromkeys(stay, NEXT), leaves: TRANSITION, over: YESTERDAY}
    assert (change.forecast.extended, change.forecast.ending) == (tuple(stay), (leaves,))
    assert (change.forecast.expired, change.forecast.suspended) == ((over,), (stay[0],))
    assert logged_out(database) == before
    assert verdict(database, issued[0]) == "suspended"
    (event,) = events(database)
    assert (event.actor, event.subject, event.detail["run"]) == (ACTOR, "ohg", "run-1")
    assert event.detail["usernames"] == sorted([*stay, leaves])


def test_who_ends_today_is_logged_out(database: Database, issued: list[IssuedCredential]) -> None:
    """Those who stay are not; nor are those with a later end of their own."""
    *stay, leaves = [str(each.username) for each in issued]

    carry_out(database, plan(stay, others_until=YESTERDAY))

    assert logged_out(database) == [leaves]
    assert ends(database)[leaves] == YESTERDAY
    assert [verdict(database, issued[0]), verdict(database, issued[-1])] == ["granted", "expired"]


def test_a_former_password_counts_until_the_end_of_the_transition(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """Beside the new one, and nobody is logged out; but for a suspended access, which may be misused."""
    first, second, *others = [str(each.username) for each in issued]
    with database.write_session() as session:
        suspensions.suspend(session, ORGANISER, second, reason=None, actor=ACTOR, now=MORNING)

    change = carry_out(database, plan([first, second], renews=True, transition_until=TRANSITION))

    assert [each.username for each in change.credentials] == [first, second]
    assert [each.valid_until for each in change.credentials] == [NEXT, NEXT]
    assert [verdict(database, each) for each in (issued[0], change.credentials[0])] == ["granted"] * 2
    with database.read_session() as session:
        until = {each.username: each.previous_until for each in session.scalars(select(Organiser))}
    assert until == {first: TRANSITION, second: None, **dict.fromkeys(others)}
    assert logged_out(database) == []


def test_a_suspended_school_keeps_no_former_password(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """Reinstating it within the transition must not bring the passwords back that may be misused."""
    with database.write_session() as session:
        suspensions.suspend(session, SCHOOL, "ohg", reason=None, actor=ACTOR, now=MORNING)
    names = [str(each.username) for each in issued]
    change = carry_out(database, plan(names, renews=True, transition_until=TRANSITION))
    with database.write_session() as session:
        suspensions.reinstate(session, SCHOOL, "ohg", actor=ACTOR, now=MORNING)

    assert {verdict(database, each) for each in issued} == {"refused"}
    assert {verdict(database, each) for each in change.credentials} == {"granted"}


def test_without_a_transition_the_old_passwords_end_at_once(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """As with every new password; the others end with them."""
    *stay, leaves = [str(each.username) for each in issued]

    change = carry_out(database, plan(stay, renews=True, others_until=YESTERDAY))

    assert logged_out(database) == sorted([*stay, leaves])
    assert [verdict(database, each) for each in (issued[0], change.credentials[0])] == ["refused", "granted"]


def test_by_number_new_accounts_take_the_place_of_all(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """Nobody has said who stays: all present ones run out with the transition, new ones last the year."""
    old = [str(each.username) for each in issued]
    with pytest.raises(QuotaError):
        carry_out(database, plan(new_accounts=3))
    assert set(ends(database)) == set(old), "nothing was done"
    assert events(database) == []

    change = carry_out(database, plan(new_accounts=3, raises_quota=True))

    new = [str(each.username) for each in change.credentials]
    assert ends(database) == {**dict.fromkeys(old, TRANSITION), **dict.fromkeys(new, NEXT)}
    (event,) = events(database)
    assert (event.detail["issued"], event.detail["quota"], event.detail["print_job"]) == (new, 8, JOB)
    assert verdict(database, change.credentials[0]) == "granted"


def test_everybody_stays_where_a_whole_school_goes_on(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """Also those who ran out with the school year, not those whom somebody ended; no end becomes one."""
    late, ended, endless, longer, plain = [str(each.username) for each in issued]
    last_year = date(2026, 9, 30)
    with database.write_session() as session:
        for name, day in ((late, last_year), (ended, YESTERDAY), (endless, None), (longer, date(2030, 1, 1))):
            organisers.change_validity(session, name, day, today=TODAY, actor=ACTOR, now=MORNING)

    change = carry_out(database, plan(None))

    assert ends(database) == {
        late: NEXT, ended: YESTERDAY, endless: NEXT, longer: date(2030, 1, 1), plain: NEXT,
    }  # fmt: skip
    assert (change.forecast.bounded, change.forecast.unchanged) == ((endless,), (longer,))
    assert carry_out(database, plan(None)).forecast.is_empty
    assert len(events(database)) == 1, "nothing to do is no event"


def test_who_was_let_go_is_not_brought_back_with_a_whole_school(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """Somebody wanted that end, also where it is later than the new day; only a tick lets them stay."""
    *stay, leaves = [str(each.username) for each in issued]
    carry_out(database, plan(stay))

    change = carry_out(database, plan(None, valid_until=NEXT + timedelta(days=365)))

    assert change.forecast.let_go == (leaves,)
    assert ends(database) == {**dict.fromkeys(stay, NEXT + timedelta(days=365)), leaves: TRANSITION}
    earlier = TRANSITION - timedelta(days=1)
    assert foretold(database, plan(None, valid_until=earlier, others_until=earlier)).ending == ()
    with database.write_session() as session:
        organisers.change_validity(session, leaves, None, today=TODAY, actor=ACTOR, now=MORNING)
    carry_out(database, plan(None))
    assert ends(database)[leaves] == NEXT, "somebody has changed it since"
    carry_out(database, plan(stay))
    carry_out(database, plan([leaves]))
    assert ends(database)[leaves] == NEXT, "somebody has ticked it"


def test_what_was_changed_since_it_was_shown_is_refused(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """An access that is issued, ended or renewed meanwhile; and tomorrow, when others have expired."""
    names = [str(each.username) for each in issued]
    shown = plan(names[:3])
    shown = replace(shown, seen=foretold(database, shown).seen)
    tomorrow = replace(shown, calendar=replace(CALENDAR, today=TODAY + timedelta(days=1)))
    with pytest.raises(StaleSelectionError):
        carry_out(database, tomorrow)
    make_organiser(database)

    with pytest.raises(StaleSelectionError):
        carry_out(database, shown)
    assert set(ends(database).values()) == {TODAY + timedelta(days=30), None}
    assert events(database) == []


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"stay": ("gsw-bcdf",)}, id="a name of another school"),
        pytest.param({"valid_until": YESTERDAY}, id="a day of the past"),
        pytest.param({"new_accounts": 501}, id="too many letters"),
    ],
)
def test_what_makes_no_sense_is_refused(
    database: Database, issued: list[IssuedCredential], wrong: dict[str, object]
) -> None:
    """Before anything is hashed."""
    assert issued
    with pytest.raises(InputError):
        foretold(database, plan(**wrong))  # type: ignore[arg-type]  # fields of the plan


def test_undo_gives_the_former_days_back(database: Database, issued: list[IssuedCredential]) -> None:
    """But not to an access that somebody changed since."""
    *stay, leaves = [str(each.username) for each in issued]
    before = ends(database)
    carry_out(database, plan(stay))
    with database.write_session() as session:
        organisers.change_validity(session, stay[0], date(2029, 1, 1), today=TODAY, actor=ACTOR, now=MORNING)
    (event,) = events(database)

    with database.write_session() as session:
        result = selections.undo_selection(session, event.id, today=TODAY, actor=ACTOR, now=MORNING)

    assert result.changed == tuple(sorted([*stay[1:], leaves]))
    assert ends(database) == {**before, stay[0]: date(2029, 1, 1)}


def test_the_report_says_of_each_access_what_was_done(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """From the audit alone: the school's latest changes are found, and what is older than it is not."""
    *stay, longer, leaves = [str(each.username) for each in issued]
    with database.write_session() as session:
        organisers.change_validity(session, longer, date(2030, 1, 1), today=TODAY, actor=ACTOR, now=MORNING)
    carry_out(database, plan([*stay, longer]))

    with database.read_session() as session:
        (report,) = get_reports(session, "run-1", now=MORNING)
        assert [row.run for row in list_changes(session, "ohg", now=MORNING, limit=5)] == ["run-1"]
        assert list_changes(session, now=MORNING + timedelta(days=366), limit=5) == ()
    by_name = {row.username: (row.outcome, row.before, row.until) for row in report.rows}
    soon = TODAY + timedelta(days=30)
    assert by_name == {
        **dict.fromkeys(stay, (YearOutcome.EXTENDED, soon, NEXT)),
        leaves: (YearOutcome.ENDING, soon, TRANSITION),
        longer: (YearOutcome.UNCHANGED, date(2030, 1, 1), date(2030, 1, 1)),
    }


def test_reminders_name_the_school_its_number_and_the_day(
    database: Database, issued: list[IssuedCredential]
) -> None:
    """They are quiet between their days, and about those whom a change did not let stay."""
    end = TODAY + timedelta(days=30)
    *stay, _leaves = [str(each.username) for each in issued]

    def reminded(days_before: int) -> list[tuple[str, int, date]]:
        with database.read_session() as session:
            day = end - timedelta(days=days_before)
            found = list_reminders(session, today=day, now=MORNING)
            return [(each.code, each.accesses, each.last_day) for each in found]

    assert reminded(14) == reminded(3) == reminded(42) == [("ohg", 5, end)]
    assert reminded(20) == reminded(-1) == []
    carry_out(database, plan(stay, others_until=end - timedelta(days=1)))
    assert reminded(4) == reminded(3) == []
    with database.read_session() as session:
        (row,) = list_school_years(session, today=TODAY)
    assert (row.accesses, row.first_end, row.last_end) == (5, end - timedelta(days=1), NEXT)
