"""Letters that are printed together are on record."""

from functools import partial

import pytest
from sqlalchemy import select

from authbridge.errors import ConflictError
from authbridge.schools.commands import organisers
from authbridge.schools.commands.print_jobs import new_print_job_id
from authbridge.schools.lookup import get_school
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Organiser, PrintJob
from tests.support.factories import ACTOR, HASHER, KEYED_HASHES, make_organiser, make_print_job, make_school
from tests.support.fakes import MORNING
from tests.support.school_commands import count, run


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
