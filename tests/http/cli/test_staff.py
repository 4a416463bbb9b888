"""``authbridge staff``: the first admin, a lost phone, and colleagues who wait at the panel."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import event, func, select
from sqlalchemy.engine import Engine

from authbridge.cli import main
from authbridge.cli.operator import Operator
from authbridge.login.networks import parse_address
from authbridge.login.policy import Decision, Verdict
from authbridge.staff import sessions
from authbridge.staff.encryption import StaffEncryption
from authbridge.staff.sign_in import (
    Caller,
    SignInServices,
    confirm_code,
    device_token,
    sign_in,
    verify_invitation,
)
from authbridge.storage.database import Database
from authbridge.storage.models import RecoveryCode, Role
from tests.http.cli.machine import die
from tests.http.conftest import Run
from tests.support.factories import make_sign_in_services, make_staff
from tests.support.fakes import FakeClock
from tests.support.forked_command import start_forked
from workbench.staff import Member, enrol_member

OFFICE = "198.51.100.7"


@dataclass
class Desk:
    """The administrator's desk at a moment of ours, and the panel over the same database."""

    environ: dict[str, str]
    clock: FakeClock
    services: SignInServices
    guessed: int = 0

    def run(self, *arguments: str, code: int = 0, typed: str | None = None) -> Result:
        """``authbridge …``."""
        operator = Operator(self.environ, clock=self.clock)
        result = CliRunner().invoke(main, arguments, obj=operator, input=typed)
        assert result.exit_code == code, result.output
        return result

    def invited(self, name: str, code: str) -> Verdict:
        """What the panel says of that invitation."""
        return verify_invitation(
            name, code, Caller(parse_address(OFFICE), None), self.services
        ).decision.verdict

    def signs_in(self, member: Member, key: str, former: str | None = None) -> Verdict:
        """What a panel with these secret keys says of both factors."""
        caller = Caller(parse_address(OFFICE), None)
        encryption = StaffEncryption(key.encode(), None if former is None else former.encode())
        services = replace(self.services, encryption=encryption)
        token = sign_in(member.name, member.password, caller, services).token
        assert token is not None
        with services.database.read_session() as session:
            visit = sessions.find(session, token, idle=timedelta(hours=1), now=self.clock())
        assert visit is not None
        return confirm_code(visit, member.code_at(self.clock()), caller, services).decision.verdict

    def guess(self, name: str) -> Decision:
        """A wrong password at the panel."""
        self.guessed += 1
        return sign_in(
            name, f"wrong {self.guessed}", Caller(parse_address(OFFICE), None), self.services
        ).decision

    def lockouts(self) -> list[dict[str, str | None]]:
        """Who waits."""
        found: list[dict[str, str | None]] = json.loads(self.run("lockout", "list", "--json").stdout)
        return found


@pytest.fixture(name="desk")
def make_desk(environ: dict[str, str], run: Run) -> Iterator[Desk]:
    """A fresh database, in which there is nobody."""
    run("db", "upgrade")
    clock = FakeClock()
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])
    yield Desk(environ, clock, make_sign_in_services(database, clock=clock, secret_key=b"s" * 64))
    database.engine.dispose()


def test_the_first_admin_comes_from_the_command_line(desk: Desk) -> None:
    """The code stands alone on standard output; where and how long it counts is said beside it."""
    desk.environ["AUTHBRIDGE_PANEL_URL"] = "https://panel.example.org"

    result = desk.run("staff", "add", "Chef", "--role", "admin")

    assert desk.invited("chef", result.stdout.strip()) is Verdict.GRANTED
    assert "“chef”, valid until 2026-11-21 08:55" in result.stderr
    assert "https://panel.example.org/invitation" in result.stderr
    assert result.stdout.strip() not in result.stderr
    assert result.stdout.strip() not in result.stderr + desk.run("staff", "list").output


def test_without_an_address_it_is_said_what_is_missing(desk: Desk) -> None:
    """The page is named all the same."""
    stderr = desk.run("staff", "add", "chef", "--role", "admin").stderr
    assert "/invitation" in stderr
    assert "AUTHBRIDGE_PANEL_URL" in stderr


def test_a_reset_gives_a_new_code(desk: Desk) -> None:
    """The old one is dead."""
    old = desk.run("staff", "add", "anna", "--role", "clerk").stdout.strip()
    new = desk.run("staff", "reset", "anna").stdout.strip()

    assert desk.invited("anna", old) is Verdict.REFUSED
    assert desk.invited("anna", new) is Verdict.GRANTED


