"""Accounts from a Prosody's files: all or none, each fault by its file, and nothing else is opened."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from authbridge.clock import Clock
from authbridge.errors import AccountFilesError, AuthBridgeError, NotFoundError
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.passwords import Hasher
from authbridge.prosody_files import read_accounts
from authbridge.schools.prosody_accounts import choose_accounts, take_over
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Organiser, Suspension
from tests.support.factories import ACTOR, HASHER, KEYED_HASHES, make_school
from tests.support.fakes import FakeClock

HASHED = (
    'return {{\n\t["stored_key"] = "{key}";\n\t["server_key"] = "{key}";\n\t["salt"] = "salt";\n'
    '\t["iteration_count"] = {count};\n\t["disabled"] = {disabled};\n}};\n'
)
PLAIN = 'return {\n\t["password"] = "Sommerferien";\n};\n'
SECRET = "Sommerferien"


def hashed(*, key: str = "ab" * 20, count: object = 4096, disabled: str = "nil") -> str:
    """The file of an account of ``internal_hashed``."""
    return HASHED.format(key=key, count=count, disabled=disabled)


@dataclass
class Machine:
    """A database and a Prosody's data folder beside it."""

    database: Database
    folder: Path
    hasher: Hasher = HASHER
    keyed_hashes: KeyedHashes = KEYED_HASHES
    clock: Clock = field(default_factory=FakeClock)

    def add(self, name: str, content: str, host: str = "meet%2etest") -> Path:
        """Writes a file as that Prosody would."""
        place = self.folder / host / "accounts"
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content, encoding="utf-8")
        return place / name

    def take_over(self, *excepted: str) -> int:
        """Takes all over into the one school."""
        choice = choose_accounts(read_accounts(self.folder, "meet.test"), excepted)
        return take_over(choice, "ohg", "meet.test", self, actor=ACTOR)

    def usernames(self) -> list[str]:
        """Everybody who is there."""
        with self.database.read_session() as session:
            return list(session.scalars(select(Organiser.username).order_by(Organiser.username)))


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL is in question


@pytest.fixture(name="machine")
def make_machine(database: Database, tmp_path: Path) -> Machine:
    """A school, and no account yet."""
    make_school(database)
    return Machine(database, tmp_path)


def test_the_disabled_are_suspended_and_jitsis_own_are_left(machine: Machine) -> None:
    """One audit event says so; accounts without a password are nobody's."""
    machine.add("frau%2ea.dat", hashed())
    machine.add("herr%5fb.dat", hashed(key="cd" * 32, disabled="true"))
    machine.add("frau%2dc.dat", PLAIN)
    machine.add("focus.dat", hashed())
    machine.add("jvb2.dat", PLAIN)
    machine.add("guest.dat", 'return {\n\t["created"] = 1;\n\t["disabled"] = true;\n};\n')
    machine.add("frau%2ed.dat~", "half")
    machine.add("jvb.dat", PLAIN, host="auth%2emeet%2etest")

    files = read_accounts(machine.folder, "Meet.Test ")
    assert choose_accounts(files, ()).of_jitsi == ["jvb@auth.meet.test", "focus", "jvb2"]
    assert choose_accounts(files, ()).without_password == ["guest"]
    assert machine.take_over() == 3

    assert machine.usernames() == ["frau-c", "frau.a", "herr_b"]
    with machine.database.read_session() as session:
        suspended = session.scalars(select(Organiser).where(Organiser.suspended_at.is_not(None))).one()
        assert suspended.username == "herr_b"
        assert session.scalars(select(Suspension)).one().reason == "other"
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "organiser:import")).one()
        assert event.detail["suspended"] == ["herr_b"]
        assert SECRET not in str(event.detail)


