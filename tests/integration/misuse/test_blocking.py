"""The head of a school blocks with a one-time code: at once, once, and nothing but what is the school's."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from authbridge import retention
from authbridge.login.networks import parse_address
from authbridge.login.usernames import Username
from authbridge.misuse.blocking import BlockAnswer, BlockOutcome, BlockRequest, BlockServices, block_by_code
from authbridge.misuse.guesses import NAMES_PER_CODE, CodeGuesses
from authbridge.schools.commands import suspensions
from authbridge.schools.commands.report_codes import KEPT, withdraw_report_code
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.schools.suspendable import ORGANISER, SCHOOL, SuspendableKind
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, MisuseReport, ReportCode, Revocation, Suspension
from tests.support.factories import (
    ACTOR,
    KEYED_HASHES,
    LIMITS,
    make_code,
    make_organiser,
    make_school,
)
from tests.support.fakes import MORNING, FakeClock
from tests.support.threads import at_once

HEAD = parse_address("203.0.113.7")
TODAY = MORNING.date()


@pytest.fixture(name="services")
def make_block_services(database: Database) -> BlockServices:
    """The parts of a panel; there is a school with one organiser."""
    make_school(database)
    return BlockServices(
        database=database,
        keyed_hashes=KEYED_HASHES,
        guesses=CodeGuesses(),
        limits=LIMITS,
        timezone=ZoneInfo("Europe/Berlin"),
        clock=FakeClock(),
    )


def block(services: BlockServices, code: str, username: str | None, words: str = "") -> BlockAnswer:
    """Asks as the head of the school."""
    name = None if username is None else Username(username)
    return block_by_code(BlockRequest(code, name, words), HEAD, services)


def is_used(database: Database) -> bool:
    """Tells whether the only code there is was used."""
    with database.read_session() as session:
        return session.scalars(select(ReportCode.used_at)).one() is not None


def test_a_code_blocks_one_access_and_is_used_up(services: BlockServices) -> None:
    """Suspension, report, order to the servers and one event, in the name of the school."""
    database = services.database
    username, code = make_organiser(database).username, make_code(database)
    assert block(services, code.upper().replace("-", " "), username, "Fremde").outcome is BlockOutcome.BLOCKED
    with database.read_session() as session:
        suspension = session.scalars(select(Suspension)).one()
        report = session.scalars(select(MisuseReport)).one()
        event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert (suspension.suspended_by, suspension.reason, suspension.reported_by) == (
            "school:ohg",
            "misuse",
            "school-head",
        )
        assert (report.suspension_id, report.description, report.actor) == (
            suspension.id,
            "Fremde",
            "school:ohg",
        )
        assert report.report_code_id == session.scalars(select(ReportCode.id)).one()
        assert session.scalars(select(Revocation.username)).all() == [username]
        assert event is not None
        assert (event.actor, event.action, event.subject) == ("school:ohg", "misuse:block", username)
    assert block(services, code, None).outcome is BlockOutcome.CODE_REFUSED


def test_a_code_blocks_the_whole_school(services: BlockServices) -> None:
    """All its organisers are out."""
    usernames = {make_organiser(services.database).username for _ in range(2)}
    answer = block(services, make_code(services.database), None)
    assert (answer.outcome, answer.username, answer.since) == (BlockOutcome.BLOCKED, None, MORNING)
    with services.database.read_session() as session:
        assert get_school(session, "ohg").suspended_at == MORNING
        assert set(session.scalars(select(Revocation.username))) == usernames


@pytest.mark.parametrize("whose", ["nobody's", "another school's"])
def test_a_name_that_is_not_the_schools_uses_nothing_up(services: BlockServices, whose: str) -> None:
    """Of other schools' names a code tells nothing, and it blocks none of them."""
    database = services.database
    make_school(database, "gsw", "Grundschule am Wald")
    other = make_organiser(database, "gsw").username
    code = make_code(database)
    answer = block(services, code, other if whose == "another school's" else "gsw-zzzz")
    assert answer == BlockAnswer(BlockOutcome.NO_SUCH_NAME)
    assert not is_used(database)
    with database.read_session() as session:
        assert get_organiser(session, other).suspended_at is None


@pytest.mark.parametrize("kind", [ORGANISER, SCHOOL])
def test_what_is_blocked_already_uses_nothing_up(services: BlockServices, kind: SuspendableKind) -> None:
    """The answer tells the holder of the code since when."""
    database = services.database
    username, code = make_organiser(database).username, make_code(database)
    earlier = MORNING - timedelta(hours=1)
    with database.write_session() as session:
        name = username if kind is ORGANISER else "ohg"
        suspensions.suspend(session, kind, name, reason=None, actor=ACTOR, now=earlier)
    answer = block(services, code, username)
    assert (answer.outcome, answer.since) == (BlockOutcome.BLOCKED_BEFORE, earlier)
    assert not is_used(database)


