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
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By

from authbridge.storage.models import Role
from tests.support.chromium import open_chromium
from tests.support.factories import make_organiser, make_school
from tests.support.login_server import NEWER, OLDER, ProsodyFor, login
from tests.support.panel_browser import PanelBrowser, PanelServer, open_panel_server
from workbench.prosody import Prosody

_PASSWORD = "Elf Schafe lesen abends Zeitung"

_SECRET = r"\b[a-z]{4}-[a-z]{4}-[a-z]{4}\b"  # of organisers, recovery codes and invitations
_BESIDE = (
    r".*?http\S+\n(\S+)\n.*?\n([a-z]{4}(?:-[a-z]{4}){2})\n"  # the labels stand apart from what they label
)


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
    on_paper=re.compile(rf"Anmeldename:\nPasswort:\n{_BESIDE}", re.DOTALL),
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
    on_paper=re.compile(rf"Login name:\nPassword:\n{_BESIDE}", re.DOTALL),
    done="Done",
    gone="These passwords are gone",
    suspend="Suspend",
    suspended="suspended",
    undo="Undo",
    active="active",
)


@pytest.fixture(name="panel_server", scope="module")
def run_panel_server(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[PanelServer]:
    """Panel and auth service over one database."""
    with open_panel_server(tmp_path_factory.mktemp("office"), sqlite_template) as panel_server:
        panel_server.service.start()
        make_school(panel_server.database)
        yield panel_server


@pytest.fixture(name="other_browser")
def sit_down_elsewhere(tmp_path: Path, panel_server: PanelServer) -> Iterator[PanelBrowser]:
    """A second browser, which knows nothing of the first; it speaks English."""
    with open_chromium(tmp_path) as browser:
        other_browser = PanelBrowser(browser, panel_server.panel.url)
        other_browser.open("/sign-in")
        other_browser.press("English")
        yield other_browser


def told(prosody: Prosody, username: str, password: str) -> str:
    """How a login ends, over WebSocket as Jitsi does it."""
    return asyncio.run(login(prosody, "websocket", username, password))


def enrol_by_invitation(panel_browser: PanelBrowser, words: Words, name: str, code: str) -> str:
    """The first sign-in: name and one-time code, a password, and the key typed into an authenticator."""
    panel_browser.press(words.invited)
    panel_browser.type("Name", name)
    panel_browser.type(words.one_time_code, code)
    panel_browser.press(words.go_on)
    secret = panel_browser.text_of(".secret").replace(" ", "")
    panel_browser.type(words.new_password, _PASSWORD)
    panel_browser.type(words.repeated, _PASSWORD)
    panel_browser.type(words.app_code, pyotp.TOTP(secret).now())
    panel_browser.press(words.finish)
    return secret


def add_school(panel_browser: PanelBrowser, words: Words, code: str, name: str) -> None:
    """From the link in the head to the page of the new school."""
    panel_browser.press(words.schools)
    panel_browser.press(words.add_a_school)
    panel_browser.type(words.short_code, code)
    panel_browser.type("Name", name)
    panel_browser.type(words.street, "Am Wiesenhang 3")
    panel_browser.type(words.place, "12345 Musterstadt")
    panel_browser.press(words.add_school)
    assert (panel_browser.title, panel_browser.path) == (name, f"/schools/{code}")


def issue(panel_browser: PanelBrowser, words: Words, count: int) -> list[str]:
    """From the page of a school to that of the credentials; the passwords there."""
    panel_browser.press(words.issue_access)
    return fill_in_order(panel_browser, words, count)


def fill_in_order(panel_browser: PanelBrowser, words: Words, count: int) -> list[str]:
    """From the form to the page of the credentials; the passwords there."""
    panel_browser.type(words.how_many, str(count))
    panel_browser.choose(words.letter_language)
    panel_browser.press(words.issue)
    panel_browser.await_issued(words.done)
    passwords = re.findall(_SECRET, panel_browser.text)
    assert len(passwords) == count
    return passwords


@pytest.mark.parametrize(
    ("words", "version", "code"),
    [
        pytest.param(GERMAN, OLDER, "wiese", id=f"German, Prosody {OLDER}"),
        pytest.param(ENGLISH, NEWER, "hang", id=f"English, Prosody {NEWER}", marks=pytest.mark.soak),
    ],
)
def test_from_the_invitation_to_the_suspended_teacher(
    panel_browser: PanelBrowser,
    panel_server: PanelServer,
    prosody_for: ProsodyFor,
    words: Words,
    version: str,
    code: str,
) -> None:
    """A clerk's first day: what is printed opens a meeting, one click ends that, and Undo gives it back."""
    prosody = prosody_for(version, panel_server.service)
    invitation = panel_server.service.command("staff", "add", f"clerk-{code}", "--role", "clerk").strip()
    panel_browser.press(words.language)

    enrol_by_invitation(panel_browser, words, f"clerk-{code}", invitation)
    assert len(set(re.findall(_SECRET, panel_browser.text))) == 10
    panel_browser.press(words.kept)

    add_school(panel_browser, words, code, "Grundschule am Wiesenhang")
    on_screen = issue(panel_browser, words, 3)
    letters = panel_browser.browser.find_element(By.LINK_TEXT, words.letters).get_attribute("href") or ""
    papers = panel_browser.fetch(letters.removeprefix(panel_browser.url)).paper
    on_paper = [found for paper in papers for found in words.on_paper.findall(paper)]
    assert [password for _, password in on_paper] == on_screen
    username, password = on_paper[0]
    assert told(prosody, username, password) == "success"

    panel_browser.press(words.done)
    panel_browser.press(words.suspend, beside=username)
    assert told(prosody, username, password) == "account-disabled"
    assert words.suspended in panel_browser.row(username)
    assert told(prosody, *on_paper[1]) == "success"

    panel_browser.press(words.undo)
    assert told(prosody, username, password) == "success"
    assert words.active in panel_browser.row(username)


def test_two_who_edit_one_school_do_not_overwrite_each_other(
    panel_browser: PanelBrowser, other_browser: PanelBrowser, panel_server: PanelServer
) -> None:
    """Who saves second is told what the first one wrote, and nothing is lost; saving again is meant."""
    make_school(panel_server.database, "zwei", "Schule an der Brücke")
    for each in (panel_browser, other_browser):
        each.sign_in(panel_server.enrol(Role.CLERK))
        each.open("/schools/zwei/edit")
    panel_browser.fill(street="Annastraße 1")
    panel_browser.send()
    other_browser.fill(street="Bertweg 2", place="54321 Neustadt")
    other_browser.send()

    assert "Somebody else has changed this school in the meantime" in other_browser.text
    assert "Annastraße 1" in other_browser.text
    assert other_browser.field("Street and number").get_attribute("value") == "Bertweg 2"
    panel_browser.open("/schools/zwei")
    assert "Annastraße 1" in panel_browser.text
    assert "Neustadt" not in panel_browser.text

    other_browser.send()
    panel_browser.browser.refresh()
    assert "Bertweg 2" in panel_browser.text
    assert "54321 Neustadt" in panel_browser.text


def test_who_is_demoted_or_suspended_is_out_at_the_next_click(
    panel_browser: PanelBrowser, other_browser: PanelBrowser, panel_server: PanelServer
) -> None:
    """A clerk who is signed in loses role and then access: the next click leads to the sign-in."""
    clerk, admin = panel_server.enrol(Role.CLERK), panel_server.enrol(Role.ADMIN)
    organiser = make_organiser(panel_server.database)
    other_browser.sign_in(admin)
    panel_browser.sign_in(clerk)

    other_browser.open(f"/staff/{clerk.name}")
    other_browser.browser.find_element(By.CSS_SELECTOR, "input[name=role][value=auditor]").click()
    other_browser.press("Save role")
    panel_browser.press("Zugänge")
    assert panel_browser.title == "Anmelden"
    assert "Ihre Sitzung wurde beendet." in panel_browser.text

    panel_browser.sign_in(clerk, clerk.recovery_codes[0])
    panel_browser.open(f"/organisers/{organiser.username}")
    assert "aktiv" in panel_browser.text
    assert not panel_browser.browser.find_elements(By.CSS_SELECTOR, "main button")

    other_browser.press("Suspend")
    panel_browser.press("Zugänge")
    assert panel_browser.title == "Anmelden"
    panel_browser.fill(name=clerk.name, password=clerk.password)
    panel_browser.send()
    assert "Dieser Zugang ist gesperrt." in panel_browser.text


def tab_to(panel_browser: PanelBrowser, name: str) -> None:
    """Goes on with the Tab key to what has that name, from one visible place to the next."""
    for _ in range(60):
        focused = panel_browser.browser.switch_to.active_element
        if focused.accessible_name.startswith(name):
            assert focused.is_displayed()
            return
        ActionChains(panel_browser.browser).send_keys(Keys.TAB).perform()
    message = f"The Tab key does not lead to {name}."
    raise AssertionError(message)


def key_in(panel_browser: PanelBrowser, keys: str) -> None:
    """Types where the focus is."""
    ActionChains(panel_browser.browser).send_keys(keys).perform()


def send_with_enter(panel_browser: PanelBrowser, keys: str = "") -> None:
    """Types where the focus is, and then Enter, which leads on."""
    with panel_browser.next_page():
        key_in(panel_browser, keys + Keys.ENTER)


def test_the_keyboard_is_enough(panel_browser: PanelBrowser, panel_server: PanelServer) -> None:
    """Sign-in, search, suspend and undo with Tab, letters and Enter alone."""
    member, organiser = panel_server.enrol(Role.CLERK), make_organiser(panel_server.database)
    tab_to(panel_browser, "Name")
    key_in(panel_browser, member.name)
    tab_to(panel_browser, "Passwort")
    send_with_enter(panel_browser, member.password)
    tab_to(panel_browser, "Code")
    send_with_enter(panel_browser, member.code_at(datetime.now(UTC)))

    tab_to(panel_browser, "Schule oder Zugang finden")
    send_with_enter(panel_browser, organiser.username)
    assert panel_browser.path == f"/organisers/{organiser.username}"
    tab_to(panel_browser, f"Sperren {organiser.username}")
    send_with_enter(panel_browser)
    panel_browser.await_text(f"{organiser.username} ist gesperrt")
    tab_to(panel_browser, "Rückgängig")
    send_with_enter(panel_browser)
    panel_browser.await_text(f"{organiser.username} ist entsperrt")


_HASTE = """
const now = Date.now, every = window.setInterval;
let ahead = 0;
Date.now = () => now() + ahead;
window.setInterval = (look, wait) => every(look, wait / 100);
window.passTime = (minutes) => { ahead += minutes * 60000; };
"""

_WARNING = "Noch weniger als 2 Minuten"


@pytest.fixture(name="hasty_browser")
def hurry(panel_browser: PanelBrowser) -> Iterator[PanelBrowser]:
    """That panel_browser; in its pages ``passTime(minutes)`` moves the clock."""
    added = panel_browser.browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _HASTE})
    yield panel_browser
    panel_browser.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_the_warning_before_the_idle_time_ends(
    hasty_browser: PanelBrowser, panel_server: PanelServer
) -> None:
    """Two minutes before the end the page says so, and a button renews the session; else it ends."""
    panel_browser, member = hasty_browser, panel_server.enrol(Role.CLERK)
    panel_browser.sign_in(member)
    panel_server.leave_idle(member, timedelta(minutes=59))
    region = panel_browser.browser.find_element(By.ID, "session")

    panel_browser.browser.execute_script("passTime(57.9)")
    time.sleep(0.2)  # the script looks every 0.05 s here
    assert not region.text
    panel_browser.browser.execute_script("passTime(0.2)")
    panel_browser.await_text(_WARNING)
    region.find_element(By.TAG_NAME, "button").click()
    panel_browser.await_text(_WARNING, is_there=False)
    assert panel_server.idle_time(member) < timedelta(minutes=1)

    panel_browser.browser.execute_script("passTime(59)")
    panel_browser.await_text(_WARNING)
    panel_browser.browser.execute_script("passTime(2)")
    panel_browser.await_text("Sie wurden abgemeldet.")
