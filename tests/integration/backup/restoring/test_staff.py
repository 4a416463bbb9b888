"""Staff after a restore: changes since the backup end their passwords, and sessions end for all."""

from sqlalchemy import select

from authbridge.backup.opening import open_backup
from authbridge.backup.restoring import restore
from authbridge.backup.states import key_fits
from authbridge.backup.taking import take
from authbridge.config import Config
from authbridge.login.policy import Verdict
from authbridge.login.quick_checks import QuickChecks
from authbridge.staff import commands as staff_commands
from authbridge.staff.encryption import StaffEncryption
from authbridge.staff.one_time_codes import make_invitation
from authbridge.storage.database import Database
from authbridge.storage.models import Role, Staff, StaffSession
from tests.support.factories import (
    ACTOR,
    ENCRYPTION,
    HASHER,
    KEYED_HASHES,
    SECRET_KEY,
    make_organiser,
    make_school,
    make_services,
    make_staff,
    make_visit,
)
from tests.support.fakes import MORNING
from tests.support.restores import LATER, change, options, restore_from, verdict


def test_staff_after_a_restore(database: Database, config: Config) -> None:
    """Nobody keeps a session; who was suspended, appointed anew or reset since does not sign in as before."""
    make_school(database)
    for name, role in (
        ("same", Role.ADMIN),
        ("suspended", Role.CLERK),
        ("demoted", Role.ADMIN),
        ("reset", Role.CLERK),
        ("deleted", Role.CLERK),
    ):
        make_staff(database, name, role)
    taken = take(database, config, now=MORNING)
    make_visit(database, "same")
    make_staff(database, "newcomer")
    change(database, staff_commands.suspend_staff, "suspended")
    change(database, staff_commands.change_role, "demoted", Role.CLERK)
    change(database, staff_commands.delete_staff, "deleted")
    invitation = make_invitation(ENCRYPTION)
    change(database, staff_commands.reset_staff, "reset", invitation, keyed_hashes=KEYED_HASHES)

    found = restore_from(taken.content, database, config)

    assert found.staff_to_invite == ("demoted", "reset")
    assert found.deleted_staff == ("deleted",)
    assert found.lost_staff == ("newcomer",)
    with database.read_session() as session:
        rows = {each.name: each for each in session.scalars(select(Staff))}
        assert session.scalars(select(StaffSession)).all() == []
    assert {name for name, each in rows.items() if each.password_hash is not None} == {"same", "suspended"}
    assert rows["suspended"].suspended_at == LATER
    assert rows.keys() == {"same", "suspended", "demoted", "reset"}


def test_with_a_new_secret_key_file(database: Database, config: Config) -> None:
    """Organisers log in all the same; staff are invited anew, and it is said whom."""
    make_school(database)
    issued = make_organiser(database, hasher=HASHER.with_quick_checks(4, SECRET_KEY))
    make_staff(database, "anna", Role.ADMIN)
    taken = take(database, config, now=MORNING)
    other = b"another key, of 32 bytes or more"

    with open_backup(taken.content) as backup:
        with backup.database.read_connection() as saved:
            assert key_fits(saved, QuickChecks(SECRET_KEY)) is True
            assert key_fits(saved, QuickChecks(other)) is False
        given = options(config, encryption=StaffEncryption(other))
        found = restore(database, backup, given, actor=ACTOR, now=LATER)

    assert found.unreadable_staff == found.staff_to_invite == ("anna",)
    services = make_services(database, hasher=HASHER.with_quick_checks(4, other))
    assert verdict(issued, services) is Verdict.GRANTED
