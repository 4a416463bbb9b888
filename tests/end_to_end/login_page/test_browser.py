"""The login page in a real browser, with scripts switched off, and before fault-finding tools."""

import json
from collections.abc import Iterator
from urllib.parse import quote, unquote

import pytest
from selenium.webdriver.common.by import By

from tests.support.chromium import open_chromium
from tests.support.login_page import MEETING, LoginPageServer, path_of
from tests.support.page_findings import PageFindings, faults_of_html, look, preload_axe, read_logs
from tests.support.panel_browser import PanelBrowser

_LOGOUT = "/_authbridge/logout"
_IN_STORAGE = "return localStorage.getItem('features/base/settings');"


@pytest.fixture(name="visitor", scope="module")
def open_browser(tmp_path_factory: pytest.TempPathFactory, server: LoginPageServer) -> Iterator[PanelBrowser]:
    """A browser of somebody who is there for the first time."""
    with open_chromium(tmp_path_factory.mktemp("visitor"), is_watched=True) as browser:
        yield PanelBrowser(browser, server.page.url)


def press(visitor: PanelBrowser) -> None:
    """Presses the one button."""
    with visitor.next_page():
        visitor.browser.find_element(By.CSS_SELECTOR, "main form button").click()


def test_a_teacher_comes_back_into_the_meeting_without_scripts(
    visitor: PanelBrowser, server: LoginPageServer
) -> None:
    """Name, password, one button; a slip between, after which only the password is typed again.

    Browsers hold the redirect to the policy of the form: here it leads to another origin.
    """
    organiser = server.organisers.active
    visitor.run_scripts(are_on=False)
    browser = visitor.browser
    visitor.open(path_of(language="de"))
    assert browser.switch_to.active_element.get_attribute("name") == "username"
    browser.switch_to.active_element.send_keys(organiser.username)
    visitor.fill(password="falsch")
    browser.find_element(By.CSS_SELECTOR, "main form button").click()
    visitor.await_text("Anmeldename oder Passwort stimmt nicht.")
    assert browser.title.startswith("Fehler: ")
    focused = browser.switch_to.active_element
    assert focused.get_attribute("name") == "password"
    assert focused.get_attribute("value") == ""
    focused.send_keys(f"{organiser.password}\n")
    meeting = f"{server.page.meet_url}/Physik-7b#jwt="
    visitor.await_that(lambda: browser.current_url.startswith(meeting))
    visitor.run_scripts(are_on=True)


def test_no_other_page_frames_it(visitor: PanelBrowser, server: LoginPageServer) -> None:
    """The frame stays empty, so nobody is led to press something that they do not see."""
    address = f"{server.page.url}{path_of()}"
    read_logs(visitor.browser)
    visitor.browser.get(f"data:text/html,{quote(f'<title>evil</title><iframe src={address}></iframe>')}")
    visitor.browser.switch_to.frame(0)
    assert not visitor.browser.find_elements(By.NAME, "password")
    visitor.browser.switch_to.default_content()
    assert address in [url for _, _, url in read_logs(visitor.browser)[1]]


def test_a_form_of_another_site_logs_nobody_in(visitor: PanelBrowser, server: LoginPageServer) -> None:
    """With a name and password that are right."""
    organiser = server.organisers.active
    fields = {"username": organiser.username, "password": organiser.password}
    inputs = "".join(f"<input name={name} value={value}>" for name, value in fields.items())
    start = f"<title>evil</title><form method=post action='{server.page.url}{path_of()}'>"
    before = len(server.journal())
    visitor.browser.get(f"data:text/html,{quote(f'{start}{inputs}<button>x</button>')}")
    visitor.browser.find_element(By.TAG_NAME, "button").click()
    visitor.await_that(lambda: visitor.browser.current_url.startswith(server.page.url))
    visitor.await_text("Die Anfrage war nicht zu verstehen.")
    assert len(server.journal()) == before


def test_the_button_forgets_what_jitsi_remembers_here(visitor: PanelBrowser) -> None:
    """What Jitsi's page has stored under this origin is gone."""
    visitor.open(_LOGOUT)
    visitor.browser.execute_script("localStorage.setItem('features/base/settings', 'x');")
    visitor.open(_LOGOUT)
    assert visitor.browser.execute_script(_IN_STORAGE) == "x"
    press(visitor)
    assert visitor.browser.execute_script(_IN_STORAGE) is None


def walk(visitor: PanelBrowser, server: LoginPageServer, language: str) -> Iterator[tuple[str, int]]:
    """Shows each page in each state that looks different; yields its name and status."""
    organisers = server.organisers

    def log_in(username: str, password: str, state: dict[str, object] = MEETING) -> None:
        visitor.open(path_of(state, language))
        visitor.fill(username=username, password=password)
        press(visitor)

    visitor.open(path_of(language=language))
    yield "form", 200
    log_in("", "")
    yield "empty", 422
    log_in(organisers.active.username, "wrong")
    yield "wrong", 422
    log_in(organisers.suspended.username, organisers.suspended.password)
    yield "suspended", 422
    log_in(organisers.active.username, organisers.active.password, MEETING | {"ios": True})
    yield "app", 200
    visitor.open(path_of({"room": "Physik" * 40}, language))
    yield "long-room", 200
    visitor.open(path_of("x", language))
    yield "unusable", 400
    visitor.open(f"{_LOGOUT}?language={language}")
    yield "forget", 200
    press(visitor)
    yield "forgotten", 200
    visitor.open("/_authbridge/none")
    yield "not-found", 404


@pytest.fixture(name="findings", scope="module", params=["de", pytest.param("en", marks=pytest.mark.soak)])
def look_at_every_page(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    visitor: PanelBrowser,
    server: LoginPageServer,
) -> PageFindings:
    """Returns what is found on all pages in one language."""
    findings = PageFindings(tmp_path_factory.mktemp("pages"))
    visitor.browser.set_window_size(1280, 800)
    preload_axe(visitor.browser)
    read_logs(visitor.browser)
    for name, status in walk(visitor, server, request.param):
        findings.note("status", name, [] if visitor.status == status else [str(visitor.status)])
        look(visitor.browser, name, server.page.url, findings)
    return findings


def test_every_page_is_without_fault(findings: PageFindings) -> None:
    """WCAG 2.2 AA by axe, in the dark too; 320 px and 200 %; focus; a quiet console; nobody else is asked."""
    assert {kind: found for kind, found in findings.findings.items() if found} == {}
    assert faults_of_html(findings.sources) == ""


def test_the_address_names_no_person(visitor: PanelBrowser, server: LoginPageServer) -> None:
    """Name and password go in the body; the address of the page is the one with which it came."""
    visitor.open(path_of())
    visitor.fill(username=server.organisers.suspended.username, password=server.organisers.suspended.password)
    press(visitor)
    address = unquote(visitor.browser.current_url)
    assert json.dumps(MEETING, separators=(", ", ": ")).replace(" ", "") in address.replace("+", "")
    assert server.organisers.suspended.username not in address
