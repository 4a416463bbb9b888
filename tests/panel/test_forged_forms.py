"""A form that another site makes a browser send changes nothing."""

import pytest

from authbridge.storage.models import Role, StaffSession
from tests.panel.browsing import Browser
from tests.panel.conftest import Office
from tests.panel.county import County, found_county
from tests.panel.routes import Route, routes


@pytest.fixture(name="county")
def make_county(office: Office) -> County:
    """Something that could be changed."""
    return found_county(office.database)


def unsafe_routes(office: Office, county: County) -> list[Route]:
    """Every form of the panel, about what exists."""
    names = {
        "none-none": county.username,
        "/schools/none": f"/schools/{county.code}",
        "nobody": "colleague-0",
    }
    found = []
    for route in routes(office.app):
        path = route.path
        for before, after in names.items():
            path = path.replace(before, after)
        if route.is_unsafe:
            found.append(Route(route.endpoint, route.method, path))
    return found


@pytest.mark.parametrize("token", [None, "", "x", "0" * 64])
def test_without_its_own_token_no_form_is_accepted(office: Office, county: County, token: str | None) -> None:
    """Whatever the form, and whoever's browser it is: 400, and nothing is changed."""
    browser, guest = office.browser(Role.ADMIN), office.browser()
    guest.get("/sign-in")
    before = office.rows(StaffSession)
    fields = {} if token is None else {"csrf_token": token}
    for route in unsafe_routes(office, county):
        for each in (browser, guest):
            answer = each.ask(route.method, route.path, {**fields, "language": "en"})
            assert answer.status_code == 400, route
            assert not answer.headers.getlist("Set-Cookie"), route
    assert office.rows(StaffSession) == before
    assert browser.get("/").status == 200, "still signed in"


def test_the_token_of_another_session_is_worth_nothing(office: Office, county: County) -> None:
    """Neither a colleague's, nor a guest's, nor that of one's own session before."""
    browser = office.browser(Role.CLERK)
    tokens = [office.browser(Role.ADMIN).token(), office.browser().token(), browser.token()]
    browser.press("/", "/sign-out")
    browser.sign_in(office.members[Role.CLERK])
    for token in tokens:
        answer = browser.ask("POST", f"/organisers/{county.username}/reinstate", {"csrf_token": token})
        assert answer.status_code == 400


def test_a_form_without_its_fields_is_no_fault_of_ours(office: Office, county: County) -> None:
    """Programs that look for holes send half of a form: they hear what is missing."""
    browser = office.browser(Role.ADMIN)
    token = browser.token()
    for route in unsafe_routes(office, county):
        if route.endpoint not in {"auth.sign_out", "staff.delete"}:
            answer = browser.ask(route.method, route.path, {"csrf_token": token})
            assert answer.status_code < 500, route


@pytest.mark.parametrize("site", ["cross-site", "same-site", "unheard-of"])
def test_what_the_browser_calls_foreign_is_refused(office: Office, county: County, site: str) -> None:
    """Fetch Metadata: a form of another origin is refused, even with the right token."""
    browser = office.browser(Role.ADMIN)
    token = browser.token()
    before = office.rows(StaffSession)
    for route in unsafe_routes(office, county):
        answer = browser.ask(route.method, route.path, {"csrf_token": token}, **{"Sec-Fetch-Site": site})
        assert answer.status_code == 400, route
    assert office.rows(StaffSession) == before


def test_a_link_from_elsewhere_opens_a_page(office: Office) -> None:
    """Somebody may come from a mail; only forms have to be our own."""
    browser = office.browser(Role.CLERK)
    browser.headers["Sec-Fetch-Site"] = "cross-site"
    assert browser.fetch("/schools").status_code == 200


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_the_browser_calls_our_own_is_accepted(office: Office, county: County, site: str) -> None:
    """The forms of the panel work in browsers that say where a request comes from."""
    browser = office.browser(Role.CLERK)
    browser.headers["Sec-Fetch-Site"] = site
    page = browser.press(f"/organisers/{county.username}", f"/organisers/{county.username}/reinstate")
    assert page.status == 200, page.text
    assert page.notices() == [f"The suspension of {county.username} is lifted."]


def test_looking_changes_nothing(office: Office, county: County) -> None:
    """GET and HEAD of every view leave the database as it is."""
    browser = office.browser(Role.ADMIN)
    before = office.rows(StaffSession)
    for route in routes(office.app):
        if not route.is_unsafe:
            look(browser, route.method, route.path.replace("none-none", county.username))
    assert office.rows(StaffSession) == before


def look(browser: Browser, method: str, path: str) -> None:
    """Asks, and takes whatever comes but a fault of the program."""
    assert browser.ask(method, path).status_code < 500, path
