"""The panel behind a real nginx with ``deploy/nginx/panel.conf``: what nginx adds, and what it keeps out."""

import http.client
import re
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.nginx import Nginx
from tests.support.panel_browser import open_panel_server
from workbench import ROOT

_DEPLOY = ROOT / "deploy/nginx"
_HSTS = "max-age=63072000; includeSubDomains"
# As the stock site of Jitsi has it.
_JITSI = 'add_header Strict-Transport-Security "max-age=63072000" always;\ninclude report.conf;\n'
_WITHOUT_ITS_PLACE = re.compile(
    r"^\s*(?:listen|server_name|ssl_certificate|ssl_certificate_key)\s[^\n]*\n", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Site:
    """nginx before the panel, with the file in which it logs its warnings."""

    nginx: Nginx
    log: Path

    def ask(self, path: str, body: str | None = None, *, site: str = "panel") -> tuple[int, list[str]]:
        """Sends one request; returns the status and each Strict-Transport-Security of the answer."""
        context = _client()
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.nginx.ports[site], timeout=60, context=context
        )
        try:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("GET" if body is None else "POST", path, body, form)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers.get_all("Strict-Transport-Security") or []
        finally:
            connection.close()


def _client(ciphers: str = "DEFAULT", newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(ciphers)
    context.maximum_version = newest
    return context


@pytest.fixture(name="site", scope="module")
def open_site(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Site]:
    """The panel's site, and one of Jitsi that offers the report page, both with TLS."""
    folder = tmp_path_factory.mktemp("site")
    with open_panel_server(folder, sqlite_template, public_url="https://panel.test") as server:

        def here(name: str) -> str:
            text = (_DEPLOY / name).read_text().replace("127.0.0.1:8702", f"127.0.0.1:{server.panel.port}")
            text = text.replace("snippets/authbridge-", "").replace("$host", "panel.test")
            text = text.replace("panel.example.org", "panel.test")
            return text.replace("/var/log/nginx/error.log crit", f"{folder}/error.log warn")

        (folder / "report.conf").write_text(here("report.conf"))
        zones = here("panel.conf").partition("\nserver {")[0]
        panel = here("panel.conf").rpartition("\nserver {")[2].rpartition("}")[0]
        sites = {"panel": _WITHOUT_ITS_PLACE.sub("", panel), "jitsi": _JITSI}
        nginx = Nginx(folder, sites, zones, encrypted=frozenset(sites))
        try:
            nginx.start()
            yield Site(nginx, folder / "error.log")
        finally:
            nginx.stop()


def test_every_answer_asks_for_https(site: Site) -> None:
    """The panel's own answers, and those that nginx makes itself, say it once."""
    answers = [
        site.ask("/"),
        site.ask("/sign-in"),
        site.ask("/static/panel.css"),
        site.ask("/report"),
        site.ask("/no"),
        site.ask("/import/schools", "x" * 70_000),
        site.ask("/schools/add", "x" * 70_000),
    ]
    with ThreadPoolExecutor(4) as senders:
        answers += senders.map(lambda _number: site.ask("/sign-in"), range(40))
    assert {200, 303, 413, 429} <= {status for status, _ in answers}
    assert {tuple(said) for _, said in answers} == {(_HSTS,)}


def test_jitsis_own_word_counts_on_its_site(site: Site) -> None:
    """The report page says it once there too."""
    assert site.ask("/report", site="jitsi") == (200, ["max-age=63072000"])


def test_only_suites_with_forward_secrecy_and_authenticated_encryption(site: Site) -> None:
    """TLS 1.2 without them is refused; among the rest the server's choice counts, the strongest first."""
    address = "127.0.0.1", site.nginx.ports["panel"]
    good = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
    assert _suite_with(address, _client(good, ssl.TLSVersion.TLSv1_2)) == "ECDHE-ECDSA-AES256-GCM-SHA384"
    assert _suite_with(address, _client()).startswith("TLS_")
    for bad in ("ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-CCM8"):
        with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
            _suite_with(address, _client(f"{bad}:@SECLEVEL=0", ssl.TLSVersion.TLSv1_2))


def _suite_with(address: tuple[str, int], context: ssl.SSLContext) -> str:
    connection = http.client.HTTPSConnection(*address, timeout=60, context=context)
    connection.connect()
    try:
        assert isinstance(connection.sock, ssl.SSLSocket)
        suite = connection.sock.cipher()
        assert suite is not None
        return suite[0]
    finally:
        connection.close()


def test_a_form_is_not_written_to_a_file(site: Site) -> None:
    """The largest form stays in nginx' memory: login names stand in it."""
    status, _ = site.ask("/schools/add", "name=" + "x" * 60_000)
    assert status in {303, 400, 403}
    assert "temporary file" not in site.log.read_text()
