"""The report page behind a real nginx with the files of ``deploy/nginx``: on its own host, and on Jitsi's."""

import concurrent.futures
import http.client
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from authbridge.clock import utc_now
from authbridge.storage.models import AuditEvent, MisuseReport
from tests.support.factories import make_code, make_organiser, make_school
from tests.support.nginx import Nginx
from tests.support.panel_browser import PanelServer, open_panel_server
from workbench import ROOT

_DEPLOY = ROOT / "deploy/nginx"

# What is in the way on a stock Jitsi site: addresses of one or two words are rooms.
_JITSI = """
include report.conf;
location ~ ^/([^/?&:'"]+)$ { return 200 "a room"; }
location ~ ^/([^/?&:'"]+)/(.*)$ { return 200 "a room of a tenant"; }
location / { return 200 "Jitsi"; }
"""
# The test says where it comes from; else every request would come from this machine.
_SENDER = "set_real_ip_from 127.0.0.1; real_ip_header X-Sender;\n"

# Sender, path and fields of the n-th request; each flood is of one network that somebody has.
_GUESS = {"code": "bbbb-cccc-dddd", "what": "one", "username": "ohg-kwtx", "words": ""}
_FLOODS: dict[str, Callable[[int], tuple[str, str, dict[str, str] | None]]] = {
    "files, one address": lambda _number: ("198.51.100.66", "/report/mark.svg", None),
    "files, one /48": lambda number: (f"2001:db8:7:{number:x}::1", "/report/mark.svg", None),
    "pages, one /48": lambda number: (f"2001:db8:8:{number:x}::1", "/report", None),
    "codes, one /48": lambda number: (f"2001:db8:9:{number:x}::1", "/report", _GUESS),
    "codes, one /24": lambda number: (f"198.51.101.{number % 256}", "/report", _GUESS),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    text: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Stand:
    """A panel behind nginx."""

    server: PanelServer
    nginx: Nginx

    def ask(
        self,
        site: str,
        path: str,
        fields: dict[str, str] | None = None,
        *,
        sender: str = "203.0.113.1",
        **headers: str,
    ) -> Answer:
        """Sends one request to that site; with fields it is a form."""
        connection = http.client.HTTPConnection("127.0.0.1", self.nginx.ports[site], timeout=60)
        sent = {"X-Sender": sender, "Accept-Language": "en", **headers}
        try:
            if fields is None:
                connection.request("GET", path, headers=sent)
            else:
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                connection.request("POST", path, urlencode(fields), {**sent, **form})
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode(), dict(answer.getheaders()))
        finally:
            connection.close()

    def new_code(self) -> str:
        """Makes a code for the school."""
        return make_code(
            self.server.database, today=utc_now().date(), keyed_hashes=self.server.services.keyed_hashes
        )


@pytest.fixture(name="stand", scope="module")
def open_stand(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Stand]:
    """The panel, and nginx with a site for it and one for Jitsi."""
    folder = tmp_path_factory.mktemp("stand")
    with open_panel_server(folder, sqlite_template, public_url="https://panel.test") as server:
        make_school(server.database)
        port = f"127.0.0.1:{server.panel.port}"
        page = (_DEPLOY / "report.conf").read_text().replace("127.0.0.1:8702", port)
        (folder / "report.conf").write_text(_for_this_machine(page, folder))
        zones, _, panel = (_DEPLOY / "panel.conf").read_text().partition("server {")
        own = panel.rpartition("client_max_body_size 64k;")[2].rpartition("}")[0]
        own = (
            own.replace("127.0.0.1:8702", port)
            .replace("snippets/authbridge-", "")
            .replace("$host", "panel.test")
        )
        nginx = Nginx(folder, {"panel": f"deny all;\n{own}", "jitsi": _JITSI}, _SENDER + zones)
        try:
            nginx.start()
            yield Stand(server, nginx)
        finally:
            nginx.stop()


