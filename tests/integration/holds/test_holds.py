"""An incident hold: two people, one organiser, a span of days, 90 days at most, and then it is gone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from authbridge import deletion_records, nightly, retention
from authbridge.audit import Action, Actor
from authbridge.config import Config
from authbridge.data_protection.live import table_states
from authbridge.errors import ConflictError, InputError, NotFoundError
from authbridge.holds import commands as holds
from authbridge.holds.hold_rows import list_holds
from authbridge.login import journal
from authbridge.schools.commands.organisers import delete_organiser
from authbridge.staff import commands as staff
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Hold, LoginAttempt, Organiser, RejectedAttempts, Role
from tests.support.factories import ACTOR, KEYED_HASHES, LIMITS, make_organiser, make_school, make_staff
from tests.support.fakes import MORNING, FakeClock
from tests.support.panel.staffed_panel import make_config

ANNA, BERTA, CARLA = Actor("staff:anna"), Actor("staff:berta"), Actor("staff:carla")
DAY, WEEK = timedelta(days=1), timedelta(days=7)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
WANTED = holds.HoldRequest(MIDNIGHT - 3 * DAY, MIDNIGHT + DAY, "Anzeige 17", days=90)


@pytest.fixture(name="config")
def make_settings(tmp_path: Path) -> Config:
    """The usual settings, with a week of logs."""
    return make_config("sqlite:///unused.db", tmp_path)


@pytest.fixture(name="name")
def make_people(database: Database) -> str:
    """An admin, two auditors; and two organisers with logins on each day of the week; returns one's name."""
    for member, role in (("anna", Role.ADMIN), ("berta", Role.AUDITOR), ("carla", Role.AUDITOR)):
        make_staff(database, member, role)
    make_school(database)
    names = [make_organiser(database).username for _ in range(2)]
    with database.write_session() as session:
        for organiser in session.scalars(select(Organiser)):
            session.add_all(row for days in range(7) for row in _logins(organiser.id, MORNING - days * DAY))
        session.add(_attempt(None, MORNING))
    return names[0]


def _logins(organiser_id: int, at: datetime) -> list[LoginAttempt | RejectedAttempts]:
    return [
        _attempt(organiser_id, at, ip="203.0.113.7"),
        _attempt(organiser_id, at, ip="2001:db8:0:1::9"),
        _attempt(organiser_id, at, ip=None),
        RejectedAttempts(
            minute=at,
            organiser_id=organiser_id,
            pair=f"{organiser_id}-{at}",
            network="203.0.113.0/24",
            repeated=1,
            locked=0,
            unavailable=0,
        ),
    ]


def _attempt(organiser_id: int | None, at: datetime, ip: str | None = None) -> LoginAttempt:
    return LoginAttempt(
        at=at, request_id="q", organiser_id=organiser_id, ip=ip, transport="tcp", node="n", verdict="granted"
    )


def ask(
    database: Database,
    name: str,
    wanted: holds.HoldRequest = WANTED,
    actor: Actor = ANNA,
    now: datetime = MORNING,
) -> int:
    """Asks for a hold."""
    with database.write_session() as session:
        return holds.request_hold(session, name, wanted, retention=WEEK, actor=actor, now=now)


def confirm(database: Database, hold_id: int, actor: Actor = BERTA, now: datetime = MORNING) -> None:
    """Confirms a hold."""
    with database.write_session() as session:
        holds.confirm_hold(session, hold_id, actor=actor, now=now)


def left_after(database: Database, days: float) -> list[tuple[int, int]]:
    """Purges so many days after the morning; returns whose rows are left, and how many days old they were."""
    clock = FakeClock(MORNING + timedelta(days=days))
    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
    with database.read_session() as session:
        rows = [
            *session.execute(select(LoginAttempt.organiser_id, LoginAttempt.at)),
            *session.execute(select(RejectedAttempts.organiser_id, RejectedAttempts.minute)),
        ]
    return sorted((organiser_id or 0, (MORNING - at).days) for organiser_id, at in rows)


def actions(database: Database) -> list[tuple[str, str, str]]:
    """Returns the steps of holds in the audit, with actor and subject."""
    with database.read_session() as session:
        query = select(AuditEvent).where(AuditEvent.action.startswith("hold:")).order_by(AuditEvent.id)
        return [(each.action, each.actor, each.subject) for each in session.scalars(query)]


def test_only_the_rows_that_are_named_stay_and_go_by_themselves(database: Database, name: str) -> None:
    """One organiser's, of the span, for 90 days from the request; the audit has who, and why."""
    hold_id = ask(database, name)
    confirm(database, hold_id, now=MORNING + 2 * DAY)
    held = [(1, days) for days in range(4) for _ in range(4)]
    assert left_after(database, 8) == left_after(database, 89.9) == held
    assert left_after(database, 90) == []
    with database.read_session() as session:
        assert session.scalars(select(Hold)).all() == []
        details = session.scalars(select(AuditEvent.detail).where(AuditEvent.action == "hold:request")).one()
    assert (details["reason"], details["held_days"]) == ("Anzeige 17", 90)
    assert actions(database) == [
        (Action.HOLD_REQUEST, ANNA, name),
        (Action.HOLD_CONFIRM, BERTA, name),
    ]


