"""The sessions of the panel, over time and when somebody ends them."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from authbridge import retention
from authbridge.errors import ConflictError
from authbridge.staff import commands as staff_commands
from authbridge.staff import sessions
from authbridge.staff.members import get_staff
from authbridge.staff.sessions import PanelSession
from authbridge.storage.database import Database
from authbridge.storage.models import Invitation, Role, SessionStage, StaffSession
from tests.support.factories import ACTOR, ENCRYPTION, IDLE, LIMITS, make_invited, make_staff, make_visit
from tests.support.fakes import MORNING, FakeClock

WEEK = timedelta(days=7)


def begin(database: Database, stage: SessionStage = SessionStage.SIGNED_IN, name: str = "anna") -> str:
    """A session in the morning; its token."""
    with database.write_session() as session:
        staff_id = get_staff(session, name).id
        return sessions.open_session(session, staff_id, stage=stage, user_agent="Firefox", now=MORNING)


def find(database: Database, token: str, now: datetime = MORNING) -> PanelSession | None:
    """Who comes with that token."""
    with database.read_session() as session:
        return sessions.find(session, token, idle=IDLE, now=now)


def use(database: Database, token: str, *, every: timedelta, times: int) -> datetime:
    """Goes on using it so often; the moment of the last use."""
    now = MORNING
    for _ in range(times):
        now += every
        with database.write_session() as session:
            visit = sessions.find(session, token, idle=IDLE, now=now)
            assert visit is not None
            assert sessions.touch(session, visit, now=now).seen_at == now
    return now


@pytest.fixture(name="token")
def begin_session(database: Database) -> str:
    """Anna's, signed in at five to eight."""
    make_staff(database)
    return begin(database)


def test_a_session_says_who_it_is(database: Database, token: str) -> None:
    """The owner as she is now; the token itself is not in the database and neither stands in a repr."""
    visit = find(database, token)

    assert visit is not None
    assert (visit.name, visit.role, visit.stage) == ("anna", Role.CLERK, SessionStage.SIGNED_IN)
    assert visit.actor == "staff:anna"
    assert visit.ends_at == MORNING + IDLE
    assert visit.id_hash not in repr(visit)
    with database.read_session() as session:
        (row,) = session.scalars(select(StaffSession))
        assert token not in str(vars(row))
        assert [len(part) for part in token.split(".")] == [43, 43]  # 256 bits each


@pytest.mark.parametrize("token", ["", "x", "\udcff", "\0", "a" * 100_000])
def test_what_is_no_token_is_nobodys(database: Database, token: str) -> None:
    """Whatever a browser sends."""
    assert find(database, token) is None


@pytest.mark.parametrize(
    ("idle", "lives"),
    [
        pytest.param(IDLE - timedelta(microseconds=1), True, id="just before"),
        pytest.param(IDLE, False, id="an hour"),
    ],
)
def test_a_session_ends_when_nobody_uses_it(
    database: Database,
    token: str,
    idle: timedelta,
    lives: bool,  # noqa: FBT001 - a table
) -> None:
    """After an hour."""
    assert (find(database, token, MORNING + idle) is not None) is lives


def test_a_session_that_is_used_ends_after_ten_hours(database: Database, token: str) -> None:
    """And not a moment later, however busy she is."""
    last = use(database, token, every=timedelta(minutes=59), times=10)  # 9:50

    end = MORNING + timedelta(hours=10)
    assert end - last < IDLE
    assert find(database, token, end - timedelta(microseconds=1)) is not None
    assert find(database, token, end) is None


def test_the_operator_may_set_another_time(database: Database, token: str) -> None:
    """The same row ends after five minutes, or after two hours."""
    with database.read_session() as session:
        for minutes in (5, 120):
            idle = timedelta(minutes=minutes)
            found = sessions.find(session, token, idle=idle, now=MORNING)
            assert found is not None
            assert found.ends_at == MORNING + idle
            assert sessions.find(session, token, idle=idle, now=MORNING + idle) is None


@pytest.mark.parametrize(
    ("stage", "most"),
    [
        pytest.param(SessionStage.PASSWORD, timedelta(minutes=15), id="half signed in"),
        pytest.param(SessionStage.ENROLLING, timedelta(hours=1), id="enrolling"),
    ],
)
def test_what_is_half_done_is_not_kept_alive(
    database: Database, stage: SessionStage, most: timedelta
) -> None:
    """However often the page is loaded."""
    make_staff(database)
    token = begin(database, stage)
    last = use(database, token, every=most / 10, times=9)

    assert find(database, token, last + most / 10 - timedelta(microseconds=1)) is not None
    assert find(database, token, last + most / 10) is None