def _for_this_machine(lines: str, folder: Path) -> str:
    return lines.replace("panel.example.org", "panel.test").replace("/var/log/nginx", str(folder))


def block(stand: Stand, site: str, code: str, username: str, **options: str) -> Answer:
    """Sends the form as a browser would."""
    fields = {"code": code, "what": "one", "username": username, "words": ""}
    return stand.ask(site, "/report", fields, **options)


@pytest.mark.parametrize("site", ["panel", "jitsi"])
def test_the_page_works_where_the_panel_is_closed(stand: Stand, site: str) -> None:
    """Page, look, statements and block pass; no other page of the panel does."""
    username = make_organiser(stand.server.database).username
    sender = {"panel": "203.0.113.2", "jitsi": "203.0.113.3"}[site]
    page = stand.ask(site, "/report", sender=sender)
    assert (page.status, "Block an access" in page.text) == (200, True)
    for path in re.findall(r'(?:href|src)="(/[^"]+)"', page.text):
        answer = stand.ask(site, path, sender=sender)
        assert (answer.status, "a room" in answer.text) == (200, False), path
    done = block(stand, site, stand.new_code(), username, sender=sender)
    assert done.status == 303
    receipt = stand.ask(site, done.headers["Location"])
    assert f"{username} is blocked" in receipt.text
    for path in ("/", "/sign-in", "/schools", "/static/panel.css", "/misuse"):
        closed = stand.ask(site, path)
        assert closed.status == 403 if site == "panel" else "AuthBridge" not in closed.text, path


def test_a_forged_address_is_overwritten(stand: Stand) -> None:
    """A guesser waits whatever X-Forwarded-For says."""
    forged = [
        block(stand, "jitsi", "bbbb-cccc-dddd", "ohg-kwtx", **{"X-Forwarded-For": f"198.51.100.{number}"})
        for number in range(6)
    ]
    assert [answer.status for answer in forged] == [422] * 4 + [429] * 2


def test_a_flood_is_slowed_and_does_not_keep_the_right_code_out(stand: Stand) -> None:
    """Fifty addresses guess, and meanwhile the head of the school blocks; staff are told once."""
    username, code = make_organiser(stand.server.database).username, stand.new_code()

    def guess(number: int) -> int:
        sender = f"198.18.{number % 50}.1"
        return block(stand, "jitsi", f"bbbb-cccc-{number:04}", "ohg-kwtx", sender=sender).status

    with ThreadPoolExecutor(20) as senders:
        guesses = senders.map(guess, range(200))
        done = block(stand, "jitsi", code, username, sender="203.0.113.7")
    assert set(guesses) <= {422, 429}
    assert done.status == 303
    with stand.server.database.read_session() as session:
        told = select(AuditEvent.action).where(AuditEvent.action == "report-code:guessed")
        assert len(session.scalars(told).all()) == 1
        assert session.scalars(select(MisuseReport.actor)).all().count("school:ohg") >= 1


@pytest.mark.parametrize("flood", _FLOODS)
def test_one_sender_keeps_nobody_else_out(stand: Stand, flood: str) -> None:
    """Neither by what costs little nor by many addresses of one network; a head sees the page and blocks."""
    username, code = make_organiser(stand.server.database).username, stand.new_code()
    head = f"203.0.{list(_FLOODS).index(flood)}.7"

    def send(number: int) -> int:
        sender, path, fields = _FLOODS[flood](number)
        return stand.ask("jitsi", path, fields, sender=sender).status

    with ThreadPoolExecutor(20) as senders:
        sent = [senders.submit(send, number) for number in range(400)]
        concurrent.futures.wait(sent[:300])
        pages = [stand.ask("jitsi", path, sender=head).status for path in ("/report", "/report/panel.css")]
        done = block(stand, "jitsi", code, username, sender=head)
    assert (pages, done.status) == ([200, 200], 303)
    assert 429 in [each.result() for each in sent]
