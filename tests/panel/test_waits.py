"""Who waits after failures stands on the overview; whom somebody may let in depends on who it is."""

import pytest

from authbridge.storage.models import Role
from tests.factories import make_school
from tests.panel.browsing import Browser
from tests.panel.conftest import Office
from tests.panel.county import County, found_county
from tests.panel.test_guessing import audited, guess

CLEAR_STAFF = "/staff/admin-anna/clear-lockout"


@pytest.fixture(name="county")
def make_county(office: Office) -> County:
    """Organisers who wait."""
    return found_county(office.database)


def let_wait(office: Office, browser: Browser) -> Browser:
    """A member of staff has to wait; returns the browser of who looks at it."""
    make_school(office.database)
    guess(office.browser(), "admin-anna", 6)
    return browser


def test_a_clerk_lets_an_organiser_in(office: Office, county: County) -> None:
    """One button on the organiser's page; the audit says who."""
    browser = office.browser(Role.CLERK)
    path = f"/organisers/{county.username}"
    page = browser.get(path)
    assert "6 wrong passwords" in page.text
    assert browser.send(page, "/lockouts/clear").status == 200
    assert "6 wrong passwords" not in browser.get(path).text
    (event,) = audited(office, "organiser:clear-lockout")
    assert "staff:clerk-anna" in event


def test_a_clerk_lets_a_network_in(office: Office, county: County) -> None:
    """And hears it where nobody was waiting any more."""
    assert county
    browser = office.browser(Role.CLERK)
    fields = {"csrf_token": browser.token(), "network": "198.51.100.1"}
    browser.ask("POST", "/lockouts/clear", fields)
    page = browser.get("/")
    assert page.notices()[0] == "The wait is over."
    assert "198.51.100.1 " not in page.text.replace("198.51.100.1.", "")
    browser.ask("POST", "/lockouts/clear", fields)
    assert browser.get("/").notices()[0] == "Nobody was waiting there any more."


@pytest.mark.parametrize("role", [Role.CLERK, Role.AUDITOR])
def test_who_is_no_admin_sees_a_colleague_wait_and_lifts_nothing(office: Office, role: Role) -> None:
    """Else a colleague's codes could be guessed without an end."""
    browser = let_wait(office, office.browser(role))
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
    assert not audited(office, "staff:clear-lockout")


def test_an_admin_lets_a_colleague_in(office: Office) -> None:
    """With the second factor shown just now."""
    browser = let_wait(office, office.browser(Role.ADMIN))
    page = browser.send(browser.get("/"), CLEAR_STAFF)
    assert page.status == 200, page.text
    assert audited(office, "staff:clear-lockout")
    assert office.browser().sign_in(office.members[Role.ADMIN]).path == "/"


def test_a_clerk_who_lifts_the_own_network_guesses_no_more_codes_than_a_day_allows(office: Office) -> None:
    """The failures still count for the name: at most fifty, and staff are told."""
    clerk, admin = office.browser(Role.CLERK), office.members[Role.ADMIN]
    guesser = office.browser()
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
    assert audited(office, "staff:guessed")
