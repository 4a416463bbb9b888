"""Restores in the tests, changes by staff before one, and logins after it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from authbridge.backup.opening import open_backup
from authbridge.backup.restoring import Restore, restore
from authbridge.backup.states import Differences
from authbridge.config import Config
from authbridge.login.authenticate import LoginServices, authenticate
from authbridge.login.policy import Verdict
from authbridge.schools.commands import organisers
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.staff.encryption import StaffEncryption
from authbridge.storage.database import Database
from tests.support.factories import ACTOR, ENCRYPTION, HASHER, make_attempt, make_origin
from tests.support.fakes import MORNING

LATER = MORNING + timedelta(hours=3)


def options(config: Config, *, is_lost: bool = False, encryption: StaffEncryption = ENCRYPTION) -> Restore:
    """What a restore needs."""
    (void,) = organisers.make_passwords(1, HASHER)
    return Restore(config=config, encryption=encryption, void=void.stored, is_lost=is_lost)


def restore_from(content: bytes, database: Database, config: Config, *, is_lost: bool = False) -> Differences:
    """Restores in the late morning."""
    with open_backup(content) as backup:
        return restore(database, backup, options(config, is_lost=is_lost), actor=ACTOR, now=LATER)


def verdict(issued: IssuedCredential, services: LoginServices, password: str | None = None) -> Verdict:
    """Logs in from a network of its own."""
    attempt = make_attempt(issued.username, password or issued.password, ip="198.51.100.7")
    return authenticate(replace(attempt, at=services.clock()), make_origin(), services, within=9).verdict


def change(database: Database, command: Callable[..., object], *arguments: object, **options: object) -> None:
    """Lets staff do something in the late morning."""
    with database.write_session() as session:
        command(session, *arguments, actor=ACTOR, now=LATER, **options)
