"""Whoever is signed out in the middle of a form gets it back filled in, unsent; nobody else does."""

import pytest

from authbridge.storage.models import Role
from tests.factories import make_organiser, make_school
from tests.panel.browsing import Browser, Page
from tests.panel.conftest import Office

CLERK = Role.CLERK
QUARTER = 15 * 60
TYPED = {
    "code": "jkg",
    "name": "Justinus-Kerner-Gymnasium",
    "street": "Goethestraße 1",
    "place": "74189 Weinsberg",
    "mailbox": "info@jkg.example",
    "contract_on": "2026-02-03",
    "trusted_networks": "198.51.100.7\r\n2001:db8:12::/48",
    "quota": "70",
}


def interrupt(office: Office, browser: Browser, path: str, **typed: str) -> Page:
    """Fills a form in, and sends it when the time is over."""
    page = browser.get(path)
    office.clock.advance(seconds=QUARTER)
    page = browser.send(page, **typed)
    assert page.path.startswith("/sign-in?note=expired"), page.path
    return page


def test_a_form_comes_back_filled_in_and_unsent(office: Office) -> None:
    """Every field is as it was typed; one click sends it."""
    browser = office.browser(CLERK)
    interrupt(office, browser, "/schools/add", **TYPED)
    page = browser.sign_in(office.members[CLERK])
    assert page.path == "/schools/add"
    shown = {name: page.fields[name] for name in TYPED}
    assert shown | {"trusted_networks": ""} == TYPED | {"trusted_networks": ""}
    assert shown["trusted_networks"].split() == TYPED["trusted_networks"].split()
    assert office.rows()["schools"] == []
    assert browser.send(page).path == "/schools/jkg"


def test_the_page_says_that_nothing_is_saved_yet(office: Office) -> None:
    """And says no faults, for nothing was sent."""
    browser = office.browser(CLERK)
    interrupt(office, browser, "/schools/add", **TYPED)
    page = browser.sign_in(office.members[CLERK])
    assert any("not saved yet" in each for each in page.notices()), page.notices()
    assert (page.status, page.faults()) == (200, [])


def test_it_comes_back_once(office: Office) -> None:
    """Who opens the page anew gets an empty one."""
    browser = office.browser(CLERK)
    interrupt(office, browser, "/schools/add", **TYPED)
    browser.sign_in(office.members[CLERK])
    assert browser.get("/schools/add").fields["name"] == ""


def test_another_member_gets_nothing(office: Office) -> None:
    """Whoever signs in next at the same browser sees an empty form."""
    browser = office.browser(CLERK)
    interrupt(office, browser, "/schools/add", **TYPED)
    page = browser.sign_in(office.members[Role.ADMIN])
    assert page.path == "/"
    page = browser.get("/schools/add")
    assert page.fields["name"] == ""
    assert "Justinus" not in page.text


def test_it_comes_back_at_another_browser_too(office: Office) -> None:
    """It is the member's, not the machine's."""
    interrupt(office, office.browser(CLERK), "/schools/add", **TYPED)
    page = office.browser()
    page_there = page.sign_in(office.members[CLERK])
    assert page_there.fields["name"] == TYPED["name"]


def test_it_is_kept_for_half_an_hour(office: Office) -> None:
    """Then somebody has given it up."""
    browser = office.browser(CLERK)
    interrupt(office, browser, "/schools/add", **TYPED)
    office.clock.advance(minutes=30)
    assert browser.sign_in(office.members[CLERK]).path == "/"
    assert browser.get("/schools/add").fields["name"] == ""


def test_a_password_is_never_kept(office: Office) -> None:
    """The form of the password comes back empty."""
    browser = office.browser(CLERK)
    typed = {"current": "Kanu-Regen-91", "password": "Neue Worte 12345", "repeated": "Neue Worte 12345"}
    interrupt(office, browser, "/account/password", **typed)
    page = browser.sign_in(office.members[CLERK])
    if page.path != "/account/password":
        page = browser.get("/account/password")
    assert [page.fields[name] for name in typed] == ["", "", ""]
    kept = repr(office.panel.drafts)
    assert not any(value in kept for value in typed.values())


def test_an_edit_that_others_overtook_is_still_noticed(office: Office) -> None:
    """What comes back remembers which state of the school it was about."""
    make_school(office.database)
    browser = office.browser(CLERK)
    interrupt(office, browser, "/schools/ohg/edit", name="Otto-Hahn-Schule")
    admin = office.browser(Role.ADMIN)
    admin.send(admin.get("/schools/ohg/edit"), place="Heilbronn")
    page = browser.sign_in(office.members[CLERK])
    assert page.fields["name"] == "Otto-Hahn-Schule"
    page = browser.send(page)
    assert page.status == 422
    assert "Heilbronn" in page.text


@pytest.mark.parametrize("path", ["issue", "validity", "delete"])
def test_nothing_is_done_until_it_is_sent_again(office: Office, path: str) -> None:
    """Neither issued nor ended nor deleted."""
    make_school(office.database)
    name = make_organiser(office.database).username
    browser = office.browser(CLERK)
    path = "/schools/ohg/issue" if path == "issue" else f"/organisers/{name}/{path}"
    typed = {"count": "2", "valid_until": "2026-12-24", "typed": name}
    fields = {key: value for key, value in typed.items() if key in browser.get(path).fields}
    interrupt(office, browser, path, **fields)
    before = office.rows()["organisers"]
    page = browser.sign_in(office.members[CLERK])
    assert page.path == path
    assert {key: page.fields[key] for key in fields} == fields
    assert office.rows()["organisers"] == before


def test_a_button_is_not_pressed_afterwards(office: Office) -> None:
    """Who pressed one when the time was over is on the overview, and nothing was done."""
    make_school(office.database)
    name = make_organiser(office.database).username
    browser = office.browser(CLERK)
    page = browser.get(f"/organisers/{name}")
    office.clock.advance(seconds=QUARTER)
    page = browser.send(page, f"/organisers/{name}/suspend")
    assert page.path.startswith("/sign-in")
    assert browser.sign_in(office.members[CLERK]).path == "/"
    assert office.rows()["suspensions"] == []


def test_a_page_that_was_asked_for_opens_after_the_sign_in(office: Office) -> None:
    """Also with what stands behind its question mark."""
    browser = office.browser(CLERK)
    office.clock.advance(seconds=QUARTER)
    page = browser.get("/organisers?q=ohg&state=active")
    assert "Nothing happened for a while" in page.text
    anna = office.members[CLERK]
    page = browser.send(page, name=anna.name, password=anna.password)
    page = browser.send(page, code=anna.code_at(office.clock()))
    assert page.path == "/organisers?q=ohg&state=active"


def test_a_session_that_was_ended_gives_nothing_back(office: Office) -> None:
    """Ended by somebody, not by time: perhaps because a stranger was at the browser."""
    here, there = office.browser(CLERK), office.browser(CLERK)
    form = there.get("/schools/add")
    here.press("/account", "/account/sessions/end-others")
    page = there.send(form, **TYPED)
    assert page.path.startswith("/sign-in?note=ended"), page.path
    assert "Your session was ended" in page.text
    assert there.sign_in(office.members[CLERK]).path == "/"
