"""What staff do: each change leaves exactly one trace, and what changes nothing leaves none."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authbridge.audit import KEPT as AUDIT_KEPT
from authbridge.audit import Action
from authbridge.errors import ConflictError, ImportFileError, InputError, NotFoundError
from authbridge.login import commands as lockout_commands
from authbridge.login.authenticate import authenticate
from authbridge.login.policy import Verdict
from authbridge.login.usernames import SchoolCode, Username
from authbridge.misuse import commands as misuse
from authbridge.misuse.blocking import BlockRequest, block
from authbridge.misuse.commands import MisuseDescription
from authbridge.revocations import commands as node_commands
from authbridge.revocations import reports
from authbridge.revocations.reports import Contact
from authbridge.schools import new_organisers
from authbridge.schools.commands import (
    organisers,
    report_codes,
    schools,
    selections,
    suspensions,
    terms,
)
from authbridge.schools.commands.imports import (
    ImportedCredential,
    SchoolLine,
    import_organisers,
    import_schools,
)
from authbridge.schools.commands.organisers import QuotaError
from authbridge.schools.commands.print_jobs import new_print_job_id
from authbridge.schools.commands.report_codes import make_report_code
from authbridge.schools.commands.school_year import change_school_year
from authbridge.schools.commands.schools import ChangedMeanwhileError
from authbridge.schools.commands.suspensions import SuspensionDescription
from authbridge.schools.history import suspension_rows
from authbridge.schools.lookup import get_organiser, get_school, list_organisers
from authbridge.schools.school_year import SchoolCalendar
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.schools.year_plans import YearPlan
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AlarmRaised,
    AuditEvent,
    Base,
    LoginAttempt,
    LoginFailure,
    MisuseReport,
    Organiser,
    PrintJob,
    RejectedAttempts,
    ReportCode,
    Reporter,
    ReportResult,
    Suspension,
    SuspensionReason,
)
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
from tests.support.fakes import MORNING, CountingHasher
from tests.support.letters import make_terms
from workbench.processes import PATIENCE

Command = Callable[[Session], object]

TODAY = MORNING.date()
LOST = SuspensionReason.LETTER_LOST
SEPTEMBER = date(2027, 9, 30)
YEAR = YearPlan("run", "ohg", SchoolCalendar(TODAY, (9, 30)), SEPTEMBER, others_until=SEPTEMBER)
DESCRIPTION = SuspensionDescription(LOST, Reporter.SCHOOL_HEAD, "UNMISTAKABLE-NOTE")
TOLD = MisuseDescription(Reporter.SCHOOL_HEAD, "heute", "UNMISTAKABLE-REPORT")


def imported(line: int, school: str, username: str) -> ImportedCredential:
    """A line of a file."""
    stored = HASHER.hash("Geheim", generated=False)
    return ImportedCredential(line, school, Username(username), stored)


def commands(username: str) -> dict[Action, Command]:
    """Every command there is, once, as something that changes something."""
    (password,) = organisers.make_passwords(1, HASHER, former_until=TODAY)
    code = make_report_code(KEYED_HASHES)
    who: dict[str, Any] = {"actor": ACTOR, "now": MORNING}
    return {
        Action.SCHOOL_ADD: lambda s: schools.add_school(s, "gsw", "Grundschule", **who),
        Action.SCHOOL_CHANGE: lambda s: schools.change_school(s, "ohg", name="Anders", **who),
        Action.SCHOOL_IMPORT: lambda s: import_schools(
            s,
            [
                SchoolLine(2, SchoolCode("gsw"), {"name": "Grundschule"}),
                SchoolLine(3, SchoolCode("ohg"), {"contract_on": TODAY, "trusted_networks": ["10.1.0.0/16"]}),
            ],
            **who,
        ),
        Action.SCHOOL_SUSPEND: lambda s: suspensions.suspend(s, SCHOOL, "ohg", reason=LOST, **who),
        Action.SCHOOL_REINSTATE: lambda s: suspensions.reinstate(s, SCHOOL, "ohg", **who),
        Action.SCHOOL_CHANGE_YEAR: lambda s: change_school_year(s, YEAR, keyed_hashes=KEYED_HASHES, **who),
        Action.ORGANISER_ISSUE: lambda s: organisers.issue_organisers(
            s, "ohg", [password], valid_until=None, **who
        ),
        Action.ORGANISER_IMPORT: lambda s: import_organisers(s, [imported(2, "ohg", "frau.a")], **who),
        Action.ORGANISER_RESET: lambda s: organisers.reset_password(
            s, username, password, keyed_hashes=KEYED_HASHES, **who
        ),
        Action.ORGANISER_VOID_FORMER: lambda s: organisers.void_former_password(s, username, **who),
        Action.ORGANISER_CHANGE_VALIDITY: lambda s: organisers.change_validity(
            s, username, date(2027, 7, 31), today=TODAY, **who
        ),
        Action.ORGANISER_END_SESSIONS: lambda s: organisers.end_sessions(s, username, **who),
        Action.ORGANISER_SUSPEND: lambda s: suspensions.suspend(s, ORGANISER, username, reason=LOST, **who),
        Action.ORGANISER_REINSTATE: lambda s: suspensions.reinstate(s, ORGANISER, username, **who),
        Action.ORGANISER_DESCRIBE_SUSPENSION: lambda s: suspensions.describe(
            s, ORGANISER, username, DESCRIPTION, **who
        ),
        Action.SCHOOL_DESCRIBE_SUSPENSION: lambda s: suspensions.describe(
            s, SCHOOL, "ohg", DESCRIPTION, **who
        ),
        Action.ORGANISER_DELETE: lambda s: organisers.delete_organiser(
            s, username, keyed_hashes=KEYED_HASHES, **who
        ),
        Action.ORGANISERS_RESET: lambda s: selections.reset_selection(
            s, {username: password}, seen=None, keyed_hashes=KEYED_HASHES, **who
        ),
        Action.ORGANISERS_CHANGE_VALIDITY: lambda s: selections.expire_selection(
            s, [username], seen=None, today=TODAY, **who
        ),
        Action.ORGANISERS_UNDO_VALIDITY: lambda s: selections.undo_selection(
            s, latest_event(s, Action.ORGANISERS_CHANGE_VALIDITY), today=TODAY, **who
        ),
        Action.ORGANISERS_SUSPEND: lambda s: selections.suspend_selection(s, [username], **who),
        Action.ORGANISERS_REINSTATE: lambda s: selections.reinstate_selection(
            s, [username], seen=None, **who
        ),
        Action.ORGANISERS_END_SESSIONS: lambda s: selections.end_sessions_of_selection(s, [username], **who),
        Action.ORGANISER_CLEAR_LOCKOUT: lambda s: lockout_commands.clear_name(
            s, username, keyed_hashes=KEYED_HASHES, **who
        ),
        Action.NETWORK_CLEAR_LOCKOUT: lambda s: lockout_commands.clear_network(
            s, "198.51.100.7", of_staff_too=True, **who
        ),
        Action.MISUSE_REPORT: lambda s: misuse.report_misuse(s, ORGANISER, username, TOLD, **who),
        Action.MISUSE_REPORT_AND_SUSPEND: lambda s: misuse.report_and_suspend(
            s, ORGANISER, username, TOLD, **who
        ),
        Action.MISUSE_BLOCK: lambda s: block(
            s, code.hash, BlockRequest(code.plain, Username(username)), today=TODAY, now=MORNING
        ),
        Action.MISUSE_CLOSE: lambda s: misuse.close_report(
            s, s.scalars(select(MisuseReport.id)).one(), ReportResult.UNCLEAR, "Anruf", **who
        ),
        Action.REPORT_CODE_ISSUE: lambda s: report_codes.issue_report_code(
            s, "ohg", code, today=TODAY, **who
        ),
        Action.REPORT_CODE_WITHDRAW: lambda s: report_codes.withdraw_report_code(
            s, "ohg", s.scalars(select(ReportCode.id)).one_or_none() or 0, **who
        ),
        Action.JOURNAL_LOOK: lambda s: lockout_commands.note_look(s, {"outcome": "refused"}, **who),
        Action.NODE_FORGET: lambda s: node_commands.forget_node(s, "node-a", **who),
        Action.TERMS_SEND: lambda s: terms.send_terms(s, make_terms(), None, today=TODAY, **who),
    }


# Each of these does something anew, or is told that there is nothing left to do it to.
NEVER_REPEATS = {
    Action.SCHOOL_ADD,
    Action.ORGANISER_ISSUE,
    Action.ORGANISER_IMPORT,
    Action.ORGANISER_RESET,
    Action.ORGANISER_DELETE,
    Action.ORGANISER_END_SESSIONS,
    Action.ORGANISERS_RESET,
    Action.ORGANISERS_END_SESSIONS,
    Action.NODE_FORGET,
    Action.MISUSE_REPORT,
    Action.MISUSE_REPORT_AND_SUSPEND,
    Action.MISUSE_CLOSE,
    Action.REPORT_CODE_ISSUE,
    Action.TERMS_SEND,
}
BEFORE = {
    Action.SCHOOL_REINSTATE: Action.SCHOOL_SUSPEND,
    Action.SCHOOL_DESCRIBE_SUSPENSION: Action.SCHOOL_SUSPEND,
    Action.ORGANISER_VOID_FORMER: Action.ORGANISER_RESET,
    Action.ORGANISER_REINSTATE: Action.ORGANISER_SUSPEND,
    Action.ORGANISER_DESCRIBE_SUSPENSION: Action.ORGANISER_SUSPEND,
    Action.ORGANISERS_REINSTATE: Action.ORGANISERS_SUSPEND,
    Action.ORGANISERS_UNDO_VALIDITY: Action.ORGANISERS_CHANGE_VALIDITY,
    Action.MISUSE_BLOCK: Action.REPORT_CODE_ISSUE,
    Action.MISUSE_CLOSE: Action.MISUSE_REPORT,
    Action.REPORT_CODE_WITHDRAW: Action.REPORT_CODE_ISSUE,
}


def latest_event(session: Session, action: Action) -> int:
    """The id of the latest event of that action."""
    return session.scalars(select(func.max(AuditEvent.id)).where(AuditEvent.action == action)).one()


def actions(database: Database) -> list[str]:
    """The audit, oldest first."""
    with database.read_session() as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def run(database: Database, command: Command) -> None:
    """One command in its transaction."""
    with database.write_session() as session:
        command(session)


# What staff do to colleagues, what two of them hold, a restore, and what gives data out, are told in tests of
# their own.
@pytest.mark.parametrize(
    "action",
    [
        each
        for each in Action
        if not each.startswith(("staff:", "hold:", "backup:")) and each is not Action.ORGANISER_EXPORT
    ],
)
def test_a_command_writes_exactly_one_audit_event(database: Database, action: Action) -> None:
    """Who did it, when, to whom; and a second time, where nothing changes, writes none."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    run(database, lambda s: reports.note_contact(s, Contact("node-a", None, 0), now=MORNING))
    if action in BEFORE:
        run(database, every[BEFORE[action]])
    authenticate(
        make_attempt(username, "x", ip="198.51.100.7"), make_origin(), make_services(database), within=9
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
    with database.write_session() as session:
        organisers.reset_password(
            session, issued.username, password, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING
        )
        import_organisers(session, [imported(2, "ohg", "frau.a")], actor=ACTOR, now=MORNING)

    with database.read_session() as session:
        everything = repr([(event.subject, event.detail) for event in session.scalars(select(AuditEvent))])
    for secret in (issued.password, password.plain, "Geheim", "$2b$"):
        assert secret not in everything


def test_a_failed_command_leaves_nothing_behind(database: Database) -> None:
    """All of a file is taken over or none of it, and the audit says nothing of what did not happen."""
    make_school(database)
    already = actions(database)
    lines = [imported(2, "ohg", "frau.a"), imported(3, "gibt", "frau.b"), imported(4, "ohg", "frau.a")]

    with pytest.raises(ImportFileError) as raised, database.write_session() as session:
        import_organisers(session, lines, actor=ACTOR, now=MORNING)

    assert [line for line, _ in raised.value.faults] == [3, 4]
    assert actions(database) == already
    with database.read_session() as session:
        assert list_organisers(session) == []


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


def set_quota(database: Database, quota: int) -> None:
    """How many accounts the school may have."""
    with database.write_session() as session:
        schools.change_school(session, "ohg", quota=quota, actor=ACTOR, now=MORNING)


def count(database: Database, model: type[Base]) -> int:
    """How many rows there are."""
    with database.read_session() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_school_has_no_more_accounts_than_its_quota(database: Database) -> None:
    """Up to the quota, imported ones counted; a lowered quota takes nothing away."""
    make_school(database)
    set_quota(database, 2)
    with database.write_session() as session:
        import_organisers(session, [imported(2, "ohg", "frau.a")], actor=ACTOR, now=MORNING)
    make_organiser(database)

    with pytest.raises(QuotaError, match="2 of the 2"):
        make_organiser(database)
    set_quota(database, 0)
    with pytest.raises(QuotaError, match="2 of the 0"):
        make_organiser(database)

    assert count(database, Organiser) == 2


@pytest.mark.parametrize(("quota", "wanted", "becomes"), [(2, 3, 4), (2, 1, 2), (9, 3, 9), (0, 1, 2)])
def test_room_is_made_for_no_more_than_is_wanted(
    database: Database, quota: int, wanted: int, becomes: int
) -> None:
    """The quota grows by what is missing, never shrinks, and the audit says so once."""
    make_school(database)
    make_organiser(database)
    set_quota(database, quota)
    before = count(database, AuditEvent)

    with database.write_session() as session:
        school = schools.make_room(session, "ohg", wanted, actor=ACTOR, now=MORNING)

    assert school.quota == becomes
    assert count(database, AuditEvent) - before == (becomes != quota)


def test_no_room_is_made_beyond_the_most(database: Database) -> None:
    """No school has more than five thousand."""
    make_school(database)

    with pytest.raises(InputError), database.write_session() as session:
        schools.make_room(session, "ohg", 5001, actor=ACTOR, now=MORNING)


def test_a_takeover_is_not_held_up_by_the_quota(database: Database) -> None:
    """What the teachers have in hand goes on working."""
    make_school(database)
    set_quota(database, 1)
    lines = [imported(2, "ohg", "frau.a"), imported(3, "ohg", "herr.b")]

    with database.write_session() as session:
        assert import_organisers(session, lines, actor=ACTOR, now=MORNING) == 2


def test_two_who_issue_at_once_stay_within_the_quota(database: Database) -> None:
    """Each would fit alone; the second waits for the first and is told."""
    make_school(database)
    set_quota(database, 5)
    passwords = organisers.make_passwords(1, HASHER) * 3
    together = threading.Barrier(2)

    def issue(_number: int) -> bool:
        together.wait(PATIENCE)
        try:
            with database.write_session() as session:
                organisers.issue_organisers(
                    session, "ohg", passwords, valid_until=None, actor=ACTOR, now=MORNING
                )
        except QuotaError:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        done = sorted(threads.map(issue, range(2)))

    assert done == [False, True]
    assert count(database, Organiser) == 3


def test_a_print_job_is_on_record(database: Database) -> None:
    """Its id, how many letters, of which school; in the audit, too."""
    make_school(database)
    job = new_print_job_id()
    passwords = organisers.make_passwords(2, HASHER, print_job=make_print_job(job))

    with database.write_session() as session:
        organisers.issue_organisers(session, "ohg", passwords, valid_until=None, actor=ACTOR, now=MORNING)

    with database.read_session() as session:
        row = session.scalars(select(PrintJob)).one()
        assert (row.id, row.letters, row.actor, row.at) == (job, 2, ACTOR, MORNING)
        assert row.school_id == get_school(session, "ohg").id
        told = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert told is not None
        assert told.detail["print_job"] == job


def test_a_letter_that_is_printed_anew_is_a_print_job(database: Database) -> None:
    """A reset is one letter; one that is not printed is none."""
    make_school(database)
    username = make_organiser(database).username
    assert count(database, PrintJob) == 0
    (password,) = organisers.make_passwords(1, HASHER, print_job=make_print_job())

    run(
        database,
        lambda s: organisers.reset_password(
            s, username, password, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING
        ),
    )

    with database.read_session() as session:
        assert [(row.id, row.letters) for row in session.scalars(select(PrintJob))] == [("D7K-42P", 1)]


def test_the_same_print_job_is_not_done_twice(database: Database) -> None:
    """A second click with the same id issues nothing."""
    make_school(database)
    passwords = organisers.make_passwords(2, HASHER, print_job=make_print_job())
    command = partial(
        organisers.issue_organisers,
        code="ohg",
        passwords=passwords,
        valid_until=None,
        actor=ACTOR,
        now=MORNING,
    )
    run(database, command)

    with pytest.raises(ConflictError):
        run(database, command)

    assert count(database, Organiser) == 2


def test_the_id_of_a_print_job_can_be_told_on_the_telephone() -> None:
    """Two groups of three, no vowels, nothing that is mistaken for another."""
    ids = {new_print_job_id() for _ in range(300)}

    assert len(ids) == 300
    for each in ids:
        first, second = each.split("-")
        assert (len(first), len(second)) == (3, 3)
        assert not set(first + second) & set("AEIOUYQ0158BSGZL")


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


def test_suspensions_keep_their_history(database: Database) -> None:
    """Who suspended, why, from when until when; the latest first."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    for action in (Action.ORGANISER_SUSPEND, Action.ORGANISER_REINSTATE, Action.ORGANISER_SUSPEND):
        run(database, every[action])

    with database.read_session() as session:
        latest, first = suspension_rows(session, get_organiser(session, username), now=MORNING)
    assert (latest.until, latest.reason, latest.suspended_by) == (None, LOST, ACTOR)
    assert (first.until, first.reinstated_by) == (MORNING, ACTOR)


def test_a_late_deletion_shows_no_note_and_no_name_of_staff(database: Database) -> None:
    """90 days after the end of the suspension the note is gone, a year after it who ended and began it."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    for action in (
        Action.ORGANISER_SUSPEND,
        Action.ORGANISER_DESCRIBE_SUSPENSION,
        Action.ORGANISER_REINSTATE,
    ):
        run(database, every[action])

    def shown(after: timedelta) -> tuple[str | None, ...]:
        with database.read_session() as session:
            (row,) = suspension_rows(session, get_organiser(session, username), now=MORNING + after)
        return row.note, row.suspended_by, row.reinstated_by

    moment = timedelta(microseconds=1)
    assert shown(suspensions.NOTE_KEPT) == (DESCRIPTION.note, ACTOR, ACTOR)
    assert shown(suspensions.NOTE_KEPT + moment) == shown(AUDIT_KEPT) == (None, ACTOR, ACTOR)
    assert shown(AUDIT_KEPT + moment) == (None, "staff", "staff")


