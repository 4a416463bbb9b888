"""The login page behind a real nginx, with a Jitsi machine's files as ``authbridge page on`` leaves them."""

import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from authbridge.machine.files import Machine
from authbridge.machine.page_probes import page_answers, takes_tokens
from authbridge.machine.page_switch import plan_on, switch_on
from tests.support.jitsi_machine import HOST
from tests.support.nginx_tree import running_nginx
from tests.support.page_machine import copied, lay_page_machine
from tests.support.prosody_machine import SETUP
from workbench.processes import PATIENCE, free_port

_TOKEN = "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0LWNsYWltcw.c2lnbmF0dXJl"
_LOGINS = (
    f"/http-bind?room=x&token={_TOKEN}",
    f"/xmpp-websocket?token={_TOKEN}",
    f"/t/http-bind?token={_TOKEN}",
)
_ROOMS = ("/Mathe7b", "/schule/Mathe7b", "/_authbridge2", "/_authbridge2/auth")
_LONGEST = "x" * (12 * 1024)  # a state of 4 KiB, percent-encoded
_SSI = "<!--#echo var='remote_addr' -->"


class _Behind(BaseHTTPRequestHandler):
    """Stands in for the login page, and for a Prosody that offers a login to those who bring a token."""

    def do_GET(self) -> None:
        """Says what it was asked."""
        said = {"path": self.path, "forwarded": self.headers.get_all("X-Forwarded-For"), "ssi": _SSI}
        self._answer(json.dumps(said))

    def do_POST(self) -> None:
        """Begins a stream over BOSH."""
        self.rfile.read(int(self.headers["Content-Length"]))
        offered = "<mechanism>ANONYMOUS</mechanism>" if "token=" in self.path else ""
        self._answer(f"<body><mechanisms>{offered}<mechanism>PLAIN</mechanism></mechanisms></body>")

    def _answer(self, text: str) -> None:
        self.send_response(200)
        if self.command == "GET":
            self.send_header("Location", _LONGEST)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's own signature
        """Says nothing."""


@pytest.fixture(name="behind", scope="module")
def serve() -> Iterator[int]:
    """Yields the port of what stands behind nginx."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Behind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(name="machine", scope="module")
def lay_machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine without the page, which no test changes."""
    return lay_page_machine(tmp_path_factory.mktemp("machine"), "2026", "debian12")


@pytest.fixture(name="port", scope="module")
def run_site(machine: Machine, behind: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Yields the port of the site with the page on."""
    with running_nginx(
        _with_page(machine, tmp_path_factory.mktemp("site")), {5280: behind, 8703: behind}
    ) as port:
        yield port


def _with_page(machine: Machine, root: Path) -> Path:
    copy = copied(machine, root)
    switch_on(copy, plan_on(copy, SETUP, HOST), SETUP)
    return root


def _get(port: int, path: str, **headers: str) -> tuple[int, str]:
    """Asks the site under its name, as a browser does; returns status and text."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=context)
    try:
        connection.request("GET", path, headers={"Host": HOST, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_page_gets_the_browsers_own_address(port: int) -> None:
    """One address, whatever the browser says about itself; the path comes whole, and nginx runs nothing.

    The longest way back comes through, too.
    """
    status, text = _get(port, "/_authbridge/auth?state=%7B%7D", **{"X-Forwarded-For": "203.0.113.77"})
    assert status == 200
    assert json.loads(text) == {
        "path": "/_authbridge/auth?state=%7B%7D",
        "forwarded": ["127.0.0.1"],
        "ssi": _SSI,
    }


@pytest.mark.parametrize("path", _ROOMS)
def test_rooms_stay_rooms(port: int, path: str) -> None:
    """Also those that are called nearly as the page."""
    status, text = _get(port, path)
    assert (status, _SSI in text) == (200, False)
    assert text == _get(port, "/any-other-room")[1]


@pytest.mark.parametrize("is_on", [False, True])
def test_no_token_comes_into_a_log(machine: Machine, tmp_path: Path, *, is_on: bool) -> None:
    """Neither of a login that works nor of one that finds no Prosody; on a stock machine both would."""
    root = _with_page(machine, tmp_path) if is_on else copied(machine, tmp_path).root
    nobody = free_port()
    with running_nginx(root, {5280: nobody, 8703: nobody}) as port:
        assert {_get(port, path)[0] for path in _LOGINS} == {502}
    logs = {path.name: path.read_text() for path in (root / "var/log/nginx").iterdir()}
    assert {name for name, text in logs.items() if _TOKEN in text} == (
        set() if is_on else {"access.log", "error.log"}
    )


def test_the_check_sees_both_doors(port: int, machine: Machine, behind: int, tmp_path: Path) -> None:
    """Page and Prosody are asked through nginx, by the site's name; where nobody answers, it is neither."""
    assert page_answers(HOST, port=port)
    assert takes_tokens(HOST, port=port)
    assert not page_answers(HOST, port=free_port())
    with running_nginx(copied(machine, tmp_path).root, {5280: free_port(), 8703: behind}) as without:
        assert not takes_tokens(HOST, port=without)
