"""What doctor finds in jicofo's files, and how it mends it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from authbridge.machine.checks import jicofo
from authbridge.machine.examination import examine, plan_fixes
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Level
from authbridge.machine.jicofo_config import JicofoConfig, seconds
from authbridge.machine.ledger import Ledger
from authbridge.machine.places import NotUnderstoodError
from authbridge.machine.setup import Setup
from tests.support.doctor import change, find, mend, write
from tests.support.jitsi_machine import CONFIG_JS, HOST, JICOFO_CONF, Release, lay_out

_SETUP = Setup(HOST)
_NAME = f"/{JICOFO_CONF}"
_LEGACY = "/etc/jitsi/jicofo/sip-communicator.properties"
_LOGGING = "/etc/jitsi/jicofo/logging.properties"
_URL = "org.jitsi.jicofo.auth.URL"
_PATH = ("jicofo", "authentication", "login-url")


@pytest.fixture(name="machine")
def make_machine(tmp_path: Path) -> Machine:
    """A stock Jitsi machine of 2025, without a secure domain."""
    lay_out(tmp_path, release="2025", distribution="debian13", secured=False)
    return Machine(tmp_path)


def _level(machine: Machine, finding_id: str) -> Level:
    return find(jicofo.examine, machine, _SETUP, finding_id).level


@pytest.mark.parametrize("release", ["2024", "2025", "2026"])
def test_a_stock_jicofo_becomes_part_of_a_secure_domain(tmp_path: Path, release: Release) -> None:
    """A block of Jitsi's handbook at the end of its file; secrets and comments stay."""
    lay_out(tmp_path, release=release, distribution="debian13", secured=False)
    machine = Machine(tmp_path)
    assert mend(jicofo.examine, machine, _SETUP, "jicofo-authentication") == (
        "+  authentication {\n"
        "+    enabled = true\n"
        "+    type = XMPP\n"
        '+    login-url = "meet.example.org"\n'
        "+  }"
    )
    assert (machine.read(_NAME) or "").endswith("  }\n}\n")


def test_a_secure_domain_without_its_host_gets_it(tmp_path: Path) -> None:
    """Jicofo does not start a meeting without the host, though the rest is there."""
    lay_out(tmp_path, release="2025", distribution="debian13", secured=True)
    mended = mend(jicofo.examine, Machine(tmp_path), _SETUP, "jicofo-authentication")
    assert mended == '+    login-url = "meet.example.org"'


def test_a_jicofo_that_wants_tokens_is_a_persons(machine: Machine) -> None:
    """Somebody logs in that way today."""
    write(machine, _NAME, "jicofo { authentication { enabled = true, type = JWT, login-url = x } }\n")
    finding = find(jicofo.examine, machine, _SETUP, "jicofo-authentication")
    assert (finding.level, finding.fix) == (Level.ERROR, None)


@pytest.mark.parametrize(
    ("line", "level", "has_fix"),
    [
        (f"{_URL}=XMPP:meet.example.org", Level.OK, False),
        (f"{_URL} : XMPP:old.example.org", Level.ERROR, True),
        (f"{_URL}=EXT_JWT:meet.example.org", Level.ERROR, False),
        (f"#{_URL}=XMPP:old.example.org\n{_URL}=XMPP:meet.example.org", Level.OK, False),
    ],
)
def test_the_old_file_counts_before_the_new_one(
    machine: Machine, line: str, level: Level, *, has_fix: bool
) -> None:
    """As jicofo's AuthConfig reads them."""
    write(machine, _LEGACY, f"# theirs\n{line}\n")
    finding = find(jicofo.examine, machine, _SETUP, "jicofo-authentication")
    assert (finding.level, finding.fix is not None) == (level, has_fix)
    if has_fix:
        mend(jicofo.examine, machine, _SETUP, "jicofo-authentication")
        assert (machine.read(_LEGACY) or "").startswith("# theirs\n")


def test_a_jicofo_of_before_2021_is_mended_in_its_only_file(tmp_path: Path) -> None:
    """It would not read another."""
    machine = Machine(tmp_path)
    write(machine, _LEGACY, "org.jitsi.jicofo.BRIDGE_MUC=JvbBrewery@internal.auth.meet.example.org")
    mend(jicofo.examine, machine, _SETUP, "jicofo-authentication")
    assert machine.read(_NAME) is None


def test_what_jicofo_is_started_with_counts(machine: Machine) -> None:
    """An option of the JVM comes before the file; another file is followed."""
    start = "/etc/jitsi/jicofo/config"
    change(machine, start, 'PROPS="', f'PROPS="-D{_URL}=EXT_JWT:meet.example.org ')
    assert _level(machine, "jicofo-authentication") is Level.ERROR
    change(machine, start, f"-D{_URL}=EXT_JWT:meet.example.org", "-Djicofo.authentication.enabled=false")
    finding = find(jicofo.examine, machine, _SETUP, "jicofo-authentication")
    assert (finding.level, finding.fix) == (Level.WARNING, None)
    change(machine, start, "-Djicofo.authentication.enabled=false", "-Dconfig.file=/etc/own.conf")
    write(machine, "/etc/own.conf", "jicofo {}\n")
    mend(jicofo.examine, machine, _SETUP, "jicofo-authentication")
    assert "XMPP" in (machine.read("/etc/own.conf") or "")


