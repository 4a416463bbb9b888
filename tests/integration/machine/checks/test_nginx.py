"""What doctor finds in nginx' configuration, and how it mends it; nginx itself takes the files."""

import subprocess
from pathlib import Path

import pytest

from authbridge.machine.checks import nginx
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Level
from authbridge.machine.nginx_config import read_nginx, walk
from authbridge.machine.setup import Setup
from tests.support.doctor import change, find, mend, write
from tests.support.jitsi_machine import HOST, SITE, Distribution, Release, lay_out
from tests.support.nginx_tree import lead_into_tree
from workbench import ROOT

_SETUP = Setup(HOST, panel_url="https://panel.example.org")
_SITE = f"/{SITE}"
_LINE = "proxy_set_header X-Forwarded-For $remote_addr;"
_PANEL = "/etc/nginx/sites-enabled/panel.example.org.conf"
_CERTIFICATE = "/etc/letsencrypt/live/panel.example.org/fullchain.pem"


@pytest.fixture(name="machine")
def make_machine(tmp_path: Path) -> Machine:
    """A stock Jitsi machine of 2025."""
    lay_out(tmp_path, release="2025", distribution="debian13", secured=True)
    return Machine(tmp_path)


class Live(Machine):
    """A tree on which the programs of this machine are asked."""

    @property
    def is_live(self) -> bool:
        """Returns True: as if the tree were this machine."""
        return True


def _only(machine: Machine, *lines: str) -> None:
    """Leaves nginx one server with these lines."""
    write(machine, _SITE, "server {\n    listen 443 ssl;\n" + "".join(f"{line}\n" for line in lines) + "}\n")


def _location(path: str, *headers: str) -> str:
    lines = "".join(f"        {each}\n" for each in headers)
    return f"    location = {path} {{\n        proxy_pass http://127.0.0.1:5280{path};\n{lines}    }}"


def _address(machine: Machine) -> Level:
    return find(nginx.examine, machine, _SETUP, "nginx-address").level


@pytest.mark.parametrize("release", ["2024", "2025", "2026"])
@pytest.mark.parametrize("distribution", ["debian12", "debian13"])
def test_each_stock_site_lacks_one_line(tmp_path: Path, release: Release, distribution: Distribution) -> None:
    """WebSocket passes a forged address on in all releases; one line mends it, and nginx takes it."""
    lay_out(tmp_path, release=release, distribution=distribution, secured=False)
    machine = Machine(tmp_path)
    assert mend(nginx.examine, machine, _SETUP, "nginx-address") == f"+        {_LINE}"
    _assert_nginx_takes(machine)


def _assert_nginx_takes(machine: Machine) -> None:
    lead_into_tree(machine.root)
    said = subprocess.run(  # noqa: S603 - our own command line
        ["/usr/sbin/nginx", "-t", "-c", str(machine.root / "etc/nginx/nginx.conf"), "-e", "stderr"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
            _LINE,
            id="kept beside the true one",
        ),
        pytest.param('proxy_set_header x-forwarded-for "$http_x_forwarded_for";', _LINE, id="what it said"),
    ],
)
def test_a_forgeable_header_is_replaced_in_its_place(machine: Machine, before: str, after: str) -> None:
    """A value that holds what the client said is no overwriting."""
    _only(machine, _location("/http-bind", "proxy_set_header Host $host;", f"{before} # theirs"))
    assert mend(nginx.examine, machine, _SETUP, "nginx-address") == (
        f"-        {before} # theirs\n+        {after} # theirs"
    )


def test_headers_of_the_server_are_not_switched_off(machine: Machine) -> None:
    """A location with a header of its own inherits none: the line goes where the others stand."""
    _only(
        machine,
        "    proxy_set_header Host $host; # for all",
        _location("/http-bind"),
        _location("/xmpp-websocket", "proxy_set_header Upgrade $http_upgrade;"),
    )
    assert mend(nginx.examine, machine, _SETUP, "nginx-address") == f"+    {_LINE}\n+        {_LINE}"
    text = machine.read(_SITE) or ""
    assert f"proxy_set_header Host $host; # for all\n    {_LINE}\n" in text


def test_a_header_of_the_server_is_lost_to_a_location_with_its_own(machine: Machine) -> None:
    """What looks as if it counted everywhere does not."""
    _only(machine, f"    {_LINE}", _location("/http-bind"))
    assert _address(machine) is Level.OK
    _only(machine, f"    {_LINE}", _location("/xmpp-websocket", "proxy_set_header Host $host;"))
    assert _address(machine) is Level.WARNING


