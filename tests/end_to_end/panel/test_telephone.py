"""A teacher calls: the clerk finds out why she cannot get in, from the panel alone, by keyboard alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from authbridge.clock import utc_now
from authbridge.login.authenticate import authenticate
from authbridge.schools.commands import suspensions
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.suspendable import ORGANISER
from authbridge.storage.models import Role
from tests.support.combinations import each_once
from tests.support.factories import (
    ACTOR,
    make_organiser,
    make_origin,
    make_school,
    make_services,
    parse_attempt,
)
from tests.support.panel_browser import PanelBrowser, PanelServer, open_panel_server
from tests.support.stories import wrong_passwords

_MOST_TABS = 40


@dataclass(frozen=True, slots=True)
class Words:
    """What the panel says in one language, of each case."""

    language: str
    wrong_password: str
    wrong_name: str
    waiting: str
    suspended: str
    tried: str


GERMAN = Words(
    language="Deutsch",
    wrong_password="3-mal falsches Passwort",
    wrong_name="eingegeben, den es nicht gibt",
    waiting="Deshalb gilt bis",
    suspended="Dieser Zugang ist seit",
    tried="wurde er versucht",
)
ENGLISH = Words(
    language="English",
    wrong_password="3 wrong passwords",
    wrong_name="which nobody has",
    waiting="Therefore there is a wait until",
    suspended="This access has been suspended since",
    tried="it was tried",
)


@pytest.fixture(name="panel_server", scope="module")
def run_panel_server(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[PanelServer]:
    """A panel with a school."""
    with open_panel_server(tmp_path_factory.mktemp("telephone"), sqlite_template) as panel_server:
        make_school(panel_server.database)
        yield panel_server


@pytest.fixture(name="clerk")
def sign_in(
    request: pytest.FixtureRequest, browser: Chrome, panel_server: PanelServer
) -> Iterator[PanelBrowser]:
    """A clerk who is signed in; of pages without scripts a clerk has all, too."""
    clerk = PanelBrowser(browser, panel_server.panel.url)
    clerk.sign_in(panel_server.enrol(Role.CLERK))
    clerk.run_scripts(are_on=request.param == "with-scripts")
    clerk.open("/")
    yield clerk
    clerk.run_scripts(are_on=True)


def log_in(panel_server: PanelServer, *typed: tuple[str, str]) -> None:
    """Logs in with each name and password, one after the other."""
    services = make_services(
        panel_server.database, clock=utc_now, keyed_hashes=panel_server.services.keyed_hashes
    )
    for name, password in typed:
        attempt = parse_attempt(name, password, "198.51.100.7", utc_now())
        authenticate(attempt, make_origin(), services, within=10)


def wrong(panel_server: PanelServer, letter: IssuedCredential, count: int) -> list[tuple[str, str]]:
    """Returns so many wrong passwords for that login name, which the policy tells apart."""
    passwords = wrong_passwords(letter.username, panel_server.services.keyed_hashes, utc_now())
    return [(letter.username, password) for password in islice(passwords, count)]


def slip(username: str) -> str:
    """Returns the login name with its last letter mistyped."""
    return username[:-1] + ("v" if username[-1] != "v" else "w")


def press_keys(clerk: PanelBrowser, *keys: str) -> None:
    """Presses keys, wherever the focus is."""
    ActionChains(clerk.browser).send_keys(*keys).perform()


def tab_to(clerk: PanelBrowser, selector: str) -> None:
    """Presses the tabulator until the focus is there."""
    wanted = clerk.browser.find_element(By.CSS_SELECTOR, selector)
    for _ in range(_MOST_TABS):
        if clerk.browser.switch_to.active_element == wanted:
            return
        press_keys(clerk, Keys.TAB)
    pytest.fail(f"no way to {selector} by keyboard")


def look_up(clerk: PanelBrowser, typed: str) -> None:
    """Types into the search, and presses Enter."""
    clerk.open("/")
    tab_to(clerk, "input[name=q]")
    with clerk.next_page():
        press_keys(clerk, typed, Keys.ENTER)


def open_page(clerk: PanelBrowser, username: str) -> str:
    """Follows the link to that organiser, unless the page is there already; returns the cause."""
    path = f"/organisers/{username}"
    if clerk.path != path:
        tab_to(clerk, f'main a[href="{path}"]')
        with clerk.next_page():
            press_keys(clerk, Keys.ENTER)
    return clerk.text_of(".why .said")


@pytest.mark.parametrize(
    ("clerk", "words"), each_once(["with-scripts", "without-scripts"], [GERMAN, ENGLISH]), indirect=["clerk"]
)
def test_a_teacher_learns_why_she_cannot_get_in(
    clerk: PanelBrowser, panel_server: PanelServer, words: Words
) -> None:
    """A mistyped password, a wrong name, a wait, a suspension: each is one search and one sentence away."""
    clerk.press(words.language)
    letters = [make_organiser(panel_server.database) for _ in range(4)]
    mistyped, misspelt, waiting, suspended = letters
    log_in(
        panel_server,
        *wrong(panel_server, mistyped, 3),
        *wrong(panel_server, waiting, 5),
        (slip(misspelt.username), misspelt.password),
    )
    with panel_server.database.write_session() as session:
        suspensions.suspend(session, ORGANISER, suspended.username, reason=None, actor=ACTOR, now=utc_now())

    for letter, sentence, way_out in (
        (mistyped, words.wrong_password, f'.next a[href="/organisers/{mistyped.username}/reset"]'),
        (waiting, words.waiting, ".next form[action='/lockouts/clear'] button"),
        (suspended, words.suspended, ".next form[action$='/reinstate'] button"),
    ):
        look_up(clerk, letter.username)
        assert sentence in open_page(clerk, letter.username)
        tab_to(clerk, way_out)

    look_up(clerk, slip(misspelt.username))
    assert words.tried in clerk.text
    assert words.wrong_name in open_page(clerk, misspelt.username)

    look_up(clerk, waiting.username)
    open_page(clerk, waiting.username)
    tab_to(clerk, ".next button")
    with clerk.next_page():
        press_keys(clerk, Keys.ENTER)
    assert words.waiting not in clerk.text
