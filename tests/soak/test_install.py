"""The installation as a new user does it: the README's lines, on clean Debian machines with Jitsi on them."""

import itertools
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from authbridge.storage.migrations import NEWEST
from tests.support.clean_machine.jitsi import lay_jitsi
from tests.support.clean_machine.machine import CommandError, Machine, booted
from tests.support.clean_machine.roots import clean_root
from tests.support.clean_machine.tree import differences, tree
from tests.support.jitsi_machine import HOST, Distribution, Release
from workbench import ROOT

TEN_MINUTES = 600.0  # seconds
SOON = 30.0  # seconds
KILLS = 10
PROGRAM = "authbridge admin prosody_mod deploy wsgi.py"
REPOSITORY = "/srv/authbridge.git"
CLONE = "/root/authbridge"

LOGS = ("sh", "-c", "tail -n 15 /var/log/prosody/prosody.log; journalctl -qn 15 -u authbridge-api")
BAD = {"warning", "error"}
OF_THE_DATABASE = (".db", ".db-shm", ".db-wal")  # services write there at any time
NOT_OFFERED = "HTTP 404"  # no WebSocket in a Jitsi of 2024
OF_TESTS = {"clock"}  # is this machine's, which may have no time server

JITSIS: list[tuple[Distribution, Release, bool]] = [
    ("debian12", "2024", False),
    ("debian12", "2025", True),
    ("debian13", "2025", False),
    ("debian13", "2026", True),
]
"""Distribution, year of Jitsi's packages, whether it is a secure domain already."""

PAGE = f"https://{HOST}/_authbridge/auth?state=%7B%22room%22%3A%22lesson%22%7D"

MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    op.create_table("half_done", sa.Column("id", sa.Integer, sa.ForeignKey("schools.id"), primary_key=True))
"""
FAILS = """\
    op.get_bind().connection.commit()
    raise RuntimeError("this migration fails")
