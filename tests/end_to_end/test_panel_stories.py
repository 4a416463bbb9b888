"""The panel as its people use it: real browser, real processes, and a teacher before the real Prosody."""

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from authbridge.storage.models import Role
from tests.end_to_end.chromium import open_chromium
from tests.end_to_end.conftest import ProsodyFor, login
from tests.end_to_end.panel_office import Desk, Office, open_office
from tests.factories import make_organiser, make_school
from workbench.prosody import Prosody

_PASSWORD = "Elf Schafe lesen abends Zeitung"

_SECRET = r"\b[a-z]{4}-[a-z]{4}-[a-z]{4}\b"  # of organisers, recovery codes and invitations


@dataclass(frozen=True, slots=True)
class Words:
    """What the panel and its letters say in one language."""

    language: str
    invited: str
    one_time_code: str
    go_on: str
    new_password: str
    repeated: str
    app_code: str
    finish: str
    kept: str
    schools: str
    add_a_school: str
    short_code: str
    street: str
    place: str
    add_school: str
    issue_access: str
    how_many: str
    letter_language: str
    issue: str
    letters: str
    on_paper: re.Pattern[str]
    done: str
    gone: str
    suspend: str
    suspended: str
    undo: str
    active: str


GERMAN = Words(
    language="Deutsch",
    invited="Ich wurde eingeladen und bin zum ersten Mal hier",
    one_time_code="Einmal-Code",
    go_on="Weiter",
    new_password="Neues Passwort",
    repeated="Noch einmal dasselbe Passwort",
    app_code="Code, den die App anzeigt",
    finish="Fertigstellen",
    kept="Ich habe sie sicher verwahrt",
    schools="Schulen",
    add_a_school="Schule anlegen",
    short_code="Kürzel",
    street="Straße und Hausnummer",
    place="Postleitzahl und Ort",
    add_school="Schule anlegen",
    issue_access="Zugänge ausgeben",
    how_many="Anzahl",
    letter_language="Deutsch",
    issue="Ausgeben",
    letters="Zugangsbriefe (PDF)",
    on_paper=re.compile(r"Anmeldename: (\S+)\n.*?Passwort: (\S+)\n", re.DOTALL),
    done="Fertig",
    gone="Diese Passwörter sind nicht mehr da",
    suspend="Sperren",
    suspended="gesperrt",
    undo="Rückgängig",
    active="aktiv",
)
ENGLISH = Words(
    language="English",
    invited="I have been invited and come for the first time",
    one_time_code="One-time code",
    go_on="Continue",
    new_password="New password",
    repeated="The same password again",
    app_code="Code that the app shows",
    finish="Finish",
    kept="I have kept them safe",
    schools="Schools",
    add_a_school="Add a school",
    short_code="Short code",
    street="Street and number",
    place="Postcode and town",
    add_school="Add school",
    issue_access="Issue access",
    how_many="How many",
    letter_language="English",
    issue="Issue",
    letters="Letters (PDF)",
    on_paper=re.compile(r"Login name: (\S+)\n.*?Password: (\S+)\n", re.DOTALL),
    done="Done",
    gone="These passwords are gone",
    suspend="Suspend",
    suspended="suspended",
    undo="Undo",
    active="active",
)


@pytest.fixture(name="office", scope="module")
def run_office(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Office]:
    """Panel and auth service over one database."""
    with open_office(tmp_path_factory.mktemp("office"), sqlite_template) as office:
        office.service.start()
        make_school(office.database)
        yield office


@pytest.fixture(name="browser", scope="module")
def start_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """The browser on the clerk's desk."""
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(name="desk")
def sit_down(browser: Chrome, office: Office) -> Iterator[Desk]:
    """That browser, as if for the first time; it speaks German."""
    desk = Desk(browser, office.panel.url)
    desk.open("/sign-in")
    browser.delete_all_cookies()
    desk.open("/sign-in")
    desk.press("Deutsch")
    yield desk
    desk.run_scripts(are_on=True)