def refused_codes(database: Database) -> dict[str, str]:
    """Returns a code for each way in which one is not accepted."""
    withdrawn = make_code(database)
    with database.write_session() as session:
        (code_id,) = session.scalars(select(ReportCode.id)).all()
        assert withdraw_report_code(session, "ohg", code_id, actor=ACTOR, now=MORNING)
    expired = make_code(database, today=TODAY - KEPT - timedelta(days=1))
    used = make_code(database)
    return {"wrong": "bbbb-cccc-dddd", "withdrawn": withdrawn, "expired": expired, "used": used, "none": "-"}


def test_codes_that_are_not_accepted_read_alike(services: BlockServices) -> None:
    """Wrong, used, withdrawn, expired: one answer, and nothing is blocked."""
    database = services.database
    make_organiser(database)
    username = make_organiser(database).username
    codes = refused_codes(database)
    assert block(services, codes["used"], username).outcome is BlockOutcome.BLOCKED
    answers = set()
    for code in codes.values():
        answers.add(block(replace(services, guesses=CodeGuesses()), code, None))
    assert answers == {BlockAnswer(BlockOutcome.CODE_REFUSED)}
    with database.read_session() as session:
        assert get_school(session, "ohg").suspended_at is None


@pytest.mark.parametrize(("day", "outcome"), [(0, BlockOutcome.BLOCKED), (1, BlockOutcome.CODE_REFUSED)])
def test_a_code_counts_to_the_end_of_its_last_day(
    services: BlockServices, day: int, outcome: BlockOutcome
) -> None:
    """The day is that of the schools."""
    code = make_code(services.database, today=TODAY - KEPT - timedelta(days=day))
    assert block(services, code, None).outcome is outcome


def test_two_clicks_at_once_use_a_code_once(services: BlockServices) -> None:
    """One blocks, the other finds the code used; there is one report."""
    database = services.database
    usernames, code = [make_organiser(database).username for _ in range(2)], make_code(database)

    blocked = at_once([partial(block, services, code, username) for username in usernames])

    outcomes = sorted(each.outcome for each in blocked)
    assert outcomes == [BlockOutcome.BLOCKED, BlockOutcome.CODE_REFUSED]
    with database.read_session() as session:
        assert len(session.scalars(select(MisuseReport)).all()) == 1


def test_a_code_is_no_list_of_names(services: BlockServices) -> None:
    """After ten names it tells nothing more of any; the whole school can still be blocked."""
    username, code = make_organiser(services.database).username, make_code(services.database)
    for number in range(NAMES_PER_CODE):
        assert block(services, code, f"ohg-{number:04}").outcome is BlockOutcome.NO_SUCH_NAME
    assert block(services, code, username).outcome is BlockOutcome.TOO_MANY_NAMES
    assert not is_used(services.database)
    assert block(services, code, None).outcome is BlockOutcome.BLOCKED


def test_a_new_code_begins_with_no_name_tried(services: BlockServices) -> None:
    """Its row may have the number of a code that was withdrawn: SQLite gives it again."""
    database, username = services.database, make_organiser(services.database).username
    code = make_code(database)
    for number in range(NAMES_PER_CODE):
        block(services, code, f"ohg-{number:04}")
    with database.write_session() as session:
        code_id = session.scalars(select(ReportCode.id)).one()
        assert withdraw_report_code(session, "ohg", code_id, actor=ACTOR, now=MORNING)
    assert block(services, make_code(database), username).outcome is BlockOutcome.BLOCKED


def test_staff_lift_it_like_any_suspension(services: BlockServices) -> None:
    """No school stays locked out: the clerk's click gives the access back."""
    username = make_organiser(services.database).username
    block(services, make_code(services.database), username)
    with services.database.write_session() as session:
        assert suspensions.reinstate(session, ORGANISER, username, actor=ACTOR, now=MORNING)
        assert get_organiser(session, username).suspended_at is None


def test_expired_codes_are_deleted_and_the_report_stays(services: BlockServices) -> None:
    """A used code is kept until it expires."""
    database, clock = services.database, FakeClock()
    block(services, make_code(database), None)
    for days, left in ((KEPT.days, 1), (2, 0)):
        clock.advance(days=days)
        retention.purge(database, clock=clock, retention=timedelta(days=7), limits=LIMITS)
        with database.read_session() as session:
            assert len(session.scalars(select(ReportCode)).all()) == left
            assert session.scalars(select(MisuseReport.actor)).one() == "school:ohg"


def test_the_database_holds_no_code(services: BlockServices) -> None:
    """Neither in the codes nor in the audit."""
    code = make_code(services.database)
    block(services, code, None)
    with services.database.read_session() as session:
        kept = [
            *session.scalars(select(ReportCode.code_hash)),
            *map(repr, session.scalars(select(AuditEvent.detail))),
        ]
    assert not any(part in text for text in kept for part in (code, code.replace("-", "")))
