"""Permissions hold from the next request on, and grave changes ask for the second factor again."""

import pytest
from sqlalchemy import update

from authbridge.storage.models import Role, Staff
from tests.support.panel.browser import Browser
from tests.support.panel.routes import FRESH, routes
from tests.support.panel.staffed_panel import StaffedPanel

TEN_MINUTES = 600


def confirm(browser: Browser, panel: StaffedPanel, path: str) -> None:
    """Types the second factor where the panel asks for it again."""
    page = browser.get(path)
    assert page.path.startswith("/confirm"), page.path
    page = browser.send(page, code=panel.members[Role.ADMIN].code_at(panel.clock()))
    assert page.path == path, page.text


def test_what_is_grave_asks_for_a_factor_of_the_last_ten_minutes(panel: StaffedPanel) -> None:
    """A factor counts as fresh until one second before the ten minutes are over."""
    browser = panel.browser(Role.ADMIN)
    token = browser.token()
    panel.clock.advance(seconds=TEN_MINUTES - 1)
    for is_stale in (False, True):
        for route in routes(panel.app):
            if route.endpoint in FRESH:
                fields = {"csrf_token": token} if route.is_unsafe else None
                answer = browser.ask(route.method, route.path, fields)
                asks = answer.status_code == 303 and answer.location.startswith("/confirm")
                assert asks == is_stale, (route, answer.status_code)
        panel.clock.advance(seconds=1)


def test_showing_the_factor_again_opens_it_for_ten_minutes(panel: StaffedPanel) -> None:
    """The code leads to the page that was asked for."""
    browser = panel.browser(Role.ADMIN)
    panel.clock.advance(seconds=TEN_MINUTES)
    confirm(browser, panel, "/staff/add")
    page = browser.send(browser.get("/staff/add"), name="bernd", role="clerk")
    assert "bernd" in page.text, page.text
    assert page.html.select(".secret"), "the code of the invitation"


def test_a_wrong_code_does_not_make_the_factor_fresh(panel: StaffedPanel) -> None:
    """A wrong code is refused, and the page stays closed."""
    browser = panel.browser(Role.ADMIN)
    panel.clock.advance(seconds=TEN_MINUTES)
    page = browser.send(browser.get("/staff/add"), code="000000")
    assert (page.status, page.path.partition("?")[0]) == (422, "/confirm")
    assert page.errors()
    assert browser.get("/staff/add").path.startswith("/confirm")


@pytest.mark.parametrize("action", ["suspend", "role"])
def test_after_the_detour_somebody_is_on_the_page_of_the_button(panel: StaffedPanel, action: str) -> None:
    """After the code, the page of the button is shown again, and nothing was done yet."""
    browser = panel.browser(Role.ADMIN)
    before = panel.browser(Role.ADMIN).get("/staff/clerk-anna")
    page = browser.get("/staff/clerk-anna")
    panel.clock.advance(seconds=TEN_MINUTES)
    page = browser.send(page, f"/staff/clerk-anna/{action}")
    assert page.path.startswith("/confirm")
    page = browser.send(page, code=panel.members[Role.ADMIN].code_at(panel.clock()))
    assert page.path == "/staff/clerk-anna"
    assert page.html.select_one(".facts") == before.html.select_one(".facts")


@pytest.mark.parametrize("action", ["suspend", "reset"])
def test_a_colleague_is_out_at_the_next_request(panel: StaffedPanel, action: str) -> None:
    """A suspended or newly invited colleague opens no page any more, and their password is void."""
    clerk, admin = panel.browser(Role.CLERK), panel.browser(Role.ADMIN)
    page = admin.get(f"/staff/clerk-anna/{action}" if action == "reset" else "/staff/clerk-anna")
    admin.send(page, None if action == "reset" else f"/staff/clerk-anna/{action}")
    assert clerk.get("/schools").path.startswith("/sign-in")
    page = clerk.show_password(panel.members[Role.CLERK])
    assert (page.status, page.path.partition("?")[0]) == (422, "/sign-in")


def test_a_deleted_colleague_is_out_at_the_next_request(panel: StaffedPanel) -> None:
    """Deleting asks for the name, and ends their sessions."""
    clerk, admin = panel.browser(Role.CLERK), panel.browser(Role.ADMIN)
    page = admin.send(admin.get("/staff/clerk-anna/delete"), typed="clerk-ann")
    assert page.status == 422
    assert clerk.get("/schools").path == "/schools"
    page = admin.send(page, typed="clerk-anna")
    assert page.path == "/staff", page.text
    assert clerk.get("/schools").path.startswith("/sign-in")


def test_another_role_ends_the_sessions_under_the_former_one(panel: StaffedPanel) -> None:
    """A demoted colleague signs in again, and has the new role's permissions only."""
    clerk, admin = panel.browser(Role.CLERK), panel.browser(Role.ADMIN)
    admin.send(admin.get("/staff/clerk-anna"), "/staff/clerk-anna/role", role="auditor")
    assert clerk.get("/schools").path.startswith("/sign-in")
    clerk.sign_in(panel.members[Role.CLERK])
    assert clerk.get("/schools").status == 200
    assert clerk.fetch("/schools/add").status_code == 403


def test_a_role_that_was_changed_elsewhere_counts_at_once(panel: StaffedPanel) -> None:
    """Permissions are read with each request; no session remembers them."""
    clerk = panel.browser(Role.CLERK)
    with panel.database.write_session() as session:
        session.execute(update(Staff).where(Staff.name == "clerk-anna").values(role=Role.AUDITOR))
    assert clerk.fetch("/schools/add").status_code == 403


@pytest.mark.parametrize("action", ["suspend", "reset", "delete", "role"])
def test_the_last_admin_cannot_be_removed(panel: StaffedPanel, action: str) -> None:
    """The page says why, and the admin still exists."""
    browser = panel.browser(Role.ADMIN)
    fields = {"csrf_token": browser.token(), "typed": "admin-anna", "role": "clerk"}
    answer = browser.ask("POST", f"/staff/admin-anna/{action}", fields)
    page = browser.get("/staff/admin-anna") if answer.status_code == 303 else None
    said = answer.get_data(as_text=True) if page is None else page.text
    assert "admin-anna" in said
    assert answer.status_code in {303, 422}
    assert browser.get("/staff").status == 200, "still an admin"
