"""Schools, organisers and staff by the dozen, in every state that a page shows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from authbridge import deletion_records
from authbridge.deletion_records import DeletionRecord, LogRecord, TableLeft
from authbridge.machine.findings import Level
from authbridge.machine.reported_findings import pack
from authbridge.statistics.counting import months_before
from authbridge.storage.database import Database
from authbridge.storage.models import (
    Base,
    Hold,
    Invitation,
    LoginAttempt,
    LoginFailure,
    MachineReport,
    MeetingRule,
    MisuseReport,
    MonthlyTotal,
    NetworkWait,
    Organiser,
    PrintJob,
    ProsodyNode,
    ReportCode,
    Reporter,
    Revocation,
    RevocationAction,
    RevocationDone,
    RevocationFeed,
    Role,
    RuleCount,
    School,
    SessionStage,
    Staff,
    StaffSession,
    Suspension,
    SyntheticLogin,
)
from authbridge.synthetic_login.outcomes import SyntheticOutcome
from tests.support.factories import ACTOR, KEYED_HASHES
from tests.support.fakes import MORNING
from tests.support.findings import make_finding

CODE = "ohg"
PRINT_JOB = "D7K-42P"
NO_HASH = "x" * 60


@dataclass(frozen=True, slots=True)
class SampleData:
    """Names the school that has everything, and one of its organisers, who is suspended."""

    code: str
    username: str


def add_sample_data(database: Database, size: int = 3) -> SampleData:
    """Adds ``size`` rows of everything that a page lists."""
    with database.write_session() as session:
        school = _school(session, CODE, "Otto-Hahn-Gymnasium")
        session.add(PrintJob(id=PRINT_JOB, school_id=school.id, at=MORNING, actor=ACTOR, letters=size))
        session.flush()
        organisers = [_organiser(session, school, number) for number in range(size)]
        for number in range(size):
            other = _school(session, f"s{number}", f"Schule am Bach {number}")
            session.add(_suspension(number, school_id=other.id))
            session.add(NetworkWait(network=f"198.51.100.{number}", since=MORNING, until=_later(hours=2)))
            session.add(_attempt(organisers[number].id, number))
            session.add(_hold(organisers[number].id, number))
            session.add(_suspension(number, school_id=school.id, is_over=True))
            session.add(_suspension(number, organiser_id=organisers[0].id, is_over=True))
            session.add_all(_failures(organisers[number].username))
            _staff(session, number)
            session.add_all(_node(number, [each.username for each in organisers]))
            session.add(_report_code(school, number))
            session.add(_report(school, organisers[number], number))
        for organiser in organisers:
            session.add(_suspension(0, organiser_id=organiser.id))
        session.add_all(_usage(school.id, number) for number in range(size))
        session.add_all(_rule_counts(size))
        session.add_all(_machine_reports(size))
        for number in range(size):
            deletion_records.keep(session, make_deletion_record(number))
        session.add_all(_synthetic_logins(size))
        session.query(RevocationFeed).one().last_id = size
    return SampleData(CODE, organisers[0].username)


def add_sessions(database: Database, name: str, size: int) -> None:
    """Signs that member of staff in at ``size`` more browsers."""
    with database.write_session() as session:
        staff = session.query(Staff).filter_by(name=name).one()
        session.add_all(
            StaffSession(
                id_hash=f"{number:064x}",
                token_hash=f"{number:064x}",
                staff_id=staff.id,
                stage=SessionStage.SIGNED_IN,
                started_at=MORNING,
                seen_at=MORNING,
                user_agent="Firefox/1 Windows",
                notices=[],
            )
            for number in range(size)
        )


def _school(session: Session, code: str, name: str) -> School:
    school = School(
        code=code,
        name=name,
        street="Am Bach 1",
        place="74072 Heilbronn",
        trusted_networks=["203.0.113.0/24"],
        quota=5000,
        suspended_at=None if code == CODE else MORNING,
        created_at=MORNING,
    )
    session.add(school)
    session.flush()
    return school


def _organiser(session: Session, school: School, number: int) -> Organiser:
    organiser = Organiser(
        username=f"{school.code}-{number:04d}",
        school_id=school.id,
        password_hash=NO_HASH,
        password_generated=True,
        print_job_id=PRINT_JOB,
        previous_hash=NO_HASH,
        previous_generated=True,
        previous_until=MORNING.date() + timedelta(days=14),
        suspended_at=MORNING,
        valid_until=MORNING.date() + timedelta(days=3),
        last_login_on=MORNING.date(),
        created_at=MORNING,
    )
    session.add(organiser)
    session.flush()
    return organiser


def _suspension(number: int, *, is_over: bool = False, **whose: int) -> Suspension:
    return Suspension(
        since=MORNING,
        suspended_by=ACTOR,
        until=MORNING + timedelta(minutes=number) if is_over else None,
        reinstated_by=ACTOR if is_over else None,
        **whose,
    )


def _attempt(organiser_id: int, number: int) -> LoginAttempt:
    return LoginAttempt(
        at=MORNING,
        request_id=f"q-{number}",
        organiser_id=organiser_id,
        transport="tcp",
        node=f"node-{number}",
        verdict="granted",
    )


def _hold(organiser_id: int, number: int) -> Hold:
    """Returns a hold; every other one waits for a second person."""
    is_confirmed = number % 2 == 0
    return Hold(
        organiser_id=organiser_id,
        since=MORNING - timedelta(days=2),
        before=MORNING + timedelta(hours=16),
        network="198.51.100.0/24" if number % 3 else None,
        reason="Anzeige 17",
        days=90,
        asked_at=MORNING,
        asked_by="staff:auditor-anna",
        confirmed_at=MORNING if is_confirmed else None,
        confirmed_by="staff:admin-anna" if is_confirmed else None,
        kept_until=MORNING + timedelta(days=90 if is_confirmed else 3),
    )


def _failures(username: str) -> Iterable[LoginFailure]:
    for number in range(6):
        yield LoginFailure(
            at=MORNING,
            name_key=KEYED_HASHES.name(username),
            network="192.0.2.1",
            from_unfamiliar_network=True,
            fingerprint=number,
            wait=900,
        )


def _node(number: int, usernames: list[str]) -> Iterable[Base]:
    """Yields a meeting server with a meeting of each organiser; every other server is silent."""
    seen_at = MORNING - timedelta(minutes=number % 2)
    yield Revocation(id=number + 1, username=usernames[number], action=RevocationAction.SUSPEND, at=MORNING)
    yield RevocationDone(
        revocation_id=number + 1, node=f"node-{number}", at=MORNING, sessions=2, meetings=1, logins=1
    )
    yield ProsodyNode(
        node=f"node-{number}", cursor=number, last_seen_at=seen_at, meetings=dict.fromkeys(usernames, 1)
    )


def _report_code(school: School, number: int) -> ReportCode:
    return ReportCode(
        school_id=school.id,
        code_hash=f"{number:032x}",
        print_job_id=PRINT_JOB,
        made_at=MORNING,
        expires_on=MORNING.date() + timedelta(days=400),
        used_at=MORNING if number % 2 else None,
    )


def _report(school: School, organiser: Organiser, number: int) -> MisuseReport:
    """Returns an open report; every other one is that of a head of school."""
    return MisuseReport(
        school_id=school.id,
        organiser_id=organiser.id,
        at=MORNING,
        happened="gestern Abend",
        description="Fremde in der Konferenz",
        reported_by=Reporter.SCHOOL_HEAD,
        actor=ACTOR if number % 2 else f"school:{school.code}",
    )


def _usage(school_id: int, number: int) -> MonthlyTotal:
    """Returns what was counted of the school so many months ago: the further back, the less."""
    month = months_before(MORNING.date(), number)
    return MonthlyTotal(
        school_id=school_id,
        month=month,
        accounts=max(0, 6 - number),
        active=max(0, 5 - 2 * number),
        logins=max(0, 40 - number),
        meetings=max(0, 3 - number),
    )


def _rule_counts(days: int) -> Iterable[RuleCount]:
    """Yields that each rule stepped in on each of the last days."""
    for number in range(days):
        for rule in MeetingRule:
            yield RuleCount(day=MORNING.date() - timedelta(days=number), rule=rule, times=number + 1)


def _machine_reports(size: int) -> Iterable[MachineReport]:
    """Yields a report of each server, with a finding of each level."""
    for number in range(size):
        findings = [make_finding(f"check-{level}", level) for level in Level]
        yield MachineReport(machine=f"meet-{number}", examined_at=MORNING, findings=[*map(pack, findings)])


def make_deletion_record(days_ago: int, *, is_well: bool = False) -> DeletionRecord:
    """Returns the record of a night; unless all was well, of one with every fault."""
    level = Level.OK if is_well else Level.ERROR
    made_at = MORNING - timedelta(days=days_ago)
    return DeletionRecord(
        made_at.date(),
        made_at,
        log_emptied=is_well,
        tables=[
            TableLeft("login_attempts", 2318, MORNING, MORNING, not is_well, 12, MORNING),
            TableLeft("schools", 12, None, None, is_overdue=False),
        ],
        logs=[LogRecord("meet.example.org", made_at, [make_finding("log-nginx", level)])],
    )


def _synthetic_logins(size: int) -> Iterable[SyntheticLogin]:
    """Yields that logins work on one machine, and fail in each way on the others."""
    outcomes = list(SyntheticOutcome)
    for number in range(size):
        outcome = outcomes[number % len(outcomes)]
        for minutes in (5, 0):
            at = MORNING - timedelta(minutes=minutes)
            yield SyntheticLogin(machine=f"meet-{number}", at=at, outcome=outcome.value, detail="502")


def _staff(session: Session, number: int) -> None:
    staff = Staff(name=f"colleague-{number}", role=Role.CLERK, created_at=MORNING)
    session.add(staff)
    session.flush()
    session.add(Invitation(staff_id=staff.id, code_hash=f"{number:064d}", expires_at=_later(hours=24)))


def _later(**duration: float) -> object:
    return MORNING + timedelta(**duration)