def test_the_list_is_for_people_and_programs(desk: Desk) -> None:
    """An empty one says what to do."""
    assert "authbridge staff add NAME --role admin" in desk.run("staff", "list").output
    desk.run("staff", "add", "anna", "--role", "clerk")

    assert json.loads(desk.run("staff", "list", "--json").stdout) == [
        {"name": "anna", "role": "clerk", "state": "invited", "last_sign_in_on": None}
    ]
    desk.clock.advance(hours=24)
    assert "invitation-expired" in desk.run("staff", "list").output


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["add", "anna", "--role", "clerk"], 1, "already", id="taken"),
        pytest.param(["add", "Frau Müller", "--role", "clerk"], 1, "2 to 32", id="no name"),
        pytest.param(["add", "bert", "--role", "boss"], 2, "boss", id="no role"),
        pytest.param(["add", "bert"], 2, "--role", id="role not said"),
        pytest.param(["reset", "bert"], 1, "no staff member “bert”", id="nobody"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(desk: Desk, arguments: list[str], code: int, words: str) -> None:
    """And no code is shown."""
    desk.run("staff", "add", "anna", "--role", "clerk")
    result = desk.run("staff", *arguments, code=code)
    assert words in result.stderr
    assert result.stdout == ""


def test_who_waits_at_the_panel_is_listed_and_freed(desk: Desk) -> None:
    """By the name that the list shows."""
    desk.run("staff", "add", "anna", "--role", "clerk")
    for _ in range(6):
        desk.guess("anna")
    for number in range(6):
        desk.invited("anna", f"vpgd-kxwj-{number:04}")
    desk.clock.advance(seconds=10)

    rows = desk.lockouts()
    assert [(row["name"], row["network"]) for row in rows] == [("staff:anna", OFFICE)] * 2
    why = "5 wrong passwords since 08:55 from 198.51.100.7 at the panel; free in 00:20"
    assert {row["why"] for row in rows} == {why}
    desk.environ["LANG"] = "de_DE.UTF-8"
    assert "aus 198.51.100.7 am Panel; frei in 00:20" in desk.run("lockout", "list").output

    assert "may try again" in desk.run("lockout", "clear", "staff:anna").output

    assert desk.lockouts() == []
    assert desk.guess("anna").verdict is Verdict.REFUSED
    desk.run("lockout", "clear", "staff:anna")
    assert "did not have to wait" in desk.run("lockout", "clear", "staff:anna").output


def test_a_device_that_waits_has_no_address(desk: Desk) -> None:
    """The list says who, and that it is at the panel; her name frees it."""
    make_staff(desk.services.database)
    caller = Caller(parse_address(OFFICE), None, device_token("anna", desk.services))
    for number in range(5):
        sign_in("anna", f"wrong {number}", caller, desk.services)

    (row,) = desk.lockouts()
    assert (row["name"], row["network"]) == ("staff:anna", None)
    assert row["why"] == "5 wrong passwords since 08:55 from an unknown network at the panel; free in 00:30"

    desk.run("lockout", "clear", "staff:anna")
    assert desk.lockouts() == []


@pytest.mark.parametrize("typed", [OFFICE, f"{OFFICE}/32"])
def test_a_network_that_waits_at_the_panel_is_freed(desk: Desk, typed: str) -> None:
    """By its address; names that are nobody's are not told."""
    for number in range(30):
        desk.guess(f"geheimnis{number}")
    for _ in range(5):
        desk.guess("geheimnis0")
    assert desk.guess("somebody").verdict is Verdict.LOCKED
    output = desk.run("lockout", "list").output
    assert "30 wrong passwords since 08:55 from 198.51.100.7 at the panel" in output
    assert "geheimnis" not in output

    desk.run("lockout", "clear", "--network", typed)

    assert desk.guess("somebody").verdict is Verdict.REFUSED


@pytest.mark.parametrize("command", ["add", "reset"])
def test_no_command_takes_a_code_as_argument(command: str) -> None:
    """Arguments are seen by everybody on the machine."""
    help_text = CliRunner().invoke(main, ["staff", command, "--help"]).output
    assert "--code" not in help_text
    assert "--password" not in help_text


def die_at_first_change() -> None:
    """Lets a fork be killed when it has changed one member of staff."""

    def look(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if statement.startswith("UPDATE staff"):
            die()

    event.listen(Engine, "after_cursor_execute", look)


def test_the_secret_key_is_changed_and_second_factors_stay(desk: Desk) -> None:
    """Both keys in the file, a restart, the command, and the former key goes; recovery codes are void."""
    anna, bert = (enrol_member(desk.services, name, Role.ADMIN) for name in ("anna", "bert"))
    (new, former), file = ("n" * 64, "s" * 64), Path(desk.environ["AUTHBRIDGE_SECRET_KEY_FILE"])
    file.write_text(f"{new}\n{former}\n")
    assert desk.signs_in(anna, new, former) is Verdict.GRANTED, "in between"

    assert "Recovery codes" in desk.run("staff", "reseal", typed="n\n", code=1).output
    environ, words = desk.environ | {"TMPDIR": str(file.parent)}, ("staff", "reseal", "--yes")
    with Path(os.devnull).open("wb") as nowhere:
        killed = start_forked(environ, *words, stdout=nowhere.fileno(), hook=die_at_first_change).wait()
    assert killed.code == -signal.SIGKILL, killed.stderr
    assert "present secret key: 2 second" in desk.run("staff", "reseal", "--yes").stdout
    assert "present secret key: 0 second" in desk.run("staff", "reseal", "--yes").stdout

    file.write_text(f"{new}\n")
    desk.clock.advance(minutes=1)
    assert [desk.signs_in(member, new) for member in (anna, bert)] == [Verdict.GRANTED] * 2
    with desk.services.database.read_session() as session:
        assert session.scalar(select(func.count(RecoveryCode.id))) == 0


def test_a_second_factor_of_a_third_key_is_named(desk: Desk) -> None:
    """The others are sealed anew all the same."""
    enrol_member(desk.services, "anna", Role.ADMIN)
    foreign = make_sign_in_services(desk.services.database, clock=desk.clock, secret_key=b"x" * 64)
    enrol_member(foreign, "bert", Role.CLERK)
    new = "n" * 64
    Path(desk.environ["AUTHBRIDGE_SECRET_KEY_FILE"]).write_text(f"{new} {'s' * 64}")

    result = desk.run("staff", "reseal", "--yes", code=3)

    assert "present secret key: 1 second" in result.stdout
    assert result.stderr.strip().endswith("(authbridge staff reset NAME): bert")
