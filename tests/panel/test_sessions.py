"""A session is a new id at each step, ends in time, and ends where somebody says so."""

import secrets

import pytest

from admin.session.cookies import GUEST_COOKIE, SESSION_COOKIE
from authbridge.storage.models import Role
from tests.panel.browsing import URL, Browser
from tests.panel.conftest import Office

ANNA = Role.CLERK
IDLE = 15 * 60
AT_MOST = 10 * 60 * 60


def is_in(browser: Browser) -> bool:
    """Whether it is signed in."""
    return browser.get("/schools").path == "/schools"


def test_each_step_has_an_id_of_its_own(office: Office) -> None:
    """That of a step before opens nothing any more."""
    browser, anna = office.browser(), office.members[ANNA]
    browser.get("/sign-in")
    ids = [browser.cookie(GUEST_COOKIE)]
    page = browser.show_password(anna)
    ids.append(browser.cookie(SESSION_COOKIE))
    browser.send(page, code=anna.code_at(office.clock()))
    ids.append(browser.cookie(SESSION_COOKIE))
    assert None not in ids
    assert len(set(ids)) == 3
    thief = office.browser()
    thief.put_cookie(SESSION_COOKIE, ids[1] or "")
    assert not is_in(thief)
    assert thief.get("/sign-in/code").path == "/sign-in"


def test_an_id_is_256_random_bits_and_stored_as_a_hash(office: Office) -> None:
    """Whoever reads the database cannot sign in with what stands there."""
    browser = office.browser(ANNA)
    token = browser.cookie(SESSION_COOKIE) or ""
    assert len(token) >= 43
    assert token not in str(office.rows())
    thief = office.browser()
    thief.put_cookie(SESSION_COOKIE, str(office.rows()["staff_sessions"][0][0]))
    assert not is_in(thief)


def test_a_cookie_that_somebody_else_set_never_becomes_a_session(office: Office) -> None:
    """The id comes from us at each sign-in: who planted one holds nothing (session fixation)."""
    planted = secrets.token_urlsafe(32)
    browser = office.browser()
    browser.put_cookie(SESSION_COOKIE, planted)
    browser.put_cookie(GUEST_COOKIE, planted)
    browser.sign_in(office.members[ANNA])
    assert browser.cookie(SESSION_COOKIE) not in {planted, None}
    thief = office.browser()
    thief.put_cookie(SESSION_COOKIE, planted)
    assert not is_in(thief)


def test_the_cookie_is_read_by_its_full_name_only(office: Office) -> None:
    """Without the prefix that browsers guard it opens nothing."""
    token = office.browser(ANNA).cookie(SESSION_COOKIE) or ""
    thief = office.browser()
    thief.put_cookie(SESSION_COOKIE.removeprefix("__Host-"), token)
    assert not is_in(thief)


def test_the_id_in_the_address_opens_nothing(office: Office) -> None:
    """Nor in a header or a form."""
    token = office.browser(ANNA).cookie(SESSION_COOKIE) or ""
    thief = office.browser()
    answer = thief.client.get(
        f"/schools?{SESSION_COOKIE}={token}", base_url=URL, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 303


@pytest.mark.parametrize("role", Role)
def test_it_ends_after_a_quarter_of_an_hour_without_use(office: Office, role: Role) -> None:
    """One second before, it goes on; each use begins the time anew."""
    browser = office.browser(role)
    office.clock.advance(seconds=IDLE - 1)
    assert is_in(browser)
    office.clock.advance(seconds=IDLE - 1)
    assert is_in(browser)
    office.clock.advance(seconds=IDLE)
    assert not is_in(browser)
    assert not is_in(browser)


def test_it_ends_after_ten_hours_at_the_latest(office: Office) -> None:
    """However busy somebody is."""
    browser = office.browser(ANNA)
    for _ in range(AT_MOST // 600 - 1):
        office.clock.advance(seconds=600)
        assert is_in(browser)
    office.clock.advance(seconds=599)
    assert is_in(browser)
    office.clock.advance(seconds=1)
    assert not is_in(browser)


def test_who_says_stay_stays(office: Office) -> None:
    """What the warning's button asks for counts as use."""
    browser = office.browser(ANNA)
    token = browser.token()
    for _ in range(3):
        office.clock.advance(seconds=IDLE - 1)
        assert browser.ask("POST", "/account/stay", {"csrf_token": token}).status_code == 204
    assert is_in(browser)


def test_signing_out_ends_it_on_the_server(office: Office) -> None:
    """Who kept a copy of the cookie has nothing; the row is gone."""
    browser = office.browser(ANNA)
    token = browser.cookie(SESSION_COOKIE) or ""
    page = browser.press("/", "/sign-out")
    assert page.path.startswith("/sign-in")
    assert browser.cookie(SESSION_COOKIE) is None
    assert office.rows()["staff_sessions"] == []
    thief = office.browser()
    thief.put_cookie(SESSION_COOKIE, token)
    assert not is_in(thief)


def test_signing_out_lets_the_browser_forget_its_pages(office: Office) -> None:
    """None of them may be stored, and a changed cookie tells Chrome that "back" must not show them either."""
    browser = office.browser(ANNA)
    page = browser.get("/schools")
    assert page.response.headers["Cache-Control"] == "no-store"
    answer = browser.send_raw(page, "/sign-out", follow=False)
    (cookie,) = [
        each for each in answer.headers.getlist("Set-Cookie") if each.startswith(f"{SESSION_COOKIE}=;")
    ]
    assert "HttpOnly" in cookie


def test_one_of_several_sessions_is_ended(office: Office) -> None:
    """The list names them all; only one's own can be ended."""
    here, there, other = office.browser(ANNA), office.browser(ANNA), office.browser(Role.ADMIN)
    page = here.get("/account")
    (ending,) = [action for action in page.actions() if action.endswith("/end")]
    foreign = other.ask("POST", ending, {"csrf_token": other.token()})
    assert foreign.status_code == 303
    assert is_in(there)
    here.send(page, ending)
    assert (is_in(here), is_in(there)) == (True, False)


def test_all_others_are_ended(office: Office) -> None:
    """Somebody left a browser open somewhere."""
    here, *others = (office.browser(ANNA) for _ in range(3))
    admin = office.browser(Role.ADMIN)
    here.press("/account", "/account/sessions/end-others")
    assert (is_in(here), *map(is_in, others)) == (True, False, False)
    assert is_in(admin)


def test_another_password_ends_all_others(office: Office) -> None:
    """From then on the former one is worth nothing."""
    here, there, anna = office.browser(ANNA), office.browser(ANNA), office.members[ANNA]
    fresh = "Laterne Wolke Zimt Gabel 5"
    page = here.send(here.get("/account/password"), current=anna.password, password=fresh, repeated=fresh)
    assert page.path == "/account", page.text
    assert (is_in(here), is_in(there)) == (True, False)
    page = there.show_password(anna)
    assert page.status == 422
    page = there.send(page, name=anna.name, password=fresh)
    assert page.path == "/sign-in/code"


def test_new_recovery_codes_void_the_former_ones(office: Office) -> None:
    """They are shown on one page, and on no other."""
    browser, anna = office.browser(ANNA), office.members[ANNA]
    page = browser.send(browser.get("/account/recovery"))
    codes = [item.get_text() for item in page.html.select(".codes li")]
    assert len(set(codes)) == 10
    assert not browser.get("/account/recovery").html.select(".codes li")
    fresh = office.browser()
    page = fresh.send(fresh.show_password(anna), code=anna.recovery_codes[0])
    assert page.status == 422
    assert fresh.send(page, code=codes[3]).path == "/"