@pytest.mark.parametrize(
    ("since", "is_due"),
    [pytest.param(29.999, False, id="too soon"), pytest.param(30, True, id="half a minute")],
)
def test_use_is_noted_twice_a_minute_at_most(
    database: Database,
    token: str,
    since: float,
    is_due: bool,  # noqa: FBT001 - a table
) -> None:
    """Not with every page."""
    visit = find(database, token)
    assert visit is not None
    assert sessions.needs_touch(visit, MORNING + timedelta(seconds=since)) is is_due


@pytest.mark.parametrize(
    ("since", "is_fresh"),
    [
        pytest.param(timedelta(minutes=10, microseconds=-1), True, id="just before"),
        pytest.param(timedelta(minutes=10), False, id="ten minutes"),
    ],
)
def test_the_second_factor_is_fresh_for_ten_minutes(
    database: Database,
    token: str,
    since: timedelta,
    is_fresh: bool,  # noqa: FBT001 - a table
) -> None:
    """From the sign-in, and from each time that it was shown again."""
    now = MORNING + since
    visit = find(database, token, now)
    assert visit is not None
    assert sessions.is_fresh(visit, now) is is_fresh

    with database.write_session() as session:
        new = sessions.mark_factor(session, visit, now=now)
    again = find(database, new, now)
    assert again is not None
    assert sessions.is_fresh(again, now)


@pytest.mark.parametrize("stage", [SessionStage.PASSWORD, SessionStage.ENROLLING])
def test_half_a_sign_in_is_never_fresh(database: Database, stage: SessionStage) -> None:
    """There was no second factor yet."""
    make_staff(database)
    assert not sessions.is_fresh(make_visit(database, stage=stage), MORNING)


@pytest.mark.parametrize(
    ("since", "is_known"),
    [
        pytest.param(IDLE - timedelta(microseconds=1), False, id="it goes on"),
        pytest.param(IDLE, True, id="it just ended"),
        pytest.param(timedelta(hours=2, microseconds=-1), True, id="an hour ago"),
        pytest.param(timedelta(hours=2), False, id="too long ago"),
    ],
)
def test_the_form_goes_back_to_its_owner_for_an_hour(
    database: Database,
    token: str,
    since: timedelta,
    is_known: bool,  # noqa: FBT001 - a table
) -> None:
    """Whose an expired session was, so that nobody else gets what she had typed."""
    with database.read_session() as session:
        found = sessions.expired_owner(session, token, idle=IDLE, now=MORNING + since)
    assert found == ("anna" if is_known else None)


def test_after_ten_hours_the_form_goes_back_too(database: Database, token: str) -> None:
    """The end of the day is an end by itself."""
    use(database, token, every=timedelta(minutes=59), times=10)

    with database.read_session() as session:
        assert (
            sessions.expired_owner(session, token, idle=IDLE, now=MORNING + timedelta(hours=10)) is not None
        )


@pytest.mark.parametrize("stage", [SessionStage.PASSWORD, SessionStage.ENROLLING])
def test_half_a_sign_in_owns_no_form(database: Database, stage: SessionStage) -> None:
    """Nobody was signed in."""
    make_staff(database)
    token = begin(database, stage)
    with database.read_session() as session:
        assert sessions.expired_owner(session, token, idle=IDLE, now=MORNING + timedelta(minutes=70)) is None


def test_a_session_that_a_person_ended_gives_nothing_back(database: Database, token: str) -> None:
    """Signing out is final."""
    visit = find(database, token)
    assert visit is not None
    with database.write_session() as session:
        sessions.end(session, visit)
    with database.read_session() as session:
        assert sessions.expired_owner(session, token, idle=IDLE, now=MORNING + timedelta(minutes=70)) is None
    with database.write_session() as session:
        sessions.touch(session, visit, now=MORNING)
        sessions.add_notice(session, visit, {"text": "late"})
        assert sessions.take_notices(session, visit) == []
        with pytest.raises(ConflictError):
            sessions.hold(session, visit)
    assert find(database, token) is None


def test_a_suspended_owner_is_out_at_once(database: Database, token: str) -> None:
    """At the next request, even if the session were still there."""
    with database.write_session() as session:
        get_staff(session, "anna").suspended_at = MORNING
    assert find(database, token) is None


def test_a_step_forward_is_a_new_id(database: Database) -> None:
    """Whoever planted or saw the old one has nothing."""
    make_staff(database)
    old = begin(database, SessionStage.PASSWORD)
    visit = find(database, old)
    assert visit is not None

    with database.write_session() as session:
        new = sessions.rotate(session, visit, SessionStage.SIGNED_IN, now=MORNING)

    assert find(database, old) is None
    found = find(database, new)
    assert found is not None
    assert found.stage is SessionStage.SIGNED_IN
    with database.write_session() as session, pytest.raises(ConflictError):
        sessions.rotate(session, visit, SessionStage.SIGNED_IN, now=MORNING)