def describe(database: Database, username: str, description: SuspensionDescription) -> bool:
    """Says why the organiser is suspended."""
    with database.write_session() as session:
        return suspensions.describe(session, ORGANISER, username, description, actor=ACTOR, now=MORNING)


def test_a_suspension_is_described_afterwards(database: Database) -> None:
    """The click comes first; the latest description counts, and only of the suspension that is on."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    for action in (Action.ORGANISER_SUSPEND, Action.ORGANISER_REINSTATE):
        run(database, every[action])
    with database.write_session() as session:
        suspensions.suspend(session, ORGANISER, username, reason=None, actor=ACTOR, now=MORNING)

    assert describe(database, username, DESCRIPTION)
    assert describe(database, username, SuspensionDescription(SuspensionReason.MISUSE, note="  "))

    with database.read_session() as session:
        latest, first = suspension_rows(session, get_organiser(session, username), now=MORNING)
    assert (latest.reason, latest.reported_by, latest.note) == ("misuse", None, None)
    assert (first.reason, first.reported_by, first.note) == (LOST, None, None)


def test_what_is_not_suspended_is_not_described(database: Database) -> None:
    """Somebody was faster with the reinstating: he is told."""
    make_school(database)
    username = make_organiser(database).username

    with pytest.raises(ConflictError, match="not suspended"):
        describe(database, username, DESCRIPTION)
    with pytest.raises(ConflictError, match="not suspended"):
        run(database, commands(username)[Action.SCHOOL_DESCRIBE_SUSPENSION])


def test_a_note_is_not_in_the_audit(database: Database) -> None:
    """A note is gone 90 days after the end of the suspension; the audit lives a year."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    for action in (Action.ORGANISER_SUSPEND, Action.SCHOOL_SUSPEND):
        run(database, every[action])
    for action in (Action.ORGANISER_DESCRIBE_SUSPENSION, Action.SCHOOL_DESCRIBE_SUSPENSION):
        run(database, every[action])

    with database.read_session() as session:
        assert count(database, Suspension) == 2
        assert {row.note for row in session.scalars(select(Suspension))} == {"UNMISTAKABLE-NOTE"}
        assert "UNMISTAKABLE" not in repr([row.detail for row in session.scalars(select(AuditEvent))])


