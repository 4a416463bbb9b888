"""Parts of pages that keep themselves up to date, in the real browser; nothing else of the page moves."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from sqlalchemy import delete

from authbridge.clock import utc_now
from authbridge.revocations.reports import NodeReport
from authbridge.storage.models import Role, StaffSession
from authbridge.synthetic_login.outcomes import SyntheticOutcome
from tests.support.factories import make_organiser, make_school
from tests.support.feeds import acknowledge, position, report
from tests.support.panel_browser import PanelBrowser, PanelServer, open_panel_server
from tests.support.synthetic_logins import add_synthetic_logins
from workbench.processes import PATIENCE
from workbench.staff import Member

NODE = "prosody-1"
IDLE = timedelta(minutes=5)

_QUESTIONS = """
return performance.getEntriesByType("resource").filter((each) => each.initiatorType === "fetch").length;
"""


@pytest.fixture(name="panel_server", scope="module")
def run_panel_server(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[PanelServer]:
    """A panel with a school."""
    with open_panel_server(tmp_path_factory.mktemp("office"), sqlite_template) as panel_server:
        make_school(panel_server.database)
        yield panel_server


@pytest.fixture(name="panel_browser")
def sit_down(browser: Chrome, panel_server: PanelServer) -> PanelBrowser:
    """That browser before the panel; it speaks German."""
    panel_browser = PanelBrowser(browser, panel_server.panel.url)
    panel_browser.open("/sign-in")
    browser.delete_all_cookies()
    panel_browser.open("/sign-in")
    panel_browser.press("Deutsch")
    return panel_browser


@pytest.fixture(name="member")
def sign_in(panel_browser: PanelBrowser, panel_server: PanelServer) -> Member:
    """An administrator who sits there."""
    member = panel_server.enrol(Role.ADMIN)
    panel_browser.sign_in(member)
    return member


def test_what_was_shown_goes_from_other_tabs_with_the_sign_out(
    panel_browser: PanelBrowser, member: Member
) -> None:
    """A school's page is empty then, also if somebody signs in again; what was typed can still be copied."""
    browser = panel_browser.browser
    panel_browser.open("/schools/add")
    field = browser.find_element(By.CSS_SELECTOR, "main input[name=name]")
    field.send_keys("Schule am See")
    typing = browser.current_window_handle
    browser.switch_to.new_window("tab")
    panel_browser.open("/schools/ohg")
    assert "Otto-Hahn" in browser.find_element(By.ID, "main").text
    reading = browser.current_window_handle
    browser.switch_to.new_window("tab")
    panel_browser.open("/")
    panel_browser.press("Abmelden")
    panel_browser.sign_in(member, member.recovery_codes[0])
    browser.close()
    browser.switch_to.window(reading)
    assert "Otto-Hahn" not in browser.page_source
    assert member.name not in browser.find_element(By.TAG_NAME, "body").text
    assert "Sie wurden abgemeldet" in browser.find_element(By.ID, "session").text
    browser.close()
    browser.switch_to.window(typing)
    (kept,) = browser.find_elements(By.CSS_SELECTOR, "main input")
    assert kept.get_attribute("value") == "Schule am See"


def hear_from(panel_server: PanelServer, *reports: NodeReport, ago: timedelta = timedelta(0)) -> None:
    """The meeting server has carried out everything."""
    acknowledge(
        panel_server.database, NODE, position(panel_server.database)[1], *reports, now=utc_now() - ago
    )


def suspend(panel_browser: PanelBrowser, panel_server: PanelServer) -> NodeReport:
    """A new organiser, by a click; returns what the meeting server will report."""
    hear_from(panel_server)
    panel_browser.open(f"/organisers/{make_organiser(panel_server.database).username}")
    panel_browser.press("Sperren")
    assert line(panel_browser) == "Die Besprechungsserver werden benachrichtigt."
    return NodeReport(position(panel_server.database)[1], 2, 1, 1)


def line(panel_browser: PanelBrowser) -> str:
    """What became of it."""
    return panel_browser.text_of(".revocation")


def questions(panel_browser: PanelBrowser) -> int:
    """How often the page has asked by itself."""
    asked: int = panel_browser.browser.execute_script(_QUESTIONS)
    return asked


def await_question(panel_browser: PanelBrowser) -> None:
    """Returns once the page has asked once more."""
    before = questions(panel_browser)
    panel_browser.await_that(lambda: questions(panel_browser) > before)


