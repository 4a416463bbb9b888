"""Which terms of use travelled to whom, and what is refused before anything is printed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from authbridge.audit import FORGOTTEN_STAFF, Action
from authbridge.errors import ConflictError
from authbridge.letters import Terms
from authbridge.login.usernames import Username
from authbridge.schools.commands import organisers, print_jobs, terms
from authbridge.schools.commands.print_jobs import NewPrintJob, new_print_job_id
from authbridge.schools.commands.report_codes import NewReportCode, make_report_code
from authbridge.schools.commands.terms import TermsError, TermsSent
from authbridge.schools.lookup import get_school
from authbridge.schools.print_jobs import get_print_job
from authbridge.schools.terms import (
    AccountsOfVersion,
    find_sent_terms,
    list_printed_terms,
    outdated_schools,
    terms_of_school,
)
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Organiser, PrintJob, ReportCode, School, TermsVersion
from tests.support.factories import ACTOR, HASHER, KEYED_HASHES, make_organiser, make_school
from tests.support.fakes import MORNING
from tests.support.letters import make_terms

TODAY = MORNING.date()


def issue(
    database: Database,
    school: str,
    version: Terms | None,
    *,
    count: int = 1,
    valid_until: date | None = None,
    code: NewReportCode | None = None,
) -> tuple[str, Sequence[Username]]:
    """Issues organisers whose letters carry these terms; returns the print job and the names."""
    job = NewPrintJob(new_print_job_id(), TODAY, version, code)
    passwords = organisers.make_passwords(count, HASHER, print_job=job)
    with database.write_session() as session:
        issued = organisers.issue_organisers(
            session, school, passwords, valid_until=valid_until, actor=ACTOR, now=MORNING
        )
    return job.id, [each.username for each in issued]


def send(database: Database, version: Terms, *codes: str) -> TermsSent:
    """Notes that the terms go to schools, to all if none is named."""
    with database.write_session() as session:
        return terms.send_terms(session, version, codes or None, today=TODAY, actor=ACTOR, now=MORNING)


def outdated(database: Database, number: int) -> list[tuple[str, int, int | None]]:
    """The schools with older terms: code, accounts, oldest version."""
    with database.read_session() as session:
        return [
            (row.code, row.accounts, row.oldest) for row in outdated_schools(session, number, today=TODAY)
        ]


def count_of(database: Database, *models: type) -> list[int]:
    """How many rows the tables have."""
    with database.read_session() as session:
        return [session.scalar(select(func.count()).select_from(model)) or 0 for model in models]


def test_a_print_job_knows_which_terms_travelled(database: Database) -> None:
    """The version is noted once, with both texts, however often it is printed."""
    make_school(database)
    first, _ = issue(database, "ohg", make_terms(3))
    second, _ = issue(database, "ohg", make_terms(3))

    with database.read_session() as session:
        assert [get_print_job(session, job).terms_version for job in (first, second)] == [3, 3]
        (row,) = session.scalars(select(TermsVersion))
        assert (row.number, row.dated_on, row.first_printed_at) == (3, date(2026, 9, 3), MORNING)
        assert row.texts == make_terms(3).texts


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        pytest.param(make_terms(3, "Etwas anderes."), "version 3 .* was changed after it was", id="text"),
        pytest.param(replace(make_terms(3), dated_on=date(2027, 1, 1)), "version 3 .* changed", id="day"),
        pytest.param(make_terms(2), "Version 3 .* printed already.* it is 2 now", id="a lower number"),
    ],
)
def test_changed_terms_are_refused_before_anything_is_issued(
    database: Database, changed: Terms, sentence: str
) -> None:
    """Nobody could tell later which text a school has."""
    make_school(database)
    issue(database, "ohg", make_terms(3))
    tables = Organiser, PrintJob, TermsVersion, AuditEvent, ReportCode
    before = count_of(database, *tables)

    with pytest.raises(TermsError, match=sentence):
        issue(database, "ohg", changed, code=make_report_code(KEYED_HASHES))

    assert count_of(database, *tables) == before


def test_the_code_of_an_envelope_is_noted_with_its_print_job(database: Database) -> None:
    """As a hash; and not at all if nothing is issued."""
    make_school(database, quota=1)
    code = make_report_code(KEYED_HASHES)
    job, _ = issue(database, "ohg", make_terms(), code=code)
    with pytest.raises(ConflictError):
        issue(database, "ohg", make_terms(2), code=make_report_code(KEYED_HASHES))

    with database.read_session() as session:
        (row,) = session.scalars(select(ReportCode))
        assert (row.print_job_id, row.code_hash) == (job, KEYED_HASHES.report_code(code.plain))
        assert session.scalars(select(TermsVersion.number)).all() == [1]
    assert code.plain not in repr((code, NewPrintJob(job, TODAY, None, code)))


def test_an_account_has_the_newer_of_what_came_with_its_letter_and_what_was_sent(database: Database) -> None:
    """Accounts without a letter have none; those that have expired do not count."""
    for code in ("new", "old", "none", "gone"):
        make_school(database, code, f"Schule {code}")
    issue(database, "old", make_terms(1), count=2)
    make_organiser(database, "none")
    issue(database, "gone", make_terms(1), valid_until=TODAY - timedelta(days=1))
    issue(database, "new", make_terms(2))
    issue(database, "old", make_terms(2))

    assert outdated(database, 2) == [("none", 1, None), ("old", 2, 1)]
    with database.read_session() as session:
        school = get_school(session, "old")
        assert terms_of_school(session, school, today=TODAY) == (
            AccountsOfVersion(2, 1),
            AccountsOfVersion(1, 2),
        )
        assert [(each.number, each.accounts) for each in list_printed_terms(session, today=TODAY)] == [
            (2, 2),
            (1, 2),
        ]
    send(database, make_terms(3), "old")
    assert outdated(database, 3) == [("new", 1, 2), ("none", 1, None)]
    issue(database, "old", make_terms(4))
    assert outdated(database, 4) == [("new", 1, 2), ("none", 1, None), ("old", 3, 3)]


def test_new_terms_are_noted_for_all_schools_in_one_event(database: Database) -> None:
    """It names the schools; a second time nothing is left to print, and nothing is noted."""
    for code in ("a1", "b2", "c3"):
        make_school(database, code)
        issue(database, code, make_terms(1))
    issue(database, "c3", make_terms(1))
    one = send(database, make_terms(2), "b2")
    rest = send(database, make_terms(2))

    assert (one.codes, sorted(rest.codes)) == (("b2",), ["a1", "c3"])
    for _ in range(2):
        with pytest.raises(ConflictError, match="Nothing is left to print"):
            send(database, make_terms(2))
    with database.read_session() as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.action == Action.TERMS_SEND)).all()
        assert [(event.subject, sorted(event.detail["schools"])) for event in events] == [
            ("b2", ["b2"]),
            ("several", ["a1", "c3"]),
        ]
        found = find_sent_terms(session, rest.event_id)
        assert (found.version.number, {school.code for school in found.schools}) == (2, {"a1", "c3"})
        assert set(session.scalars(select(School.terms_version))) == {2}


def test_a_letter_that_is_valid_keeps_its_terms_longer_than_the_audit(database: Database) -> None:
    """Else a school would be told of older terms after a year; who printed it is forgotten all the same."""
    make_school(database)
    kept, _ = issue(database, "ohg", make_terms(1))
    void, (username,) = issue(database, "ohg", make_terms(1))
    with database.write_session() as session:
        organisers.delete_organiser(session, username, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING)
        print_jobs.purge(session, now=MORNING + timedelta(days=366))

    with database.read_session() as session:
        assert [(job.id, job.actor) for job in session.scalars(select(PrintJob))] == [(kept, FORGOTTEN_STAFF)]
    assert void != kept
    assert outdated(database, 1) == []
