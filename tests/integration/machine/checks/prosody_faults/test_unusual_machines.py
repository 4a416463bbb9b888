"""The checks of Prosody on unusual machines, and Prosody's own check."""

import datetime as dt
import os
import shutil
import time
from pathlib import Path

import pytest

from authbridge.machine.checks import prosody
from authbridge.machine.checks.prosody_look import Look
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Level
from authbridge.machine.programs import Answer
from authbridge.machine.prosody_config import read_configuration
from tests.support.jitsi_machine import HOST, HOST_FILE
from tests.support.prosody_faults import lay_accounts, lay_another_module
from tests.support.prosody_machine import MAIN_FILE, SETUP, change, copied, examine, examine_one, mend


def test_a_copy_of_the_same_version_is_as_good(machine: Machine) -> None:
    """An administrator may copy our modules to where Prosody finds them first."""
    modules = machine.root / "opt/authbridge/prosody_mod"
    shutil.copytree(modules, machine.root / "var/lib/prosody/custom_plugins", copy_function=os.link)
    found = examine_one(machine, "prosody-module")
    assert (found.level, "custom_plugins" in str(found.what)) == (Level.OK, True)


def test_no_host_is_given_to_a_module_that_is_not_ours(machine: Machine) -> None:
    """Where our modules cannot be put first, organisers stay as they were, instead of all locked out."""
    change(machine, HOST_FILE, '"external" -- do not', '"internal_hashed" -- do not')
    assert examine_one(machine, "prosody-authentication").fix is not None
    lay_another_module(machine, "/var/lib/prosody/custom_plugins")
    assert examine_one(machine, "prosody-authentication").fix is None


def test_a_file_of_windows_keeps_its_line_ends(stock: Machine, tmp_path: Path) -> None:
    """One file for all, with other ends of lines and another's indentation."""
    machine = copied(stock, tmp_path / "machine")
    (machine.root / f"etc/prosody/conf.d/{HOST}.cfg.lua").unlink()
    of_host = (machine.root / HOST_FILE).read_text()
    both = (machine.root / MAIN_FILE).read_text().replace('VirtualHost "localhost"', of_host)
    (machine.root / MAIN_FILE).unlink()
    (machine.root / MAIN_FILE).write_bytes(both.replace("    ", "\t").replace("\n", "\r\n").encode())
    mend(machine, *examine(machine).values())
    assert [each for each in examine(machine).values() if each.fix or each.level is Level.ERROR] == []
    text = (machine.root / MAIN_FILE).read_bytes()
    assert text.count(b"\n") == text.count(b"\r\n")


def test_options_in_a_form_that_is_not_understood(machine: Machine) -> None:
    """A host written as a table is left to a person; Prosody reads it, and so does the check."""
    change(machine, HOST_FILE, f'VirtualHost "{HOST}"', f'VirtualHost "other.{HOST}"')
    table = f'VirtualHost "{HOST}" {{ authentication = "jitsi-anonymous"; modules_enabled = {{ "bosh" }} }}\n'
    change(machine, HOST_FILE, f'VirtualHost "other.{HOST}"', f'{table}VirtualHost "other.{HOST}"')
    found = examine_one(machine, "prosody-authentication")
    assert (found.level, found.fix) == (Level.ERROR, None)


def test_the_cap_before_a_login_needs_the_size_that_jitsi_allows(machine: Machine) -> None:
    """Only a Prosody that knows such a cap is warned of, and unlimited_jids alone is no fault."""
    c2s = "usr/lib/prosody/modules/mod_c2s.lua"
    text = (machine.root / c2s).read_text().replace("c2s_unauthed_stanza_size_limit", "other")
    (machine.root / c2s).unlink()
    (machine.root / c2s).write_text(text)
    host = (machine.root / HOST_FILE).read_text().replace("c2s_stanza_size_limit", "-- c2s_stanza_size_limit")
    (machine.root / HOST_FILE).unlink()
    (machine.root / HOST_FILE).write_text(host)
    assert examine_one(machine, "prosody-stanza-limit").level is Level.OK
    assert examine_one(machine, "prosody-version").level is Level.WARNING

    (machine.root / c2s).write_text(text + "-- c2s_unauthed_stanza_size_limit\n")
    assert examine_one(machine, "prosody-version").level is Level.OK
    found = examine_one(machine, "prosody-stanza-limit")
    assert found.level is Level.WARNING
    mend(machine, found)
    assert examine_one(machine, "prosody-stanza-limit").level is Level.OK
    assert "c2s_stanza_size_limit = 10485760" in (machine.root / HOST_FILE).read_text()


