"""Signing in again in a real browser: no late press is lost, and a passkey does instead of a code."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

from authbridge.schools.lookup import get_organiser
from authbridge.storage.models import Role
from tests.support.chromium import open_chromium
from tests.support.combinations import each_once
from tests.support.factories import make_organiser, make_school
from tests.support.panel_browser import PanelBrowser, PanelServer, open_panel_server
from workbench.staff import Member

IDLE = timedelta(minutes=61)
WORDS = {
    "Deutsch": ("Sperren", "wurde nicht ausgeführt", "Nicht ausgeführt: „Sperren", "ist gesperrt"),
    "English": ("Suspend", "was not carried out", "Not carried out: “Suspend", "is suspended"),
}


@pytest.fixture(name="panel_server", scope="module")
def run_panel_server(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[PanelServer]:
    """The panel at an address with a name, for browsers allow no passkey at a bare IP address."""
    with open_panel_server(tmp_path_factory.mktemp("again"), sqlite_template, host="localhost") as server:
        make_school(server.database)
        yield server


@pytest.fixture(name="browser", scope="module")
def start_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One browser for all tests, with the complaints of its pages."""
    with open_chromium(tmp_path_factory.mktemp("chromium"), is_watched=True) as browser:
        yield browser


@pytest.fixture(name="panel_browser")
def sit_down(browser: Chrome, panel_server: PanelServer) -> Iterator[PanelBrowser]:
    """That browser, signed in nowhere; it speaks German."""
    panel_browser = PanelBrowser(browser, panel_server.panel.url)
    panel_browser.open("/sign-in")
    browser.delete_all_cookies()
    panel_browser.open("/sign-in")
    panel_browser.press("Deutsch")
    yield panel_browser
    panel_browser.run_scripts(are_on=True)


@pytest.fixture(name="authenticator")
def plug_in(browser: Chrome) -> Iterator[Chrome]:
    """A virtual authenticator in the browser, whose owner touches it at once."""
    options = VirtualAuthenticatorOptions()
    options.protocol = VirtualAuthenticatorOptions.Protocol.CTAP2
    options.transport = VirtualAuthenticatorOptions.Transport.INTERNAL
    options.has_user_verification = True
    options.is_user_verified = True
    browser.add_virtual_authenticator(options)
    yield browser
    browser.remove_virtual_authenticator()


def sign_in_here(panel_browser: PanelBrowser, member: Member) -> None:
    """Goes on from the sign-in page on which the browser stands, with password and code."""
    panel_browser.fill(name=member.name, password=member.password)
    panel_browser.send()
    panel_browser.fill(code=member.code_at(datetime.now(UTC)))
    panel_browser.send()


def show_password(panel_browser: PanelBrowser, member: Member) -> None:
    """Does the first step anew."""
    panel_browser.browser.delete_all_cookies()
    panel_browser.open("/sign-in")
    panel_browser.press("Deutsch")
    panel_browser.fill(name=member.name, password=member.password)
    panel_browser.send()


@pytest.mark.parametrize(("language", "scripts"), each_once(list(WORDS), [True, False]))
def test_a_suspension_after_an_idle_hour(
    panel_browser: PanelBrowser,
    panel_server: PanelServer,
    language: str,
    scripts: bool,  # noqa: FBT001 - a table
) -> None:
    """The clerk presses and signs in; the page says that nothing was done; a second press does it."""
    suspend, not_done, told, done = WORDS[language]
    member, username = panel_server.enrol(Role.CLERK), make_organiser(panel_server.database).username
    panel_browser.run_scripts(are_on=scripts)
    panel_browser.open("/sign-in")
    panel_browser.press(language)
    sign_in_here(panel_browser, member)
    panel_browser.open(f"/organisers/{username}")
    panel_server.leave_idle(member, IDLE)

    panel_browser.press(suspend)
    assert not_done in panel_browser.text
    panel_server.renew_code(member)
    sign_in_here(panel_browser, member)
    assert panel_browser.path == f"/organisers/{username}"
    alert = panel_browser.browser.find_element(By.CSS_SELECTOR, "main [role=alert]")
    assert told in alert.text
    with panel_server.database.read_session() as session:
        assert get_organiser(session, username).suspended_at is None

    with panel_browser.next_page():
        alert.find_element(By.TAG_NAME, "button").click()
    assert f"{username} {done}" in panel_browser.text