@pytest.mark.parametrize(
    ("settings", "level"),
    [
        ("", Level.OK),
        ("authentication-lifetime = 8 hours", Level.OK),
        ("authentication-lifetime = 7 days", Level.WARNING),
        ("authentication-lifetime = 7 days, enable-auto-login = false", Level.OK),
        ("authentication-lifetime = 604800000", Level.WARNING),
    ],
)
def test_logins_are_remembered_for_a_day(machine: Machine, settings: str, level: Level) -> None:
    """Longer is found, and mended."""
    write(machine, _NAME, f"jicofo {{ authentication {{ {settings} }} }}\n")
    assert _level(machine, "jicofo-remembered-login") is level
    if level is not Level.OK:
        mend(jicofo.examine, machine, _SETUP, "jicofo-remembered-login")


def test_requests_over_http_are_switched_off(machine: Machine) -> None:
    """They go past Prosody."""
    mended = mend(jicofo.examine, machine, _SETUP, "jicofo-conference-request")
    assert mended == "+  rest {\n+    conference-request {\n+      enabled = false\n+    }\n+  }"


def test_they_stay_on_as_long_as_the_website_needs_them(machine: Machine) -> None:
    """Otherwise no meeting would open; together both are mended."""
    change(machine, f"/{CONFIG_JS}", "// conferenceRequestUrl: 'https", "conferenceRequestUrl: 'https")
    finding = find(jicofo.examine, machine, _SETUP, "jicofo-conference-request")
    assert not plan_fixes(machine, [finding])
    Ledger(machine).apply(plan_fixes(machine, examine(machine, _SETUP)), by="doctor")
    left = {each.id for each in examine(machine, _SETUP) if each.level is not Level.OK}
    assert not {"jicofo-conference-request", "website-conference-request"} & left


@pytest.mark.parametrize("release", ["2024", "2026"])
def test_session_ids_stay_out_of_the_log(tmp_path: Path, release: Release) -> None:
    """One line at the end, as deploy/README.md has it."""
    lay_out(tmp_path, release=release, distribution="debian13", secured=True)
    mended = mend(jicofo.examine, Machine(tmp_path), _SETUP, "jicofo-log")
    assert mended == "+org.jitsi.jicofo.auth.level=WARNING"


@pytest.mark.parametrize(
    ("lines", "level"),
    [
        (".level=WARNING", Level.OK),
        (".level=WARNING\norg.jitsi.jicofo.level=ALL", Level.WARNING),
        (
            "org.jitsi.jicofo.auth.level=SEVERE\norg.jitsi.jicofo.auth.AbstractAuthAuthority.level: FINE",
            Level.WARNING,
        ),
        ("org.jitsi.jicofo.auth.level = WARNING\norg.jitsi.jicofo.auth.level = INFO", Level.WARNING),
        ("# org.jitsi.jicofo.auth.level=WARNING", Level.WARNING),
        ("org.jitsi.jicofo.auth.level=\\\n  WARNING", Level.OK),
    ],
)
def test_the_level_that_counts_is_found(machine: Machine, lines: str, level: Level) -> None:
    """The nearest one above, and each below."""
    write(machine, _LOGGING, f"handlers=java.util.logging.ConsoleHandler\r\n{lines}\r\n")
    assert _level(machine, "jicofo-log") is level
    if level is not Level.OK:
        mend(jicofo.examine, machine, _SETUP, "jicofo-log")


def test_packets_stay_out_of_files(machine: Machine) -> None:
    """The other handlers stay."""
    console, packets = (
        "java.util.logging.ConsoleHandler",
        "org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler",
    )
    assert _level(machine, "jicofo-packet-log") is Level.OK
    change(machine, _LOGGING, f"handlers= {console}\n\n", f"handlers= {console}, {packets}\n\n")
    assert mend(jicofo.examine, machine, _SETUP, "jicofo-packet-log") == (
        f"-handlers= {console}, {packets}\n+handlers= {console}"
    )


def test_a_log_for_everybody_is_found(machine: Machine) -> None:
    """The folder alone may keep them out."""
    log = machine.path("/var/log/jitsi/jicofo.log")
    log.chmod(0o644)
    assert _level(machine, "jicofo-log-files") is Level.OK
    log.parent.chmod(0o775)
    assert _level(machine, "jicofo-log-files") is Level.WARNING
    log.chmod(0o640)
    assert _level(machine, "jicofo-log-files") is Level.OK


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_no_command_for_root_follows_a_link_of_others_or_runs_a_name_of_theirs(machine: Machine) -> None:
    """Jicofo's user may write to the folder of its log: there a command is given as that user."""
    log = machine.path("/var/log/jitsi/jicofo.log; reboot")
    log.write_text("x")
    log.chmod(0o644)
    log.parent.chmod(0o775)
    for each in log.parent.iterdir():
        os.chown(each, 65534, 65534)
    line = find(jicofo.examine, machine, _SETUP, "jicofo-log-files").line
    assert line == "setsid -w runuser -u nobody -- chmod o-rwx '/var/log/jitsi/jicofo.log; reboot'"


