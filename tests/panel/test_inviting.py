"""An admin invites: the code is shown to who made it, for two minutes, and to nobody else."""

import re

import pytest

from authbridge.storage.models import Role
from tests.panel.browsing import Browser, Page
from tests.panel.conftest import Office
from workbench.staff import enrol_member

CODE = re.compile(r"\b[a-z]{4}-[a-z]{4}-[a-z]{4}\b")
TWO_MINUTES = 120


@pytest.fixture(name="browser")
def open_browser(office: Office) -> Browser:
    """An admin's."""
    return office.browser(Role.ADMIN)


def add(browser: Browser) -> Page:
    """Somebody new."""
    return browser.send(browser.get("/staff/add"), name="bernd", role="clerk")


def codes(page: Page) -> list[str]:
    """Those on a page."""
    return CODE.findall(page.text)


def test_a_double_click_makes_one_code(office: Office, browser: Browser) -> None:
    """Both clicks show it."""
    form = browser.get("/staff/add")
    first = browser.send(form, name="bernd", role="clerk")
    rows = office.rows()["invitations"]
    second = browser.send(form, name="bernd", role="clerk")
    assert codes(first) == codes(second)
    assert len(codes(first)) == 1
    assert office.rows()["invitations"] == rows


def test_it_is_shown_for_two_minutes(office: Office, browser: Browser) -> None:
    """To the second; then the page says how to get another."""
    page = add(browser)
    office.clock.advance(seconds=TWO_MINUTES - 1)
    assert codes(browser.get(page.path)) == codes(page)
    office.clock.advance(seconds=1)
    gone = browser.get(page.path)
    assert codes(gone) == []
    assert "If it got lost, invite again" in gone.text


def test_it_is_the_sessions_own(office: Office, browser: Browser) -> None:
    """Neither another browser of the same admin nor a clerk sees it."""
    page = add(browser)
    assert codes(office.browser(Role.ADMIN).get(page.path)) == []
    assert office.browser(Role.CLERK).fetch(page.path).status_code == 403
    browser.press("/", "/sign-out")
    browser.sign_in(office.members[Role.ADMIN])
    assert codes(browser.get(page.path)) == []


def test_inviting_again_shows_the_new_code_only(browser: Browser) -> None:
    """The former one is dead."""
    first = codes(add(browser))
    second = codes(browser.press("/staff/bernd", "/staff/bernd/reset"))
    assert len(second) == 1
    assert first != second


def test_names_in_addresses_are_read_as_names_are_typed(office: Office, browser: Browser) -> None:
    """Capitals lead to the same member of staff, and around no rule."""
    enrol_member(office.panel.sign_in, "second", Role.ADMIN)
    token = {"csrf_token": browser.token()}
    browser.ask("POST", "/staff/Admin-Anna/reset", token)
    assert browser.get("/staff").path == "/staff", "still signed in: nobody resets the own account here"
    first = codes(add(browser))
    answer = browser.ask("POST", "/staff/BERND/reset", token)
    (code,) = codes(browser.get(answer.location))
    assert [code] != first


def test_a_taken_name_is_said_at_the_field(browser: Browser) -> None:
    """The form comes back as it was typed."""
    add(browser)
    page = browser.send(browser.get("/staff/add"), name="Bernd", role="auditor")
    assert page.status == 422
    assert "bernd" in page.fault_at("name")
    assert (page.fields["name"], page.fields["role"]) == ("Bernd", "auditor")


@pytest.mark.parametrize("name", ["", "b", "x" * 33, "müller", "a b", "-bernd", "<b>", "a\0b", "../x"])
def test_a_wrong_name_is_said_at_the_field(office: Office, browser: Browser, name: str) -> None:
    """And nobody is invited."""
    page = browser.send(browser.get("/staff/add"), name=name, role="clerk")
    assert page.status == 422
    assert page.fault_at("name")
    assert office.rows()["invitations"] == []


@pytest.mark.parametrize("role", ["", "king", "ADMIN"])
def test_there_are_three_roles(office: Office, browser: Browser, role: str) -> None:
    """Whatever else is sent is refused."""
    page = browser.send(browser.get("/staff/add"), name="bernd", role=role)
    assert page.status == 422
    assert page.faults()
    assert office.rows()["invitations"] == []
