"""What is done to staff, and by staff of their own: one trace each, and always an admin left."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor
from authbridge.errors import ConflictError, InputError, NotFoundError
from authbridge.login import commands as lockout_commands
from authbridge.login.networks import parse_address
from authbridge.login.policy import Verdict
from authbridge.staff import commands as staff_commands
from authbridge.staff import members, passkey_commands, resealing, sessions
from authbridge.staff.commands import Enrolment
from authbridge.staff.encryption import StaffEncryption
from authbridge.staff.members import StaffState, get_staff, list_staff, staff_row
from authbridge.staff.one_time_codes import make_invitation, make_recovery_codes
from authbridge.staff.passkeys import NewPasskey
from authbridge.staff.sign_in import Caller, sign_in, verify_invitation
from authbridge.staff.totp import new_secret
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, RecoveryCode, Role, SessionStage, Staff, StaffSession
from tests.support.factories import (
    ACTOR,
    ENCRYPTION,
    HASHER,
    IDLE,
    KEYED_HASHES,
    SECRET_KEY,
    make_invited,
    make_sign_in_services,
    make_staff,
    make_visit,
)
from tests.support.fakes import MORNING
from tests.support.threads import at_once

PANEL = Actor("staff:chef")
HERE = Caller(parse_address("198.51.100.7"), "browser")

Command = Callable[[Session], object]


def enrolment() -> Enrolment:
    """What somebody chooses."""
    stored = HASHER.hash("Regal Mond Anker Tee", generated=False)
    return Enrolment(stored, ENCRYPTION.seal(new_secret()), step=7, recovery=make_recovery_codes(ENCRYPTION))


def run(database: Database, command: Command) -> object:
    """One command in its transaction."""
    with database.write_session() as session:
        return command(session)


def actions(database: Database) -> list[tuple[str, str]]:
    """The audit, oldest first: what, of whom."""
    with database.read_session() as session:
        rows = session.execute(select(AuditEvent.action, AuditEvent.subject).order_by(AuditEvent.id))
        return [(action, subject) for action, subject in rows]


def count_sessions(database: Database) -> int:
    """How many there are."""
    with database.read_session() as session:
        return len(session.scalars(select(StaffSession.id_hash)).all())


@pytest.fixture(name="chef")
def make_chef(database: Database) -> str:
    """An admin who can sign in, besides the one that each story is about."""
    return make_staff(database, "chef", Role.ADMIN).name


def commands(database: Database) -> dict[Action, Command]:
    """Every command there is, once, as something that changes something; about anna."""
    who: dict[str, Any] = {"actor": PANEL, "now": MORNING}
    invited = make_invitation(ENCRYPTION)
    recovery = make_recovery_codes(ENCRYPTION)
    stored = HASHER.hash("Regal Mond Anker Tee", generated=False)
    with database.read_session() as session:
        is_enrolled = (found := members.find_staff(session, "anna")) is not None and found.enrolled_at
    stage = SessionStage.SIGNED_IN if is_enrolled else SessionStage.ENROLLING
    visit = make_visit(database, stage=stage) if found is not None else None
    assert visit is not None
    return {
        Action.STAFF_ADD: lambda s: staff_commands.add_staff(s, "bert", Role.AUDITOR, invited, **who),
        Action.STAFF_RESET: lambda s: staff_commands.reset_staff(
            s, "anna", invited, keyed_hashes=KEYED_HASHES, **who
        ),
        Action.STAFF_ENROL: lambda s: staff_commands.enrol(
            s, visit, enrolment(), today=MORNING.date(), **who
        ),
        Action.STAFF_CHANGE_ROLE: lambda s: staff_commands.change_role(s, "anna", Role.AUDITOR, **who),
        Action.STAFF_RESEAL: lambda s: resealing.reseal(
            s, "anna", StaffEncryption(b"n" * 32, SECRET_KEY), **who
        ),
        Action.STAFF_SUSPEND: lambda s: staff_commands.suspend_staff(s, "anna", **who),
        Action.STAFF_REINSTATE: lambda s: staff_commands.reinstate_staff(s, "anna", **who),
        Action.STAFF_DELETE: lambda s: staff_commands.delete_staff(s, "anna", **who),
        Action.STAFF_CHANGE_PASSWORD: lambda s: staff_commands.change_password(s, visit, stored, **who),
        Action.STAFF_RENEW_RECOVERY: lambda s: staff_commands.renew_recovery_codes(s, visit, recovery, **who),
        Action.STAFF_ADD_PASSKEY: lambda s: passkey_commands.add_passkey(s, visit, PASSKEY, **who),
        Action.STAFF_REMOVE_PASSKEY: lambda s: passkey_commands.remove_passkey(s, visit, 1, **who),
        Action.STAFF_END_SESSIONS: lambda s: staff_commands.end_all_sessions(s, "anna", **who),
        Action.STAFF_CLEAR_LOCKOUT: lambda s: lockout_commands.clear_name(
            s, "staff:anna", keyed_hashes=KEYED_HASHES, **who
        ),
    }


NEVER_REPEATS = {
    Action.STAFF_ADD,
    Action.STAFF_RESET,
    Action.STAFF_ENROL,
    Action.STAFF_DELETE,
    Action.STAFF_CHANGE_PASSWORD,
    Action.STAFF_RENEW_RECOVERY,
    Action.STAFF_ADD_PASSKEY,
}
PASSKEY = NewPasskey("Schlüsselbund", "credential", b"key", 0)
SIGN_INS = {Action.STAFF_SIGN_IN, Action.STAFF_REFUSE_SIGN_IN}
STAFF_ACTIONS = [each for each in Action if each.startswith("staff:") and each not in SIGN_INS]


@pytest.mark.parametrize("action", STAFF_ACTIONS)
def test_a_command_writes_exactly_one_audit_event(database: Database, chef: str, action: Action) -> None:
    """Who did it, when, to whom, and nothing secret; a second time, where nothing changes, none."""
    if action is Action.STAFF_ENROL:
        make_invited(database)
    else:
        make_staff(database)
    every = commands(database)
    if action is Action.STAFF_REMOVE_PASSKEY:
        run(database, every[Action.STAFF_ADD_PASSKEY])
    if action is Action.STAFF_REINSTATE:
        run(database, every[Action.STAFF_SUSPEND])
    sign_in("anna", "wrong", HERE, make_sign_in_services(database))
    already = actions(database)

    run(database, every[action])

    subject = "bert" if action is Action.STAFF_ADD else "anna"
    assert actions(database) == [*already, (action, subject)]
    with database.read_session() as session:
        event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
        assert (event.actor, event.at) == (PANEL, MORNING)
        assert set(event.detail) <= {"role"}
    if action not in NEVER_REPEATS:
        run(database, every[action])
        assert actions(database) == [*already, (action, subject)]
    assert chef not in {subject for _, subject in actions(database)[len(already) :]}


def test_a_name_is_taken_once(database: Database) -> None:
    """And is one that can be typed."""
    make_invited(database)
    with pytest.raises(ConflictError, match="“anna” already"):
        make_invited(database, " ANNA ")
    with pytest.raises(InputError):
        make_invited(database, "Frau Müller")
    with database.write_session() as session, pytest.raises(NotFoundError, match="“bert”"):
        staff_commands.suspend_staff(session, "bert", actor=ACTOR, now=MORNING)


@pytest.mark.usefixtures("chef")
def test_the_name_of_somebody_who_was_deleted_is_not_given_away(database: Database) -> None:
    """The audit must not speak of two people, for as long as it speaks of her; nobody else is concerned."""
    make_staff(database)
    run(database, lambda s: staff_commands.delete_staff(s, "anna", actor=PANEL, now=MORNING))

    with pytest.raises(ConflictError, match="“anna” was the name of somebody"):
        make_invited(database, " Anna ")
    make_invited(database, "anna2")

    run(database, lambda s: s.execute(delete(AuditEvent)))  # a year later
    make_invited(database)


def test_an_invitation_becomes_a_member(database: Database) -> None:
    """Password, factor and codes come in one go; only their traces are kept; she is signed in."""
    make_invited(database)
    visit, chosen = make_visit(database, stage=SessionStage.ENROLLING), enrolment()

    with database.write_session() as session:
        token = staff_commands.enrol(
            session, visit, chosen, today=MORNING.date(), actor=visit.actor, now=MORNING
        )

    with database.read_session() as session:
        now_in = sessions.find(session, token, idle=IDLE, now=MORNING)
        row = staff_row(session, "anna", now=MORNING)
        assert members.count_recovery_codes(session, visit.staff_id) == 10
    assert now_in is not None
    assert now_in.stage is SessionStage.SIGNED_IN
    assert sessions.is_fresh(now_in, MORNING)
    assert (row.state, row.last_sign_in_on, row.invited_until) == (StaffState.ACTIVE, MORNING.date(), None)
    assert chosen.factor not in repr(chosen)
    assert chosen.password.hash not in repr(chosen)


@pytest.mark.parametrize("what", ["twice", "too late", "suspended", "reset", "deleted"])
def test_an_invitation_counts_once_and_for_a_day(database: Database, chef: str, what: str) -> None:
    """The late colleague gets a sentence, and nothing changes."""
    make_invited(database)
    visit, now = make_visit(database, stage=SessionStage.ENROLLING), MORNING
    who: dict[str, Any] = {"actor": Actor(f"staff:{chef}"), "now": MORNING}

    def enrol() -> None:
        with database.write_session() as session:
            staff_commands.enrol(session, visit, enrolment(), today=now.date(), actor=visit.actor, now=now)

    match what:
        case "twice":
            other, visit = visit, make_visit(database, stage=SessionStage.ENROLLING)
            enrol()
            visit = other
        case "too late":
            now += staff_commands.INVITATION_LIFETIME
        case "suspended":
            run(database, lambda s: staff_commands.suspend_staff(s, "anna", **who))
        case "reset":
            again = make_invitation(ENCRYPTION)
            run(
                database,
                lambda s: staff_commands.reset_staff(s, "anna", again, keyed_hashes=KEYED_HASHES, **who),
            )
        case _:
            run(database, lambda s: staff_commands.delete_staff(s, "anna", **who))
    before = actions(database)

    with pytest.raises(ConflictError):
        enrol()

    assert actions(database) == before


def test_an_enrolment_ends_what_others_began_with_the_code(database: Database) -> None:
    """A second person who saw the code is too late."""
    make_invited(database)
    slow, fast = (make_visit(database, stage=SessionStage.ENROLLING) for _ in range(2))
    with database.write_session() as session:
        staff_commands.enrol(session, fast, enrolment(), today=MORNING.date(), actor=fast.actor, now=MORNING)

    assert count_sessions(database) == 1
    with database.write_session() as session, pytest.raises(ConflictError):
        sessions.hold(session, slow)


def test_a_reset_leaves_nothing_of_the_old_access(database: Database, chef: str) -> None:
    """Password, factor, codes, sessions and waits are gone; the suspension stays."""
    anna = make_staff(database)
    make_visit(database)
    services = make_sign_in_services(database)
    for number in range(6):
        sign_in("anna", f"wrong {number}", HERE, services)
    run(database, lambda s: staff_commands.suspend_staff(s, "anna", actor=PANEL, now=MORNING))
    make_visit_count = count_sessions(database)
    invitation = make_invitation(ENCRYPTION)

    run(
        database,
        lambda s: staff_commands.reset_staff(
            s, "anna", invitation, keyed_hashes=KEYED_HASHES, actor=PANEL, now=MORNING
        ),
    )

    assert make_visit_count == count_sessions(database) == 0
    with database.read_session() as session:
        found = get_staff(session, "anna")
        assert (found.password_hash, found.factor_secret, found.factor_step, found.enrolled_at) == (None,) * 4
        assert found.suspended_at == MORNING
        owners = set(session.scalars(select(RecoveryCode.staff_id)))
        assert owners == {get_staff(session, chef).id}
    assert sign_in("anna", anna.password, HERE, services).decision.verdict is Verdict.REFUSED
    assert verify_invitation("anna", invitation.code, HERE, services).decision.verdict is Verdict.SUSPENDED
    run(database, lambda s: staff_commands.reinstate_staff(s, "anna", actor=PANEL, now=MORNING))
    assert verify_invitation("anna", invitation.code, HERE, services).decision.verdict is Verdict.GRANTED


@pytest.mark.parametrize("what", ["role", "suspend", "delete", "reset"])
def test_who_loses_a_right_is_out_at_once(database: Database, chef: str, what: str) -> None:
    """At the next request, in every browser."""
    make_staff(database)
    visits = [make_visit(database), make_visit(database, chef)]
    who: dict[str, Any] = {"actor": PANEL, "now": MORNING}
    doing: dict[str, Command] = {
        "role": lambda s: staff_commands.change_role(s, "anna", Role.AUDITOR, **who),
        "suspend": lambda s: staff_commands.suspend_staff(s, "anna", **who),
        "delete": lambda s: staff_commands.delete_staff(s, "anna", **who),
        "reset": lambda s: staff_commands.reset_staff(
            s, "anna", make_invitation(ENCRYPTION), keyed_hashes=KEYED_HASHES, **who
        ),
    }

    run(database, doing[what])

    with database.write_session() as session:
        with pytest.raises(ConflictError, match="has ended"):
            sessions.hold(session, visits[0])
        sessions.hold(session, visits[1])


@pytest.mark.parametrize("what", ["password", "recovery"])
def test_a_session_that_was_ended_changes_nothing_of_its_own(database: Database, what: str) -> None:
    """A request that was under way at the moment of the reset comes too late."""
    make_staff(database)
    visit = make_visit(database)
    run(database, lambda s: staff_commands.end_all_sessions(s, "anna", actor=PANEL, now=MORNING))
    stored, recovery = HASHER.hash("Regal Mond Anker", generated=False), make_recovery_codes(ENCRYPTION)

    who: dict[str, Any] = {"actor": visit.actor, "now": MORNING}
    doing: dict[str, Command] = {
        "password": lambda s: staff_commands.change_password(s, visit, stored, **who),
        "recovery": lambda s: staff_commands.renew_recovery_codes(s, visit, recovery, **who),
    }

    with pytest.raises(ConflictError, match="has ended"):
        run(database, doing[what])


def test_a_new_password_ends_the_other_sessions(database: Database) -> None:
    """The old one is dead, and whoever came in with it is out."""
    anna = make_staff(database)
    here, _ = make_visit(database), make_visit(database)
    stored = HASHER.hash("Regal Mond Anker Tee", generated=False)

    run(database, lambda s: staff_commands.change_password(s, here, stored, actor=here.actor, now=MORNING))

    assert count_sessions(database) == 1
    run(database, lambda s: sessions.hold(s, here))
    services = make_sign_in_services(database)
    assert sign_in("anna", anna.password, HERE, services).decision.verdict is Verdict.REFUSED
    assert sign_in("anna", "Regal Mond Anker Tee", HERE, services).decision.verdict is Verdict.GRANTED


def test_ones_other_sessions_end_together(database: Database) -> None:
    """And one by one."""
    make_staff(database)
    here, there, third = (make_visit(database) for _ in range(3))
    who: dict[str, Any] = {"actor": here.actor, "now": MORNING}

    assert run(database, lambda s: staff_commands.end_session(s, here, there.id_hash[:16], **who)) is True
    assert run(database, lambda s: staff_commands.end_session(s, here, there.id_hash[:16], **who)) is False
    assert run(database, lambda s: staff_commands.end_other_sessions(s, here, **who)) is True
    assert run(database, lambda s: staff_commands.end_other_sessions(s, here, **who)) is False

    assert count_sessions(database) == 1
    assert actions(database)[-2:] == [(Action.STAFF_END_SESSIONS, "anna")] * 2
    with database.write_session() as session, pytest.raises(ConflictError):
        sessions.hold(session, third)


def losses(name: str) -> dict[str, Command]:
    """Each way in which an admin may cease to be one."""
    who: dict[str, Any] = {"actor": PANEL, "now": MORNING}
    return {
        "role": lambda s: staff_commands.change_role(s, name, Role.CLERK, **who),
        "suspend": lambda s: staff_commands.suspend_staff(s, name, **who),
        "delete": lambda s: staff_commands.delete_staff(s, name, **who),
        "reset": lambda s: staff_commands.reset_staff(
            s, name, make_invitation(ENCRYPTION), keyed_hashes=KEYED_HASHES, **who
        ),
    }


def able(database: Database) -> list[str]:
    """The admins who can sign in."""
    with database.read_session() as session:
        rows = list_staff(session, now=MORNING)
    return [row.name for row in rows if row.role is Role.ADMIN and row.state is StaffState.ACTIVE]


@pytest.mark.parametrize("way", losses("chef"))
def test_the_last_admin_stays(database: Database, chef: str, way: str) -> None:
    """Neither clerks nor invited or suspended admins can appoint anybody."""
    make_staff(database)
    make_invited(database, "invited", Role.ADMIN)
    make_staff(database, "suspended", Role.ADMIN)
    run(database, losses("suspended")["suspend"])
    before = actions(database)

    with pytest.raises(ConflictError, match="last admin"):
        run(database, losses(chef)[way])

    assert able(database) == [chef]
    assert actions(database) == before
    for other in ("anna", "invited", "suspended"):
        run(database, losses(other)[way])
    assert able(database) == [chef]


@pytest.mark.parametrize("way", losses("chef"))
@pytest.mark.parametrize("round_", range(3))
def test_two_admins_cannot_remove_each_other_at_once(
    database: Database, chef: str, way: str, round_: int
) -> None:
    """One is left, whoever was faster."""
    del round_
    other = make_staff(database, "andere", Role.ADMIN).name

    def remove(name: str) -> bool:
        try:
            run(database, losses(name)[way])
        except ConflictError:
            return False
        return True

    removed = at_once([partial(remove, name) for name in (chef, other)])

    assert sorted(removed) == [False, True]
    assert len(able(database)) == 1


def test_the_command_line_resets_even_the_last_admin(database: Database, chef: str) -> None:
    """A lost phone must not need a database editor."""
    invitation = make_invitation(ENCRYPTION)
    run(
        database,
        lambda s: staff_commands.reset_staff(
            s, chef, invitation, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING
        ),
    )
    assert able(database) == []


def states(database: Database) -> Iterator[tuple[str, StaffState]]:
    """Of all staff, a day after the morning."""
    with database.read_session() as session:
        for row in list_staff(session, now=MORNING + timedelta(hours=24)):
            yield row.name, row.state


def test_the_list_says_who_can_sign_in(database: Database) -> None:
    """In four words, by name."""
    make_staff(database, "dora")
    make_invited(database, "bert")
    make_staff(database, "anna")
    run(database, lambda s: staff_commands.suspend_staff(s, "anna", actor=PANEL, now=MORNING))
    with database.write_session() as session:
        late = MORNING + timedelta(minutes=1)
        staff_commands.add_staff(
            session, "carl", Role.AUDITOR, make_invitation(ENCRYPTION), actor=PANEL, now=late
        )

    assert list(states(database)) == [
        ("anna", StaffState.SUSPENDED),
        ("bert", StaffState.INVITATION_EXPIRED),
        ("carl", StaffState.INVITED),
        ("dora", StaffState.ACTIVE),
    ]


def test_no_secret_in_any_repr(database: Database) -> None:
    """Of a row neither."""
    anna = make_staff(database)
    with database.read_session() as session:
        found = session.scalars(select(Staff)).one()
        shown = repr(found) + repr(anna) + repr(staff_row(session, "anna", now=MORNING))
    for secret in (found.password_hash, found.factor_secret, anna.password, anna.secret, *anna.recovery):
        assert secret
        assert secret not in shown
