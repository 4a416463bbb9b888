"""An admin invites; the code is shown to the session that made it, for two minutes."""

import re

import pytest

from authbridge.storage.models import Role
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel
from workbench.staff import enrol_member

CODE = re.compile(r"\b[a-z]{4}-[a-z]{4}-[a-z]{4}\b")
TWO_MINUTES = 120


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel) -> Browser:
    """Opens an admin's browser."""
    return panel.browser(Role.ADMIN)


def add(browser: Browser) -> Page:
    """Adds a member of staff."""
    return browser.send(browser.get("/staff/add"), name="bernd", role="clerk")


def codes(page: Page) -> list[str]:
    """Returns the codes on a page."""
    return CODE.findall(page.text)


def test_a_double_click_makes_one_code(panel: StaffedPanel, browser: Browser) -> None:
    """Both clicks of a double click show the same code."""
    form = browser.get("/staff/add")
    first = browser.send(form, name="bernd", role="clerk")
    rows = panel.rows()["invitations"]
    second = browser.send(form, name="bernd", role="clerk")
    assert codes(first) == codes(second)
    assert len(codes(first)) == 1
    assert panel.rows()["invitations"] == rows


def test_it_is_shown_for_two_minutes(panel: StaffedPanel, browser: Browser) -> None:
    """The code is shown for two minutes to the second; then the page says how to get another."""
    page = add(browser)
    panel.clock.advance(seconds=TWO_MINUTES - 1)
    assert codes(browser.get(page.path)) == codes(page)
    panel.clock.advance(seconds=1)
    gone = browser.get(page.path)
    assert codes(gone) == []
    assert "If it got lost, invite again" in gone.text


def test_it_is_the_sessions_own(panel: StaffedPanel, browser: Browser) -> None:
    """No other session sees the code, and the end of its own wipes it."""
    page = add(browser)
    assert codes(panel.browser(Role.ADMIN).get(page.path)) == []
    assert panel.browser(Role.CLERK).fetch(page.path).status_code == 403
    browser.press("/", "/sign-out")
    assert panel.parts.invitation_codes.values(now=panel.clock()) == []
    browser.sign_in(panel.members[Role.ADMIN])
    assert codes(browser.get(page.path)) == []


def test_inviting_again_shows_the_new_code_only(browser: Browser) -> None:
    """A new invitation voids the former code."""
    first = codes(add(browser))
    second = codes(browser.press("/staff/bernd", "/staff/bernd/reset"))
    assert len(second) == 1
    assert first != second


def test_names_in_addresses_are_read_as_names_are_typed(panel: StaffedPanel, browser: Browser) -> None:
    """Capitals in an address lead to the same person, and bypass no rule."""
    enrol_member(panel.parts.sign_in, "second", Role.ADMIN)
    token = {"csrf_token": browser.token()}
    browser.ask("POST", "/staff/Admin-Anna/reset", token)
    assert browser.get("/staff").path == "/staff", "still signed in: nobody resets the own account here"
    first = codes(add(browser))
    answer = browser.ask("POST", "/staff/BERND/reset", token)
    (code,) = codes(browser.get(answer.location))
    assert [code] != first


def test_a_taken_name_is_said_at_the_field(browser: Browser) -> None:
    """A taken name is refused, and the form keeps its input."""
    add(browser)
    page = browser.send(browser.get("/staff/add"), name="Bernd", role="auditor")
    assert page.status == 422
    assert "bernd" in page.error_at("name")
    assert (page.fields["name"], page.fields["role"]) == ("Bernd", "auditor")


@pytest.mark.parametrize("name", ["", "b", "x" * 33, "müller", "a b", "-bernd", "<b>", "a\0b", "../x"])
def test_a_wrong_name_is_said_at_the_field(panel: StaffedPanel, browser: Browser, name: str) -> None:
    """A wrong name is refused at its field, and nobody is invited."""
    page = browser.send(browser.get("/staff/add"), name=name, role="clerk")
    assert page.status == 422
    assert page.error_at("name")
    assert panel.rows()["invitations"] == []


@pytest.mark.parametrize("role", ["", "king", "ADMIN"])
def test_there_are_three_roles(panel: StaffedPanel, browser: Browser, role: str) -> None:
    """Any other role is refused."""
    page = browser.send(browser.get("/staff/add"), name="bernd", role=role)
    assert page.status == 422
    assert page.errors()
    assert panel.rows()["invitations"] == []
