"""What is kept about an account is told, column by column, or named as left out."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor
from authbridge.data_protection.account_access import as_document
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

CLERK = Actor("staff:clerk-anna")
MODELS = {table_of(each.model): each.model for each in INVENTORY}


def document(
    database: Database, username: str, clock: FakeClock, *, addresses: bool = True, actor: Actor = CLERK
) -> dict[str, Any]:
    """Returns the data of an account as its file has it."""
    with database.write_session() as session:
        data = give_account_data(
            session,
            username,
            keyed_hashes=KEYED_HASHES,
            addresses=addresses,
            actor=actor,
            now=clock(),
        )
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


def test_every_column_of_every_row_is_told_or_named(database: Database) -> None:
    """Whatever refers to the account or holds its name; a hash is said to exist."""
    name, other = make_accounts(database)
    with database.write_session() as session:
        organiser = session.scalars(select(Organiser).where(Organiser.username == name)).one()
        rows = seed(session, organiser, other)
    told = document(database, name, FakeClock())
    left_out = {each["where"] for each in told["left_out"]}
    for row in rows:
        table = table_of(type(row))
        columns = {column.name for column in table.columns if f"{table.name}.{column.name}" not in left_out}
        expected = {column: plain(getattr(row, column)) for column in columns}
        assert expected in told["sections"][table.name]["rows"], table
    assert "organisers.password_hash" in left_out
    assert organiser.password_hash not in json.dumps(told)


def test_no_table_with_the_account_is_forgotten(database: Database) -> None:
    """A search through the whole database finds the name nowhere else."""
    name, other = make_accounts(database)
    with database.write_session() as session:
        organiser = session.scalars(select(Organiser).where(Organiser.username == name)).one()
        seed(session, organiser, other)
    told = document(database, name, FakeClock())
    known = {*told["sections"], *(each["where"] for each in told["left_out"])}
    with database.read_session() as session:
        for table in Base.metadata.sorted_tables:
            if any(name in str(tuple(row)) for row in session.execute(select(table))):
                assert table.name in known
    assert {table.name for table in tables_about_accounts()} <= known


def test_nothing_of_others_is_told(database: Database) -> None:
    """Neither other accounts of the same events and servers, nor who of the staff did it."""
    name, other = make_accounts(database)
    with database.write_session() as session:
        organiser = session.scalars(select(Organiser).where(Organiser.username == name)).one()
        seed(session, organiser, other)
    told = document(database, name, FakeClock())
    text = json.dumps(told)
    assert other not in text
    assert "anna" not in text
    assert [row["meetings"] for row in told["sections"]["prosody_nodes"]["rows"]] == [1]
    details = [row["detail"] for row in told["sections"]["audit_events"]["rows"]]
    assert {"usernames": [name], "before": {name: None}} in details
    assert {"q": name} in details


def test_without_addresses_none_is_in_it(database: Database) -> None:
    """The columns are named, with the reason."""
    name, other = make_accounts(database)
    with database.write_session() as session:
        organiser = session.scalars(select(Organiser).where(Organiser.username == name)).one()
        seed(session, organiser, other)
    told = document(database, name, FakeClock(), addresses=False)
    left_out = {each["where"] for each in told["left_out"]}
    assert {"login_attempts.ip", "rejected_attempts.network", "login_failures.network"} <= left_out
    assert "ip" not in told["sections"]["login_attempts"]["rows"][0]
    with_them = document(database, name, FakeClock())
    assert with_them["sections"]["login_attempts"]["rows"][0]["ip"]


FOREIGN = ("clerk-anna", "ohg", "198.51.100.7", "several", "import", "usernames", "reason", "lmg")


def test_events_of_others_who_are_called_alike_are_not_told(database: Database) -> None:
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
        told = document(database, name, FakeClock())["sections"]["audit_events"]["rows"]
        assert [row["action"] for row in told] == [Action.ORGANISER_EXPORT], name


def is_about_one_organiser(action: Action) -> bool:
    """Tells whether the subject of the action is a login name."""
    several = (Action.ORGANISER_ISSUE, Action.ORGANISER_IMPORT)
    return action.startswith("organiser:") and action not in several


@pytest.mark.parametrize("kind", [ORGANISER, SCHOOL])
def test_misuse_of_the_account_is_told_and_misuse_at_a_school_called_alike_is_not(
    database: Database, kind: SuspendableKind
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
    rows = document(database, "ohg", FakeClock())["sections"]["audit_events"]["rows"]
    found = {row["action"] for row in rows if row["action"].startswith("misuse:")}
    everything = {"misuse:report", "misuse:report-and-suspend", "misuse:close", "misuse:block"}
    assert found == (everything if kind is ORGANISER else set())


def test_each_access_is_noted_once(database: Database) -> None:
    """The same person's page and file within ten minutes are one event; it stands in the data itself."""
    name, _ = make_accounts(database)
    clock = FakeClock(MORNING + timedelta(hours=1))
    told = document(database, name, clock)
    assert told["sections"]["audit_events"]["rows"][0]["action"] == Action.ORGANISER_EXPORT
    document(database, name, clock)
    document(database, name, clock, addresses=False)
    document(database, name, clock, actor=Actor("staff:other"))
    clock.advance(minutes=10)
    document(database, name, clock)
    with database.read_session() as session:
        query = select(AuditEvent.actor, AuditEvent.detail).where(
            AuditEvent.action == Action.ORGANISER_EXPORT, AuditEvent.subject == name
        )
        noted = [(actor, detail["addresses"]) for actor, detail in session.execute(query)]
    assert noted == [(CLERK, True), (CLERK, False), ("staff:other", True), (CLERK, True)]