@pytest.mark.parametrize("note", ["x" * 201, "a\0b", "a\ue000b"])
def test_a_note_is_short_and_printable(note: str) -> None:
    """It is shown on a page of the panel."""
    with pytest.raises(InputError):
        suspensions.parse_note(note)


def test_setting_a_password_never_reinstates(database: Database) -> None:
    """A new letter for a suspended organiser opens nothing."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    run(database, every[Action.ORGANISER_SUSPEND])

    run(database, every[Action.ORGANISER_RESET])

    with database.read_session() as session:
        assert get_organiser(session, username).suspended_at == MORNING


def test_reinstating_a_school_leaves_its_suspended_organisers_suspended(database: Database) -> None:
    """The two suspensions are two decisions."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    for action in (Action.ORGANISER_SUSPEND, Action.SCHOOL_SUSPEND, Action.SCHOOL_REINSTATE):
        run(database, every[action])

    with database.read_session() as session:
        organiser = get_organiser(session, username)
        assert (organiser.suspended_at, organiser.school.suspended_at) == (MORNING, None)


def test_what_is_not_there_is_named(database: Database) -> None:
    """A mistyped code or name is told, not guessed."""
    with database.read_session() as session:
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

    with pytest.raises(InputError), database.write_session() as session:
        schools.change_school(session, "ohg", trusted_networks=[network], actor=ACTOR, now=MORNING)


