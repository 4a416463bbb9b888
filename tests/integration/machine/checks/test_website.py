"""What doctor finds in ``config.js``, and how it mends it; Node says what the script really sets."""

import json
import subprocess
from pathlib import Path

import pytest

from authbridge.machine.checks import website
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Level
from authbridge.machine.places import NotUnderstoodError
from authbridge.machine.setup import Setup
from authbridge.machine.website_config import WebsiteConfig
from tests.support.doctor import change, find, mend, write
from tests.support.jitsi_machine import CONFIG_JS, HOST, Release, lay_out

_SETUP = Setup(HOST)
_NAME = f"/{CONFIG_JS}"
_OPTIONS = ("p2p.enabled", "hosts.anonymousdomain", "conferenceRequestUrl")
_P2P = "var config = { p2p: { enabled: true } };\n"
_EVALUATE = """
const scripts = JSON.parse(require('fs').readFileSync(0));
const vm = require('vm');
console.log(JSON.stringify(scripts.map(script => {
    const page = { elsewhere: 'x' };
    page.window = page;
    vm.createContext(page);
    vm.runInContext(script, page);
    const config = vm.runInContext('config', page);
    const find = path => path.split('.').reduce((value, key) => value == null ? null : value[key], config);
    return PATHS.map(path => find(path) ?? null);
})));
"""


@pytest.fixture(name="machine")
def make_machine(tmp_path: Path) -> Machine:
    """A stock Jitsi machine of 2025, without a secure domain."""
    lay_out(tmp_path, release="2025", distribution="debian13", secured=False)
    return Machine(tmp_path)


def _evaluate(*scripts: str) -> list[list[object]]:
    """Returns what our options are worth after each script, as Node says."""
    program = _EVALUATE.replace("PATHS", json.dumps(_OPTIONS))
    said = subprocess.run(  # noqa: S603 - our own command line
        ["node", "-e", program],  # noqa: S607
        input=json.dumps(scripts),
        capture_output=True,
        text=True,
        check=True,
    )
    values: list[list[object]] = json.loads(said.stdout)
    return values


@pytest.mark.parametrize("release", ["2024", "2025", "2026"])
def test_a_stock_site_becomes_a_secure_domain(tmp_path: Path, release: Release) -> None:
    """Two lines of Jitsi's file, of any release; Node reads what we meant."""
    lay_out(tmp_path, release=release, distribution="debian13", secured=False)
    machine = Machine(tmp_path)
    guests = "+        anonymousdomain: 'guest.meet.example.org',"
    assert mend(website.examine, machine, _SETUP, "website-guests") == guests
    peers = "-        enabled: true,\n+        enabled: false,"
    assert mend(website.examine, machine, _SETUP, "website-peer-to-peer") == peers
    assert _evaluate(machine.read(_NAME) or "") == [[False, "guest.meet.example.org", None]]
    assert {each.level for each in website.examine(PlannedChanges(machine), _SETUP)} == {Level.OK}


def test_guests_of_another_host_are_sent_to_ours(machine: Machine) -> None:
    """What stands there is changed in its place, comments stay."""
    change(machine, _NAME, "// anonymousdomain: 'guest.example.com',", 'anonymousdomain: "old", // theirs')
    assert mend(website.examine, machine, _SETUP, "website-guests") == (
        '-        anonymousdomain: "old", // theirs\n'
        "+        anonymousdomain: 'guest.meet.example.org', // theirs"
    )


def test_requests_go_through_prosody(machine: Machine) -> None:
    """Also where their address is calculated."""
    change(machine, _NAME, "// conferenceRequestUrl: 'https", "conferenceRequestUrl: 'https")
    assert "+    conferenceRequestUrl: ''," in mend(
        website.examine, machine, _SETUP, "website-conference-request"
    )
    assert _evaluate(machine.read(_NAME) or "")[0][2] == ""


def test_organisers_log_in_at_our_host(machine: Machine) -> None:
    """Another authdomain is changed; another domain is another Jitsi, and a person's to decide."""
    change(machine, _NAME, "// authdomain: 'meet.example.org'", "authdomain: 'old.example.org'")
    mend(website.examine, machine, _SETUP, "website-organisers")
    change(machine, _NAME, "domain: 'meet.example.org',\n\n", "domain: 'other.example.org',\n\n")
    finding = find(website.examine, machine, _SETUP, "website-organisers")
    assert (finding.level, finding.fix) == (Level.ERROR, None)


def test_people_who_are_sent_elsewhere_to_log_in_are_found(machine: Machine) -> None:
    """Whether that shall end is a person's decision."""
    change(machine, _NAME, "    p2p: {", "    tokenAuthUrl: 'https://sso.example.org',\n    p2p: {")
    finding = find(website.examine, machine, _SETUP, "website-tokens")
    assert (finding.level, finding.fix) == (Level.ERROR, None)
    assert finding.where.endswith("config.js:151")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("var config = {\n    hosts: { domain: 'meet.example.org' },\n};\n", id="nothing of p2p"),
        pytest.param("var config = {\r\n    // first\r\n    hosts: { domain: 1 },\r\n};\r\n", id="Windows"),
        pytest.param("var config = {};\nconfig.hosts = {};\nconfig.p2p = { enabled: true }\n", id="docker"),
        pytest.param("var config = { a: { b: 1 },\n  p2p: {\n    x: 1 }, hosts: {} };", id="narrow"),
        pytest.param("var config = { a: {\n 'x': 1 }\n};", id="an object behind the brace"),
    ],
)
def test_an_option_that_is_not_there_comes_in(script: str) -> None:
    """Into its object, which is made if need be; Node agrees, and nothing else changes."""
    text = script
    for path, value in (("hosts.anonymousdomain", "'g'"), ("p2p.enabled", "false")):
        text = WebsiteConfig("config.js", text).put(value, *path.split("."))
    assert _evaluate(text)[0][:2] == [False, "g"]
    for line in script.splitlines(keepends=True):
        assert line.endswith("\r\n") == all(each.endswith("\r\n") for each in text.splitlines(keepends=True))


