"""Logins from a real browser: strophe.js, the library of Jitsi's web client, in headless Chromium."""

from dataclasses import dataclass
from xml.etree.ElementTree import fromstring

import pytest
from selenium.webdriver import Chrome
from sqlalchemy import select

from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt
from tests.support.login_server import Organisers
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
    conditions: dict[str, str | None]  # by status

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