def test_a_new_token_is_of_the_same_session(database: Database, token: str) -> None:
    """Its number stays, and with it what is found by that; the former token is nobody's, at its end too."""
    visit = find(database, token)
    assert visit is not None

    with database.write_session() as session:
        new = sessions.renew_token(session, visit)

    found = find(database, new)
    assert found is not None
    assert found.id_hash == visit.id_hash
    assert sessions.id_of(new) == sessions.id_of(token)
    assert find(database, token) is None
    assert find(database, sessions.id_of(new)) is None
    with database.read_session() as session:
        late = MORNING + timedelta(minutes=70)
        assert sessions.expired_owner(session, token, idle=IDLE, now=late) is None
        assert sessions.expired_owner(session, new, idle=IDLE, now=late) == "anna"


def test_one_sees_and_ends_ones_own_sessions(database: Database, token: str) -> None:
    """Those that go on; nobody else's, and nothing half done."""
    bert = make_staff(database, "bert").name
    other, here = begin(database), find(database, token)
    begin(database, SessionStage.PASSWORD)
    berts = make_visit(database, bert)
    assert here is not None
    with database.read_session() as session:
        rows = sessions.list_sessions(session, here, now=MORNING)
        assert sorted(row.is_this for row in rows) == [False, True]
        assert {row.user_agent for row in rows} == {"Firefox"}
        (that,) = [row.id for row in rows if not row.is_this]
        assert sessions.list_sessions(session, here, now=MORNING + IDLE) == []

    with database.write_session() as session:
        for nonsense in ("", "%", that[:15], berts.id_hash[:16], "_" * 16):
            assert not sessions.end_one(session, here, nonsense)
        assert sessions.end_one(session, here, that)

    assert find(database, other) is None
    assert find(database, token) is not None


def test_notices_are_said_once(database: Database, token: str) -> None:
    """In their order; the next page says them, and no other."""
    visit = find(database, token)
    assert visit is not None
    for text in ("one", "two"):
        with database.write_session() as session:
            sessions.add_notice(session, visit, {"kind": "done", "text": text})

    found = find(database, token)
    assert found is not None
    assert [each["text"] for each in found.notices] == ["one", "two"]
    with database.write_session() as session:
        assert sessions.take_notices(session, visit) == list(found.notices)
    with database.write_session() as session:
        assert sessions.take_notices(session, visit) == []


def test_the_factor_to_be_set_up_stays_for_the_session(database: Database) -> None:
    """Who reloads the page sees the same QR code; another session sees another."""
    make_invited(database)
    one, other = (make_visit(database, stage=SessionStage.ENROLLING) for _ in range(2))

    secrets = []
    for visit in (one, one, other):
        with database.write_session() as session:
            secrets.append(sessions.pending_secret(session, visit, ENCRYPTION))

    assert secrets[0] == secrets[1] != secrets[2]
    with database.read_session() as session:
        kept = " ".join(
            session.scalars(
                select(StaffSession.pending_secret).where(StaffSession.pending_secret.is_not(None))
            )
        )
        assert secrets[0] not in kept


def test_what_is_over_is_deleted(database: Database, token: str) -> None:
    """Sessions an hour after the latest end that can be set, invitations at theirs."""
    make_invited(database, "bert")
    clock = FakeClock(MORNING)

    def left(**later: float) -> tuple[int, int]:
        clock.now = MORNING + timedelta(**later)
        retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
        with database.read_session() as session:
            return (
                session.scalar(select(func.count(StaffSession.id_hash))) or 0,
                session.scalar(select(func.count(Invitation.staff_id))) or 0,
            )

    assert left(minutes=179) == (1, 1)
    assert left(minutes=180) == (0, 1)
    assert left(hours=24, seconds=-1) == (0, 1)
    assert left(hours=24) == (0, 0)
    assert find(database, token, clock()) is None


def test_a_session_of_a_time_to_come_is_none(database: Database, token: str) -> None:
    """It was begun while the clock was ahead, and would else be good until then; minutes do not matter."""
    assert find(database, token, MORNING - timedelta(minutes=5)) is not None
    clock = FakeClock(MORNING - timedelta(minutes=6))
    assert find(database, token, clock()) is None
    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
    assert find(database, token) is None


def test_a_session_in_use_is_not_deleted(database: Database, token: str) -> None:
    """Purging goes by the end, not by the beginning."""
    clock = FakeClock(use(database, token, every=timedelta(minutes=59), times=10))
    retention.purge(database, clock=clock, retention=WEEK, limits=LIMITS)
    assert find(database, token, clock()) is not None


def test_a_deleted_member_leaves_no_session(database: Database, token: str) -> None:
    """Nor codes, nor an invitation."""
    with database.write_session() as session:
        staff_commands.delete_staff(session, "anna", actor=ACTOR, now=MORNING)
    assert find(database, token) is None
    with database.read_session() as session:
        assert session.scalar(select(func.count(StaffSession.id_hash))) == 0
