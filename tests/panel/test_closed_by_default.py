"""Every page is closed unless it is listed as open, for everybody and each role."""

from collections.abc import Callable

import pytest

from admin.session.access import access_of
from authbridge.storage.models import Role
from tests.panel.browsing import Browser
from tests.panel.conftest import Office
from tests.panel.routes import (
    APPOINT,
    EVERYBODY,
    FRESH,
    HALF_WAY,
    MANAGE,
    OWN_ACCOUNT,
    READ,
    Route,
    roles_for,
    routes,
)
from workbench.staff import invite

SIGN_IN = "/sign-in"


def come_unknown(office: Office) -> Browser:
    """Somebody who has no session."""
    return office.browser()


def come_half_way(office: Office) -> Browser:
    """Somebody who has shown the password only."""
    browser = office.browser()
    assert browser.show_password(office.members[Role.ADMIN]).path == "/sign-in/code"
    return browser


def come_invited(office: Office) -> Browser:
    """Somebody who has shown an invitation only."""
    browser = office.browser()
    code = invite(office.panel.sign_in, "newcomer", Role.ADMIN)
    page = browser.send(browser.get("/invitation"), name="newcomer", code=code)
    assert page.path == "/invitation/enrol", page.text
    return browser


def is_open(route: Route, stage: str | None) -> bool:
    """Whether somebody who is not signed in may use it."""
    return route.endpoint in EVERYBODY or (stage is not None and HALF_WAY.get(route.endpoint) == stage)


def is_shut(browser: Browser, route: Route, token: str) -> bool:
    """Whether that request is turned away: to the sign-in, or with 403."""
    answer = browser.ask(route.method, route.path, {"csrf_token": token} if route.is_unsafe else None)
    to_sign_in = answer.status_code in {302, 303} and answer.location.partition("?")[0] == SIGN_IN
    return to_sign_in or answer.status_code == 403


def test_each_view_is_listed_here(office: Office) -> None:
    """Whoever adds a view says in this folder for whom it is."""
    listed = [EVERYBODY, frozenset(HALF_WAY), OWN_ACCOUNT, READ, MANAGE, APPOINT, FRESH - OWN_ACCOUNT]
    assert {rule.endpoint for rule in office.app.url_map.iter_rules()} == frozenset().union(*listed)
    assert sum(map(len, listed)) == len(frozenset().union(*listed)), "listed twice"


@pytest.mark.parametrize(
    ("come", "stage"),
    [(come_unknown, None), (come_half_way, "password"), (come_invited, "enrolling")],
)
def test_whoever_is_not_signed_in_opens_only_what_is_listed(
    office: Office, come: Callable[[Office], Browser], stage: str | None
) -> None:
    """Without a session, or half-way through, every other view leads to the sign-in."""
    browser = come(office)
    token = browser.token()
    for route in routes(office.app):
        if route.endpoint != "auth.sign_out":  # which ends the session, and stands further down
            assert is_shut(browser, route, token) != is_open(route, stage), route


@pytest.mark.parametrize("role", Role)
def test_each_role_opens_only_what_is_listed_for_it(office: Office, role: Role) -> None:
    """Whoever is signed in gets what the role includes, and 403 elsewhere."""
    browser = office.browser(role)
    token = browser.token()
    for route in routes(office.app):
        if route.endpoint in {"auth.sign_in", "auth.sign_out", *HALF_WAY}:
            continue  # these lead to the sign-in or away from it, for everybody
        assert is_shut(browser, route, token) == (role not in roles_for(route.endpoint)), route


@pytest.mark.parametrize("role", Role)
def test_who_is_signed_in_is_never_half_way(office: Office, role: Role) -> None:
    """The pages of the second step and of an invitation are closed to full sessions."""
    browser = office.browser(role)
    token = browser.token()
    for route in routes(office.app):
        if route.endpoint in HALF_WAY:
            assert is_shut(browser, route, token), route


def test_an_auditor_changes_nothing_but_the_own_account(office: Office) -> None:
    """Every other form is refused, before anything is looked up."""
    browser = office.browser(Role.AUDITOR)
    token = browser.token()
    own = OWN_ACCOUNT | EVERYBODY | frozenset(HALF_WAY)
    for route in routes(office.app):
        if route.is_unsafe and route.endpoint not in own:
            answer = browser.ask(route.method, route.path, {"csrf_token": token})
            assert answer.status_code == 403, route


def test_a_view_that_declares_nothing_is_open_to_nobody(office: Office) -> None:
    """A view whose author forgot to say for whom it is gets 403, for admins too."""
    office.app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    browser = office.browser(Role.ADMIN)
    assert browser.fetch("/forgotten").status_code == 403
    assert office.browser().fetch("/forgotten").status_code == 403


def test_what_does_not_exist_is_not_told_to_strangers(office: Office) -> None:
    """Without a session a page that is not there looks like one that is."""
    stranger = office.browser()
    for path in ("/schools/none", "/nothing-here", "/staff/nobody"):
        answer = stranger.fetch(path)
        assert (answer.status_code, answer.location.partition("?")[0]) == (303, SIGN_IN), path


def test_the_views_declare_what_is_listed_here(office: Office) -> None:
    """What asks for a fresh factor does so by declaration, and nothing else does."""
    with office.app.app_context():
        endpoints = {rule.endpoint for rule in office.app.url_map.iter_rules()}
        fresh = {each for each in endpoints if (access := access_of(each)) is not None and access.fresh}
    assert fresh == FRESH
