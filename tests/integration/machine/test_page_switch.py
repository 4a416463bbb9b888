"""The login page is switched on and off: one command and back, at any moment, with nobody led astray."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from click.testing import CliRunner, Result

from authbridge.cli import main
from authbridge.errors import AuthBridgeError
from authbridge.machine.checks import login_page, website
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Level
from authbridge.machine.login_page import SOCKET_LINK, login_places, logs_tokens
from authbridge.machine.nginx_config import read_nginx
from authbridge.machine.page_switch import left_on, plan_on, switch_off, switch_on
from tests.support.doctor import change, snapshot, write
from tests.support.jitsi_machine import CONFIG_JS, HOST, HOST_FILE, SITE, Distribution, Release
from tests.support.page_machine import copied, lay_page_machine
from tests.support.prosody_machine import SETUP

_LINE = f"tokenAuthUrl: 'https://{HOST}/_authbridge/auth?state={{state}}',"
_OPTION = "    external_auth_page = true -- AuthBridge\n"
_INCLUDE = "    include snippets/authbridge-login-page.conf; # AuthBridge\n"
_P = ParamSpec("_P")
_R = TypeVar("_R")


@pytest.fixture(name="installed", scope="module")
def lay_installed(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine of 2025, which no test changes."""
    return lay_page_machine(tmp_path_factory.mktemp("installed"), "2025", "debian13")


@pytest.fixture(name="machine")
def copy_machine(installed: Machine, tmp_path: Path) -> Machine:
    """The same machine, for one test."""
    return copied(installed, tmp_path)


