"""Logins from a real browser: strophe.js, the library of Jitsi's web client, in headless Chromium."""

import functools
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from selenium.webdriver import Chrome
from sqlalchemy import select

from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt
from tests.support.chromium import open_chromium
from tests.support.login_server import Organisers
from workbench import ROOT
from workbench.prosody import HOST, Prosody
from workbench.service import Service

_WRONG = "bbbb-cccc-dddd"

# What strophe tells in turn; the page disconnects in either case.
_CONNECTED = ["CONNECTING", "CONNECTED", "DISCONNECTING", "DISCONNECTED"]
_AUTHFAIL = ["CONNECTING", "AUTHFAIL", "DISCONNECTING", "DISCONNECTED"]

_LOG_IN = "const [url, jid, password, tell] = arguments; logIn(url, jid, password).then(tell);"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What strophe told the page: its statuses in order, and the element that came with AUTHFAIL."""

    statuses: list[str]
    failure: str | None

    @property
    def condition(self) -> str | None:
        """The SASL condition in that element."""
        if self.failure is None:
            return None
        return fromstring(self.failure)[0].tag.rpartition("}")[2]  # noqa: S314 - our own Prosody's words


@dataclass(frozen=True, slots=True)
class Page:
    """The login page, freshly opened, before a Prosody that it reaches over one transport."""

    browser: Chrome
    transport: str
    url: str

    def log_in(self, username: str, password: str) -> Outcome:
        """One login; the password travels as an argument, never in an address."""
        told = self.browser.execute_async_script(_LOG_IN, self.url, f"{username}@{HOST}", password)
        return Outcome(**told)

    @property
    def user_agent(self) -> str:
        """What the browser calls itself."""
        return str(self.browser.execute_script("return navigator.userAgent;"))


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_message: Any) -> None:  # noqa: ANN401 - the base's own signature
        """Says nothing."""


@pytest.fixture(name="page_url", scope="module")
def serve_page() -> Iterator[str]:
    """The address of the login page; for the browser, Prosody is another origin, as it may be at Jitsi."""
    handler = functools.partial(_QuietHandler, directory=ROOT / "tests/browser")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/login.html"
        server.shutdown()
        thread.join()


@pytest.fixture(name="browser", scope="module")
def start_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser with an empty profile."""
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(name="page", params=["bosh", "websocket"])
def open_page(request: pytest.FixtureRequest, browser: Chrome, page_url: str, prosody: Prosody) -> Page:
    """The login page, freshly opened, over each of the two transports."""
    endpoint = {
        "bosh": f"http://127.0.0.1:{prosody.http_port}/http-bind",
        "websocket": f"ws://127.0.0.1:{prosody.http_port}/xmpp-websocket",
    }
    browser.get(page_url)
    return Page(browser, request.param, endpoint[request.param])


def test_right_password_connects(page: Page, organisers: Organisers) -> None:
    """The right password leads to CONNECTED."""
    outcome = page.log_in(organisers.active.username, organisers.active.password)
    assert outcome.statuses == _CONNECTED


def test_wrong_password_fails(page: Page, organisers: Organisers) -> None:
    """A wrong password leads to AUTHFAIL, with the condition not-authorized."""
    outcome = page.log_in(organisers.active.username, _WRONG)
    assert outcome.statuses == _AUTHFAIL
    assert outcome.condition == "not-authorized"


def test_suspended_organiser_fails_with_the_reason_in_the_element(page: Page, organisers: Organisers) -> None:
    """Who is suspended gets AUTHFAIL, and the element that strophe hands on says account-disabled."""
    outcome = page.log_in(organisers.suspended.username, organisers.suspended.password)
    assert outcome.statuses == _AUTHFAIL
    assert outcome.condition == "account-disabled"


def test_second_try_connects(page: Page, organisers: Organisers) -> None:
    """After AUTHFAIL the same page gets in with the right password, without a reload."""
    assert page.log_in(organisers.active.username, _WRONG).statuses == _AUTHFAIL
    assert page.log_in(organisers.active.username, organisers.active.password).statuses == _CONNECTED


def test_journal_names_the_browser(page: Page, organisers: Organisers, service: Service) -> None:
    """The journal holds the browser's user agent and the transport; no address: no proxy is vouched for."""
    page.log_in(organisers.active.username, organisers.active.password)
    attempt = _newest_attempt(service.database_url)
    assert attempt.user_agent == page.user_agent
    assert "Chrome/" in page.user_agent
    assert (attempt.transport, attempt.ip) == (page.transport, None)


def _newest_attempt(database_url: str) -> LoginAttempt:
    database = Database(database_url)
    with database.read_session() as session:
        attempt = session.scalars(select(LoginAttempt).order_by(LoginAttempt.id.desc()).limit(1)).one()
    database.engine.dispose()
    return attempt