"""

HIDE_THE_JOURNAL_OF_LOGINS = """
import sqlite3
database = sqlite3.connect("/var/lib/authbridge/authbridge.db")
database.execute("ALTER TABLE login_attempts RENAME TO elsewhere")
"""

pytestmark = pytest.mark.soak


@dataclass
class JitsiMachine:
    """A machine with Jitsi on it, and what stood there before AuthBridge came."""

    machine: Machine
    before: dict[str, str] = field(default_factory=dict)

    def type(self, script: str, *, check: bool = True) -> str:
        """Runs lines as an administrator types them: in a shell on a terminal, in root's home."""
        typed = f"bash -euc {shlex.quote(script)}"
        return self.machine.run("bash", "-c", f"cd; script -qec {shlex.quote(typed)} /dev/null", check=check)

    def require_green(self) -> None:
        """Checks that the doctor soon finds nothing to warn of: Prosody may just have been restarted."""
        deadline = time.monotonic() + SOON
        while findings := self._warnings():
            assert time.monotonic() < deadline, (findings, self.machine.run(*LOGS))
            time.sleep(1)

    def _warnings(self) -> list[str]:
        told = json.loads(self.machine.run("authbridge", "doctor", "--json", check=False))
        found = [each for each in told["findings"] if each["level"] in BAD and each["id"] not in OF_TESTS]
        return [f"{each['id']}: {each['what']}" for each in found]

    def prepare(self) -> None:
        """Gives the README's lines before the last one, and notes what stands there then."""
        *first, rehearsal, _ = _readme_lines()
        self.type("\n".join(first))
        self.before = tree(self.machine.root)
        self.type(f"cd {CLONE}\n{rehearsal}")

    def install(self) -> str:
        """Gives the README's last line; returns what it says."""
        return self.type(f"cd {CLONE}\n{_readme_lines()[-1]}")

    def undo(self) -> None:
        """Takes the installation back, and deletes what it says may be deleted then."""
        told = self.type(f"cd {CLONE} && deploy/install --undo --restart")
        for place in re.findall(r"Move .* to (/\S+), for root alone", told):
            self.machine.run("rm", "-r", place)
        for packages in re.findall(r"apt-get purge --autoremove (.*?)\s*$", told, re.MULTILINE):
            self.machine.run("apt-get", "-y", "purge", "--autoremove", *packages.split())

    def login(self, host: str, name: str = "", password: str = "") -> set[str]:
        """Logs in over each way that nginx and Prosody offer, at least BOSH; returns how that ended."""
        module = [sys.executable, "-m", "tests.support.clean_machine.login", host, HOST]
        done = subprocess.run(  # noqa: S603 - our own command line
            self.machine.beside(*module, *([name] if name else [])),
            input=password,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        told: dict[str, str] = json.loads(done.stdout)
        assert told["bosh"] != NOT_OFFERED
        return set(told.values()) - {NOT_OFFERED}

    @contextmanager
    def somebody_in(self, name: str, password: str) -> Iterator[None]:
        """Keeps an organiser logged in meanwhile, and checks that they still are at the end."""
        command = self.machine.beside(sys.executable, "-m", "tests.support.clean_machine.stay", HOST, name)
        with subprocess.Popen(  # noqa: S603 - our own command line
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as client:
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write(f"{password}\n")
            client.stdin.flush()
            assert client.stdout.readline().startswith("success ")
            yield
            client.stdin.close()
            assert client.stdout.read() == "still in\n"

    def token(self, name: str, password: str) -> str:
        """Sends the form of the login page; returns the token with which it leads back to the meeting."""
        form = f"username={name}&password={password}"
        said = self.machine.run(
            *("curl", "--silent", "--insecure", "--resolve", f"{HOST}:443:127.0.0.1", "--data", form),
            *("--output", "/dev/null", "--write-out", "%{redirect_url}", PAGE),
        )
        return re.fullmatch(rf"https://{HOST}/lesson#jwt=%22([\w.-]+)%22.*", said)[1]  # type: ignore[index]

    def make_organiser(self) -> tuple[str, str]:
        """Adds a school and returns name and password of an organiser there."""
        self.machine.run("authbridge", "school", "add", "ohg", "Otto-Hahn-Gymnasium")
        rows = self.machine.run("authbridge", "organiser", "issue", "ohg", "--count", "1").splitlines()
        heading = next(number for number, row in enumerate(rows) if "username" in row)
        columns, values = rows[heading].split(","), rows[heading + 1].split(",")
        row = dict(zip(columns, values, strict=True))
        return row["username"], row["password"]

    def require_logins(self, name: str, password: str) -> None:
        """Checks who may in: the organiser with the right password, a guest as guest, and nobody else."""
        assert self.login(HOST, name, password) == {"success"}, self.machine.run(*LOGS)
        assert self.login(HOST, name, "wrong-password") == {"not-authorized"}
        assert self.login(f"guest.{HOST}") == {"success"}
        assert "success" not in self.login(HOST)

    def metrics(self) -> str:
        """Asks the service as Prometheus does."""
        return self.machine.run("curl", "--silent", "http://127.0.0.1:8701/metrics")

    def require_closed_token(self) -> None:
        """Checks that the panel's user, which is the service's too, cannot read the token."""
        reading = ("runuser", "-u", "authbridge", "--", "cat", "/etc/authbridge/api-token")
        assert "Permission denied" in self.machine.run(*reading, check=False)

    def require_as_before(self) -> None:
        """Checks that each file is as it was before AuthBridge came."""
        assert differences(self.before, tree(self.machine.root)) == []


@pytest.fixture(name="jitsi", params=JITSIS, ids=lambda params: "-".join(map(str, params)))
def run_jitsi(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JitsiMachine]:
    """A machine with Jitsi, and this repository to clone."""
    distribution, release, secured = request.param
    with booted(clean_root(distribution), tmp_path) as machine:
        lay_jitsi(machine, distribution, release, secured=secured)
        _offer_clone(machine, tmp_path)
        yield JitsiMachine(machine, tree(machine.root))


def test_the_readme_leads_to_a_login_and_back(jitsi: JitsiMachine) -> None:
    """Ten minutes to a green doctor; organisers and guests log in; undone, nothing is left.  Twice."""
    begun = time.monotonic()
    jitsi.prepare()
    jitsi.install()
    jitsi.require_green()
    took = time.monotonic() - begun
    sys.stdout.write(f"\nfrom the first command to a green doctor: {took:.0f} s\n")
    assert took < TEN_MINUTES
    jitsi.require_logins(*jitsi.make_organiser())
    jitsi.undo()
    jitsi.require_as_before()
    jitsi.install()
    jitsi.require_green()
    jitsi.require_logins(*jitsi.make_organiser())
    jitsi.undo()
    jitsi.require_as_before()


def test_a_second_time_and_a_rehearsal_change_nothing(jitsi: JitsiMachine) -> None:
    """Not a file differs after a rehearsal, nor after the same command once more, and it says so."""
    jitsi.prepare()
    jitsi.require_as_before()
    jitsi.install()
    once = tree(jitsi.machine.root)
    assert "nothing was changed" in jitsi.install()
    differing = differences(once, tree(jitsi.machine.root))
    assert [line for line in differing if not line.endswith(OF_THE_DATABASE)] == []


def test_killed_anywhere_and_repeated(jitsi: JitsiMachine) -> None:
    """Killed at ten random points and given once more, it succeeds; each time, undone, nothing is left."""
    randomness = random.Random(jitsi.machine.lower.name)  # noqa: S311 - no secret
    jitsi.prepare()
    for number in range(1, KILLS + 1):
        sys.stdout.write(f"\nkill {number}: {_kill_somewhere(jitsi, randomness)}\n")
        jitsi.install()
        jitsi.require_green()
        jitsi.require_logins(*jitsi.make_organiser())
        jitsi.undo()
        jitsi.require_as_before()


def test_an_upgrade_keeps_the_data(jitsi: JitsiMachine) -> None:
    """What was entered before is there afterwards, and after the way back, too."""
    jitsi.prepare()
    jitsi.type(f"cd {CLONE} && git checkout -q $(git log -1 --format=%h -- {PROGRAM})~1")
    jitsi.install()
    organiser = jitsi.make_organiser()
    jitsi.type(f"cd {CLONE} && git checkout -q -")
    jitsi.install()
    jitsi.require_green()
    jitsi.require_closed_token()
    jitsi.require_logins(*organiser)
    jitsi.type(f"cd {CLONE} && deploy/install --rollback --yes")
    jitsi.require_logins(*organiser)


def test_a_failed_migration_is_taken_back_and_said(jitsi: JitsiMachine) -> None:
    """Program and database are those of before, and logins go on."""
    jitsi.prepare()
    jitsi.install()
    jitsi.require_green()
    organiser = jitsi.make_organiser()
    program = jitsi.machine.run("readlink", "/opt/authbridge")
    _add_migration(jitsi.machine, FAILS)
    with pytest.raises(CommandError, match=r"The upgrade failed, and .* are as\s+before"):
        jitsi.install()
    assert jitsi.machine.run("readlink", "/opt/authbridge") == program
    jitsi.require_logins(*organiser)
    jitsi.require_green()


def test_an_upgrade_keeps_the_data_in_postgresql(jitsi: JitsiMachine) -> None:
    """Upgraded, taken back, failed and taken back with its new tables: the organiser always gets in."""
    jitsi.prepare()
    jitsi.type(f"cd {CLONE} && git checkout -q $(git log -1 --format=%h -- {PROGRAM})~1")
    jitsi.install()
    jitsi.type(f"cd {CLONE} && git checkout -q -")
    jitsi.type("\n".join(_postgresql_lines()))
    organiser = jitsi.make_organiser()
    jitsi.require_logins(*organiser)
    program = jitsi.machine.run("readlink", "/opt/authbridge")
    jitsi.install()
    jitsi.require_green()
    jitsi.require_logins(*organiser)
    jitsi.type(f"cd {CLONE} && deploy/install --rollback --yes")
    jitsi.require_logins(*organiser)
    _add_migration(jitsi.machine, FAILS)
    with pytest.raises(CommandError, match=r"The upgrade failed, and .* are as\s+before"):
        jitsi.install()
    assert jitsi.machine.run("readlink", "/opt/authbridge") == program
    jitsi.require_green()
    jitsi.require_logins(*organiser)
    _add_migration(jitsi.machine)
    jitsi.install()
    jitsi.require_logins(*organiser)
    told = jitsi.type(f"cd {CLONE} && deploy/install --rollback --yes")
    assert "login_attempts: " in told
    assert jitsi.machine.run("readlink", "/opt/authbridge") == program
    jitsi.require_logins(*organiser)
    assert "half_done" not in jitsi.machine.run("runuser", "-u", "authbridge", "--", "psql", "-c", "\\d")
    modes = jitsi.machine.run(
        "sh", "-c", "cd / && stat -c '%a %U' /var/backups/authbridge/*.sql"
    ).splitlines()
    assert modes == ["600 root"] * 3


def test_the_login_page_comes_and_goes(jitsi: JitsiMachine) -> None:
    """By the README's lines: who is logged in notices nothing, and off, each file is as before."""
    jitsi.prepare()
    jitsi.install()
    jitsi.require_green()
    organiser = jitsi.make_organiser()
    before = tree(jitsi.machine.root)
    with jitsi.somebody_in(*organiser):
        jitsi.type("\n".join(_lines_of("The login page", 0)))
        jitsi.require_green()
        assert jitsi.login(HOST, "", jitsi.token(*organiser)) == {"success"}
        jitsi.require_logins(*organiser)
        jitsi.type("\n".join(_lines_of("The login page", 1)))
        differing = differences(before, tree(jitsi.machine.root))
        assert [line for line in differing if not line.endswith(OF_THE_DATABASE)] == []
        jitsi.require_logins(*organiser)
    jitsi.type(_lines_of("The login page", 0)[-1])
    jitsi.undo()
    jitsi.require_as_before()


def _lines_of(title: str, number: int) -> list[str]:
    """Returns the commands of that block in that section of the README."""
    section = (ROOT / "deploy/README.md").read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    blocks: list[str] = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return blocks[number].splitlines()


def _add_migration(machine: Machine, ending: str = "") -> None:
    """Makes the clone the next release, with a table more."""
    migrations = machine.root / CLONE[1:] / "authbridge/storage/migrations"
    (migrations / "versions/9999_next.py").write_text(MIGRATION.format(head=NEWEST) + ending)
    text = (migrations / "__init__.py").read_text()
    (migrations / "__init__.py").write_text(text.replace(f'"{NEWEST}"', '"9999"'))


def test_a_fault_is_found_by_the_id_of_its_login(jitsi: JitsiMachine) -> None:
    """In systemd's journal, out of the unit's sandbox, by the id in Prosody's line; and as a metric."""
    jitsi.prepare()
    jitsi.install()
    name, password = jitsi.make_organiser()
    jitsi.require_logins(name, password)
    assert "authbridge_up_storage 1.0" in jitsi.metrics()
    jitsi.machine.run("/opt/authbridge/.venv/bin/python", "-c", HIDE_THE_JOURNAL_OF_LOGINS)
    assert jitsi.login(HOST, name, password) == {"temporary-auth-failure"}

    written = jitsi.machine.run("journalctl", "--output=json", "--unit=authbridge-api", "--priority=err")
    entries = [json.loads(line) for line in written.splitlines()]
    faults = [each for each in entries if each["MESSAGE"].startswith("storage: ")]
    assert faults
    of_prosody = jitsi.machine.run("cat", "/var/log/prosody/prosody.log")
    for fault in faults:
        assert fault["_TRANSPORT"] == "journal"
        assert fault["AUTHBRIDGE_REQUEST_ID"] in of_prosody
    assert name not in written
    assert f'authbridge_faults_total{{fault="storage"}} {len(faults)}.0' in jitsi.metrics()


def _offer_clone(machine: Machine, folder: Path) -> None:
    # Not to its place at once: git resolves the path, which is on another machine.
    clone = folder / "clone.git"
    subprocess.run(  # noqa: S603 - our own command line
        ["git", "clone", "--quiet", "--bare", str(ROOT), str(clone)],  # noqa: S607
        check=True,
    )
    shutil.copytree(clone, machine.root / REPOSITORY[1:])


def _readme_lines() -> list[str]:
    """Returns the lines of the README's installation, with yes as the answer to apt."""
    section = (ROOT / "deploy/README.md").read_text().partition("\n## Install\n")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None
    lines = block[1].replace("ADDRESS-OF-THIS-REPOSITORY", REPOSITORY)
    return lines.replace("apt-get install", "apt-get install -y").splitlines()


def _postgresql_lines() -> list[str]:
    """Returns the README's lines for a database in PostgreSQL, with yes as the answer to apt."""
    section = (ROOT / "deploy/README.md").read_text().partition("\n## PostgreSQL\n")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None
    return block[1].replace("apt-get install", "apt-get install -y").splitlines()


def _kill_somewhere(jitsi: JitsiMachine, randomness: random.Random) -> str:
    """Begins the installation, and kills it some moments after one of its first twenty words; says where."""
    command = f"cd {CLONE}; {_readme_lines()[-1]}"
    with subprocess.Popen(  # noqa: S603 - our own command line
        jitsi.machine.command("bash", "-euc", command),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as begun:
        words = (line.strip() for line in begun.stdout or () if re.match(r"  [^ +]", line))
        said = list(itertools.islice(words, randomness.randrange(1, 20)))
        pause = randomness.choice([0.01, 0.1, 1.0, 10.0]) * randomness.random()
        time.sleep(pause)
        os.killpg(begun.pid, signal.SIGKILL)
    return f"{pause:.2f} s after: {said[-1][:80] if said else 'its start'}"