@pytest.fixture(name="switched", scope="module")
def switch_page_on(installed: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The same machine with the page on, which no test changes."""
    machine = copied(installed, tmp_path_factory.mktemp("switched"))
    _on(machine)
    return machine


def _on(machine: Machine) -> int:
    """Switches the page on; returns how many files that changed."""
    plan = plan_on(machine, SETUP, HOST)
    switch_on(machine, plan, SETUP)
    return len([*plan.page, *plan.website])


def _levels(machine: Machine) -> dict[str, Level]:
    return {each.id: each.level for each in login_page.examine(PlannedChanges(machine), SETUP)}


def _parts(machine: Machine) -> tuple[bool, ...]:
    """Which of its four parts is there: Prosody, nginx, socket, website."""
    texts = [(_OPTION, HOST_FILE), (_INCLUDE, SITE), (_LINE, CONFIG_JS)]
    option, place, line = (text in (machine.read(f"/{name}") or "") for text, name in texts)
    return option, place, machine.path(SOCKET_LINK).is_symlink(), line


def _run(machine: Machine, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["page", *arguments, "--root", str(machine.root)])


@pytest.mark.parametrize(
    ("release", "distribution"), [("2024", "debian12"), ("2025", "debian13"), ("2026", "debian12")]
)
def test_one_command_and_back(tmp_path: Path, release: Release, distribution: Distribution) -> None:
    """Twice is once; undone, every file is byte for byte as before."""
    machine = lay_page_machine(tmp_path, release, distribution)
    before = snapshot(tmp_path)
    assert _levels(machine) == {}, "the doctor speaks of a page that nobody wants"

    assert _on(machine) == 5
    assert all(_parts(machine))
    assert set(_levels(machine).values()) == {Level.OK}
    assert set(_levels(machine)) == set(login_page.CHECKS)
    organisers = [
        each for each in website.examine(PlannedChanges(machine), SETUP) if each.id == "website-tokens"
    ]
    assert [each.level for each in organisers] == [Level.OK]
    assert _on(machine) == 0

    assert all(each.is_restored for each in switch_off(machine))
    assert snapshot(tmp_path) == before
    assert switch_off(machine) == []


def test_a_dry_run_shows_all_and_writes_nothing(machine: Machine) -> None:
    """Also the address to which people would be sent."""
    before = snapshot(machine.root)
    shown = _run(machine, "on", HOST, "--dry-run")
    assert shown.exit_code == 0, shown.output
    for line in (_OPTION, _INCLUDE, _LINE, "location ^~ /_authbridge/ {", f"+ {SOCKET_LINK} -> /etc"):
        assert line.strip() in shown.stdout
    assert snapshot(machine.root) == before


def test_on_and_off_by_the_command(machine: Machine) -> None:
    """Each says what it has done; on ends with what is to be mended."""
    before = snapshot(machine.root)
    shown = _run(machine, "on", HOST.upper())
    assert f"+    {_LINE}" in shown.stdout
    assert f"The login page is on: https://{HOST}. Files changed: 5." in shown.stdout
    assert all(_parts(machine))

    ended = _run(machine, "off")
    assert ended.exit_code == 0, ended.output
    assert f"/{CONFIG_JS} is as before." in ended.stdout.splitlines()[0]
    assert "until it reads its files again" in ended.stderr
    assert snapshot(machine.root) == before
    assert _run(machine, "off").stdout == "There is nothing to take back.\n"


def test_what_others_changed_since_stays(machine: Machine) -> None:
    """The administrator's lines, and those that the doctor adds later on at its own place."""
    _on(machine)
    option = "    external_auth_proxy_overwrites_address = true -- AuthBridge\n"
    authentication = '    authentication = "external" -- do not delete me\n'
    change(machine, f"/{HOST_FILE}", authentication, authentication + option)
    change(machine, f"/{SITE}", "    ssi on;", "    ssi on; # theirs")
    change(machine, f"/{CONFIG_JS}", "    p2p: {", "    theirs: 1,\n    p2p: {")

    undone = switch_off(machine)

    assert all(each.copy is None for each in undone)
    assert not any(_parts(machine))
    for name, theirs in ((HOST_FILE, option), (SITE, "ssi on; # theirs"), (CONFIG_JS, "theirs: 1,")):
        assert theirs in (machine.read(f"/{name}") or "")


def test_a_line_that_cannot_be_taken_out_is_said(machine: Machine) -> None:
    """Whoever switches it off must not believe that it is off."""
    _on(machine)
    change(machine, f"/{CONFIG_JS}", _LINE, f"{_LINE} // of us")
    ended = _run(machine, "off")
    assert ended.exit_code == 1
    assert f"{CONFIG_JS}:27 still sends people to the login page: take it out." in ended.stderr
    assert _parts(machine) == (False, False, False, True)
    assert _levels(machine)["page-option"] is Level.ERROR


class _KilledError(BaseException):
    """Nothing catches it: what was done is done, and no more is."""


def _is_killed(step: int, what: Callable[[], object]) -> bool:
    """Does something that ends before that step of it which reaches the disk."""
    left = step

    def before(real: Callable[_P, _R]) -> Callable[_P, _R]:
        def call(*arguments: _P.args, **named: _P.kwargs) -> _R:
            nonlocal left
            left -= 1
            if left == 0:
                raise _KilledError
            return real(*arguments, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", before(os.fsync))
        for name in ("rename", "symlink_to", "unlink"):
            patch.setattr(Path, name, before(getattr(Path, name)))
        try:
            what()
        except _KilledError:
            return True
    return False


@pytest.mark.parametrize("heal", ["on", "off"])
def test_killed_in_the_middle_it_goes_on_or_back(machine: Machine, heal: str) -> None:
    """At no moment is anybody sent to a page that is not there."""
    before, seen = snapshot(machine.root), set()
    plan = plan_on(machine, SETUP, HOST)
    step = 2
    while _is_killed(step, lambda: switch_on(machine, plan, SETUP)):
        seen.add(_parts(machine))
        if heal == "on":
            _on(machine)
            assert all(_parts(machine))
        switch_off(machine)
        assert snapshot(machine.root) == before
        step += 5
    assert len(seen) > 2
    switch_off(machine)
    assert {parts for parts in seen if parts[3]} <= {(True, True, True, True)}


def test_killed_while_it_is_switched_off(machine: Machine) -> None:
    """What leads people there goes first."""
    before, seen = snapshot(machine.root), set()
    step = 1
    while True:
        _on(machine)
        if not _is_killed(step, lambda: switch_off(machine)):
            break
        seen.add(_parts(machine))
        switch_off(machine)
        assert snapshot(machine.root) == before
        step += 3
    assert len(seen) > 2
    assert {parts for parts in seen if parts[3]} <= {(True, True, True, True)}


def _token_provider(machine: Machine) -> None:
    change(machine, f"/{HOST_FILE}", 'authentication = "external"', 'authentication = "token"')


def _own_accounts(machine: Machine) -> None:
    change(machine, f"/{HOST_FILE}", 'authentication = "external"', 'authentication = "internal_hashed"')


def _no_nginx(machine: Machine) -> None:
    machine.path("/etc/nginx/nginx.conf").unlink()


def _other_server(machine: Machine) -> None:
    change(machine, f"/{SITE}", f"server_name {HOST};", "server_name other.example.org;")


def _no_website(machine: Machine) -> None:
    machine.path(f"/{CONFIG_JS}").unlink()


def _strange_website(machine: Machine) -> None:
    change(machine, f"/{CONFIG_JS}", "var config = {", "var config = {\n    ...others,")


def _option_of_website(option: str, value: str) -> Callable[[Machine], None]:
    def set_it(machine: Machine) -> None:
        change(machine, f"/{CONFIG_JS}", "var config = {", f"var config = {{\n    {option}: {value},")

    return set_it


def _no_units(machine: Machine) -> None:
    machine.path("/etc/systemd/system/authbridge-page.socket").unlink()


def _no_guests(machine: Machine) -> None:
    change(machine, f"/{HOST_FILE}", f'VirtualHost "guest.{HOST}"', 'VirtualHost "guest.other.org"')


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        pytest.param(_token_provider, "Jitsi's own token provider is on", id="token provider"),
        pytest.param(_own_accounts, "do not log in through AuthBridge yet", id="not installed"),
        pytest.param(_no_nginx, "no nginx on this machine", id="no nginx"),
        pytest.param(_other_server, "nginx has no server of meet.example.org", id="no server"),
        pytest.param(_no_website, "Jitsi's website is not on this machine", id="no website"),
        pytest.param(_strange_website, "not certain here what this sets", id="calculated options"),
        pytest.param(
            _option_of_website("tokenAuthUrl", "'https://sso.example.org'"),
            "config.js:27 sends people elsewhere to log in",
            id="another login page",
        ),
        pytest.param(_option_of_website("tokenLogoutUrl", "'/x'"), "sets tokenLogoutUrl", id="logout"),
        pytest.param(_option_of_website("tokenAuthInline", "true"), "sets tokenAuthInline", id="inline"),
        pytest.param(_no_units, "give deploy/install again", id="no units"),
        pytest.param(_no_guests, "Prosody has no VirtualHost guest.meet.example.org.", id="no guests"),
    ],
)
def test_where_it_cannot_be_offered_it_says_so_first(
    machine: Machine, fault: Callable[[Machine], None], sentence: str
) -> None:
    """In one sentence, and nothing was written."""
    fault(machine)
    before = snapshot(machine.root)
    ended = _run(machine, "on", HOST)
    assert ended.exit_code == 1, ended.output
    assert sentence in ended.stderr
    assert snapshot(machine.root) == before


