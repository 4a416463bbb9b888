"""A form that another site makes a browser send changes nothing."""

import pytest

from authbridge.audit import Action
from authbridge.storage.models import AuditEvent, Role, StaffSession
from tests.support.panel.browser import Browser
from tests.support.panel.routes import WITHOUT_TOKEN, Route, routes
from tests.support.panel.sample_data import SampleData, add_sample_data
from tests.support.panel.staffed_panel import StaffedPanel


@pytest.fixture(name="sample")
def make_sample(panel: StaffedPanel) -> SampleData:
    """Rows that a forged form could change."""
    return add_sample_data(panel.database)


def unsafe_routes(panel: StaffedPanel, sample: SampleData) -> list[Route]:
    """Yields every form of the panel, about rows that exist."""
    names = {
        "none-none": sample.username,
        "/schools/none": f"/schools/{sample.code}",
        "nobody": "colleague-0",
    }
    found = []
    for route in routes(panel.app):
        path = route.path
        for before, after in names.items():
            path = path.replace(before, after)
        if route.is_unsafe and route.endpoint not in WITHOUT_TOKEN:
            found.append(Route(route.endpoint, route.method, path))
    return found


@pytest.mark.parametrize("token", [None, "", "x", "0" * 64])
def test_without_its_own_token_no_form_is_accepted(
    panel: StaffedPanel, sample: SampleData, token: str | None
) -> None:
    """Every form answers 400 to everybody, and nothing is changed."""
    browser, guest = panel.browser(Role.ADMIN), panel.browser()
    guest.get("/sign-in")
    before = panel.rows(StaffSession)
    fields = {} if token is None else {"csrf_token": token}
    for route in unsafe_routes(panel, sample):
        for each in (browser, guest):
            answer = each.ask(route.method, route.path, {**fields, "language": "en"})
            assert answer.status_code == 400, route
            assert not answer.headers.getlist("Set-Cookie"), route
    assert panel.rows(StaffSession) == before
    assert browser.get("/").status == 200, "still signed in"


def test_the_token_of_another_session_is_worth_nothing(panel: StaffedPanel, sample: SampleData) -> None:
    """A colleague's, a guest's and one's own former token are refused."""
    browser = panel.browser(Role.CLERK)
    tokens = [panel.browser(Role.ADMIN).token(), panel.browser().token(), browser.token()]
    browser.press("/", "/sign-out")
    browser.sign_in(panel.members[Role.CLERK])
    for token in tokens:
        answer = browser.ask("POST", f"/organisers/{sample.username}/reinstate", {"csrf_token": token})
        assert answer.status_code == 400


def test_a_form_without_its_fields_is_no_error_of_ours(panel: StaffedPanel, sample: SampleData) -> None:
    """Half of a form, as a scanner sends it, is answered with the missing fields."""
    browser = panel.browser(Role.ADMIN)
    token = browser.token()
    for route in unsafe_routes(panel, sample):
        if route.endpoint not in {"auth.sign_out", "staff.delete"}:
            answer = browser.ask(route.method, route.path, {"csrf_token": token})
            assert answer.status_code < 500, route


@pytest.mark.parametrize("site", ["cross-site", "same-site", "unheard-of"])
def test_what_the_browser_calls_foreign_is_refused(
    panel: StaffedPanel, sample: SampleData, site: str
) -> None:
    """Fetch Metadata: a form of another origin is refused, even with the right token."""
    browser = panel.browser(Role.ADMIN)
    token = browser.token()
    before = panel.rows(StaffSession)
    for route in unsafe_routes(panel, sample):
        answer = browser.ask(route.method, route.path, {"csrf_token": token}, **{"Sec-Fetch-Site": site})
        assert answer.status_code == 400, route
    assert panel.rows(StaffSession) == before


def test_a_link_from_elsewhere_opens_a_page(panel: StaffedPanel) -> None:
    """A link in a mail opens a page; only forms have to be our own."""
    browser = panel.browser(Role.CLERK)
    browser.headers["Sec-Fetch-Site"] = "cross-site"
    assert browser.fetch("/schools").status_code == 200


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_the_browser_calls_our_own_is_accepted(
    panel: StaffedPanel, sample: SampleData, site: str
) -> None:
    """The forms of the panel work in browsers that say where a request comes from."""
    browser = panel.browser(Role.CLERK)
    browser.headers["Sec-Fetch-Site"] = site
    page = browser.press(f"/organisers/{sample.username}", f"/organisers/{sample.username}/reinstate")
    assert page.status == 200, page.text
    assert page.flashes() == [f"The suspension of {sample.username} is lifted."]


def test_looking_changes_nothing(panel: StaffedPanel, sample: SampleData) -> None:
    """GET and HEAD of every view leave the database as it is, but for notes of a look at personal data."""
    browser = panel.browser(Role.ADMIN)
    before, events = panel.rows(StaffSession, AuditEvent), panel.rows()["audit_events"]
    for route in routes(panel.app):
        if not route.is_unsafe:
            look(browser, route.method, route.path.replace("none-none", sample.username))
    assert panel.rows(StaffSession, AuditEvent) == before
    noted = panel.rows()["audit_events"][len(events) :]
    assert {event[3] for event in noted} == {Action.JOURNAL_LOOK, Action.ORGANISER_EXPORT}
    assert len(noted) == 2


def look(browser: Browser, method: str, path: str) -> None:
    """Sends the request, and fails only if the answer is an error of the program."""
    assert browser.ask(method, path).status_code < 500, path
