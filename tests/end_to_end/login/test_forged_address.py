"""A forged X-Forwarded-For through a real nginx: who believes it, and what ``check URL`` says about it."""

import asyncio
import hashlib
import hmac
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest

from authbridge.machine.checks import nginx as nginx_check
from authbridge.machine.checks.address import overwrites
from authbridge.machine.examination import plan_fixes
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.ledger import Ledger
from authbridge.machine.nginx_config import named, read_nginx
from authbridge.machine.programs import Answer
from authbridge.machine.setup import Setup
from tests.support.jitsi_machine import HOST as JITSI_HOST
from tests.support.jitsi_machine import SITE, lay_out
from tests.support.login_server import VERSIONS
from tests.support.nginx import Nginx
from tests.support.scripted_service import answering, scripted_service
from workbench import ROOT
from workbench.processes import PATIENCE, free_port
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service
from workbench.xmpp import Client
from workbench.xmpp_http import BoshTransport, WebSocketTransport

FORGED = "198.51.100.66"

# What may stand below `location = /http-bind` and `location = /xmpp-websocket`; the names of the sites
# are those of the tests.  "stock" is what Jitsi's Debian package writes.
_BOSH = (
    "location = /http-bind {{ proxy_pass http://127.0.0.1:{port}/http-bind; "
    "proxy_set_header Host $http_host; {line} }}"
)
_WEBSOCKET = (
    "location = /xmpp-websocket {{ proxy_pass http://127.0.0.1:{port}/xmpp-websocket?prefix=$prefix&$args; "
    'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; '
    "proxy_set_header Host $http_host; tcp_nodelay on; {line} }}"
)
_PAST = "config = { conferenceRequestUrl: '/conference-request/v1' }"
_OVERWRITE = "proxy_set_header X-Forwarded-For $remote_addr;"
_DROP = 'proxy_set_header X-Forwarded-For "";'
_EXAMPLE = (ROOT / "deploy/nginx/xmpp-websocket.conf").read_text()


_OF_ITS_OWN = {"listen", "ssl_certificate", "ssl_certificate_key", "include"}  # the test's nginx has others


def _site_mended_by_doctor(folder: Path, port: int) -> tuple[str, str]:
    """Returns what stands before the servers of Jitsi's stock site, and within that of the website."""
    lay_out(folder, release="2026", distribution="debian13", secured=True)
    machine = Machine(folder)
    found = nginx_check.examine(PlannedChanges(machine), Setup(JITSI_HOST))
    Ledger(machine).apply(plan_fixes(machine, found), by="doctor")
    text = machine.read(f"/{SITE}") or ""
    assert text.count(_OVERWRITE) == 3  # room-info, BOSH, WebSocket
    (http,) = named(read_nginx(PlannedChanges(machine)) or (), "http")
    first, website = named(http.block or (), "server")
    lines = [text[each.start : each.end] for each in website.block or () if each.name not in _OF_ITS_OWN]
    port_of_prosody = (f"server 127.0.0.1:{5280};", f"server 127.0.0.1:{port};")
    return text[: first.start].replace(*port_of_prosody), "\n".join(lines)


def _sites(port: int) -> dict[str, str]:
    bosh = _BOSH.format(port=port, line=_OVERWRITE)
    mended = bosh + "\n" + _EXAMPLE.replace("127.0.0.1:5280", f"127.0.0.1:{port}")
    return {
        "stock": bosh + _WEBSOCKET.format(port=port, line=""),
        "mended": mended,
        "encrypted": mended,
        "dropping": _BOSH.format(port=port, line=_DROP) + _WEBSOCKET.format(port=port, line=_DROP),
        "past_prosody": f'{mended} location = /config.js {{ return 200 "{_PAST}"; }}',
        "without_websocket": bosh,
        "moved": "return 301 https://elsewhere.test$request_uri;",
        "prosody_down": _BOSH.format(port=1, line="") + _WEBSOCKET.format(port=1, line=""),
        "somebody_else": 'return 200 "hello";',
    }


@dataclass(frozen=True, slots=True)
class Stand:
    """A running Prosody behind a running nginx."""

    prosody: Prosody
    nginx: Nginx
    token: str

    def url(self, site: str) -> str:
        """The public address of that site."""
        return self.nginx.url(site)