_SCRIPTS = [
    _P2P + "config.p2p.enabled = false;",
    _P2P + "if (elsewhere) config.p2p.enabled = false;",
    _P2P + "if (elsewhere)\n  config.p2p.enabled = false;",
    _P2P + "if (elsewhere) { config.p2p.enabled = false; }",
    _P2P + "if (!elsewhere)\n  config.p2p.enabled = false;",
    _P2P + "if (!elsewhere) { var x = 1; config.p2p.enabled = false; }",
    _P2P + "if (false) {} else\nconfig.p2p.enabled = false",
    _P2P + "var x = true && (config.p2p.enabled = false);",
    _P2P + "var x = 'a'\nconfig.p2p.enabled = false\n",
    _P2P + "var x = 'a'\nconfig.p2p.enabled = false\n? 1 : 2",
    _P2P + "var p = config.p2p; p.enabled = false;",
    _P2P + "var { p2p } = config; p2p.enabled = false;",
    _P2P + "window.config.p2p.enabled = false;",
    _P2P + "window['config'].p2p.enabled = false;",
    _P2P + "config['p2p'].enabled = false;",
    _P2P + "config.p2p\n.enabled = false;",
    _P2P + "Object.assign(config, { p2p: { enabled: false } });",
    _P2P + "with (config) { p2p.enabled = false }",
    _P2P + "[1].forEach(function () { config.p2p.enabled = false });",
    _P2P + "(config.p2p.enabled) = false;",
    _P2P + "[config.p2p.enabled] = [false];",
    _P2P + "for (config.p2p.enabled of [false]) {}",
    _P2P + "++config.p2p.enabled;",
    _P2P + "delete config.p2p.enabled;",
    _P2P + "config.p2p.enabled = false, config.p2p.enabled = 1;",
    _P2P + "config.p2p.enabled ||= 3; config.hosts = { anonymousdomain: 'it\\'s' };",
    _P2P + "config = { hosts: {} };",
    _P2P + "config.p2p = undefined;",
    "var config = { p2p: { enabled: true }, ...{ p2p: { enabled: false } } };",
    "var config = { p2p: { enabled: true }, ['p2p']: { enabled: false } };",
    "var config = { p2p: { enabled: true }, \"p2p\": { 'enabled': false } };",
    "var config = { p2p: { enabled: true, enabled: false } };",
    "var config = { p2p: { '\\x65nabled': false } };",
    "var config = { __proto__: { p2p: { enabled: true } } };",
    "var config = { get p2p() { return { enabled: false }; } };",
    "var config = { f: () => { config.p2p.enabled = false; }, p2p: { enabled: true } };\nconfig.f();",
    "var config = { /* p2p: { enabled: false }, */ p2p: { // }\n enabled: true, } };",
    "var config = { re: /[/}]}/, half: 4 / 2, third: (3) / 3 / 1, p2p: { enabled: true } };",
    "var config = { hosts: { anonymousdomain: 'a' + 'b' }, conferenceRequestUrl: elsewhere + '/x' };",
    "var config = { hosts: { anonymousdomain: '\\x61' }, text: `{\n` };",
    "var config = {};\nconfig.hosts = {};\nconfig.hosts.anonymousdomain = 'g'\nconfig.p2p = ''",
    "function f() { return\n config.p2p.enabled = false }\n" + _P2P,
]


def test_what_is_read_is_what_the_browser_reads() -> None:
    """Of each script: the value that Node finds, or nothing at all; and the plain ones are understood."""
    said = 0
    for script, values in zip(_SCRIPTS, _evaluate(*_SCRIPTS), strict=True):
        for option, value in zip(_OPTIONS, values, strict=True):
            try:
                read = WebsiteConfig("config.js", script).value(*option.split("."))
            except NotUnderstoodError:
                continue
            assert read == value, f"{option} of {script}"
            said += 1
    assert said > len(_SCRIPTS)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("var settings = {};", id="no config"),
        pytest.param("var config = { hosts: {", id="half"),
        pytest.param(_P2P + "<!-- config.p2p.enabled = false", id="an old comment"),
        pytest.param("var config = { text: `${1}` };", id="a template"),
        pytest.param("var config = { text: 'a\n' };", id="an open string"),
        pytest.param("<html>502 Bad Gateway</html>", id="no script"),
    ],
)
def test_what_is_not_understood_is_said_and_not_changed(machine: Machine, script: str) -> None:
    """A person looks."""
    write(machine, _NAME, script)
    findings = list(website.examine(PlannedChanges(machine), _SETUP))
    assert {each.level for each in findings} == {Level.WARNING}
    assert all(each.fix is None and each.where == _NAME for each in findings)


def test_an_option_in_an_object_of_another_making_is_a_persons(machine: Machine) -> None:
    """It cannot be written into what a function returns."""
    write(machine, _NAME, "var config = { hosts: makeHosts(), p2p: { enabled: false } };")
    finding = find(website.examine, machine, _SETUP, "website-guests")
    assert (finding.level, finding.fix) == (Level.ERROR, None)


def test_without_a_website_all_is_well(tmp_path: Path) -> None:
    """It is on another machine."""
    assert {each.level for each in website.examine(PlannedChanges(Machine(tmp_path)), _SETUP)} == {Level.OK}