@pytest.mark.parametrize(
    ("network", "kept"),
    [
        pytest.param("203.0.113.7", 2, id="an address, and the network that the minutes have"),
        pytest.param("203.0.113.0/24", 2, id="a network"),
        pytest.param("203.0.113.8", 1, id="another address of it: the minutes may be its"),
        pytest.param("2001:db8:0:1::/64", 1, id="the /64 of an IPv6 address"),
        pytest.param("2001:db8:0:1:0:0:0:9", 1, id="an IPv6 address, in other words"),
        pytest.param("198.51.100.0/24", 0, id="a network that nobody came from"),
    ],
)
def test_a_network_narrows_it(database: Database, name: str, network: str, kept: int) -> None:
    """Rows without an address are not of it."""
    wanted = replace(WANTED, since=MIDNIGHT, network=network)
    confirm(database, ask(database, name, wanted))
    with database.read_session() as session:
        assert [each.rows for each in list_holds(session, now=MORNING)] == [kept]
    assert left_after(database, 8) == [(1, 0)] * kept


def test_a_request_keeps_them_for_three_days(database: Database, name: str) -> None:
    """Nobody holds anything alone, and a second person has a weekend; then they go."""
    wanted = replace(WANTED, since=MIDNIGHT - 7 * DAY)
    hold_id = ask(database, name, wanted)
    assert len(left_after(database, 2.9)) == 7 * 4 + 5 * 4 + 1
    assert len(left_after(database, 3)) == 5 * 4 * 2 + 1
    with pytest.raises(NotFoundError):
        confirm(database, hold_id, now=MORNING + 3 * DAY)


def test_a_request_for_a_day_is_over_after_it(database: Database, name: str) -> None:
    """Three days would be more than was asked for."""
    ask(database, name, replace(WANTED, days=1))
    with database.read_session() as session:
        assert [each.kept_until for each in list_holds(session, now=MORNING)] == [MORNING + DAY]


def test_it_is_ended_earlier(database: Database, name: str) -> None:
    """The rows go with the next purge; and until then, nothing is called overdue."""
    hold_id = ask(database, name)
    confirm(database, hold_id)
    assert len(left_after(database, 30)) == 16
    end = MORNING + 30 * DAY
    with database.write_session() as session:
        holds.end_hold(session, hold_id, actor=Actor("cli:root"), now=end)
        with pytest.raises(NotFoundError):
            holds.end_hold(session, hold_id, actor=ANNA, now=end)
        assert list_holds(session, now=end) == []
    assert left_after(database, 30) == []
    assert actions(database)[-1] == (Action.HOLD_END, "cli:root", name)


def test_it_is_rejected(database: Database, name: str) -> None:
    """By anybody of them, the person who asked included; the audit calls it so."""
    hold_id = ask(database, name)
    with database.write_session() as session:
        holds.end_hold(session, hold_id, actor=ANNA, now=MORNING)
    with pytest.raises(NotFoundError):
        confirm(database, hold_id)
    assert actions(database)[-1] == (Action.HOLD_REJECT, ANNA, name)
    assert left_after(database, 8) == []


def _lower(database: Database, name: str) -> None:
    with database.write_session() as session:
        staff.change_role(session, name, Role.CLERK, actor=ACTOR, now=MORNING)


def _suspend(database: Database, name: str) -> None:
    with database.write_session() as session:
        staff.suspend_staff(session, name, actor=ACTOR, now=MORNING)


def _delete(database: Database, name: str) -> None:
    with database.write_session() as session:
        staff.delete_staff(session, name, actor=ACTOR, now=MORNING)


@pytest.mark.parametrize("lose", [_lower, _suspend, _delete])
@pytest.mark.parametrize("who", ["berta", "carla"])
def test_both_must_be_allowed_at_the_moment_of_the_confirmation(
    database: Database, name: str, lose: Callable[[Database, str], None], who: str
) -> None:
    """Whoever was lowered, suspended or deleted in between counts for neither of the two."""
    hold_id = ask(database, name, actor=CARLA)
    lose(database, who)
    with pytest.raises(ConflictError):
        confirm(database, hold_id, BERTA)
    assert actions(database) == [(Action.HOLD_REQUEST, CARLA, name)]
    assert len(left_after(database, 3)) == 5 * 4 * 2 + 1


@pytest.mark.parametrize(
    "actor", ["staff:anna", "cli:anna", "cli:root", "school:ohg", "staff:nobody", "anna"]
)
def test_nobody_is_two_people(database: Database, name: str, actor: str) -> None:
    """Neither the person who asked, nor anybody whom no second factor vouches for."""
    hold_id = ask(database, name)
    with pytest.raises(ConflictError):
        confirm(database, hold_id, Actor(actor))
    if actor != "staff:anna":
        with pytest.raises(ConflictError):
            ask(database, name, actor=Actor(actor))