@pytest.fixture(name="other_desk")
def sit_down_elsewhere(tmp_path: Path, office: Office) -> Iterator[Desk]:
    """A second browser, which knows nothing of the first; it speaks English."""
    with open_chromium(tmp_path) as browser:
        yield Desk(browser, office.panel.url)


def told(prosody: Prosody, username: str, password: str) -> str:
    """How a login ends, over WebSocket as Jitsi does it."""
    return asyncio.run(login(prosody, "websocket", username, password))


def enrol_by_invitation(desk: Desk, words: Words, name: str, code: str) -> str:
    """The first sign-in: name and one-time code, a password, and the key typed into an authenticator."""
    desk.press(words.invited)
    desk.type("Name", name)
    desk.type(words.one_time_code, code)
    desk.press(words.go_on)
    secret = desk.browser.find_element(By.CLASS_NAME, "secret").text.replace(" ", "")
    desk.type(words.new_password, _PASSWORD)
    desk.type(words.repeated, _PASSWORD)
    desk.type(words.app_code, pyotp.TOTP(secret).now())
    desk.press(words.finish)
    return secret


def add_school(desk: Desk, words: Words, code: str, name: str) -> None:
    """From the link in the head to the page of the new school."""
    desk.press(words.schools)
    desk.press(words.add_a_school)
    desk.type(words.short_code, code)
    desk.type("Name", name)
    desk.type(words.street, "Am Wiesenhang 3")
    desk.type(words.place, "12345 Musterstadt")
    desk.press(words.add_school)
    assert (desk.title, desk.path) == (name, f"/schools/{code}")


def issue(desk: Desk, words: Words, count: int) -> list[str]:
    """From the page of a school to that of the credentials; the passwords there."""
    desk.press(words.issue_access)
    desk.type(words.how_many, str(count))
    desk.choose(words.letter_language)
    desk.press(words.issue)
    desk.await_text(words.done)
    passwords = re.findall(_SECRET, desk.text)
    assert len(passwords) == count
    return passwords


@pytest.mark.parametrize(
    ("words", "version", "code"),
    [
        pytest.param(GERMAN, "0.12", "wiese", id="German, Prosody 0.12"),
        pytest.param(ENGLISH, "13", "hang", id="English, Prosody 13"),
    ],
)
def test_from_the_invitation_to_the_suspended_teacher(
    desk: Desk, office: Office, prosody_for: ProsodyFor, words: Words, version: str, code: str
) -> None:
    """A clerk's first day: what is printed opens a meeting, one click ends that, and Undo gives it back."""
    prosody = prosody_for(version, office.service)
    invitation = office.service.command("staff", "add", f"clerk-{code}", "--role", "clerk").strip()
    desk.press(words.language)

    enrol_by_invitation(desk, words, f"clerk-{code}", invitation)
    assert len(set(re.findall(_SECRET, desk.text))) == 10
    desk.press(words.kept)

    add_school(desk, words, code, "Grundschule am Wiesenhang")
    on_screen = issue(desk, words, 3)
    letters = desk.browser.find_element(By.LINK_TEXT, words.letters).get_attribute("href") or ""
    papers = desk.fetch(letters.removeprefix(desk.url)).paper
    on_paper = [found for paper in papers for found in words.on_paper.findall(paper)]
    assert [password for _, password in on_paper] == on_screen
    username, password = on_paper[0]
    assert told(prosody, username, password) == "success"

    desk.press(words.done)
    desk.press(words.suspend, beside=username)
    clicked = time.monotonic()
    assert told(prosody, username, password) == "account-disabled"
    assert time.monotonic() - clicked < 1
    assert words.suspended in desk.row(username)
    assert told(prosody, *on_paper[1]) == "success"

    desk.press(words.undo)
    assert told(prosody, username, password) == "success"
    assert words.active in desk.row(username)