def test_a_line_of_several_directives_stays_one(machine: Machine) -> None:
    """The file is written on as it is."""
    _only(machine, "    location /http-bind { proxy_pass http://localhost:5280; tcp_nodelay on; }")
    mend(nginx.examine, machine, _SETUP, "nginx-address")
    assert f"proxy_pass http://localhost:5280; {_LINE} tcp_nodelay on;" in (machine.read(_SITE) or "")


@pytest.mark.parametrize(
    ("lines", "is_login"),
    [
        pytest.param("location /x/ { proxy_pass http://127.0.0.1:5280/; }", True, id="all of Prosody"),
        pytest.param("location /x { proxy_pass http://prosody; }", True, id="by its upstream"),
        pytest.param("location /x { proxy_pass http://$node$request_uri; }", True, id="by a variable"),
        pytest.param("location /x { set $u http://127.0.0.1:5280; proxy_pass $u; }", True, id="all in one"),
        pytest.param("location /x { proxy_pass http://10.0.0.7:80/http-bind; }", True, id="elsewhere"),
        pytest.param("location /x { if ($a) { proxy_pass http://prosody; } }", True, id="below if"),
        pytest.param(
            "location /x { proxy_pass http://prosody/room-info?$args; }", False, id="no login there"
        ),
        pytest.param("location /x { proxy_pass http://127.0.0.1:9090; }", False, id="the bridge"),
        pytest.param("# location /x { proxy_pass http://prosody; }", False, id="a comment"),
    ],
)
def test_every_way_to_a_login_counts(machine: Machine, lines: str, *, is_login: bool) -> None:
    """Whoever finds one way past the header can forge; what leads elsewhere is nobody's business."""
    write(
        machine,
        "/etc/nginx/conf.d/more.conf",
        "upstream prosody { server 127.0.0.1:5280; } map $arg_n $node { default prosody; }\n"
        f"server {{ listen 80;\n{lines}\n}}\n",
    )
    machine.path(_SITE).unlink()
    assert _address(machine) is (Level.WARNING if is_login else Level.OK)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("set_real_ip_from 10.0.0.1; real_ip_header X-Forwarded-For;", id="behind a proxy"),
        pytest.param("listen 127.0.0.1:4444 proxy_protocol ssl;", id="behind a stream"),
    ],
)
def test_behind_another_proxy_a_person_decides(machine: Machine, lines: str) -> None:
    """What is right there depends on that proxy."""
    _only(machine, f"    {lines}", _location("/http-bind"))
    finding = find(nginx.examine, machine, _SETUP, "nginx-address")
    assert (finding.level, finding.fix) == (Level.WARNING, None)


def test_a_header_of_somebody_elses_making_is_left(machine: Machine) -> None:
    """Whether a variable of one's own is right, no program knows."""
    _only(machine, _location("/http-bind", "proxy_set_header X-Forwarded-For $their_own;"))
    finding = find(nginx.examine, machine, _SETUP, "nginx-address")
    assert (finding.level, finding.fix) == (Level.WARNING, None)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("set_real_ip_from 0.0.0.0/0;", "believes every client"),
        ("set_real_ip_from 0.0.0.0/1; set_real_ip_from 128.0.0.0/1;", "believes every client"),
        ("underscores_in_headers on;", "X_Forwarded_For"),
        ("ignore_invalid_headers off;", "X_Forwarded_For"),
        ("listen 127.0.0.1:4444;", "Something stands before nginx"),
    ],
)
def test_a_right_header_does_not_help_where_nginx_is_fooled(machine: Machine, lines: str, words: str) -> None:
    """The line is there, and the address is still not the browser's."""
    text = "server {\n" + f"    {lines}\n" + _location("/http-bind", _LINE) + "\n}\n"
    write(machine, _SITE, text)
    finding = find(nginx.examine, machine, _SETUP, "nginx-address")
    assert (finding.level, finding.fix) == (Level.WARNING, None)
    assert words in str(finding.what)


def test_what_is_not_understood_is_said_for_every_finding(machine: Machine) -> None:
    """A program in Lua could do anything; monitoring sees the same ids."""
    well = [each.id for each in nginx.examine(PlannedChanges(machine), _SETUP)]
    write(machine, "/etc/nginx/conf.d/lua.conf", "server {\n  access_by_lua_block {\n    x = '}'\n  }\n}\n")
    said = list(nginx.examine(PlannedChanges(machine), _SETUP))
    assert [each.id for each in said] == well
    assert {each.level for each in said} == {Level.WARNING}
    assert "/etc/nginx/conf.d/lua.conf, line 2" in str(said[0].what)