def test_a_passkey_is_made_used_and_removed(
    panel_browser: PanelBrowser, panel_server: PanelServer, authenticator: Chrome
) -> None:
    """In the account; at the sign-in; where a fresh code is asked for; and it opens nothing afterwards."""
    member = panel_server.enrol(Role.ADMIN)
    panel_browser.sign_in(member)
    panel_browser.open("/account")
    panel_browser.press("Passkey hinzufügen")
    panel_browser.type("Name des Passkeys", "Rechner im Büro")
    panel_browser.press("Passkey erstellen")
    assert "Der Passkey ist hinzugefügt." in panel_browser.text
    assert "nie" in panel_browser.row("Rechner im Büro")
    (credential,) = authenticator.get_credentials()
    assert credential.rp_id == "localhost"

    show_password(panel_browser, member)
    focused = panel_browser.browser.switch_to.active_element
    assert focused.text == "Passkey benutzen", "Enter is enough"
    said = [each["message"] for each in panel_browser.browser.get_log("browser")]  # type: ignore[no-untyped-call]  # selenium's
    assert not [each for each in said if "utofocus" in each or "Refused" in each or "SyntaxError" in each]
    panel_browser.press("Passkey benutzen")
    assert panel_browser.path == "/"

    panel_server.leave_factor(member, timedelta(minutes=11))
    panel_browser.open("/staff/add")
    assert panel_browser.path.startswith("/confirm")
    panel_browser.press("Passkey benutzen")
    assert panel_browser.path == "/staff/add"

    panel_browser.open("/account")
    panel_browser.press("Entfernen", beside="Rechner im Büro")
    assert "Sie haben keinen Passkey." in panel_browser.text
    show_password(panel_browser, member)
    assert "Passkey benutzen" not in panel_browser.text


def test_a_passkey_that_is_not_there_leaves_the_code(
    panel_browser: PanelBrowser, panel_server: PanelServer, authenticator: Chrome
) -> None:
    """The page says that it was not used, and the code of the app signs in."""
    member = panel_server.enrol(Role.CLERK)
    panel_browser.sign_in(member)
    panel_browser.open("/account/passkeys/add")
    panel_browser.type("Name des Passkeys", "Schlüsselbund")
    panel_browser.press("Passkey erstellen")
    authenticator.remove_all_credentials()
    authenticator.set_user_verified(verified=False)

    show_password(panel_browser, member)
    panel_browser.browser.find_element(By.CSS_SELECTOR, "form[data-passkey] button").click()
    panel_browser.await_text("Der Passkey wurde nicht benutzt.")
    panel_server.renew_code(member)
    panel_browser.fill(code=member.code_at(datetime.now(UTC)))
    panel_browser.browser.find_element(By.CSS_SELECTOR, "form:not([data-passkey]).form button").click()
    panel_browser.await_text("Abmelden")


def test_without_scripts_no_passkey_is_offered(
    panel_browser: PanelBrowser, panel_server: PanelServer, authenticator: Chrome
) -> None:
    """The page with the code is as it was, and the account says what is missing."""
    member = panel_server.enrol(Role.CLERK)
    panel_browser.sign_in(member)
    panel_browser.open("/account/passkeys/add")
    panel_browser.type("Name des Passkeys", "Büro")
    panel_browser.press("Passkey erstellen")
    assert len(authenticator.get_credentials()) == 1
    panel_browser.run_scripts(are_on=False)
    panel_browser.open("/account/passkeys/add")
    assert "Passkeys brauchen JavaScript" in panel_browser.text
    show_password(panel_browser, member)
    assert "Passkey benutzen" not in panel_browser.text