def test_the_whole_way_works_without_scripts(desk: Desk, office: Office) -> None:
    """Add a school, issue, look at the letters, suspend and undo: none of it needs a script."""
    member = office.enrol(Role.CLERK)
    desk.run_scripts(are_on=False)
    desk.sign_in(member)
    add_school(desk, GERMAN, "still", "Stille Schule")
    issue(desk, GERMAN, 1)
    username = desk.browser.find_element(By.CSS_SELECTOR, "main table .code").text
    desk.press("Zugangsbrief (PDF)")
    assert desk.browser.execute_script("return document.contentType") == "application/pdf"
    with desk.next_page():
        desk.browser.back()
    desk.press("Fertig")
    desk.press("Sperren", beside=username)
    assert "gesperrt" in desk.row(username)
    desk.press("Rückgängig")
    assert "aktiv" in desk.row(username)


# Chromium keeps pages without scripts for "back" that it drops otherwise.
@pytest.mark.parametrize(
    ("leave", "has_scripts"),
    [
        pytest.param("Fertig", True, id="done"),
        pytest.param("Fertig", False, id="done, no scripts"),
        pytest.param("Abmelden", False, id="signed out, no scripts"),
    ],
)
def test_back_shows_no_credentials(desk: Desk, office: Office, leave: str, *, has_scripts: bool) -> None:
    """Once they are done with, or the clerk has left, neither a button nor an address leads back to them."""
    desk.run_scripts(are_on=has_scripts)
    member = office.enrol(Role.CLERK)
    desk.sign_in(member)
    desk.open("/schools/ohg")
    passwords = issue(desk, GERMAN, 2)
    place = desk.path
    desk.press("Zugangsbriefe (PDF)")
    with desk.next_page():
        desk.browser.back()
    desk.press(leave)

    def sees_nothing() -> bool:
        kind = desk.browser.execute_script("return document.contentType")
        return kind == "text/html" and not any(password in desk.browser.page_source for password in passwords)

    for go in (desk.browser.back, desk.browser.back, desk.browser.forward, desk.browser.refresh):
        with desk.next_page():
            go()
        assert sees_nothing(), desk.path
    if leave == "Abmelden":
        desk.sign_in(member, member.recovery_codes[0])
    for address in (place, f"{place}/letters.pdf", f"{place}/table.csv"):
        desk.open(address)
        assert sees_nothing(), address
        assert desk.title == GERMAN.gone


def test_two_who_edit_one_school_do_not_overwrite_each_other(
    desk: Desk, other_desk: Desk, office: Office
) -> None:
    """Who saves second is told what the first one wrote, and nothing is lost; saving again is meant."""
    make_school(office.database, "zwei", "Schule an der Brücke")
    for each in (desk, other_desk):
        each.sign_in(office.enrol(Role.CLERK))
        each.open("/schools/zwei/edit")
    desk.fill(street="Annastraße 1")
    desk.send()
    other_desk.fill(street="Bertweg 2", place="54321 Neustadt")
    other_desk.send()

    assert "Somebody else has changed this school in the meantime" in other_desk.text
    assert "Annastraße 1" in other_desk.text
    assert other_desk.field("Street and number").get_attribute("value") == "Bertweg 2"
    desk.open("/schools/zwei")
    assert "Annastraße 1" in desk.text
    assert "Neustadt" not in desk.text

    other_desk.send()
    desk.browser.refresh()
    assert "Bertweg 2" in desk.text
    assert "54321 Neustadt" in desk.text