def test_the_name_of_the_person_who_asked_is_not_given_again(database: Database, name: str) -> None:
    """Deleted and added anew, the same person would be another one."""
    ask(database, name, actor=CARLA)
    _delete(database, "carla")
    with pytest.raises(ConflictError):
        make_staff(database, "carla", Role.AUDITOR)


def test_it_is_confirmed_once(database: Database, name: str) -> None:
    """A second click changes nothing."""
    hold_id = ask(database, name)
    confirm(database, hold_id)
    with pytest.raises(ConflictError):
        confirm(database, hold_id, CARLA)
    assert len(actions(database)) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": 91},
        {"days": 0},
        {"days": -1},
        {"reason": "  "},
        {"reason": "x" * 201},
        {"network": "everywhere"},
        {"since": MIDNIGHT - 9 * DAY},
        {"since": MIDNIGHT - 8 * DAY, "before": MIDNIGHT - 7 * DAY},
        {"since": MIDNIGHT + DAY, "before": MIDNIGHT + 2 * DAY},
        {"before": MIDNIGHT + 3 * DAY},
        {"since": MIDNIGHT, "before": MIDNIGHT},
        {"since": MIDNIGHT, "before": MIDNIGHT - DAY},
    ],
    ids=str,
)
def test_what_cannot_be_held_is_refused(database: Database, name: str, wrong: dict[str, object]) -> None:
    """Longer than 90 days, without a reason, what is gone already, what is still to come."""
    with pytest.raises(InputError):
        ask(database, name, replace(WANTED, **wrong))  # type: ignore[arg-type]  # one of its fields
    with pytest.raises(NotFoundError):
        ask(database, "gone-gone")
    assert actions(database) == []


def test_a_row_that_was_older_than_the_retention_at_the_request_is_not_held(
    database: Database, name: str
) -> None:
    """A day begins at midnight, the retention at a moment; and no second hold prolongs the first."""
    confirm(database, ask(database, name, now=MORNING + 4 * DAY, wanted=replace(WANTED, days=20)))
    later = replace(WANTED, since=MIDNIGHT - 2 * DAY)
    with pytest.raises(InputError):
        ask(database, name, replace(later, before=MIDNIGHT - DAY), now=MORNING + 6 * DAY)
    confirm(database, ask(database, name, later, now=MORNING + 5 * DAY))
    assert left_after(database, 25) == [(1, days) for days in range(3) for _ in range(4)]


def test_the_organiser_is_not_deleted_meanwhile(database: Database, name: str) -> None:
    """Their rows would go as well; afterwards they are deleted as ever."""
    ask(database, name)
    with database.write_session() as session, pytest.raises(ConflictError):
        delete_organiser(session, name, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING)
    with database.write_session() as session:
        late = MORNING + 3 * DAY
        delete_organiser(session, name, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=late)


def test_the_record_says_what_is_held_and_calls_it_not_overdue(
    database: Database, config: Config, name: str
) -> None:
    """How many rows are older than the limit, and until when; red as soon as nobody holds them."""
    confirm(database, ask(database, name))
    clock = FakeClock(MORNING + 20 * DAY)
    record = nightly.run(database, config, clock=clock)
    end = MORNING + 90 * DAY
    with database.read_session() as session:
        assert deletion_records.latest(session, 1) == [record]
        states = {each.described.table.name: each for each in table_states(session, config, clock())}
        late = [each for each in table_states(session, config, end + DAY) if each.is_overdue]
    assert record.overdue == []
    tables = {each.table: each for each in record.tables}
    for table, rows in (("login_attempts", 12), ("rejected_attempts", 4)):
        assert (tables[table].rows, tables[table].held, tables[table].held_until) == (rows, rows, end)
        assert (states[table].held, states[table].held_until) == (rows, end)
    assert (tables["schools"].held, tables["schools"].held_until) == (0, None)
    assert {"login_attempts", "rejected_attempts", "holds"} <= {each.described.table.name for each in late}


def test_the_oldest_login_that_monitoring_sees_is_none_that_is_held(database: Database, name: str) -> None:
    """Else an alarm about late deletion would go on for 90 days."""
    confirm(database, ask(database, name))
    assert len(left_after(database, 9)) == 16
    with database.write_session() as session:
        session.add(_attempt(2, MORNING + 8 * DAY))
    with database.read_connection() as connection:
        found = [journal.oldest_attempt(connection, now=MORNING + timedelta(days=days)) for days in (9, 91)]
    assert found == [MORNING + 8 * DAY, MORNING - 3 * DAY]


def test_a_purge_among_many_held_rows_ends(database: Database, name: str) -> None:
    """It goes on batch by batch until everything that nobody holds is gone."""
    confirm(database, ask(database, name))
    with database.write_session() as session:
        session.add_all(_attempt(organiser_id, MORNING) for organiser_id in (1, 2) for _ in range(1100))
    assert len(left_after(database, 8)) == 16 + 1100
