"""Many organisers at once, in a real browser by its keyboard: with and without scripts, in both languages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from sqlalchemy import select

from authbridge.clock import utc_now
from authbridge.schools.commands import organisers
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Organiser, Role
from tests.support.factories import ACTOR, HASHER, make_print_job, make_school
from tests.support.panel_browser import PanelBrowser, PanelServer, open_panel_server

JOB = "D7K-42P"


@dataclass(frozen=True, slots=True)
class Words:
    """What the panel says in one language."""

    extend: str
    extended: str
    suspend_all: str
    suspended: str
    new_passwords: str
    letters: str
    done: str
    reinstate: str
    reinstated: str


WORDS = {
    "Deutsch": Words(
        extend="Verlängern",
        extended="136 Zugänge sind verlängert.",
        suspend_all="Alle sperren",
        suspended="40 Zugänge sind gesperrt.",
        new_passwords="Neue Passwörter für alle",
        letters="Zugangsbriefe (PDF)",
        done="Fertig",
        reinstate="Entsperren",
        reinstated="Die Sperre von 40 Zugängen ist aufgehoben.",
    ),
    "English": Words(
        extend="Extend",
        extended="136 accesses are extended.",
        suspend_all="Suspend all",
        suspended="40 accesses are suspended.",
        new_passwords="New passwords for all",
        letters="Letters (PDF)",
        done="Done",
        reinstate="Reinstate",
        reinstated="The suspension of 40 accesses is lifted.",
    ),
}


# The language, and whether there are scripts.
_GERMAN, _ENGLISH = ("Deutsch", True), ("English", False)


def _soaked(value: object) -> ParameterSet:
    return pytest.param(value, marks=pytest.mark.soak)


@dataclass(slots=True)
class Keyboard:
    """Presses what is on the page by its words, and counts."""

    panel_browser: PanelBrowser
    presses: int = field(default=0)

    def press(self, words: str, *, within: str = "main") -> None:
        """Presses a link or a button by the Enter key, and waits for the next page."""
        self.enter(self._find(words, within))

    def send(self) -> None:
        """Presses the button of the page that asks."""
        self.enter(self._first("main form.form button[type=submit]"))

    def tick(self, name: str) -> None:
        """Ticks a box by the space bar."""
        self.presses += 1
        self._first(f"main [name={name}]").send_keys(Keys.SPACE)

    def look_for(self, typed: str) -> None:
        """Types into the search, and presses Enter."""
        search = self._first("input[type=search]")
        search.send_keys(typed)
        self.enter(search)

    def enter(self, element: WebElement) -> None:
        """Presses the Enter key there."""
        self.presses += 1
        with self.panel_browser.next_page():
            element.send_keys(Keys.ENTER)

    def _find(self, words: str, within: str) -> WebElement:
        found = self.panel_browser.browser.find_elements(By.CSS_SELECTOR, f"{within} a, {within} button")
        return next(each for each in found if each.text.strip() == words)

    def _first(self, selector: str) -> WebElement:
        return self.panel_browser.browser.find_element(By.CSS_SELECTOR, selector)


@pytest.fixture(name="panel_server")
def run_panel_server(tmp_path: Path, sqlite_template: Path) -> Iterator[PanelServer]:
    """A panel with a school of 136 that expires soon, and one of 40 whose letters were printed at once."""
    with open_panel_server(tmp_path, sqlite_template) as panel_server:
        today = utc_now().date()
        issue(panel_server.database, "ohg", 136, today + timedelta(days=9), None)
        issue(panel_server.database, "gsw", 40, today + timedelta(days=300), JOB)
        yield panel_server


def issue(database: Database, code: str, count: int, last_day: date, job: str | None) -> None:
    """Adds a school with its organisers."""
    make_school(database, code, f"Schule {code}", quota=count)
    passwords = organisers.make_passwords(
        count, HASHER, print_job=None if job is None else make_print_job(job)
    )
    with database.write_session() as session:
        organisers.issue_organisers(
            session, code, passwords, valid_until=last_day, actor=ACTOR, now=utc_now()
        )


@pytest.fixture(name="keyboard")
def sit_down(
    request: pytest.FixtureRequest, browser: Chrome, panel_server: PanelServer
) -> Iterator[tuple[Keyboard, Words]]:
    """A clerk who is signed in, and the words of their language; one of them without scripts."""
    language, has_scripts = request.param
    panel_browser = PanelBrowser(browser, panel_server.panel.url)
    panel_browser.run_scripts(are_on=has_scripts)
    panel_browser.open("/sign-in")
    browser.delete_all_cookies()
    panel_browser.open("/sign-in")
    panel_browser.press(language)
    panel_browser.sign_in(panel_server.enrol(Role.CLERK))
    panel_browser.open("/")
    yield Keyboard(panel_browser), WORDS[language]
    panel_browser.run_scripts(are_on=True)


def everybody(database: Database, code: str) -> list[Organiser]:
    """The organisers of that school."""
    with database.read_session() as session:
        return list(session.scalars(select(Organiser).where(Organiser.username.startswith(f"{code}-"))))


def events(database: Database) -> list[tuple[str, int]]:
    """What was written down about several: the action and the number."""
    with database.read_session() as session:
        query = select(AuditEvent).where(AuditEvent.action.startswith("organisers:")).order_by(AuditEvent.id)
        return [(event.action, event.detail["count"]) for event in session.scalars(query)]


@pytest.mark.parametrize("keyboard", [_soaked(_GERMAN), _ENGLISH], indirect=True, ids=str)
def test_the_end_of_the_school_year(keyboard: tuple[Keyboard, Words], panel_server: PanelServer) -> None:
    """136 accesses from the overview in two presses: the end of the school year is suggested."""
    hands, words = keyboard
    link = hands.panel_browser.browser.find_element(
        By.CSS_SELECTOR, '[aria-labelledby="expiring-title"] td.last a'
    )
    assert link.text.startswith(words.extend)
    hands.enter(link)
    assert "136" in hands.panel_browser.title
    hands.send()
    assert words.extended in hands.panel_browser.text
    assert hands.presses < 10
    (last_day,) = {each.valid_until for each in everybody(panel_server.database, "ohg")}
    assert last_day is not None
    assert (last_day.month, last_day.day) == (9, 30)
    assert events(panel_server.database) == [("organisers:change-validity", 136)]


@pytest.mark.parametrize("keyboard", [_GERMAN, _soaked(_ENGLISH)], indirect=True, ids=str)
def test_a_photographed_batch(keyboard: tuple[Keyboard, Words], panel_server: PanelServer) -> None:
    """Found by the number on the letter, suspended, re-issued, printed and given back in ten presses."""
    hands, words = keyboard
    before = {each.username: each.password_hash for each in everybody(panel_server.database, "gsw")}
    hands.look_for("d7k 42p")
    assert hands.panel_browser.path == f"/print-jobs/{JOB}"
    hands.press(words.suspend_all)
    hands.send()
    assert words.suspended in hands.panel_browser.text
    assert all(each.suspended_at for each in everybody(panel_server.database, "gsw"))

    hands.press(words.new_passwords)
    hands.send()
    hands.panel_browser.await_issued(words.letters)
    hands.presses += 1  # the letters, which the browser's own viewer shows
    hands.panel_browser.fetch(f"{hands.panel_browser.path}/letters.pdf")
    hands.press(words.done)
    assert re.fullmatch(r"/print-jobs/[A-Z0-9]{3}-[A-Z0-9]{3}", hands.panel_browser.path)
    assert JOB not in hands.panel_browser.path

    hands.tick("all")
    hands.press(words.reinstate, within="form#selection")
    hands.send()
    assert words.reinstated in hands.panel_browser.text
    assert hands.presses < 12
    after = everybody(panel_server.database, "gsw")
    assert not any(each.suspended_at for each in after)
    assert all(before[each.username] != each.password_hash for each in after)
    assert events(panel_server.database) == [
        ("organisers:suspend", 40),
        ("organisers:reset", 40),
        ("organisers:reinstate", 40),
    ]
