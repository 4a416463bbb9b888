"""A session gets a new id at each step, expires, and can be ended."""

import secrets

import pytest

from admin.session.cookies import GUEST_COOKIE, SESSION_COOKIE
from authbridge.storage.models import Role
from tests.support.factories import make_school
from tests.support.panel.browser import URL, Browser
from tests.support.panel.staffed_panel import StaffedPanel

ANNA = Role.CLERK
IDLE = 60 * 60
AT_MOST = 10 * 60 * 60


def is_in(browser: Browser) -> bool:
    """Tells whether that browser is signed in."""
    return browser.get("/schools").path == "/schools"


def test_each_step_has_an_id_of_its_own(panel: StaffedPanel) -> None:
    """The id of an earlier step opens nothing any more."""
    browser, anna = panel.browser(), panel.members[ANNA]
    browser.get("/sign-in")
    ids = [browser.cookie(GUEST_COOKIE)]
    page = browser.show_password(anna)
    ids.append(browser.cookie(SESSION_COOKIE))
    browser.send(page, code=anna.code_at(panel.clock()))
    ids.append(browser.cookie(SESSION_COOKIE))
    assert None not in ids
    assert len(set(ids)) == 3
    thief = panel.browser()
    thief.put_cookie(SESSION_COOKIE, ids[1] or "")
    assert not is_in(thief)
    assert thief.get("/sign-in/code").path == "/sign-in"


def stolen(panel: StaffedPanel, browser: Browser) -> Browser:
    """Returns another browser with a copy of the cookie as it is now."""
    thief = panel.browser()
    thief.put_cookie(SESSION_COOKIE, browser.cookie(SESSION_COOKIE) or "")
    assert is_in(thief)
    return thief


def test_a_factor_that_is_shown_again_gives_a_new_token(panel: StaffedPanel) -> None:
    """A copy of the former token opens nothing; forms in other tabs and shown credentials stay."""
    make_school(panel.database)
    browser, anna = panel.browser(ANNA), panel.members[ANNA]
    panel.clock.advance(minutes=5)
    shown = browser.send(browser.get("/schools/ohg/issue"), count="1", language="en")
    other_tab = browser.get("/schools/ohg/issue")
    panel.clock.advance(minutes=5)
    thief = stolen(panel, browser)
    page = browser.get("/account/recovery")
    assert page.path.startswith("/confirm")
    assert browser.send(page, code=anna.code_at(panel.clock())).path == "/account/recovery"
    assert (is_in(browser), is_in(thief)) == (True, False)
    assert browser.get(shown.path).html.select(".secrets")
    assert browser.send(other_tab, count="1", language="en").path.startswith("/credentials/")
    assert len(panel.rows()["staff_sessions"]) == 1


def test_another_password_gives_a_new_token(panel: StaffedPanel) -> None:
    """The session at which the password was changed goes on, a copy of its former token does not."""
    browser, anna = panel.browser(ANNA), panel.members[ANNA]
    thief = stolen(panel, browser)
    fresh = "Laterne Wolke Zimt Gabel 5"
    browser.send(browser.get("/account/password"), current=anna.password, password=fresh, repeated=fresh)
    assert (is_in(browser), is_in(thief)) == (True, False)


def test_an_id_is_256_random_bits_and_stored_as_a_hash(panel: StaffedPanel) -> None:
    """A reader of the database cannot sign in with the stored hash."""
    browser = panel.browser(ANNA)
    token = browser.cookie(SESSION_COOKIE) or ""
    assert len(token) >= 43
    assert token not in str(panel.rows())
    thief = panel.browser()
    thief.put_cookie(SESSION_COOKIE, str(panel.rows()["staff_sessions"][0][0]))
    assert not is_in(thief)


def test_a_cookie_that_somebody_else_set_never_becomes_a_session(panel: StaffedPanel) -> None:
    """Each sign-in sets a new id, so a planted one opens nothing (session fixation)."""
    planted = secrets.token_urlsafe(32)
    browser = panel.browser()
    browser.put_cookie(SESSION_COOKIE, planted)
    browser.put_cookie(GUEST_COOKIE, planted)
    browser.sign_in(panel.members[ANNA])
    assert browser.cookie(SESSION_COOKIE) not in {planted, None}
    thief = panel.browser()
    thief.put_cookie(SESSION_COOKIE, planted)
    assert not is_in(thief)


def test_the_cookie_is_read_by_its_full_name_only(panel: StaffedPanel) -> None:
    """A cookie without the prefix that browsers guard opens nothing."""
    token = panel.browser(ANNA).cookie(SESSION_COOKIE) or ""
    thief = panel.browser()
    thief.put_cookie(SESSION_COOKIE.removeprefix("__Host-"), token)
    assert not is_in(thief)


