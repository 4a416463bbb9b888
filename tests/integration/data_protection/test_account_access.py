"""The statement shows each column kept about an account, or names it as left out."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from authbridge.audit import KEPT, Action, Actor
from authbridge.config import Config
from authbridge.data_protection.account_access import AccountAccess, as_document
from authbridge.data_protection.commands import give_account_data
from authbridge.data_protection.inventory import INVENTORY
from authbridge.login.alarm_rules import ALARMS_OF_ORGANISER, Alarm
from authbridge.login.usernames import Username
from authbridge.misuse import commands as misuse
from authbridge.misuse.blocking import BlockRequest, block
from authbridge.misuse.commands import MisuseDescription
from authbridge.schools.commands import suspensions
from authbridge.schools.suspendable import ORGANISER, SCHOOL, SuspendableKind
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AlarmRaised,
    AuditEvent,
    Base,
    LoginFailure,
    MisuseReport,
    Organiser,
    PrintJob,
    ProsodyNode,
    Reporter,
    ReportResult,
    Revocation,
    RevocationDone,
    table_of,
)
from tests.support.factories import KEYED_HASHES, make_code, make_organiser, make_school
from tests.support.fakes import MORNING, FakeClock
from tests.support.filled_rows import fill
from tests.support.panel.staffed_panel import make_config

CLERK = Actor("staff:clerk-anna")
MODELS = {table_of(each.model): each.model for each in INVENTORY}


@pytest.fixture(name="config")
def make_settings(tmp_path: Path) -> Config:
    """The usual settings."""
    return make_config("sqlite:///x.db", tmp_path)


def document(
    database: Database,
    config: Config,
    username: str,
    clock: FakeClock,
    *,
    addresses: bool = True,
    actor: Actor = CLERK,
) -> dict[str, Any]:
    """Returns the data of an account as its file has it."""
    with database.write_session() as session:
        access = AccountAccess(config, KEYED_HASHES, addresses=addresses)
        data = give_account_data(session, username, access, actor=actor, now=clock())
    read: dict[str, Any] = json.loads(json.dumps(as_document(data)))
    return read


def tables_about_accounts() -> Iterator[Table]:
    """Yields each table with a reference to an account."""
    for table in Base.metadata.sorted_tables:
        if any(key.column.table is table_of(Organiser) for key in table.foreign_keys):
            yield table


def seed(session: Session, organiser: Organiser, other: str) -> list[Base]:
    """Adds rows about the account wherever there may be some, and such as are about another as well."""
    name, school = organiser.username, organiser.school_id
    job = fill(PrintJob, school_id=school, actor=CLERK)
    order = fill(Revocation, username=name)
    session.add_all([job, order])
    session.flush()
    organiser.print_job_id = job.id
    rows: list[Base] = [
        organiser,
        job,
        order,
        fill(RevocationDone, revocation_id=order.id),
        fill(LoginFailure, name_key=KEYED_HASHES.name(name)),
        fill(AlarmRaised, about=f"organiser:guessed {name}"),
    ]
    for table in tables_about_accounts():
        needed = {"school_id": school} if table.name == "misuse_reports" else {}
        rows.append(fill(MODELS[table], organiser_id=organiser.id, **needed))
    session.add_all(rows)
    session.add(fill(ProsodyNode, meetings={name: 1, other: 7}))
    changed = {"usernames": [other, name], "before": {other: "2026-01-01", name: None}}
    session.add(fill(AuditEvent, subject="ohg", actor=CLERK, detail=changed))
    session.add(fill(AuditEvent, action=Action.JOURNAL_LOOK, actor=CLERK, detail={"q": name}))
    session.add(fill(AuditEvent, subject="ohg", actor=CLERK, detail={"usernames": [other]}))
    session.flush()
    return rows


def plain(value: object) -> object:
    """Returns a value of the database as JSON has it."""
    isoformat = getattr(value, "isoformat", None)
    return value if isoformat is None else isoformat()


def make_accounts(database: Database) -> tuple[str, str]:
    """Makes two accounts of a school."""
    make_school(database)
    return make_organiser(database).username, make_organiser(database).username


def test_every_column_of_every_row_is_told_or_named(database: Database, config: Config) -> None:
    """Whatever refers to the account or holds its name; a hash is said to exist."""
    name, other = make_accounts(database)
    with database.write_session() as session:
        organiser = session.scalars(select(Organiser).where(Organiser.username == name)).one()
        rows = seed(session, organiser, other)
    told = document(database, config, name, FakeClock())
    left_out = {each["where"] for each in told["left_out"]}
    for row in rows:
        table = table_of(type(row))
        columns = {column.name for column in table.columns if f"{table.name}.{column.name}" not in left_out}
        expected = {column: plain(getattr(row, column)) for column in columns}
        assert expected in told["sections"][table.name]["rows"], table
    assert "organisers.password_hash" in left_out
    assert organiser.password_hash not in json.dumps(told)


def test_no_table_with_the_account_is_forgotten(database: Database, config: Config) -> None:
    """A search through the whole database finds the name nowhere else."""
    name, other = make_accounts(database)
    with database.write_session() as session:
        organiser = session.scalars(select(Organiser).where(Organiser.username == name)).one()
        seed(session, organiser, other)
    told = document(database, config, name, FakeClock())
    known = {*told["sections"], *(each["where"] for each in told["left_out"])}
    with database.read_session() as session:
        for table in Base.metadata.sorted_tables:
            if any(name in str(tuple(row)) for row in session.execute(select(table))):
                assert table.name in known
    assert {table.name for table in tables_about_accounts()} <= known


def test_nothing_of_others_is_told(database: Database, config: Config) -> None:
    """Neither other accounts of the same events and servers, nor who of the staff did it."""
    name, other = make_accounts(database)
    with database.write_session() as session:
        organiser = session.scalars(select(Organiser).where(Organiser.username == name)).one()
        seed(session, organiser, other)
    told = document(database, config, name, FakeClock())
    text = json.dumps(told)
    assert other not in text
    assert "anna" not in text
    assert [row["meetings"] for row in told["sections"]["prosody_nodes"]["rows"]] == [1]
    details = [row["detail"] for row in told["sections"]["audit_events"]["rows"]]
    assert {"usernames": [name], "before": {name: None}} in details
    assert {"q": name} in details


def test_without_addresses_none_is_in_it(database: Database, config: Config) -> None:
    """The columns are named, with the reason."""
    name, other = make_accounts(database)
    with database.write_session() as session:
        organiser = session.scalars(select(Organiser).where(Organiser.username == name)).one()
        seed(session, organiser, other)
    told = document(database, config, name, FakeClock(), addresses=False)
    left_out = {each["where"] for each in told["left_out"]}
    assert {"login_attempts.ip", "rejected_attempts.network", "login_failures.network"} <= left_out
    assert "ip" not in told["sections"]["login_attempts"]["rows"][0]
    with_them = document(database, config, name, FakeClock())
    assert with_them["sections"]["login_attempts"]["rows"][0]["ip"]


def test_what_should_be_gone_is_not_told(database: Database, config: Config) -> None:
    """A deletion that is late shows in no answer: rows, and columns that go before their row."""
    name, other = make_accounts(database)
    with database.write_session() as session:
        organiser = session.scalars(select(Organiser).where(Organiser.username == name)).one()
        seed(session, organiser, other)
        organiser.previous_hash, organiser.previous_until = "hash", MORNING.date()
        session.execute(update(MisuseReport).values(closed_at=None))
    told, late = (
        document(database, config, name, FakeClock(MORNING + age)) for age in (timedelta(), 2 * KEPT)
    )
    kept = {"organisers", "schools", "print_jobs", "suspensions", "misuse_reports", "prosody_nodes"}
    gone = {table for table, section in told["sections"].items() if section["rows"]} - kept
    assert {"login_attempts", "rejected_attempts", "login_failures", "alarms_raised", "revocations"} <= gone
    for table in gone - {"revocations_done", "audit_events"}:
        assert late["sections"][table]["rows"] == [], table
    (event,) = late["sections"]["audit_events"]["rows"]
    assert event["action"] == Action.ORGANISER_EXPORT
    for table, column in (
        ("suspensions", "note"),
        ("misuse_reports", "happened"),
        ("misuse_reports", "description"),
        ("organisers", "previous_until"),
    ):
        assert told["sections"][table]["rows"][0][column], column
        assert late["sections"][table]["rows"][0][column] is None, column
    assert late["sections"]["prosody_nodes"]["rows"] == []


def test_who_hands_it_out_is_asked_to_read_what_people_wrote(database: Database, config: Config) -> None:
    """It may name others (Article 15(4))."""
    name, _ = make_accounts(database)
    assert "before you hand this out" in document(database, config, name, FakeClock())["notice"]


FOREIGN = ("clerk-anna", "ohg", "198.51.100.7", "several", "import", "usernames", "reason", "lmg")


def test_events_of_others_who_are_called_alike_are_not_told(database: Database, config: Config) -> None:
    """An imported login name may be that of one of the staff, a school, a network, or a word of the audit."""
    make_school(database)
    make_school(database, "lmg")
    with database.write_session() as session:
        for name in FOREIGN:
            session.add(fill(Organiser, username=name, school_id=2))
            for action in Action:
                if not is_about_one_organiser(action):
                    session.add(fill(AuditEvent, action=action, subject=name, detail={"report": 1}))
            details: tuple[dict[str, Any], ...] = (
                {"school": name},
                {"schools": [name]},
                {"added": {name: {}}},
                {name: 1},
            )
            for detail in details:
                session.add(fill(AuditEvent, action=Action.ORGANISER_DELETE, subject="ohg-x", detail=detail))
        for alarm in set(Alarm) - set(ALARMS_OF_ORGANISER):
            session.add(fill(AuditEvent, action=alarm, subject="clerk-anna", detail={}))
        session.add(fill(AuditEvent, action=Action.JOURNAL_LOOK, subject="journal", detail={"q": "ohg"}))
    for name in FOREIGN:
        told = document(database, config, name, FakeClock())["sections"]["audit_events"]["rows"]
        assert [row["action"] for row in told] == [Action.ORGANISER_EXPORT], name


def is_about_one_organiser(action: Action) -> bool:
    """Tells whether the subject of the action is a login name."""
    several = (Action.ORGANISER_ISSUE, Action.ORGANISER_IMPORT)
    return action.startswith("organiser:") and action not in several


@pytest.mark.parametrize("kind", [ORGANISER, SCHOOL])
def test_misuse_of_the_account_is_told_and_misuse_at_a_school_called_alike_is_not(
    database: Database, config: Config, kind: SuspendableKind
) -> None:
    """Reported, suspended for, blocked by the head of the school, closed."""
    make_school(database)
    with database.write_session() as session:
        session.add(fill(Organiser, username="ohg", school_id=1, suspended_at=None))
    with database.write_session() as session:
        told = MisuseDescription(Reporter.OTHER)
        for command in (misuse.report_misuse, misuse.report_and_suspend):
            command(session, kind, "ohg", told, actor=CLERK, now=MORNING)
        misuse.close_report(session, 1, ReportResult.UNCLEAR, "", actor=CLERK, now=MORNING)
        suspensions.reinstate(session, kind, "ohg", actor=CLERK, now=MORNING)
    code = make_code(database)
    with database.write_session() as session:
        asked = BlockRequest(code, Username("ohg") if kind is ORGANISER else None)
        block(session, KEYED_HASHES.report_code(code), asked, today=MORNING.date(), now=MORNING)
    rows = document(database, config, "ohg", FakeClock())["sections"]["audit_events"]["rows"]
    found = {row["action"] for row in rows if row["action"].startswith("misuse:")}
    everything = {"misuse:report", "misuse:report-and-suspend", "misuse:close", "misuse:block"}
    assert found == (everything if kind is ORGANISER else set())


def test_each_access_is_noted_once(database: Database, config: Config) -> None:
    """The same person's page and file within ten minutes are one event; it stands in the data itself."""
    name, _ = make_accounts(database)
    clock = FakeClock(MORNING + timedelta(hours=1))
    told = document(database, config, name, clock)
    assert told["sections"]["audit_events"]["rows"][0]["action"] == Action.ORGANISER_EXPORT
    document(database, config, name, clock)
    document(database, config, name, clock, addresses=False)
    document(database, config, name, clock, actor=Actor("staff:other"))
    clock.advance(minutes=10)
    document(database, config, name, clock)
    with database.read_session() as session:
        query = select(AuditEvent.actor, AuditEvent.detail).where(
            AuditEvent.action == Action.ORGANISER_EXPORT, AuditEvent.subject == name
        )
        noted = [(actor, detail["addresses"]) for actor, detail in session.execute(query)]
    assert noted == [(CLERK, True), (CLERK, False), ("staff:other", True), (CLERK, True)]