def test_networks_are_kept_in_one_form(database: Database) -> None:
    """Host bits, doubles and order do not matter."""
    make_school(database)

    with database.write_session() as session:
        school = schools.change_school(
            session,
            "ohg",
            trusted_networks=["198.51.100.7/24", "2001:DB8::1/48", "198.51.100.0/24"],
            actor=ACTOR,
            now=MORNING,
        )

    assert school.trusted_networks == ["198.51.100.0/24", "2001:db8::/48"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\0b", "a\ue000b"])
def test_a_schools_name_is_printable(database: Database, name: str) -> None:
    """What cannot be printed on a letter is no name."""
    with pytest.raises(InputError), database.write_session() as session:
        schools.add_school(session, "gsw", name, actor=ACTOR, now=MORNING)


def change(database: Database, revision: int | None = None, **changes: Any) -> None:  # noqa: ANN401
    """A change to the school, as from a form."""
    with database.write_session() as session:
        schools.change_school(session, "ohg", revision=revision, actor=ACTOR, now=MORNING, **changes)


def test_a_school_is_changed_field_by_field(database: Database) -> None:
    """What is given changes, what is not stays, and the audit names what changed."""
    make_school(database)
    change(database, street=" Schulstr.  1 ", contract_on=date(2026, 9, 1), mailbox="office@ohg.example")
    change(database, street="Schulstr. 1", place="72336 Balingen", contract_on=None)

    with database.read_session() as session:
        school = get_school(session, "ohg")
        assert (school.name, school.street, school.place) == (
            "Otto-Hahn-Gymnasium",
            "Schulstr. 1",
            "72336 Balingen",
        )
        assert (school.mailbox, school.contract_on, school.revision) == ("office@ohg.example", None, 3)
        query = select(AuditEvent.detail).where(AuditEvent.action == Action.SCHOOL_CHANGE)
        assert session.scalars(query.order_by(AuditEvent.id)).all() == [
            {"street": "Schulstr. 1", "contract_on": "2026-09-01", "mailbox": "office@ohg.example"},
            {"place": "72336 Balingen", "contract_on": None},
        ]


def test_a_school_is_added_with_all_that_is_known(database: Database) -> None:
    """Or with less; the audit says what was given."""
    with database.write_session() as session:
        schools.add_school(
            session,
            "gsw",
            "Grundschule",
            street="",
            place="Balingen",
            contract_on=date(2026, 9, 1),
            trusted_networks=["198.51.100.7/24"],
            quota=20,
            actor=ACTOR,
            now=MORNING,
        )

    with database.read_session() as session:
        school = get_school(session, "gsw")
        assert (school.place, school.quota, school.revision) == ("Balingen", 20, 1)
        assert session.scalars(select(AuditEvent.detail)).one() == {
            "name": "Grundschule",
            "place": "Balingen",
            "contract_on": "2026-09-01",
            "trusted_networks": ["198.51.100.0/24"],
            "quota": 20,
        }


def test_nobody_overwrites_unseen(database: Database) -> None:
    """Two had the form open: the second is told, and nothing of his is written."""
    make_school(database)
    change(database, revision=1, name="Erste")

    with pytest.raises(ChangedMeanwhileError):
        change(database, revision=1, name="Zweite", place="Balingen")

    with database.read_session() as session:
        school = get_school(session, "ohg")
        assert (school.name, school.place, school.revision) == ("Erste", "", 2)
    change(database, revision=2, name="Zweite")


def test_a_form_that_is_sent_twice_changes_once(database: Database) -> None:
    """A double click is no conflict: the second finds everything as it wants it."""
    make_school(database)
    already = actions(database)
    for _ in range(2):
        change(database, revision=1, name="Anders")

    assert actions(database) == [*already, Action.SCHOOL_CHANGE]


@pytest.mark.parametrize(
    "changes",
    [
        {"street": "x" * 201},
        {"street": "a\0b"},
        {"place": "x" * 201},
        {"place": "a\ue000b"},
        {"quota": -1},
        {"quota": 5001},
        {"contract_on": date(1999, 12, 31)},
        {"contract_on": MORNING.date() + timedelta(days=367)},
        {"trusted_networks": [f"198.51.100.{number}" for number in range(51)]},
        {"mailbox": "nobody"},
    ],
)
def test_a_bad_value_changes_nothing(database: Database, changes: dict[str, Any]) -> None:
    """Not even the good ones beside it."""
    make_school(database)

    with pytest.raises(InputError):
        change(database, name="Anders", **changes)

    with database.read_session() as session:
        assert get_school(session, "ohg").name == "Otto-Hahn-Gymnasium"


@pytest.mark.parametrize(
    "typed", ["", "office@school.example", "o'neil+x@a.b.example", "sekretariat@schule-müller.example"]
)
def test_a_mailbox_is_kept_as_typed(typed: str) -> None:
    """Blanks around it come along with copy & paste."""
    assert schools.parse_mailbox(f" {typed}\n") == typed


@pytest.mark.parametrize(
    "typed",
    [
        "office",
        "office@",
        "@school.example",
        "office@localhost",
        "a b@school.example",
        "a@school..example",
        "a@-school.example",
        "a@school.example\nBcc: b@school.example",
        "a@school.example, b@school.example",
        "Office <a@school.example>",
        "a@[192.0.2.1]",
        "müller@school.example",
        "a@" + "b" * 64 + ".example",
        "a@" + "b.c" * 90 + ".example",
    ],
)
def test_what_no_mail_reaches_is_no_mailbox(typed: str) -> None:
    """One address, that of an office."""
    with pytest.raises(InputError):
        schools.parse_mailbox(typed)


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
