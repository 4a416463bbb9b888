"""How many accounts a school may have."""

import pytest

from authbridge.errors import InputError
from authbridge.schools.commands import organisers, schools
from authbridge.schools.commands.imports import import_organisers
from authbridge.schools.commands.organisers import QuotaError
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Organiser
from tests.support.factories import ACTOR, HASHER, make_organiser, make_school
from tests.support.fakes import MORNING
from tests.support.school_commands import count, imported, set_quota
from tests.support.threads import at_once


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

    def issue() -> bool:
        try:
            with database.write_session() as session:
                organisers.issue_organisers(
                    session, "ohg", passwords, valid_until=None, actor=ACTOR, now=MORNING
                )
        except QuotaError:
            return False
        return True

    done = at_once([issue, issue])

    assert sorted(done) == [False, True]
    assert count(database, Organiser) == 3