def test_without_jicofo_all_is_well(tmp_path: Path) -> None:
    """It is on another machine."""
    assert {each.level for each in jicofo.examine(PlannedChanges(Machine(tmp_path)), _SETUP)} == {Level.OK}


_TEXTS = {
    "jicofo { authentication { login-url = a.b } }": "a.b",
    'jicofo.authentication.login-url = "a.b"': "a.b",
    "jicofo.authentication { login-url : a.b, enabled=true }": "a.b",
    '{ "jicofo" : { "authentication" : { "login-url" : "a.b" } } }': "a.b",
    "jicofo {\n # {\n authentication\n {\n login-url=x //}\n}\n}\njicofo.authentication.login-url = z#": "z",
    "jicofo { authentication { login-url = x } }\njicofo { authentication { enabled = true } }": "x",
    "jicofo { authentication { login-url = x } }\njicofo.authentication = 5": None,
    'a = [ 1, {b: 2}, [3] ]\njicofo { list: [ "x", "]" ]\n authentication { login-url = v } }': "v",
    'jicofo { authentication { login-url = """a"b""" } }': 'a"b',
    "jicofo { authentication = { login-url = a } { enabled = true } }": "a",
    "jicofo { a += 1\n authentication { login-url =\n   q\n } }": "q",
    'jicofo { authentication { "login-url" = x, login-url = y#z\n } , }': "y",
    "jicofo : { authentication : { enabled: true } }": None,
    "jicofo {\r\n  authentication {\r\n    enabled = true\r\n  }\r\n}\r\n": None,
    "jicofo {\n}\n": None,
    "# nothing": None,
    "jicofo {}": None,
    "jicofo { x = 1 }": None,
    "jicofo {\n\tauthentication { enabled = false }\n\trest { a = b } }": None,
}


@pytest.mark.parametrize("text", _TEXTS)
def test_a_value_is_read_and_put(text: str) -> None:
    """In every form of HOCON that a person may have written."""
    config = JicofoConfig(_NAME, text)
    assert config.value(*_PATH) == _TEXTS[text]
    if not text.endswith("= 5"):
        put = config.put('"n.ew"', *_PATH)
        assert JicofoConfig(_NAME, put).value(*_PATH) == "n.ew"
        assert ("\r\n" in text) == ("\r\n" in put) == ("\n" not in put.replace("\r\n", "") and "\n" in put)


@pytest.mark.soak
@pytest.mark.skipif(shutil.which("hocon") is None, reason="needs Debian's ruby-hocon")
@pytest.mark.parametrize("text", _TEXTS)
def test_the_tool_of_jitsis_packages_reads_the_same(text: str, tmp_path: Path) -> None:
    """``hocon``, with which jicofo's package writes that file."""
    path = tmp_path / "jicofo.conf"

    def ask() -> str | None:
        command = ["hocon", "-f", str(path), "get", ".".join(_PATH)]
        said = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command line
        return said.stdout.strip().strip('"').replace('\\"', '"') if said.returncode == 0 else None

    path.write_text(text, newline="")
    assert ask() == _TEXTS[text]
    if not text.endswith("= 5"):
        path.write_text(JicofoConfig(_NAME, text).put('"n.ew"', *_PATH), newline="")
        assert ask() == "n.ew"


@pytest.mark.parametrize(
    "text",
    [
        "jicofo { authentication { login-url = ${x} } }",
        'jicofo { authentication { login-url = a\n include "more" } }',
        'jicofo { authentication { login-url = a } }\ninclude file("more")',
        "jicofo { authentication { login-url = a } }\njicofo.authentication = ${other}",
        'jicofo { authentication { login-url = a "b" } }',
        "jicofo { authentication { login-url = [a] } }",
        "jicofo { authentication { login-url = a }",
        "jicofo { authentication { login-url } }",
        "jicofo } {",
        "jicofo { authentication { login-url = http://a } }",
    ],
)
def test_what_is_not_certain_is_not_guessed(machine: Machine, text: str) -> None:
    """It is said, and a person looks."""
    with pytest.raises(NotUnderstoodError, match="not understood"):
        JicofoConfig(_NAME, text).value(*_PATH)
    write(machine, _NAME, text)
    finding = find(jicofo.examine, machine, _SETUP, "jicofo-authentication")
    assert (finding.level, finding.fix) == (Level.WARNING, None)
    assert finding.where.startswith(_NAME)


@pytest.mark.parametrize(
    ("text", "length"),
    [("24 hours", 86400), ("500", 0.5), ("1.5m", 90), ("2 fortnights", None), ("soon", None)],
)
def test_durations(text: str, length: float | None) -> None:
    """As HOCON has them."""
    assert seconds(text) == length
