"""What people read where nginx itself answers: a page is away or hangs, they sent too much or too often."""

import http.client
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.support.nginx import Nginx
from workbench import ROOT
from workbench.processes import free_port

_DEPLOY = ROOT / "deploy/nginx"
_PLACE = re.compile(r"^\s*(?:listen|server_name|ssl_\w+)\s[^\n]*\n", re.MULTILINE)
_PAGES = [
    ("panel", "/schools/ohg"),
    ("panel", "/report"),
    ("jitsi", "/report"),
    ("jitsi", "/_authbridge/auth"),
]
_ROOM = 'location /Mathe7b { default_type "text/html; charset=utf-8"; return 200 ""; }'
_TOO_MUCH = "x" * 1_300_000


@dataclass(frozen=True, slots=True)
class Sites:
    """nginx, and the log of Jitsi's site, which keeps addresses of its own pages."""

    nginx: Nginx
    log: Path

    def ask(self, site: str, path: str, body: str | None = None) -> tuple[int, BeautifulSoup]:
        """Sends one request; returns the status and the page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.nginx.ports[site], timeout=60)
        try:
            connection.request("GET" if body is None else "POST", path, body)
            answer = connection.getresponse()
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
            return answer.status, BeautifulSoup(answer.read(), "html.parser")
        finally:
            connection.close()


def _open_sites(folder: Path, behind: int) -> Iterator[Sites]:
    def here(name: str) -> str:
        text = re.sub(r"127\.0\.0\.1:870[23]", f"127.0.0.1:{behind}", (_DEPLOY / name).read_text())
        text = text.replace("snippets/authbridge-", "").replace("/var/log/nginx/error.log", "stderr")
        text = text.replace("delay=10", "nodelay")  # who is slowed is not told anything
        return re.sub(r"^\s*proxy_read_timeout [^\n]*\n", "", text, flags=re.MULTILINE)

    for name in ("report.conf", "login-page.conf"):
        (folder / name).write_text(here(name))
    panel = here("panel.conf").rpartition("\nserver {")[2].rpartition("}")[0]
    jitsi = (
        f"access_log {folder}/access.log;\nssi on;\ninclude report.conf;\ninclude login-page.conf;\n{_ROOM}"
    )
    zones = "proxy_read_timeout 1s;\n" + here("panel.conf").partition("\nserver {")[0]
    nginx = Nginx(folder, {"panel": _PLACE.sub("", panel), "jitsi": jitsi}, zones)
    try:
        nginx.start()
        yield Sites(nginx, folder / "access.log")
    finally:
        nginx.stop()


@pytest.fixture(name="away", scope="module")
def open_sites_before_nothing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Sites behind which nobody listens."""
    yield from _open_sites(tmp_path_factory.mktemp("away"), free_port())


@pytest.fixture(name="hanging", scope="module")
def open_sites_before_silence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Sites behind which somebody takes each question and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield from _open_sites(tmp_path_factory.mktemp("hanging"), silent.getsockname()[1])


def _is_for_people(page: BeautifulSoup) -> bool:
    """Whether it says in German what to do, and then in English, as WCAG 3.1.1 and 3.1.2 want it marked."""
    [title], [heading] = page.select('html[lang="de"] title'), page.select('html[lang="de"] h1')
    [english] = page.select('[lang="en"]')
    assert title.get_text() == heading.get_text()
    return "bitte" in page.get_text().lower() and "please" in english.get_text().lower()


@pytest.mark.parametrize("fault", ["away", "hanging"])
@pytest.mark.parametrize(("site", "path"), _PAGES)
def test_what_does_not_answer_says_so_to_people(
    fault: str, site: str, path: str, request: pytest.FixtureRequest
) -> None:
    """Also where something was sent, of which nobody knows whether it was done."""
    sites: Sites = request.getfixturevalue(fault)
    for body in (None, "a=b"):
        status, page = sites.ask(site, path, body)
        assert (status, _is_for_people(page)) == (503, True)


@pytest.mark.parametrize(("site", "path"), [*_PAGES, ("panel", "/import/schools")])
def test_who_sends_too_much_is_told_so(away: Sites, site: str, path: str) -> None:
    """In place of nginx's own page."""
    status, page = away.ask(site, path, _TOO_MUCH)
    assert (status, "zu groß" in page.get_text(), "too large" in page.get_text()) == (413, True, True)


@pytest.mark.parametrize(
    ("site", "path"), [("panel", "/sign-in"), ("panel", "/report"), ("jitsi", "/report")]
)
def test_who_asks_too_often_is_told_so(away: Sites, site: str, path: str) -> None:
    """Likewise."""
    pages = [page for status, page in (away.ask(site, path) for _ in range(90)) if status == 429]
    assert pages
    assert all(map(_is_for_people, pages))


def test_nobody_is_in_the_log_of_jitsis_site(away: Sites) -> None:
    """Neither a head of school nor an organiser, whose rooms stand in the address."""
    for path in ("/report", "/_authbridge/auth?state=Mathe7b"):
        away.ask("jitsi", path)
        away.ask("jitsi", path, _TOO_MUCH)
    away.ask("jitsi", "/Mathe7b")
    kept = away.log.read_text().splitlines()
    assert [line for line in kept if '"GET /Mathe7b ' not in line] == []
    assert kept, "Jitsi's own pages are logged"