@pytest.fixture(name="stand", scope="module", params=VERSIONS)
def open_stand(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, service: Service
) -> Iterator[Stand]:
    """Both, of either version of Prosody; no story changes anything there."""
    folder = tmp_path_factory.mktemp("stand")
    options = external(service.url, service.token_file)
    prosody = Prosody(request.param, folder / "prosody", {HOST: options})
    before, by_doctor = _site_mended_by_doctor(folder / "machine", prosody.http_port)
    sites = {**_sites(prosody.http_port), "by_doctor": by_doctor}
    nginx = Nginx(folder, sites, zones=before, encrypted=frozenset({"encrypted"}))
    try:
        prosody.start()
        nginx.start()
        yield Stand(prosody, nginx, service.token_file.read_text().strip())
    finally:
        nginx.stop()
        prosody.stop()


@dataclass(frozen=True, slots=True)
class Said:
    """What the check printed."""

    code: int
    lines: list[str]

    def of(self, sign: str) -> list[str]:
        """The lines with that sign."""
        return [line for line in self.lines if line.startswith(f"[{sign}]")]


def check(stand: Stand, url: str, **options: object) -> Said:
    """Runs the command with the configuration of that Prosody, but for the options given."""
    running = stand.prosody
    hosts = {HOST: {**running.hosts[HOST], **options}}
    return _check_with(stand, replace(running, folder=running.folder / "checked", hosts=hosts), url)


def _check_with(stand: Stand, written: Prosody, url: str) -> Said:
    answer = _run_check(stand, written, url)
    return Said(answer.code, [line.strip() for line in answer.output.splitlines()])


