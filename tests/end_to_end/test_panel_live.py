"""Parts of pages that keep themselves up to date, in the real browser; nothing else of the page moves."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from sqlalchemy import delete

from authbridge.clock import utc_now
from authbridge.revocations.reports import NodeReport
from authbridge.storage.models import Role, StaffSession
from tests.end_to_end.chromium import PATIENCE, open_chromium
from tests.end_to_end.panel_office import Desk, Office, open_office
from tests.factories import make_organiser, make_school
from tests.integration.feeds import acknowledge, position, tell
from workbench.staff import Member

NODE = "prosody-1"
IDLE = timedelta(minutes=5)

_QUESTIONS = """
return performance.getEntriesByType("resource").filter((each) => each.initiatorType === "fetch").length;
"""


@pytest.fixture(name="office", scope="module")
def open_the_office(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Office]:
    """A panel with a school."""
    with open_office(tmp_path_factory.mktemp("office"), sqlite_template) as office:
        make_school(office.database)
        yield office


@pytest.fixture(name="browser", scope="module")
def start_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser."""
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(name="desk")
def sit_down(browser: Chrome, office: Office) -> Desk:
    """That browser before the panel; it speaks German."""
    desk = Desk(browser, office.panel.url)
    desk.open("/sign-in")
    browser.delete_all_cookies()
    desk.open("/sign-in")
    desk.press("Deutsch")
    return desk


@pytest.fixture(name="member")
def sign_in(desk: Desk, office: Office) -> Member:
    """An administrator who sits there."""
    member = office.enrol(Role.ADMIN)
    desk.sign_in(member)
    return member


def hear_from(office: Office, *reports: NodeReport, ago: timedelta = timedelta(0)) -> None:
    """The meeting server has carried out everything."""
    acknowledge(office.database, NODE, position(office.database)[1], *reports, now=utc_now() - ago)


def suspend(desk: Desk, office: Office) -> NodeReport:
    """A new organiser, by a click; returns what the meeting server will report."""
    hear_from(office)
    desk.open(f"/organisers/{make_organiser(office.database).username}")
    desk.press("Sperren")
    assert line(desk) == "Die Konferenzserver werden benachrichtigt."
    return NodeReport(position(office.database)[1], 2, 1, 1)


def line(desk: Desk) -> str:
    """What became of it."""
    return desk.browser.find_element(By.CLASS_NAME, "proof").text


def questions(desk: Desk) -> int:
    """How often the page has asked by itself."""
    asked: int = desk.browser.execute_script(_QUESTIONS)
    return asked


def await_question(desk: Desk) -> None:
    """Returns once the page has asked once more."""
    before = questions(desk)
    WebDriverWait(desk.browser, PATIENCE, 0.05).until(lambda _: questions(desk) > before)


def test_the_line_completes_itself_and_then_rests(desk: Desk, office: Office, member: Member) -> None:
    """Without a click; what somebody is typing meanwhile stays, and the page asks no more."""
    assert member
    report = suspend(desk, office)
    desk.type("Notiz", "Anruf der Schulleitung")
    hear_from(office, report)
    desk.await_text("2 Anmeldungen beendet, 1 Besprechung beendet, gemerkte Anmeldung gelöscht; auf 1 von 1")
    proof = desk.browser.find_element(By.CLASS_NAME, "proof")
    assert proof.get_attribute("data-live") == ""
    assert desk.field("Notiz").get_attribute("value") == "Anruf der Schulleitung"
    asked = questions(desk)
    time.sleep(1.5)  # it asked each second
    assert questions(desk) == asked


def test_asking_is_no_sign_of_life(desk: Desk, office: Office, member: Member) -> None:
    """The session grows old under a page that asks by itself."""
    suspend(desk, office)
    office.leave_idle(member, IDLE)
    for _ in range(2):
        await_question(desk)
    assert office.idle_time(member) >= IDLE


def test_after_the_sign_out_nothing_more_is_shown(desk: Desk, office: Office, member: Member) -> None:
    """The page asks once more, is sent to the sign-in, and rests."""
    assert member
    report = suspend(desk, office)
    with office.database.write_session() as session:
        session.execute(delete(StaffSession))
    await_question(desk)
    asked = questions(desk)
    hear_from(office, report)
    time.sleep(2.5)
    assert questions(desk) <= asked + 1  # one may have been on its way
    assert line(desk) == "Die Konferenzserver werden benachrichtigt."


def test_the_overview_turns_red_and_back_by_itself(desk: Desk, office: Office, member: Member) -> None:
    """While nobody touches it; the numbers of meetings go with it."""
    assert member
    username = make_organiser(office.database).username
    tell(office.database, NODE, {username: 2}, utc_now() - timedelta(seconds=27))
    desk.open("/")
    assert "Otto-Hahn-Gymnasium 2" in " ".join(desk.text.split())
    assert "gestört" not in meeting_server(desk)
    desk.await_text("Kein Konferenzserver antwortet")
    desk.await_text("Endgültig weg: vergessen")
    assert "gestört" in meeting_server(desk)
    tell(office.database, NODE, {username: 1}, utc_now())
    desk.await_text("Endgültig weg: vergessen", is_there=False)
    WebDriverWait(desk.browser, PATIENCE, 0.05).until(
        lambda _: "Otto-Hahn-Gymnasium 1" in " ".join(desk.text.split())
    )


def meeting_server(desk: Desk) -> str:
    """What the overview says of it."""
    return desk.browser.find_element(By.XPATH, f'//li[contains(., "{NODE}")]').text
