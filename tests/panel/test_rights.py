"""Rights hold from the next request on, and what is grave asks for the second factor anew."""

import pytest
from sqlalchemy import update

from authbridge.storage.models import Role, Staff
from tests.panel.browsing import Browser
from tests.panel.conftest import Office
from tests.panel.routes import FRESH, routes

TEN_MINUTES = 600


def confirm(browser: Browser, office: Office, path: str) -> None:
    """Shows the second factor again where the panel asks for it."""
    page = browser.get(path)
    assert page.path.startswith("/confirm"), page.path
    page = browser.send(page, code=office.members[Role.ADMIN].code_at(office.clock()))
    assert page.path == path, page.text


def test_what_is_grave_asks_for_a_factor_of_the_last_ten_minutes(office: Office) -> None:
    """One second before the ten minutes are over it is enough, then it is not."""
    browser = office.browser(Role.ADMIN)
    token = browser.token()
    office.clock.advance(seconds=TEN_MINUTES - 1)
    for is_stale in (False, True):
        for route in routes(office.app):
            if route.endpoint in FRESH:
                fields = {"csrf_token": token} if route.is_unsafe else None
                answer = browser.ask(route.method, route.path, fields)
                asks = answer.status_code == 303 and answer.location.startswith("/confirm")
                assert asks == is_stale, (route, answer.status_code)
        office.clock.advance(seconds=1)


def test_showing_the_factor_again_opens_it_for_ten_minutes(office: Office) -> None:
    """Afterwards somebody is where he wanted to go."""
    browser = office.browser(Role.ADMIN)
    office.clock.advance(seconds=TEN_MINUTES)
    confirm(browser, office, "/staff/add")
    page = browser.send(browser.get("/staff/add"), name="bernd", role="clerk")
    assert "bernd" in page.text, page.text
    assert page.html.select(".secret"), "the code of the invitation"


def test_a_wrong_code_does_not_make_the_factor_fresh(office: Office) -> None:
    """The form says so, and the way stays closed."""
    browser = office.browser(Role.ADMIN)
    office.clock.advance(seconds=TEN_MINUTES)
    page = browser.send(browser.get("/staff/add"), code="000000")
    assert (page.status, page.path.partition("?")[0]) == (422, "/confirm")
    assert page.faults()
    assert browser.get("/staff/add").path.startswith("/confirm")


@pytest.mark.parametrize("deed", ["suspend", "reset", "role"])
def test_after_the_detour_somebody_is_on_the_page_of_the_button(office: Office, deed: str) -> None:
    """Whoever pressed a button on the page of a colleague is on that page again, and nothing was done yet."""
    browser = office.browser(Role.ADMIN)
    before = office.browser(Role.ADMIN).get("/staff/clerk-anna")
    page = browser.get("/staff/clerk-anna")
    office.clock.advance(seconds=TEN_MINUTES)
    page = browser.send(page, f"/staff/clerk-anna/{deed}")
    assert page.path.startswith("/confirm")
    page = browser.send(page, code=office.members[Role.ADMIN].code_at(office.clock()))
    assert page.path == "/staff/clerk-anna"
    assert page.html.select_one(".facts") == before.html.select_one(".facts")


@pytest.mark.parametrize("deed", ["suspend", "reset"])
def test_a_colleague_is_out_at_the_next_request(office: Office, deed: str) -> None:
    """Suspended, or invited anew: no page opens any more, and the password is worth nothing."""
    clerk, admin = office.browser(Role.CLERK), office.browser(Role.ADMIN)
    admin.press("/staff/clerk-anna", f"/staff/clerk-anna/{deed}")
    assert clerk.get("/schools").path.startswith("/sign-in")
    page = clerk.show_password(office.members[Role.CLERK])
    assert (page.status, page.path.partition("?")[0]) == (422, "/sign-in")


def test_a_deleted_colleague_is_out_at_the_next_request(office: Office) -> None:
    """Deleting asks for the name, and ends her sessions."""
    clerk, admin = office.browser(Role.CLERK), office.browser(Role.ADMIN)
    page = admin.send(admin.get("/staff/clerk-anna/delete"), typed="clerk-ann")
    assert page.status == 422
    assert clerk.get("/schools").path == "/schools"
    page = admin.send(page, typed="clerk-anna")
    assert page.path == "/staff", page.text
    assert clerk.get("/schools").path.startswith("/sign-in")


def test_another_role_ends_the_sessions_under_the_former_one(office: Office) -> None:
    """Whoever was demoted signs in anew, and has only the rights of now."""
    clerk, admin = office.browser(Role.CLERK), office.browser(Role.ADMIN)
    admin.send(admin.get("/staff/clerk-anna"), "/staff/clerk-anna/role", role="auditor")
    assert clerk.get("/schools").path.startswith("/sign-in")
    clerk.sign_in(office.members[Role.CLERK])
    assert clerk.get("/schools").status == 200
    assert clerk.fetch("/schools/add").status_code == 403


def test_a_role_that_was_changed_elsewhere_counts_at_once(office: Office) -> None:
    """Rights are read with each request; a session never remembers them."""
    clerk = office.browser(Role.CLERK)
    with office.database.write_session() as session:
        session.execute(update(Staff).where(Staff.name == "clerk-anna").values(role=Role.AUDITOR))
    assert clerk.fetch("/schools/add").status_code == 403


@pytest.mark.parametrize("deed", ["suspend", "reset", "delete", "role"])
def test_the_last_admin_cannot_be_removed(office: Office, deed: str) -> None:
    """Whoever tries hears why, and is still there."""
    browser = office.browser(Role.ADMIN)
    fields = {"csrf_token": browser.token(), "typed": "admin-anna", "role": "clerk"}
    answer = browser.ask("POST", f"/staff/admin-anna/{deed}", fields)
    page = browser.get("/staff/admin-anna") if answer.status_code == 303 else None
    said = answer.get_data(as_text=True) if page is None else page.text
    assert "admin-anna" in said
    assert answer.status_code in {303, 422}
    assert browser.get("/staff").status == 200, "still an admin"
