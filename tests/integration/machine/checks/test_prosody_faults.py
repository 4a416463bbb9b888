"""Each check of Prosody finds its fault, mends it, and finds nothing where all is well."""

import datetime as dt
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from authbridge.machine.checks import prosody
from authbridge.machine.checks.prosody_look import Look
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Level
from authbridge.machine.ledger import Ledger
from authbridge.machine.programs import Answer
from authbridge.machine.prosody_config import read_configuration
from tests.support.jitsi_machine import HOST, HOST_FILE
from tests.support.login_server import NEWER
from tests.support.prosody_machine import (
    MAIN_FILE,
    SETUP,
    TOKEN,
    appended,
    change,
    copied,
    examine,
    examine_one,
    lay_machine,
    mend,
    texts,
)

GUESTS = f"guest.{HOST}"
AUTH = f"auth.{HOST}"


@pytest.fixture(name="stock", scope="module")
def lay_stock(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine as Jitsi's packages leave it."""
    return lay_machine(tmp_path_factory.mktemp("stock"), NEWER)


@pytest.fixture(name="mended", scope="module")
def lay_mended(stock: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The same, set up as it must be."""
    machine = copied(stock, tmp_path_factory.mktemp("mended"))
    mend(machine, *examine(machine).values())
    shutil.rmtree(machine.root / "var/lib/authbridge-changes")
    return machine


@pytest.fixture(name="machine")
def copy_mended(mended: Machine, tmp_path: Path) -> Machine:
    """A machine where all is well, for one test alone."""
    return copied(mended, tmp_path / "machine")


Fault = Callable[[Machine], None]


def replacing(file: str, old: str, new: str) -> Fault:
    """A fault that is other words in a file."""
    return lambda machine: change(machine, file, old, new)


def setting(line: str) -> Fault:
    """A fault that is one more option above all hosts."""
    return lambda machine: appended(machine, line)


def lay_another_module(machine: Machine, folder: str) -> None:
    """Lays the module of the same name that distributions ship, where Prosody finds it first."""
    path = machine.root / folder.lstrip("/") / "mod_auth_external"
    path.mkdir(parents=True)
    (path / "mod_auth_external.lua").write_text("-- asks a script\n")
    change(machine, HOST_FILE, '"/opt/authbridge/prosody_mod"', f'"{folder}"; "/opt/authbridge/prosody_mod"')


def lay_older_copy(machine: Machine) -> None:
    """Lays a copy of our modules of which one file is of another version, where Prosody finds it first."""
    modules = machine.root / "opt/authbridge/prosody_mod"
    shutil.copytree(modules, machine.root / "var/lib/prosody/custom_plugins", copy_function=os.link)
    change(
        machine, "var/lib/prosody/custom_plugins/mod_auth_external/login.lib.lua", "local", "-- older\nlocal"
    )


def lay_accounts(machine: Machine, *key_lengths: int) -> None:
    """Lays accounts of jicofo's host as Prosody keeps them, with keys of so many hexadecimal digits."""
    folder = machine.root / f"var/lib/prosody/{AUTH.replace('.', '%2e')}/accounts"
    folder.mkdir(parents=True)
    for number, length in enumerate(key_lengths):
        (folder / f"u{number}.dat").write_text(
            f'return {{\n\t["stored_key"] = "{"ab" * (length // 2)}";\n}};\n'
        )


def hash_otherwise(machine: Machine, *, at_the_host: bool) -> None:
    """Sets another hash than that by which jicofo's account is kept."""
    lay_accounts(machine, 40)
    assert examine_one(machine, "prosody-password-hash").level is Level.OK
    if at_the_host:
        change(
            machine,
            HOST_FILE,
            f'VirtualHost "{AUTH}"',
            f'VirtualHost "{AUTH}"\n    password_hash = "SHA-256"',
        )
    else:
        appended(machine, 'password_hash = "SHA-256"')


def copy_of_token(machine: Machine) -> Path:
    """Lays the token anew, so that its rights are those of this machine alone."""
    lay_token(machine, 0o640)
    return machine.root / "etc/authbridge/api-token"


def lay_token(machine: Machine, mode: int) -> None:
    """Lays the token with those rights."""
    path = machine.root / "etc/authbridge/api-token"
    path.unlink()
    path.write_text(TOKEN)
    path.chmod(mode)
    os.chown(path, 0, 4712)


MENDED_BY_A_MACHINE: list[tuple[str, str, Fault]] = [
    ("no folder", "prosody-module", replacing(HOST_FILE, '"/opt/authbridge/prosody_mod"; ', "")),
    ("no list", "prosody-module", replacing(HOST_FILE, "plugin_paths =", "-- plugin_paths =")),
    (
        "another's module first",
        "prosody-module",
        lambda machine: lay_another_module(machine, "/usr/lib/prosody-modules"),
    ),
    (
        "as stock",
        "prosody-authentication",
        replacing(HOST_FILE, '"external" -- do not', '"jitsi-anonymous" -- do not'),
    ),
    (
        "secured",
        "prosody-authentication",
        replacing(HOST_FILE, '"external" -- do not', "'internal_hashed'; -- do not"),
    ),
    (
        "inherited",
        "prosody-authentication",
        replacing(HOST_FILE, 'authentication = "external"', '-- authentication = "external"'),
    ),
    ("another service", "prosody-authentication", replacing(HOST_FILE, "127.0.0.1:8701", "127.0.0.1:8799")),
    ("another token", "prosody-authentication", replacing(HOST_FILE, "/etc/authbridge/api-token", "/etc/x")),
    ("stock anonymous", "prosody-guests", replacing(HOST_FILE, '= "jitsi-anonymous"', '= "anonymous"')),
    (
        "encryption",
        "prosody-guests",
        replacing(
            HOST_FILE,
            'c2s_require_encryption = false\n    modules_disabled = { "account',
            'modules_disabled = { "account',
        ),
    ),
    ("no rules", "prosody-rules", replacing(HOST_FILE, '"meeting_rules"; -- AuthBridge', "")),
    ("bosh", "prosody-transports", replacing(HOST_FILE, "consider_bosh_secure = true;", "")),
    (
        "both, one false",
        "prosody-transports",
        replacing(
            HOST_FILE,
            "consider_bosh_secure = true;\nconsider_websocket_secure = true;",
            "consider_websocket_secure = false;",
        ),
    ),
    ("as the comment advises", "prosody-log", replacing(MAIN_FILE, '	info = "/var', '	debug = "/var')),
    ("a sink", "prosody-log", replacing(MAIN_FILE, '{ "error" }', '{ "error", "debug" }')),
    ("a range", "prosody-log", replacing(MAIN_FILE, '{ "error" }', '{ min = "debug" }')),
    ("as it comes", "prosody-collector", replacing(HOST_FILE, "gc =", "-- gc =")),
    (
        "as containers have it",
        "prosody-collector",
        replacing(
            HOST_FILE, '{ mode = "generational" }', '{\n mode = "incremental"; -- so\n speed = 250;\n}'
        ),
    ),
    (
        "a count of its own line",
        "prosody-connections",
        replacing(
            MAIN_FILE,
            '		rate = "10kb/s";',
            '		rate = "10kb/s";\n		max_connections_per_ip = 2;',
        ),
    ),
    (
        "a count behind",
        "prosody-connections",
        replacing(MAIN_FILE, 'rate = "10kb/s";', 'rate = "10kb/s", max_connections_per_ip = 20'),
    ),
    (
        "everybody",
        "prosody-proxies",
        setting('trusted_proxies = { "127.0.0.1", "0.0.0.0/1", "128.0.0.0/1" }'),
    ),
    ("nobody", "prosody-proxies", setting("trusted_proxies = {}")),
    ("a time of login", "prosody-traces", replacing(HOST_FILE, '"account_activity"; ', "")),
    ("a published name", "prosody-traces", replacing(HOST_FILE, '"vcard4"; ', "")),
    (
        "a file for each page",
        "prosody-guest-traces",
        replacing(HOST_FILE, '    modules_disabled = { "account_activity" }\n', ""),
    ),
    ("passwords", "prosody-registration", replacing(HOST_FILE, '"register"; ', "")),
    (
        "by itself",
        "prosody-registration",
        replacing(HOST_FILE, '        "bosh";', '        "bosh"; "register_ibr";'),
    ),
    ("hash above all", "prosody-password-hash", lambda machine: hash_otherwise(machine, at_the_host=False)),
    ("hash at the host", "prosody-password-hash", lambda machine: hash_otherwise(machine, at_the_host=True)),
]


@pytest.mark.parametrize(
    ("name", "fault"),
    [pytest.param(name, fault, id=f"{name}: {words}") for words, name, fault in MENDED_BY_A_MACHINE],
)
def test_a_fault_that_a_machine_can_mend(machine: Machine, name: str, fault: Fault) -> None:
    """It is found, mended so that nothing else gets worse, and comes back when that is taken back."""
    assert examine_one(machine, name).level is Level.OK
    fault(machine)
    before, found = texts(machine), examine_one(machine, name)
    assert found.level in {Level.ERROR, Level.WARNING, Level.NOTE}
    assert (found.why is not None, bool(found.line), found.fix is not None) == (True, True, True)

    mend(machine, found)
    again = examine_one(machine, name)
    assert (again.level, again.fix) == (Level.OK, None)
    present = texts(machine)
    mend(machine, found)
    assert texts(machine) == present

    Ledger(machine).undo("doctor")
    assert texts(machine) == before


LEFT_TO_A_PERSON: list[tuple[str, str, Level, Fault]] = [
    (
        "installed by prosodyctl",
        "prosody-module",
        Level.ERROR,
        lambda machine: lay_another_module(machine, "/var/lib/prosody/custom_plugins"),
    ),
    ("another version", "prosody-module", Level.ERROR, lay_older_copy),
    (
        "no host",
        "prosody-authentication",
        Level.ERROR,
        replacing(HOST_FILE, f'VirtualHost "{HOST}"', 'VirtualHost "other.test"'),
    ),
    (
        "host switched off",
        "prosody-authentication",
        Level.ERROR,
        replacing(HOST_FILE, f'VirtualHost "{HOST}"', f'VirtualHost "{HOST}"\n    enabled = false'),
    ),
    (
        "tokens",
        "prosody-authentication",
        Level.ERROR,
        replacing(HOST_FILE, '"external" -- do not', '"token" -- do not'),
    ),
    (
        "a form that is not understood",
        "prosody-authentication",
        Level.ERROR,
        replacing(
            HOST_FILE,
            'authentication = "external" -- do not',
            'authentication = ("internal_" .. "hashed") -- do not',
        ),
    ),
    (
        "guests with tokens",
        "prosody-guests",
        Level.ERROR,
        replacing(HOST_FILE, '= "jitsi-anonymous"', '= "token"'),
    ),
    (
        "claims",
        "prosody-claims",
        Level.WARNING,
        replacing(
            HOST_FILE,
            f'VirtualHost "recorder.{HOST}"',
            f'VirtualHost "a.test"\n    authentication = "token"\nVirtualHost "recorder.{HOST}"',
        ),
    ),
    (
        "claims that are believed",
        "prosody-claims",
        Level.ERROR,
        replacing(
            HOST_FILE,
            f'VirtualHost "recorder.{HOST}"',
            'VirtualHost "a.test"\n    authentication = "token"\n'
            '    modules_enabled = { "token_affiliation" }\n'
            f'VirtualHost "recorder.{HOST}"',
        ),
    ),
    (
        "no meetings",
        "prosody-rules",
        Level.WARNING,
        replacing(HOST_FILE, f'Component "conference.{HOST}" "muc"', 'Component "x.test" "muc"'),
    ),
    (
        "everything to the console",
        "prosody-log",
        Level.ERROR,
        replacing(MAIN_FILE, "certificates =", 'log = "*console"\ncertificates ='),
    ),
    ("an organiser", "prosody-admins", Level.ERROR, setting(f'admins = {{ "boss@{HOST}" }}')),
    (
        "a participant",
        "prosody-admins",
        Level.ERROR,
        replacing(
            HOST_FILE, f'admins = {{ "focus@{AUTH}" }}', f'admins = {{ "focus@{AUTH}", "x@{GUESTS}" }}'
        ),
    ),
    ("both hashes", "prosody-password-hash", Level.ERROR, lambda machine: lay_accounts(machine, 40, 64)),
    (
        "no certificate",
        "prosody-certificates",
        Level.WARNING,
        lambda machine: (machine.root / f"var/lib/prosody/{AUTH}.crt").unlink(),
    ),
    ("token for everybody", "prosody-token-file", Level.ERROR, lambda machine: lay_token(machine, 0o644)),
    ("token for root alone", "prosody-token-file", Level.ERROR, lambda machine: lay_token(machine, 0o600)),
    (
        "no token",
        "prosody-token-file",
        Level.ERROR,
        lambda machine: (machine.root / "etc/authbridge/api-token").unlink(),
    ),
    (
        "another in the group",
        "prosody-token-file",
        Level.ERROR,
        replacing("etc/group", ":prosody", ":prosody,www-data"),
    ),
    (
        "the service's user in the group",
        "prosody-token-file",
        Level.WARNING,
        replacing("etc/group", ":prosody", ":prosody,authbridge"),
    ),
    (
        "another's own group",
        "prosody-token-file",
        Level.ERROR,
        lambda machine: os.chown(copy_of_token(machine), 0, 33),
    ),
    (
        "an owner of another machine",
        "prosody-token-file",
        Level.ERROR,
        lambda machine: os.chown(copy_of_token(machine), 4713, 4714),
    ),
    (
        "Prosody not in the group",
        "prosody-token-file",
        Level.ERROR,
        replacing("etc/group", ":prosody", ":other"),
    ),
]


@pytest.mark.parametrize(
    ("name", "level", "fault"),
    [
        pytest.param(name, level, fault, id=f"{name}: {words}")
        for words, name, level, fault in LEFT_TO_A_PERSON
    ],
)
def test_a_fault_that_a_person_must_decide(machine: Machine, name: str, level: Level, fault: Fault) -> None:
    """It is found, with what to do; nothing is changed by itself."""
    assert examine_one(machine, name).level is Level.OK
    fault(machine)
    found = examine_one(machine, name)
    assert (found.level, found.fix) == (level, None)
    assert found.line
    assert TOKEN not in repr(found)


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