def test_who_is_demoted_or_suspended_is_out_at_the_next_click(
    desk: Desk, other_desk: Desk, office: Office
) -> None:
    """A clerk loses her role and then her access while she is signed in: the next click ends at the door."""
    clerk, admin = office.enrol(Role.CLERK), office.enrol(Role.ADMIN)
    organiser = make_organiser(office.database)
    other_desk.sign_in(admin)
    desk.sign_in(clerk)

    other_desk.open(f"/staff/{clerk.name}")
    other_desk.browser.find_element(By.CSS_SELECTOR, "input[name=role][value=auditor]").click()
    other_desk.press("Save role")
    desk.press("Zugänge")
    assert desk.title == "Anmelden"
    assert "Ihre Sitzung wurde beendet." in desk.text

    desk.sign_in(clerk, clerk.recovery_codes[0])
    desk.open(f"/organisers/{organiser.username}")
    assert "aktiv" in desk.text
    assert not desk.browser.find_elements(By.CSS_SELECTOR, "main button")

    other_desk.press("Suspend")
    desk.press("Zugänge")
    assert desk.title == "Anmelden"
    desk.fill(name=clerk.name, password=clerk.password)
    desk.send()
    assert "Dieser Zugang ist gesperrt." in desk.text


def tab_to(desk: Desk, name: str) -> None:
    """Goes on with the Tab key to what has that name, from one visible place to the next."""
    for _ in range(60):
        focused = desk.browser.switch_to.active_element
        if focused.accessible_name.startswith(name):
            assert focused.is_displayed()
            return
        ActionChains(desk.browser).send_keys(Keys.TAB).perform()
    message = f"The Tab key does not lead to {name}."
    raise AssertionError(message)


def key_in(desk: Desk, keys: str) -> None:
    """Types where the focus is."""
    ActionChains(desk.browser).send_keys(keys).perform()


def send_with_enter(desk: Desk, keys: str = "") -> None:
    """Types where the focus is, and then Enter, which leads on."""
    with desk.next_page():
        key_in(desk, keys + Keys.ENTER)


def test_the_keyboard_is_enough(desk: Desk, office: Office) -> None:
    """Sign-in, search, suspend and undo with Tab, letters and Enter alone."""
    member, organiser = office.enrol(Role.CLERK), make_organiser(office.database)
    tab_to(desk, "Name")
    key_in(desk, member.name)
    tab_to(desk, "Passwort")
    send_with_enter(desk, member.password)
    tab_to(desk, "Code")
    send_with_enter(desk, member.code_at(datetime.now(UTC)))

    tab_to(desk, "Schule oder Zugang finden")
    send_with_enter(desk, organiser.username)
    tab_to(desk, f"Sperren {organiser.username}")
    send_with_enter(desk)
    assert "gesperrt" in desk.row(organiser.username)
    tab_to(desk, "Rückgängig")
    send_with_enter(desk)
    assert "aktiv" in desk.row(organiser.username)


_HASTE = """
const now = Date.now, every = window.setInterval;
let ahead = 0;
Date.now = () => now() + ahead;
window.setInterval = (look, wait) => every(look, wait / 100);
window.passTime = (minutes) => { ahead += minutes * 60000; };
"""

_WARNING = "Noch weniger als 2 Minuten"


@pytest.fixture(name="hasty_desk")
def hurry(desk: Desk) -> Iterator[Desk]:
    """That desk; in its pages ``passTime(minutes)`` moves the clock."""
    added = desk.browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _HASTE})
    yield desk
    desk.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_the_warning_before_the_idle_time_ends(hasty_desk: Desk, office: Office) -> None:
    """Two minutes before the end the page says so, and a button renews the session; else it ends."""
    desk, member = hasty_desk, office.enrol(Role.CLERK)
    desk.sign_in(member)
    office.leave_idle(member, timedelta(minutes=14))
    region = desk.browser.find_element(By.ID, "session")

    desk.browser.execute_script("passTime(12.9)")
    time.sleep(0.2)  # the script looks every 0.05 s here
    assert not region.text
    desk.browser.execute_script("passTime(0.2)")
    desk.await_text(_WARNING)
    region.find_element(By.TAG_NAME, "button").click()
    desk.await_text(_WARNING, is_there=False)
    assert office.idle_time(member) < timedelta(minutes=1)

    desk.browser.execute_script("passTime(14)")
    desk.await_text(_WARNING)
    desk.browser.execute_script("passTime(2)")
    desk.await_text("Sie wurden abgemeldet.")