@on_sqlite
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("m%c3%bcller.dat", hashed(), "A login name has 2 to 64 of"),
        ("Frau%2ea.dat", hashed(), "The login name would become another one here."),
        ("frau.a.dat", hashed(), "Prosody gives no account such a file name."),
        ("frau%ff.dat", hashed(), "The login name is not valid UTF-8."),
        ("frau.dat", f"{SECRET}", "It is no table as Prosody writes it."),
        ("frau.dat", hashed(key="ab" * 19), "The stored key is neither of SHA-1 nor of SHA-256."),
        ("frau.dat", hashed(key="xx" * 20), "A key is missing, or is not hexadecimal."),
        ("frau.dat", hashed(count='"4096"'), "The salt or the iteration count is missing."),
        ("frau.dat", hashed(count=10**9), "The iteration count is not between 1 and 200000."),
        ("frau.dat", hashed(disabled='"perhaps"'), "It does not say clearly"),
        ("frau.dat", PLAIN.replace(SECRET, SECRET * 9), "The password is longer than 64 bytes."),
        ("frau.dat", PLAIN + " " * 70_000, "It is longer than 65536 bytes."),
        ("frau.dat", PLAIN.replace(SECRET, "\\255"), "The password is not valid UTF-8."),
    ],
)
def test_one_bad_file_stops_all_and_is_named(machine: Machine, name: str, content: str, reason: str) -> None:
    """With the reason, without a word of what stands in it; without that file the others come in."""
    machine.add("herr%2eb.dat", hashed())
    machine.add(name, content)

    with pytest.raises(AccountFilesError) as refused:
        machine.take_over()

    assert str(refused.value).startswith(f"{name}: {reason}")
    assert SECRET not in str(refused.value)
    assert machine.usernames() == []


@on_sqlite
def test_no_other_file_is_opened(machine: Machine) -> None:
    """The folder is Prosody's, and root may read it for us: no link, no pipe that is never written to."""
    secret = machine.folder / "secret"
    secret.write_text(PLAIN)
    machine.add("frau.dat", "").unlink()
    (machine.folder / "meet%2etest/accounts/frau.dat").symlink_to(secret)
    (machine.folder / "meet%2etest/accounts/herr.dat").mkdir()

    with pytest.raises(AccountFilesError) as refused:
        machine.take_over()

    assert [file for file, _ in refused.value.faults] == ["frau.dat", "herr.dat"]


@on_sqlite
def test_a_name_that_cannot_come_may_be_left_where_it_is(machine: Machine) -> None:
    """Else one umlaut would keep a whole school out; a name that is not there is a slip."""
    machine.add("m%c3%bcller.dat", hashed())
    machine.add("frau%2ea.dat", hashed())

    with pytest.raises(NotFoundError):
        machine.take_over("müler")
    assert machine.take_over("müller") == 1
    assert machine.usernames() == ["frau.a"]


@on_sqlite
def test_each_file_that_a_fault_names_can_be_left_by_that_name(machine: Machine) -> None:
    """Also one of which nothing can be read, or whose name a terminal would carry out."""
    machine.add("frau%2ea.dat", hashed())
    for name in ("m%c3%bcller.dat", "half.dat", "frau b.dat", "\x1b[2J\udcff\n.dat", "frau%ff.dat"):
        machine.add(name, "return {" if name == "half.dat" else hashed())

    with pytest.raises(AccountFilesError) as refused:
        machine.take_over()
    named = [line.split(": ")[0] for line in str(refused.value).splitlines()]
    assert named == ["%1b[2J%ff%0a.dat", "frau b.dat", "frau%ff.dat", "half.dat", "m%c3%bcller.dat"]

    assert machine.take_over(*named) == 1
    assert machine.usernames() == ["frau.a"]


def test_the_second_time_all_names_are_taken(machine: Machine) -> None:
    """Each is named with its file, and no password is set back."""
    machine.add("frau%2ea.dat", hashed())
    machine.take_over()
    machine.add("frau%2eb.dat", hashed())

    with pytest.raises(AuthBridgeError) as refused:
        machine.take_over()

    assert str(refused.value) == "frau%2ea.dat: There is an organiser “frau.a” already."
    assert machine.usernames() == ["frau.a"]


@on_sqlite
def test_a_host_without_accounts_is_said_to_have_none(machine: Machine) -> None:
    """And why that may be."""
    with pytest.raises(NotFoundError, match="Perhaps that Prosody keeps them in a database"):
        machine.take_over()


@on_sqlite
def test_prosody_13_leaves_a_mark_that_is_none(machine: Machine) -> None:
    """Its ``internal_plain`` keeps each new account marked as disabled, and lets it in; later it means it."""
    mark = '\t["disabled"] = true;\n\t["created"] = 1000;\n\t["updated"] = {};\n}};'
    for name, updated in (("new", 1001), ("old", 2000)):
        machine.add(f"{name}.dat", PLAIN.replace("};", mark.format(updated)))

    machine.take_over()

    with machine.database.read_session() as session:
        query = select(Organiser.username).where(Organiser.suspended_at.is_not(None))
        assert list(session.scalars(query)) == ["old"]
