"""Every page is closed unless it is listed as open, for everybody and each role."""

from collections.abc import Callable

import pytest

from admin.session.access import access_of
from authbridge.storage.models import Role
from tests.support.panel.browser import Browser
from tests.support.panel.routes import (
    APPOINT,
    EVERYBODY,
    FRESH,
    HALF_WAY,
    HOLDS,
    INSPECT,
    MANAGE,
    OWN_ACCOUNT,
    READ,
    Route,
    roles_for,
    routes,
)
from tests.support.panel.staffed_panel import StaffedPanel
from workbench.staff import invite

SIGN_IN = "/sign-in"


def come_unknown(panel: StaffedPanel) -> Browser:
    """Returns a browser without a session."""
    return panel.browser()


def come_half_way(panel: StaffedPanel) -> Browser:
    """Returns a browser that has shown the password only."""
    browser = panel.browser()
    assert browser.show_password(panel.members[Role.ADMIN]).path == "/sign-in/code"
    return browser


def come_invited(panel: StaffedPanel) -> Browser:
    """Returns a browser that has shown an invitation only."""
    browser = panel.browser()
    code = invite(panel.parts.sign_in, "newcomer", Role.ADMIN)
    page = browser.send(browser.get("/invitation"), name="newcomer", code=code)
    assert page.path == "/invitation/enrol", page.text
    return browser


def is_open(route: Route, stage: str | None) -> bool:
    """Tells whether a person who is not signed in may use the view."""
    return route.endpoint in EVERYBODY or (stage is not None and HALF_WAY.get(route.endpoint) == stage)


def is_shut(browser: Browser, route: Route, token: str) -> bool:
    """Tells whether the request is refused: with a redirect to the sign-in, or with 403."""
    answer = browser.ask(route.method, route.path, {"csrf_token": token} if route.is_unsafe else None)
    to_sign_in = answer.status_code in {302, 303} and answer.location.partition("?")[0] == SIGN_IN
    return to_sign_in or answer.status_code == 403


def test_each_view_is_listed_here(panel: StaffedPanel) -> None:
    """A new view must be listed in the tests, too, with the roles that may use it."""
    listed = [
        EVERYBODY,
        frozenset(HALF_WAY),
        OWN_ACCOUNT,
        READ,
        INSPECT,
        MANAGE,
        APPOINT,
        FRESH - OWN_ACCOUNT,
    ]
    assert {rule.endpoint for rule in panel.app.url_map.iter_rules()} == frozenset().union(*listed)
    assert sum(map(len, listed)) == len(frozenset().union(*listed)), "listed twice"


@pytest.mark.parametrize(
    ("come", "stage"),
    [(come_unknown, None), (come_half_way, "password"), (come_invited, "enrolling")],
)
def test_a_stranger_opens_only_what_is_listed(
    panel: StaffedPanel, come: Callable[[StaffedPanel], Browser], stage: str | None
) -> None:
    """Without a session, or half-way through, every other view leads to the sign-in."""
    browser = come(panel)
    token = browser.token()
    for route in routes(panel.app):
        if route.endpoint != "auth.sign_out":  # which ends the session, and stands further down
            assert is_shut(browser, route, token) != is_open(route, stage), route


@pytest.mark.parametrize("role", Role)
def test_each_role_opens_only_what_is_listed_for_it(panel: StaffedPanel, role: Role) -> None:
    """A signed-in person gets the pages of their role, and 403 elsewhere."""
    browser = panel.browser(role)
    token = browser.token()
    for route in routes(panel.app):
        if route.endpoint in {"auth.sign_in", "auth.sign_out", *HALF_WAY}:
            continue  # these lead to the sign-in or away from it, for everybody
        assert is_shut(browser, route, token) == (role not in roles_for(route.endpoint)), route


@pytest.mark.parametrize("role", Role)
def test_a_signed_in_person_is_never_half_way(panel: StaffedPanel, role: Role) -> None:
    """The pages of the second step and of an invitation are closed to full sessions."""
    browser = panel.browser(role)
    token = browser.token()
    for route in routes(panel.app):
        if route.endpoint in HALF_WAY:
            assert is_shut(browser, route, token), route


def test_an_auditor_changes_nothing_but_the_own_account_and_holds(panel: StaffedPanel) -> None:
    """Every other form is refused, before anything is looked up."""
    browser = panel.browser(Role.AUDITOR)
    token = browser.token()
    own = OWN_ACCOUNT | EVERYBODY | HOLDS | frozenset(HALF_WAY)
    for route in routes(panel.app):
        if route.is_unsafe and route.endpoint not in own:
            answer = browser.ask(route.method, route.path, {"csrf_token": token})
            assert answer.status_code == 403, route


def test_a_view_that_declares_nothing_is_open_to_nobody(panel: StaffedPanel) -> None:
    """A view without a declaration answers 403, to admins too."""
    more = panel.apart()
    more.app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    browser = more.browser(Role.ADMIN)
    assert browser.fetch("/forgotten").status_code == 403
    assert more.browser().fetch("/forgotten").status_code == 403


def test_what_does_not_exist_is_not_told_to_strangers(panel: StaffedPanel) -> None:
    """Without a session a page that is not there looks like one that is."""
    stranger = panel.browser()
    for path in ("/schools/none", "/nothing-here", "/staff/nobody"):
        answer = stranger.fetch(path)
        assert (answer.status_code, answer.location.partition("?")[0]) == (303, SIGN_IN), path


def test_the_views_declare_what_is_listed_here(panel: StaffedPanel) -> None:
    """The views that ask for a fresh factor are exactly the listed ones."""
    with panel.app.app_context():
        endpoints = {rule.endpoint for rule in panel.app.url_map.iter_rules()}
        fresh = {each for each in endpoints if (access := access_of(each)) is not None and access.fresh}
    assert fresh == FRESH