def _run_check(stand: Stand, written: Prosody, *arguments: str) -> Answer:
    written.write_config()
    command = [str(written.prosodyctl), "--config", str(written.config), "mod_auth_external", "check"]
    done = subprocess.run(  # noqa: S603 - our own command line
        ["lua5.4", *command, *arguments],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.stderr == ""
    assert stand.token not in done.stdout
    assert stand.token not in stand.prosody.log.read_text()
    return Answer(done.returncode, done.stdout, done.stderr)


VOUCHED = {"external_auth_proxy_overwrites_address": True}


def test_a_stock_jitsi_site(stand: Stand) -> None:
    """WebSocket believes the forger: a warning names the line that lacks, and the option is forbidden."""
    url = stand.url("stock")
    said = check(stand, url)

    assert said.code == 0
    [warning] = said.of("warning")
    assert f"{url}/xmpp-websocket: a forged address was believed" in warning
    assert 'proxy_set_header X-Forwarded-For $remote_addr;" to "location = /xmpp-websocket"' in warning
    assert any(f"{url}/http-bind: a forged address was overwritten" in line for line in said.of("ok"))
    assert "Do NOT set external_auth_proxy_overwrites_address" in said.of("note")[-1]


def test_a_stock_jitsi_site_that_is_vouched_for(stand: Stand) -> None:
    """With the option set, the same is an error: clients can choose their address."""
    said = check(stand, stand.url("stock"), **VOUCHED)

    assert said.code == 1
    believed, verdict = said.of("error")
    assert "/xmpp-websocket: a forged address was believed" in believed
    assert "external_auth_proxy_overwrites_address is true, and must not be" in verdict


@pytest.mark.parametrize("site", ["mended", "by_doctor"])
def test_a_mended_site(stand: Stand, site: str) -> None:
    """With our example, or mended by doctor, both are overwritten: the option is to be set."""
    said = check(stand, stand.url(site))

    assert (said.code, said.of("warning"), said.of("error")) == (0, [], [])
    for path in ("/http-bind", "/xmpp-websocket"):
        assert any(f"{path}: a forged address was overwritten" in line for line in said.of("ok"))
    assert any("over loopback" in line for line in said.of("note"))
    assert f'external_auth_proxy_overwrites_address = true below VirtualHost "{HOST}"' in said.of("note")[-1]


def test_a_mended_site_that_is_vouched_for(stand: Stand) -> None:
    """All is well."""
    said = check(stand, stand.url("mended"), **VOUCHED)

    assert (said.code, said.of("warning"), said.of("error")) == (0, [], [])
    assert "external_auth_proxy_overwrites_address = true is right" in said.of("ok")[-1]


@pytest.mark.parametrize("vouched", [False, True])
@pytest.mark.parametrize(
    ("site", "proved"), [("by_doctor", True), ("stock", False), ("dropping", False), ("prosody_down", False)]
)
def test_doctor_takes_it_for_proved(stand: Stand, site: str, *, proved: bool, vouched: bool) -> None:
    """What doctor reads in the answer for programs is what the check found."""
    options = {**stand.prosody.hosts[HOST], **(VOUCHED if vouched else {})}
    written = replace(stand.prosody, folder=stand.prosody.folder / "asked", hosts={HOST: options})
    assert overwrites(_run_check(stand, written, "--json", stand.url(site))) is proved


def test_a_certificate_of_its_own(stand: Stand) -> None:
    """A certificate that nobody vouches for is a warning; the check goes on, for the answer proves itself."""
    said = check(stand, stand.url("encrypted"))

    assert said.code == 0
    [warning] = said.of("warning")
    assert "The certificate of 127.0.0.1 cannot be verified: certificate" in warning
    assert "external_auth_proxy_overwrites_address = true below VirtualHost" in said.of("note")[-1]


def test_meetings_that_are_guarded(stand: Stand) -> None:
    """The administrator reads where the module found Jitsi."""
    focus, meetings = f"focus.{HOST}", f"conference.{HOST}"
    jitsi = {focus: ("client_proxy", {"target_address": f"focus@auth.{HOST}"}), meetings: ("muc", {})}
    folder = stand.prosody.folder / "jitsi"
    said = _check_with(stand, replace(stand.prosody, folder=folder, components=jitsi), stand.url("mended"))

    assert any(
        f"Meetings at {meetings} are guarded: their requests pass {focus}" in line for line in said.lines
    )


def test_conference_requests_past_prosody(stand: Stand) -> None:
    """The website's own settings tell whether browsers ask jicofo without Prosody."""
    url = stand.url("past_prosody")
    said = check(stand, url)

    assert said.code == 0
    [warning] = said.of("warning")
    assert f"{url}/config.js sends conference requests to jicofo over HTTP" in warning
    assert "jicofo.rest.conference-request.enabled=false" in warning


@pytest.mark.parametrize(
    ("site", "words"),
    [
        pytest.param(
            "without_websocket", "/xmpp-websocket: nothing there (HTTP status 404)", id="no location"
        ),
        pytest.param("moved", "redirects to https://elsewhere.test/http-bind", id="redirect"),
        pytest.param("prosody_down", "the proxy does not reach Prosody (HTTP status 502)", id="Prosody down"),
        pytest.param("somebody_else", "but not as this module in a Prosody with this token", id="foreign"),
    ],
)
def test_a_site_that_does_not_lead_here(stand: Stand, site: str, words: str) -> None:
    """Whatever else answers is an error with a remedy, and nothing is recommended."""
    said = check(stand, stand.url(site))

    assert said.code == 1
    assert words in " ".join(said.of("error"))
    assert all("Fix: " in line for line in said.of("error"))
    assert "Do NOT set" in said.of("note")[-1]


def test_nobody_there(stand: Stand) -> None:
    """A closed port and a name that does not exist are errors."""
    for url in (f"http://127.0.0.1:{free_port()}", "https://does-not-exist.invalid"):
        said = check(stand, url)
        assert said.code == 1
        assert f"{url}/http-bind cannot be reached from this machine" in said.of("error")[0]


def test_a_proxy_that_drops_the_header(stand: Stand) -> None:
    """Nobody can forge there, but everybody looks alike: a warning, and the option stays unset."""
    said = check(stand, stand.url("dropping"))

    assert said.code == 0
    assert ["every browser looks like 127.0.0.1" in line for line in said.of("warning")] == [True, True]
    assert "Do NOT set" in said.of("note")[-1]


def test_another_token(stand: Stand, tmp_path: Path) -> None:
    """A Prosody that has another token than the check does not answer it."""
    token = tmp_path / "token"
    token.write_text("x" * 64)
    said = check(stand, stand.url("mended"), external_auth_token_file=str(token))

    assert said.code == 1
    assert "not as this module in a Prosody with this token does" in " ".join(said.of("error"))


def probe(token: str, *, host: str = HOST, at: float | None = None, nonce: str = "n0nce") -> str:
    """A probe as check_probes.lib.lua makes it."""
    stamp = str(int(time.time() if at is None else at))
    words = f"authbridge probe\nquestion\n{host}\n{stamp}\n{nonce}"
    return f"{stamp}.{nonce}.{hmac.new(token.encode(), words.encode(), hashlib.sha256).hexdigest()}"


async def ask(
    stand: Stand, path: str, headers: Mapping[str, str], site: str | None = None
) -> tuple[int, str]:
    """The status and the body that Prosody itself answers with, or that come through a site of nginx."""
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "authbridge-probe",
    }
    own = {} if path == "/http-bind" else handshake
    base = stand.url(site) if site else f"http://127.0.0.1:{stand.prosody.http_port}"
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{base}{path}", headers={**own, **headers}) as answer,
    ):
        return answer.status, await answer.text()