def test_the_version_is_named_as_the_distribution_does(machine: Machine) -> None:
    """13.0.1-1~bpo12+1 lacks what 13.0.1-1+deb131u has: the package says which of them it is."""
    status = machine.root / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text("Package: prosody-modules\nVersion: 1\n\nPackage: prosody\nVersion: 13.0.1-1~bpo12+1\n")
    assert "13.0.1-1~bpo12+1" in str(examine_one(machine, "prosody-version").what)


def test_what_is_no_account_is_not_waited_for(machine: Machine) -> None:
    """The folder belongs to Prosody's user, who could put a FIFO there, and we are root."""
    lay_accounts(machine, 40)
    (folder,) = (machine.root / "var/lib/prosody").glob("*/accounts")
    os.mkfifo(folder / "guest.dat")
    started = time.monotonic()
    assert examine_one(machine, "prosody-password-hash").level is Level.OK
    assert time.monotonic() - started < 30  # seconds, of 60 in which Lua may answer


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to lose")
def test_the_programs_of_a_tree_change_nothing(machine: Machine, tmp_path: Path) -> None:
    """The tree may be another's: Prosody's own code in it is run, and has no right to write as we have."""
    tmp_path.chmod(0o755)
    code = machine.root / "usr/lib/prosody/core/configmanager.lua"
    text = code.read_text()
    code.unlink()  # it is a link to the one of all tests
    code.write_text(f'os.execute("touch {tmp_path}/written");\n{text}')
    assert read_configuration(PlannedChanges(machine)).version
    assert not (tmp_path / "written").exists()


def test_an_expired_certificate(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named with its last day, two weeks before it."""
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=355)
    monkeypatch.setattr("authbridge.machine.checks.prosody_server.time.time", later.timestamp)
    found = examine_one(machine, "prosody-certificates")
    assert found.level is Level.WARNING
    assert f"{HOST} ends on" in str(found.what)


def test_a_configuration_without_a_prosody(machine: Machine) -> None:
    """Where no Prosody could read it, nothing is taken for well."""
    shutil.rmtree(machine.root / "usr/lib/prosody")
    assert examine(machine)["prosody-configuration"].level is Level.ERROR


class LiveMachine(Machine):
    """A tree that is taken for the machine itself, and whose Prosody gives that answer."""

    answer: Answer | None = None

    @property
    def is_live(self) -> bool:
        """Tells that it is."""
        return True

    def run(self, *_command: str, patience: float = 60.0, text: str | None = None) -> Answer | None:
        """Returns the answer."""
        del patience, text
        return self.answer


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        (None, Level.ERROR, "no answer"),
        (Answer(1, "Usage: prosodyctl COMMAND", ""), Level.ERROR, "no answer"),
        (Answer(1, '{"findings": [{"sign": "strange", "line": ""}]}', ""), Level.ERROR, "no answer"),
        (Answer(0, '{"findings": [{"sign": "ok", "line": "[ok] Well."}]}', ""), Level.OK, "in order"),
        (
            Answer(
                1,
                '{"findings": [{"sign": "warning", "line": "[warning] W."},'
                ' {"sign": "error", "line": "[error] E."}]}',
                "",
            ),
            Level.ERROR,
            "1 errors and 1 warnings",
        ),
    ],
)
def test_what_prosodys_own_check_says(
    machine: Machine, answer: Answer | None, level: Level, words: str
) -> None:
    """As bad as the worst of its lines; no answer is no good answer."""
    live = LiveMachine(machine.root)
    live.answer = answer
    configuration = read_configuration(PlannedChanges(machine))
    found = prosody.CHECKS["prosody-check"](Look("prosody-check", PlannedChanges(live), SETUP, configuration))
    assert (found.level, words in str(found.what)) == (level, True)


def test_prosodys_own_check_is_not_asked_before_a_host_asks_us(stock: Machine) -> None:
    """Prosody does not know the command until then; the finding stays an error."""
    live = LiveMachine(stock.root)
    live.answer = Answer(0, '{"findings": []}', "")
    configuration = read_configuration(PlannedChanges(stock))
    found = prosody.CHECKS["prosody-check"](Look("prosody-check", PlannedChanges(live), SETUP, configuration))
    assert (found.level, "waits" in str(found.what)) == (Level.ERROR, True)
