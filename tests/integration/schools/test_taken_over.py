"""Those who were taken over: how many have a password from elsewhere, and an end for who does not come."""

import hashlib
import hmac
from datetime import date, timedelta

import pytest

from authbridge.errors import InputError, NotFoundError
from authbridge.login.authenticate import authenticate
from authbridge.login.policy import Verdict
from authbridge.login.scram_keys import ScramKey
from authbridge.login.typed_passwords import StoredPassword
from authbridge.login.usernames import Username
from authbridge.schools.commands import organisers, selections
from authbridge.schools.commands.prosody_accounts import StoredAccount, import_accounts
from authbridge.schools.commands.selections import SelectionResult
from authbridge.schools.lookup import list_organisers
from authbridge.schools.taken_over import TakenOver, count_taken_over
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Revocation
from tests.support.factories import (
    ACTOR,
    HASHER,
    KEYED_HASHES,
    make_attempt,
    make_organiser,
    make_origin,
    make_school,
    make_services,
)
from tests.support.fakes import MORNING

PASSWORD = "Sommerferien"
SUMMER = date(2027, 7, 31)
TODAY = MORNING.date()


def key_of(password: str) -> StoredPassword:
    """What a Prosody kept of a password."""
    salted = hashlib.pbkdf2_hmac("sha1", password.encode(), b"salt", 4096)
    stored_key = hashlib.sha1(hmac.digest(salted, b"Client Key", "sha1")).digest()  # noqa: S324 - of SCRAM
    return StoredPassword(ScramKey.of_account(stored_key, b"salt", 4096).as_text(), generated=False)


@pytest.fixture(name="_taken_over", autouse=True)
def take_over(database: Database) -> None:
    """Two schools; at the first an issued organiser, and three who were taken over, one with a hash."""
    make_school(database)
    make_school(database, "lmg", "Lise-Meitner-Schule")
    make_organiser(database)
    stored = {
        "a.key": key_of(PASSWORD),
        "b.key": key_of(PASSWORD),
        "c.hash": HASHER.hash(PASSWORD, generated=False),
    }
    accounts = [
        StoredAccount(f"{name}.dat", Username(name), each, disabled=False) for name, each in stored.items()
    ]
    with database.write_session() as session:
        import_accounts(session, "ohg", "meet.test", accounts, actor=ACTOR, now=MORNING)
        other = StoredAccount("d.dat", Username("d.key"), key_of(PASSWORD), disabled=True)
        import_accounts(session, "lmg", "meet.test", [other], actor=ACTOR, now=MORNING)


def log_in(database: Database, name: str) -> None:
    """The first login, with the password in hand."""
    attempt = make_attempt(name, PASSWORD)
    decision = authenticate(attempt, make_origin(), make_services(database), within=9)
    assert decision.verdict is Verdict.GRANTED


def counts(database: Database) -> dict[str, TakenOver]:
    """What a doctor is told."""
    with database.read_session() as session:
        return count_taken_over(session)


def expire(database: Database, code: str = "ohg", last_day: date = SUMMER) -> SelectionResult:
    """Gives those who have not come an end."""
    with database.write_session() as session:
        return selections.expire_not_come(session, code, last_day, today=TODAY, actor=ACTOR, now=MORNING)


def ends(database: Database) -> dict[str, date | None]:
    """The last days of the first school, of those who were taken over."""
    with database.read_session() as session:
        found = list_organisers(session, "ohg")
        return {each.username: each.valid_until for each in found if not each.password_generated}


def test_what_stands_on_passwords_from_elsewhere_is_counted_by_school(database: Database) -> None:
    """A login takes the key away, and leaves the password; a new password takes both."""
    assert counts(database) == {"lmg": TakenOver(1, 1, 1), "ohg": TakenOver(3, 3, 2)}

    log_in(database, "a.key")
    assert counts(database)["ohg"] == TakenOver(3, 2, 1)

    (password,) = organisers.make_passwords(1, HASHER)
    for name in ("a.key", "b.key"):
        with database.write_session() as session:
            organisers.reset_password(
                session, name, password, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING
            )
    assert counts(database)["ohg"] == TakenOver(1, 1, 0)


def test_those_who_have_not_come_get_an_end_together(database: Database) -> None:
    """Neither who has come, nor who was issued, nor another school; one event, and its undo."""
    log_in(database, "a.key")
    result = expire(database)

    assert (result.changed, result.unchanged) == (("b.key", "c.hash"), 0)
    assert ends(database) == {"a.key": None, "b.key": SUMMER, "c.hash": SUMMER}
    with database.read_session() as session:
        event = session.get_one(AuditEvent, result.event_id)
        assert (event.action, event.subject) == ("organisers:change-validity", "ohg")
        assert event.detail["usernames"] == ["b.key", "c.hash"]
        assert session.query(Revocation).where(Revocation.username != "d.key").count() == 0
    assert expire(database) == SelectionResult((), 2, None)

    with database.write_session() as session:
        assert result.event_id is not None
        selections.undo_selection(session, result.event_id, today=TODAY, actor=ACTOR, now=MORNING)
    assert set(ends(database).values()) == {None}


def test_an_earlier_end_stays(database: Database) -> None:
    """Nobody is given more time; a later end is drawn in."""
    for name, days in (("a.key", 1), ("b.key", 400)):
        with database.write_session() as session:
            organisers.change_validity(
                session, name, TODAY + timedelta(days=days), today=TODAY, actor=ACTOR, now=MORNING
            )
    assert expire(database, last_day=TODAY).changed == ("a.key", "b.key", "c.hash")
    assert expire(database).unchanged == 3
    assert set(ends(database).values()) == {TODAY}


def test_a_day_that_is_past_and_a_school_that_is_not_there_change_nothing(database: Database) -> None:
    """Who has not come is not logged out by it, so the day is never a past one."""
    with pytest.raises(InputError):
        expire(database, last_day=TODAY - timedelta(days=1))
    with pytest.raises(NotFoundError):
        expire(database, "gibt")
    assert set(ends(database).values()) == {None}
