"""The overview lists lockouts; who may clear one depends on whose it is."""

import pytest

from authbridge.storage.models import Role
from tests.panel.session.test_guessing import audited, guess
from tests.support.factories import make_school
from tests.support.panel.browser import Browser
from tests.support.panel.sample_data import SampleData, add_sample_data
from tests.support.panel.staffed_panel import StaffedPanel

CLEAR_STAFF = "/staff/admin-anna/clear-lockout"


@pytest.fixture(name="sample")
def make_sample(panel: StaffedPanel) -> SampleData:
    """Adds organisers who are locked out."""
    return add_sample_data(panel.database)


def let_wait(panel: StaffedPanel, browser: Browser) -> Browser:
    """Locks a member of staff out; returns the browser of the person who looks at it."""
    make_school(panel.database)
    guess(panel.browser(), "admin-anna", 6)
    return browser


def test_a_clerk_lets_an_organiser_in(panel: StaffedPanel, sample: SampleData) -> None:
    """One button clears an organiser's lockout; the audit names the clerk."""
    browser = panel.browser(Role.CLERK)
    path = f"/organisers/{sample.username}"
    page = browser.get(path)
    assert "6 wrong passwords" in page.text
    assert browser.send(page, "/lockouts/clear").status == 200
    assert "6 wrong passwords" not in browser.get(path).text
    (event,) = audited(panel, "organiser:clear-lockout")
    assert "staff:clerk-anna" in event


def test_a_clerk_lets_a_network_in(panel: StaffedPanel, sample: SampleData) -> None:
    """A clerk clears a network's lockout, and is told if there was none any more."""
    assert sample
    browser = panel.browser(Role.CLERK)
    fields = {"csrf_token": browser.token(), "network": "198.51.100.1"}
    browser.ask("POST", "/lockouts/clear", fields)
    page = browser.get("/")
    assert page.flashes()[0] == "The wait is over."
    assert "198.51.100.1 " not in page.text.replace("198.51.100.1.", "")
    browser.ask("POST", "/lockouts/clear", fields)
    assert browser.get("/").flashes()[0] == "Nobody was waiting there any more."


@pytest.mark.parametrize("role", [Role.CLERK, Role.AUDITOR])
def test_who_is_no_admin_sees_a_colleague_wait_and_lifts_nothing(panel: StaffedPanel, role: Role) -> None:
    """Only admins clear a colleague's lockout: otherwise codes could be guessed for ever."""
    browser = let_wait(panel, panel.browser(role))
    page = browser.get("/")
    assert "admin-anna" in page.text
    assert page.actions() == {"/sign-out", "/language"}
    token = browser.token()
    for name in (
        "staff:admin-anna",
        " STAFF:Admin-Anna ",
        "staff:admin-anna@meet.test",
        "Password admin-anna",
    ):
        browser.ask("POST", "/lockouts/clear", {"csrf_token": token, "name": name})
    assert browser.ask("POST", CLEAR_STAFF, {"csrf_token": token}).status_code == 403
    assert "admin-anna" in browser.get("/").text
    assert not audited(panel, "staff:clear-lockout")


@pytest.mark.parametrize("role", [Role.CLERK, Role.AUDITOR])
def test_the_network_of_a_colleague_is_no_way_around(panel: StaffedPanel, role: Role) -> None:
    """Who lifts a whole network lifts the waits of organisers there, not those of staff; nobody sees it."""
    admin, browser, guesser = panel.browser(Role.ADMIN), panel.browser(role), panel.browser()
    make_school(panel.database)
    guesser.ip = "203.0.113.9"
    guess(guesser, "admin-anna", 6)
    assert "203.0.113.9" not in browser.get("/").text
    browser.ask("POST", "/lockouts/clear", {"csrf_token": browser.token(), "network": guesser.ip})
    assert "admin-anna" in browser.get("/").text
    assert not audited(panel, "network:clear-lockout")
    admin.ask("POST", "/lockouts/clear", {"csrf_token": admin.token(), "network": guesser.ip})
    assert audited(panel, "network:clear-lockout")


def test_an_admin_lets_a_colleague_in(panel: StaffedPanel) -> None:
    """An admin clears a colleague's lockout, with a fresh second factor."""
    browser = let_wait(panel, panel.browser(Role.ADMIN))
    page = browser.send(browser.get("/"), CLEAR_STAFF)
    assert page.status == 200, page.text
    assert audited(panel, "staff:clear-lockout")
    assert panel.browser().sign_in(panel.members[Role.ADMIN]).path == "/"


def test_a_clerk_who_lifts_the_own_network_guesses_no_more_codes_than_a_day_allows(
    panel: StaffedPanel,
) -> None:
    """Failures still count for the name: fifty a day at most, and staff are told."""
    clerk, admin = panel.browser(Role.CLERK), panel.members[Role.ADMIN]
    guesser = panel.browser()
    guesser.ip = "192.0.2.66"
    page = guesser.show_password(admin)
    fields = {"csrf_token": page.fields["csrf_token"]}
    lift = {"csrf_token": clerk.token(), "network": guesser.ip}
    statuses = []
    for number in range(80):
        answer = guesser.ask("POST", "/sign-in/code", {**fields, "code": f"{number:06d}"})
        statuses.append(answer.status_code)
        if answer.status_code == 429:
            clerk.ask("POST", "/lockouts/clear", lift)
    assert statuses.count(422) <= 50
    assert statuses[-1] == 429
    assert audited(panel, "staff:guessed")