def test_another_host_is_none_of_ours(machine: Machine) -> None:
    """Exit code 3: a setting and the command differ."""
    ended = _run(machine, "on", "other.example.org")
    assert (ended.exit_code, "not for other.example.org" in ended.stderr) == (3, True)


def test_a_tree_that_cannot_be_written_stays_whole(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found out before the first write, also by root: the disk may be mounted to read only."""
    folder = machine.path(f"/{CONFIG_JS}").parent
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != folder and access(path, mode))
    before = snapshot(machine.root)
    with pytest.raises(AuthBridgeError, match=r"etc/jitsi/meet cannot be written"):
        plan_on(machine, SETUP, HOST)
    assert snapshot(machine.root) == before


@pytest.mark.parametrize(
    ("undo", "finding", "level"),
    [
        pytest.param((HOST_FILE, _OPTION, ""), "page-option", Level.ERROR, id="Prosody's option"),
        pytest.param((SITE, _INCLUDE, ""), "page-nginx", Level.ERROR, id="nginx' place"),
        pytest.param((CONFIG_JS, _LINE, ""), "page-website", Level.NOTE, id="website's line"),
        pytest.param(
            (CONFIG_JS, _LINE, f"{_LINE}\n    tokenLogoutUrl: '/x',"), "page-logout", Level.ERROR, id="logout"
        ),
        pytest.param(
            (CONFIG_JS, _LINE, f"{_LINE}\n    tokenAuthInline: true,"),
            "page-inline",
            Level.ERROR,
            id="inline",
        ),
        pytest.param((SITE, "        access_log off;\n", ""), "page-logs", Level.ERROR, id="access log"),
        pytest.param(
            (SITE, "        error_log /var/log/nginx/error.log crit;\n", ""),
            "page-logs",
            Level.ERROR,
            id="error log",
        ),
        pytest.param(
            ("etc/nginx/snippets/authbridge-login-page.conf", "X-Forwarded-For $remote_addr", "X-Real-IP 1"),
            "page-nginx",
            Level.ERROR,
            id="forged addresses",
        ),
        pytest.param(
            ("etc/nginx/snippets/authbridge-login-page.conf", "location ^~ ", "location "),
            "page-nginx",
            Level.ERROR,
            id="rooms come first",
        ),
        pytest.param(
            (
                "etc/nginx/snippets/authbridge-login-page.conf",
                "proxy_read_timeout 30s",
                "proxy_read_timeout 20s",
            ),
            "page-nginx",
            Level.WARNING,
            id="a former release's place",
        ),
    ],
)
def test_half_a_page_is_found(
    switched: Machine, tmp_path: Path, undo: tuple[str, str, str], finding: str, level: Level
) -> None:
    """Each part that is missing has its finding, and only that one; on again makes it whole."""
    machine = copied(switched, tmp_path)
    change(machine, f"/{undo[0]}", *undo[1:])
    levels = _levels(machine)
    assert {name: found for name, found in levels.items() if found is not Level.OK} == {finding: level}
    if level is not Level.NOTE and finding not in {"page-logout", "page-inline"}:
        _on(machine)
        assert set(_levels(machine).values()) == {Level.OK}
        assert all(_parts(machine))


@pytest.mark.parametrize(
    ("lines", "is_written"),
    [
        pytest.param("access_log /var/log/x.log;", True, id="combined"),
        pytest.param("access_log /var/log/x.log combined buffer=1k;", True, id="with options"),
        pytest.param("access_log /var/log/x.log buffer=1k;", True, id="options alone"),
        pytest.param("access_log syslog:server=unix:/dev/log;", True, id="syslog"),
        pytest.param("access_log /var/log/x.log short;", False, id="its own words"),
        pytest.param("access_log /var/log/x.log long;", True, id="a format with the address"),
        pytest.param("access_log /var/log/x.log redacted;", False, id="a redacted one, as newer Jitsis have"),
        pytest.param("access_log /var/log/x.log unknown;", True, id="a format that is nowhere"),
        pytest.param("access_log off;", False, id="none"),
    ],
)
def test_a_log_with_tokens_is_known_by_its_format(machine: Machine, lines: str, *, is_written: bool) -> None:
    """What counts is what nginx writes at the two places of a login."""
    formats = (
        "log_format short '$remote_addr $status';\n"
        "log_format long '$remote_addr \"${request_uri}\" '\n '$status';\n"
        "map $request_uri $uri_without_token { default x; }\n"
        "log_format redacted '$remote_addr $request_method $uri_without_token';\n"
    )
    text = (machine.read(f"/{SITE}") or "").replace("    ssi on;", f"    {lines} error_log x crit;")
    write(machine, f"/{SITE}", formats + text)
    nginx = read_nginx(PlannedChanges(machine)) or ()
    found = {logs_tokens(nginx, place) for place in login_places(nginx, SETUP)}
    assert found == {is_written}


def test_nothing_is_left_on(machine: Machine) -> None:
    """Off is told from on by what the website does."""
    assert left_on(machine, SETUP) is None
    _on(machine)
    assert left_on(machine, SETUP) == f"/{CONFIG_JS}:27"