def test_a_file_that_includes_itself_is_no_endless_loop(machine: Machine) -> None:
    """Neither for nginx."""
    write(machine, "/etc/nginx/conf.d/a.conf", "include conf.d/*.conf;\n")
    assert _address(machine) is Level.WARNING


def test_without_nginx_all_is_well(tmp_path: Path) -> None:
    """Another machine does it, or Apache here."""
    assert _address(Machine(tmp_path)) is Level.OK


@pytest.mark.parametrize(
    ("lines", "level"),
    [
        ("", Level.WARNING),
        ("  # RequestHeader unset X-Forwarded-For early\n", Level.WARNING),
        ("  RequestHeader unset X-Forwarded-For early\n", Level.OK),
    ],
)
def test_apache_is_told_what_to_do(tmp_path: Path, lines: str, level: Level) -> None:
    """A person writes the line there."""
    machine = Machine(tmp_path)
    text = f"<VirtualHost *:443>\n{lines}  ProxyPass /http-bind http://localhost:5280/http-bind\n</VirtualHost>\n"
    write(machine, "/etc/apache2/sites-enabled/meet.conf", text)
    finding = find(nginx.examine, machine, _SETUP, "nginx-address")
    assert (finding.level, finding.fix) == (level, None)


def test_nginx_and_we_read_the_same(tmp_path: Path) -> None:
    """Every directive of our own sites, by ``nginx -T`` and by us."""
    machine = Machine(tmp_path)
    text = (ROOT / "deploy/nginx/panel.conf").read_text()
    write(machine, "/etc/nginx/nginx.conf", f"http {{\n{text}\n}}\n")
    write(
        machine,
        "/etc/nginx/snippets/authbridge-report.conf",
        (ROOT / "deploy/nginx/report.conf").read_text(),
    )
    directives = [each for each, _ in walk(read_nginx(PlannedChanges(machine)) or ())]
    assert sum(each.name == "limit_req_zone" for each in directives) == 7
    assert "~(?s)^(?<authbridge_prefix>.{8}).{8}$" in {each.name for each in directives}
    assert [each.arguments for each in directives if each.name == "location"][:2] == [
        ("=", "/report"),
        ("^~", "/report/"),
    ]


def _lay_panel(machine: Machine, days: int = 60) -> None:
    write(machine, _PANEL, (ROOT / "deploy/nginx/panel.conf").read_text())
    report = (ROOT / "deploy/nginx/report.conf").read_text()
    write(machine, "/etc/nginx/snippets/authbridge-report.conf", report)
    machine.path(_CERTIFICATE).parent.mkdir(parents=True, exist_ok=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null"]
    command = ["openssl", "req", "-x509", *key, "-subj", "/CN=panel", "-days", str(days)]
    with machine.path(_CERTIFICATE).open("wb") as file:
        subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, check=True)  # noqa: S603 - our own command line


def test_our_own_site_for_the_panel_is_right(machine: Machine) -> None:
    """As deploy/nginx has it."""
    _lay_panel(machine)
    live = Live(machine.root)
    for finding_id in ("panel-nginx", "panel-report", "panel-certificate", "nginx-certificate"):
        assert find(nginx.examine, live, _SETUP, finding_id).level is Level.OK


def test_a_panel_without_a_site_is_found(machine: Machine) -> None:
    """It is reachable nowhere then; where no panel is offered, nothing lacks."""
    assert find(nginx.examine, machine, _SETUP, "panel-nginx").level is Level.WARNING
    assert find(nginx.examine, machine, Setup(HOST), "panel-nginx").level is Level.OK


def test_the_panel_is_told_the_true_address(machine: Machine) -> None:
    """It believes it."""
    _lay_panel(machine)
    change(machine, _PANEL, "X-Forwarded-For $remote_addr", "X-Forwarded-For $proxy_add_x_forwarded_for")
    assert find(nginx.examine, machine, _SETUP, "panel-nginx").level is Level.ERROR
    mend(nginx.examine, machine, _SETUP, "panel-nginx")


def test_heads_of_schools_have_their_page(machine: Machine) -> None:
    """Also where the panel is closed to them."""
    _lay_panel(machine)
    change(machine, _PANEL, "    include snippets/authbridge-report.conf;\n", "")
    assert find(nginx.examine, machine, _SETUP, "panel-report").level is Level.WARNING


def test_a_certificate_that_was_not_renewed_is_found(machine: Machine) -> None:
    """Two weeks before its end at the latest."""
    _lay_panel(machine, days=10)
    assert find(nginx.examine, Live(machine.root), _SETUP, "panel-certificate").level is Level.WARNING
    machine.path(_CERTIFICATE).unlink()
    assert find(nginx.examine, machine, _SETUP, "panel-certificate").level is Level.ERROR