def test_the_id_in_the_address_opens_nothing(panel: StaffedPanel) -> None:
    """An id in the address or in a header opens nothing."""
    token = panel.browser(ANNA).cookie(SESSION_COOKIE) or ""
    thief = panel.browser()
    answer = thief.client.get(
        f"/schools?{SESSION_COOKIE}={token}", base_url=URL, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 303


@pytest.mark.parametrize("role", Role)
def test_it_ends_after_a_quarter_of_an_hour_without_use(panel: StaffedPanel, role: Role) -> None:
    """Each use starts the quarter of an hour again; at its end the session is over."""
    browser = panel.browser(role)
    panel.clock.advance(seconds=IDLE - 1)
    assert is_in(browser)
    panel.clock.advance(seconds=IDLE - 1)
    assert is_in(browser)
    panel.clock.advance(seconds=IDLE)
    assert not is_in(browser)
    assert not is_in(browser)


def test_it_ends_after_ten_hours_at_the_latest(panel: StaffedPanel) -> None:
    """After ten hours the session ends, however busy its owner is."""
    browser = panel.browser(ANNA)
    for _ in range(AT_MOST // 600 - 1):
        panel.clock.advance(seconds=600)
        assert is_in(browser)
    panel.clock.advance(seconds=599)
    assert is_in(browser)
    panel.clock.advance(seconds=1)
    assert not is_in(browser)


def test_who_says_stay_stays(panel: StaffedPanel) -> None:
    """The button of the warning keeps the session."""
    browser = panel.browser(ANNA)
    token = browser.token()
    for _ in range(3):
        panel.clock.advance(seconds=IDLE - 1)
        assert browser.ask("POST", "/account/stay", {"csrf_token": token}).status_code == 204
    assert is_in(browser)


def test_signing_out_ends_it_on_the_server(panel: StaffedPanel) -> None:
    """A copy of the cookie opens nothing; the row is gone."""
    browser = panel.browser(ANNA)
    token = browser.cookie(SESSION_COOKIE) or ""
    page = browser.press("/", "/sign-out")
    assert page.path.startswith("/sign-in")
    assert browser.cookie(SESSION_COOKIE) is None
    assert panel.rows()["staff_sessions"] == []
    thief = panel.browser()
    thief.put_cookie(SESSION_COOKIE, token)
    assert not is_in(thief)


def test_signing_out_lets_the_browser_forget_its_pages(panel: StaffedPanel) -> None:
    """Pages may not be stored, and a changed cookie keeps Chrome from showing them on "back"."""
    browser = panel.browser(ANNA)
    page = browser.get("/schools")
    assert page.response.headers["Cache-Control"] == "no-store"
    answer = browser.send_raw(page, "/sign-out", follow=False)
    (cookie,) = [
        each for each in answer.headers.getlist("Set-Cookie") if each.startswith(f"{SESSION_COOKIE}=;")
    ]
    assert "HttpOnly" in cookie
    assert answer.headers["Clear-Site-Data"] == '"cache"'


def test_one_of_several_sessions_is_ended(panel: StaffedPanel) -> None:
    """The list names all own sessions; no other can be ended."""
    here, there, other = panel.browser(ANNA), panel.browser(ANNA), panel.browser(Role.ADMIN)
    page = here.get("/account")
    (ending,) = [action for action in page.actions() if action.endswith("/end")]
    foreign = other.ask("POST", ending, {"csrf_token": other.token()})
    assert foreign.status_code == 303
    assert is_in(there)
    here.send(page, ending)
    assert (is_in(here), is_in(there)) == (True, False)


def test_all_others_are_ended(panel: StaffedPanel) -> None:
    """All own sessions but the present one are ended."""
    here, *others = (panel.browser(ANNA) for _ in range(3))
    admin = panel.browser(Role.ADMIN)
    here.press("/account", "/account/sessions/end-others")
    assert (is_in(here), *map(is_in, others)) == (True, False, False)
    assert is_in(admin)


def test_another_password_ends_all_others(panel: StaffedPanel) -> None:
    """A changed password voids the former one and ends all other sessions."""
    here, there, anna = panel.browser(ANNA), panel.browser(ANNA), panel.members[ANNA]
    fresh = "Laterne Wolke Zimt Gabel 5"
    page = here.send(here.get("/account/password"), current=anna.password, password=fresh, repeated=fresh)
    assert page.path == "/account", page.text
    assert (is_in(here), is_in(there)) == (True, False)
    page = there.show_password(anna)
    assert page.status == 422
    page = there.send(page, name=anna.name, password=fresh)
    assert page.path == "/sign-in/code"


def test_new_recovery_codes_void_the_former_ones(panel: StaffedPanel) -> None:
    """New recovery codes void the former ones, and are shown once."""
    browser, anna = panel.browser(ANNA), panel.members[ANNA]
    page = browser.send(browser.get("/account/recovery"))
    codes = [item.get_text() for item in page.html.select(".codes li")]
    assert len(set(codes)) == 10
    assert not browser.get("/account/recovery").html.select(".codes li")
    fresh = panel.browser()
    page = fresh.send(fresh.show_password(anna), code=anna.recovery_codes[0])
    assert page.status == 422
    assert fresh.send(page, code=codes[3]).path == "/"
