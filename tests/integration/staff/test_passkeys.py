"""Passkeys in the database: added, used and removed, each with its one event."""

import pytest

from authbridge.errors import ConflictError
from authbridge.staff import passkey_commands, passkeys, sign_in
from authbridge.staff.passkeys import Site
from authbridge.staff.sign_in import Caller, PasskeyAnswer
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Passkey, SessionStage
from tests.support.authenticator import Authenticator
from tests.support.factories import ACTOR, ENCRYPTION, make_sign_in_services, make_staff, make_visit
from tests.support.fakes import MORNING

SITE = Site("panel.example", "https://panel.example")


def add(database: Database, key: Authenticator, name: str = "anna") -> None:
    """Registers that key for a member of staff who is signed in."""
    challenge = passkeys.new_challenge()
    answer = key.create(passkeys.registration_options(SITE, name, [], challenge, ENCRYPTION))
    passkey = passkeys.read_new_passkey(SITE, challenge, answer, " Ring  am Bund ")
    visit = make_visit(database, name)
    with database.write_session() as session:
        passkey_commands.add_passkey(session, visit, passkey, actor=ACTOR, now=MORNING)


def actions(database: Database) -> list[str]:
    """Returns what the audit says of passkeys."""
    with database.read_session() as session:
        rows = session.query(AuditEvent).order_by(AuditEvent.id)
        return [row.action for row in rows if "passkey" in row.action]


def test_adding_and_removing_are_one_event_each(database: Database) -> None:
    """A passkey that is not there, or a colleague's, is no event."""
    make_staff(database)
    make_staff(database, "bert")
    add(database, Authenticator(SITE.origin))
    mine, other = make_visit(database), make_visit(database, "bert")
    with database.read_session() as session:
        (row,) = passkey_commands.list_passkeys(session, mine.staff_id)
        assert (row.label, row.created_at, row.last_used_on) == ("Ring am Bund", MORNING, None)
        assert passkey_commands.list_passkeys(session, other.staff_id) == []
    removed = []
    for visit in (other, mine, mine):
        with database.write_session() as session:
            removed.append(passkey_commands.remove_passkey(session, visit, row.id, actor=ACTOR, now=MORNING))
    assert removed == [False, True, False]
    assert actions(database) == ["staff:add-passkey", "staff:remove-passkey"]


def test_a_known_passkey_is_not_added_again(database: Database) -> None:
    """Neither to the same account nor to another."""
    make_staff(database)
    make_staff(database, "bert")
    key = Authenticator(SITE.origin)
    add(database, key)
    for name in ("anna", "bert"):
        with pytest.raises(ConflictError):
            add(database, key, name)
    assert actions(database) == ["staff:add-passkey"]


def test_a_use_counts_on_and_its_answer_is_worth_nothing_again(database: Database) -> None:
    """The session after the password becomes a full one; the same answer opens no second."""
    make_staff(database)
    key, challenge = Authenticator(SITE.origin), passkeys.new_challenge()
    add(database, key)
    with database.read_session() as session:
        known = passkey_commands.credential_ids(session, make_visit(database).staff_id)
    answer = key.get(passkeys.authentication_options(SITE, known, challenge))
    shown, services = PasskeyAnswer(SITE, challenge, answer), make_sign_in_services(database)
    outcomes = [
        sign_in.confirm_passkey(
            make_visit(database, stage=SessionStage.PASSWORD), shown, Caller(None, None), services
        )
        for _ in range(2)
    ]
    assert [outcome.token is not None for outcome in outcomes] == [True, False]
    with database.read_session() as session:
        (row,) = session.query(Passkey)
        assert row.sign_count == 1