@pytest.mark.parametrize("path", ["/http-bind", "/xmpp-websocket"])
async def test_who_has_no_token_gets_what_everybody_gets(stand: Stand, path: str) -> None:
    """A probe that is no genuine one changes nothing in the answer; a genuine one tells one address."""
    usual = await ask(stand, path, {})
    for unproven in (
        "",
        "1.n0nce.00",
        probe("x" * 64),
        probe(stand.token, host="other.test"),
        probe(stand.token, at=time.time() - 120),
        probe(stand.token, at=time.time() + 120),
        probe(stand.token)[:-1],
        probe(stand.token, nonce="n" * 200),
    ):
        headers = {"X-Forwarded-For": FORGED, "X-AuthBridge-Probe": unproven}
        assert await ask(stand, path, headers) == usual

    genuine = {"X-Forwarded-For": FORGED, "X-AuthBridge-Probe": probe(stand.token)}
    status, line = await ask(stand, path, genuine)
    assert (status, line.split(" ")[:3]) == (200, [FORGED, "changed", "header"])


@pytest.mark.parametrize("path", ["/http-bind", "/xmpp-websocket"])
async def test_a_header_that_looks_alike(stand: Stand, path: str) -> None:
    """Prosody does not tell X_Forwarded_For from X-Forwarded-For (chance decides): nginx has to drop it."""
    headers = {"X_Forwarded_For": FORGED, "X-AuthBridge-Probe": probe(stand.token)}
    _, line = await ask(stand, path, headers, "mended")
    assert line.split(" ")[0] == "127.0.0.1"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("vouched", [False, True])
async def test_the_option_decides_whether_the_service_hears_the_address(
    version: str,
    tmp_path: Path,
    *,
    vouched: bool,
) -> None:
    """What the proxy says about a browser is sent only where the administrator vouched for the proxy."""
    token = tmp_path / "token"
    token.write_text("t" * 64)
    port = free_port()
    options = external(f"http://127.0.0.1:{port}", token, external_auth_proxy_overwrites_address=vouched)
    prosody = Prosody(version, tmp_path, {HOST: options})
    headers = {"X-Forwarded-For": FORGED}
    prosody.start()
    try:
        async with scripted_service(port, answering("refused")) as questions:
            for transport in (
                BoshTransport(prosody.http_port, HOST, headers),
                WebSocketTransport(prosody.http_port, HOST, headers),
            ):
                async with Client(transport, HOST) as client:
                    await client.login("ohg-kwtx", "x")
    finally:
        await asyncio.to_thread(prosody.stop)

    assert [(question["transport"], question.get("ip")) for question in questions] == [
        ("bosh", FORGED if vouched else None),
        ("websocket", FORGED if vouched else None),
    ]


class WithoutHttp(Prosody):
    """A Prosody for TCP clients alone."""

    def write_config(self) -> None:
        """Leaves out all that speaks HTTP."""
        super().write_config()
        self.config.write_text(self.config.read_text().replace('"http", "bosh", "websocket"', ""))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_prosody_without_http(version: str, service: Service, tmp_path: Path) -> None:
    """The module loads all the same, and opens no HTTP port."""
    options = external(service.url, service.token_file)
    port = free_port()  # the one that is awaited; nobody listens for HTTP
    prosody = WithoutHttp(version, tmp_path, {HOST: options}, c2s_port=port, http_port=port)
    prosody.start()
    try:
        log = prosody.log.read_text()
    finally:
        prosody.stop()

    assert "Activated service 'c2s'" in log
    assert "Activated service 'http" not in log
    assert "error" not in log