def test_the_line_completes_itself_and_then_rests(
    panel_browser: PanelBrowser, panel_server: PanelServer, member: Member
) -> None:
    """Without a click; what somebody is typing meanwhile stays, and the page asks no more."""
    assert member
    report = suspend(panel_browser, panel_server)
    panel_browser.type("Notiz", "Anruf der Schulleitung")
    hear_from(panel_server, report)
    panel_browser.await_text(
        "2 Anmeldungen beendet, 1 Besprechung beendet, gemerkte Anmeldung gelöscht; auf 1 von 1"
    )
    proof = panel_browser.browser.find_element(By.CLASS_NAME, "revocation")
    assert proof.get_attribute("data-live") == ""
    assert panel_browser.field("Notiz").get_attribute("value") == "Anruf der Schulleitung"
    asked = questions(panel_browser)
    time.sleep(1.5)  # it asked each second
    assert questions(panel_browser) == asked


def test_asking_is_no_sign_of_life(
    panel_browser: PanelBrowser, panel_server: PanelServer, member: Member
) -> None:
    """The session grows old under a page that asks by itself."""
    suspend(panel_browser, panel_server)
    panel_server.leave_idle(member, IDLE)
    for _ in range(2):
        await_question(panel_browser)
    assert panel_server.idle_time(member) >= IDLE


def test_after_the_sign_out_nothing_more_is_shown(
    panel_browser: PanelBrowser, panel_server: PanelServer, member: Member
) -> None:
    """The page asks once more, is sent to the sign-in, and rests."""
    assert member
    report = suspend(panel_browser, panel_server)
    with panel_server.database.write_session() as session:
        session.execute(delete(StaffSession))
    await_question(panel_browser)
    asked = questions(panel_browser)
    hear_from(panel_server, report)
    time.sleep(2.5)
    assert questions(panel_browser) <= asked + 1  # one may have been on its way
    assert line(panel_browser) == "Die Besprechungsserver werden benachrichtigt."


def test_the_overview_turns_red_and_back_by_itself(
    panel_browser: PanelBrowser, panel_server: PanelServer, member: Member
) -> None:
    """While nobody touches it; the numbers of meetings go with it."""
    assert member
    username = make_organiser(panel_server.database).username
    report(panel_server.database, NODE, {username: 2}, utc_now())
    panel_browser.open("/")
    assert "Otto-Hahn-Gymnasium 2" in " ".join(panel_browser.text.split())
    assert "gestört" not in meeting_server(panel_browser)
    report(panel_server.database, NODE, {username: 2}, utc_now() - timedelta(seconds=31))
    panel_browser.await_text("Kein Besprechungsserver antwortet")
    panel_browser.await_text("Endgültig weg: vergessen")
    assert "gestört" in meeting_server(panel_browser)
    report(panel_server.database, NODE, {username: 1}, utc_now())
    panel_browser.await_text("Endgültig weg: vergessen", is_there=False)
    panel_browser.await_that(lambda: "Otto-Hahn-Gymnasium 1" in " ".join(panel_browser.text.split()))


def meeting_server(panel_browser: PanelBrowser) -> str:
    """What the overview says of it."""
    return panel_browser.text_of("li, p.all-well", NODE)


def test_the_latest_synthetic_login_is_shown_and_not_read_out(
    panel_browser: PanelBrowser, panel_server: PanelServer, browser: Chrome, member: Member
) -> None:
    """Every five minutes another one succeeds: a screen reader must not speak of it while staff work."""
    assert member
    now = utc_now()
    add_synthetic_logins(panel_server.database, SyntheticOutcome.GRANTED, last_at=now - timedelta(minutes=5))
    panel_browser.open("/")
    # In one step: the line is replaced at any moment.
    line = "const line = document.querySelector('.live > p.quiet'); return [line.innerText, line.ariaLive]"
    first, _ = browser.execute_script(line)
    browser.execute_script("document.querySelector('.all-well').dataset.same = 'yes'")

    add_synthetic_logins(panel_server.database, SyntheticOutcome.GRANTED, last_at=now)
    deadline = time.monotonic() + PATIENCE
    while (shown := browser.execute_script(line))[0] == first:
        assert time.monotonic() < deadline
        time.sleep(0.1)

    assert shown[0].startswith("Eine Probeanmeldung gelang zuletzt am ")
    assert shown[1] == "off"
    assert browser.find_elements(By.CSS_SELECTOR, ".all-well[data-same]"), "nothing else was replaced"
