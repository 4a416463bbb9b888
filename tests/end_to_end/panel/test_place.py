"""Where a page begins in the browser: at the row whose button was pressed, at the notice, in the search."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from authbridge.clock import utc_now
from authbridge.storage.models import Organiser, Role, School
from tests.support.factories import make_organiser, make_school
from tests.support.panel_browser import PanelBrowser, PanelServer, open_panel_server

_TOP_OF = "return arguments[0].getBoundingClientRect().top;"
_CENTRE = "arguments[0].scrollIntoView({ block: 'center' });"
_NAME = "ohg-030"


@pytest.fixture(name="panel_server", scope="module")
def run_panel_server(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[PanelServer]:
    """A panel with a school whose list is longer than a screen."""
    with open_panel_server(tmp_path_factory.mktemp("office"), sqlite_template) as panel_server:
        make_school(panel_server.database)
        with panel_server.database.write_session() as session:
            school = session.query(School).one()
            session.add_all(
                Organiser(
                    username=f"ohg-{number:03}",
                    school_id=school.id,
                    password_hash="x" * 60,
                    password_generated=True,
                    created_at=utc_now(),
                )
                for number in range(40)
            )
        yield panel_server


@pytest.fixture(name="clerk")
def sign_in(browser: Chrome, panel_server: PanelServer) -> Iterator[PanelBrowser]:
    """A clerk before the panel, whose pages speak German."""
    panel_browser = PanelBrowser(browser, panel_server.panel.url)
    panel_browser.open("/sign-in")
    browser.delete_all_cookies()
    panel_browser.open("/sign-in")
    panel_browser.press("Deutsch")
    panel_browser.sign_in(panel_server.enrol(Role.CLERK))
    yield panel_browser
    panel_browser.run_scripts(are_on=True)


def button(clerk: PanelBrowser, action: str) -> WebElement:
    """Finds the button of that organiser's row."""
    return clerk.browser.find_element(By.CSS_SELECTOR, f"tbody form[action$='/{_NAME}/{action}'] button")


def press_in_the_middle(clerk: PanelBrowser, action: str) -> float:
    """Presses the button in the middle of the screen; returns how far below its top it was."""
    pressed = button(clerk, action)
    clerk.browser.execute_script(_CENTRE, pressed)
    top: float = clerk.browser.execute_script(_TOP_OF, pressed)
    with clerk.next_page():
        pressed.click()
    return top


def focused(clerk: PanelBrowser) -> WebElement:
    """Returns what has the focus."""
    return clerk.browser.switch_to.active_element


def test_the_page_stays_where_the_button_was(clerk: PanelBrowser) -> None:
    """Twice in a row; the notice is in sight with the focus, and leaves with it."""
    clerk.open("/schools/ohg")
    for action, way_back, words in (
        ("suspend", "reinstate", "gesperrt"),
        ("reinstate", "suspend", "entsperrt"),
    ):
        top = press_in_the_middle(clerk, action)
        assert abs(clerk.browser.execute_script(_TOP_OF, button(clerk, way_back)) - top) <= 2  # pixels
        notice = focused(clerk)
        assert notice.get_attribute("role") == "alert"
        assert words in notice.text
        assert 0 <= clerk.browser.execute_script(_TOP_OF, notice) < 100
    notice.send_keys(Keys.TAB)
    assert not clerk.browser.find_elements(By.CSS_SELECTOR, ".floating")


def test_without_scripts_the_page_begins_with_the_notice(clerk: PanelBrowser) -> None:
    """The focus is on it all the same."""
    clerk.run_scripts(are_on=False)
    clerk.open("/schools/ohg")
    for action, words in (("suspend", "ist gesperrt"), ("reinstate", "ist entsperrt")):
        clerk.browser.find_element(By.CSS_SELECTOR, f"tbody form[action$='/{_NAME}/{action}'] button").click()
        clerk.await_text(f"{_NAME} {words}")
        assert _NAME in focused(clerk).text
        assert focused(clerk).get_attribute("role") == "alert"


def test_a_search_begins_with_typing(clerk: PanelBrowser) -> None:
    """From the overview to the organiser with nothing but keys; what was typed before is replaced."""
    clerk.open("/")
    with clerk.next_page():
        focused(clerk).send_keys("niemand", Keys.ENTER)
    assert clerk.path == "/search?q=niemand"
    with clerk.next_page():
        focused(clerk).send_keys(_NAME.replace("-", " "), Keys.ENTER)
    assert clerk.path == f"/organisers/{_NAME}"


@pytest.mark.parametrize("scripts", [pytest.param(True, marks=pytest.mark.soak), False])
def test_an_impossible_day_takes_no_end_away(
    clerk: PanelBrowser, panel_server: PanelServer, *, scripts: bool
) -> None:
    """What the browser of today sends for 31 June is told, not taken for “no end”."""
    name = make_organiser(panel_server.database, valid_until=date(2099, 7, 31)).username
    clerk.run_scripts(are_on=scripts)
    clerk.open(f"/organisers/{name}/validity")
    field = clerk.field("Gültig bis")
    field.clear()
    field.send_keys("31.06.2098", Keys.ENTER)
    clerk.await_text("Den 31.06.2098 gibt es im Kalender nicht.")
    field = clerk.field("Gültig bis")
    assert field.get_attribute("value") == "31.06.2098"
    field.clear()
    field.send_keys("30.6.2098", Keys.ENTER)
    clerk.await_text(f"{name} ist gültig bis 30.06.2098.")
