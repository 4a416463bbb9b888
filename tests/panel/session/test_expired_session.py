"""A person who is signed out in the middle of a form gets it back, unsent; nobody else does."""

import pytest

from authbridge.storage.models import Role
from tests.support.factories import make_organiser, make_school
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel

CLERK = Role.CLERK
IDLE = 60 * 60
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


def interrupt(panel: StaffedPanel, browser: Browser, path: str, **typed: str) -> Page:
    """Fills in a form, and sends it when the session has expired."""
    page = browser.get(path)
    panel.clock.advance(seconds=IDLE)
    page = browser.send(page, **typed)
    assert page.path.startswith("/sign-in?note=expired"), page.path
    return page


def test_a_form_comes_back_filled_in_and_unsent(panel: StaffedPanel) -> None:
    """Every field is as it was typed; one click sends it."""
    browser = panel.browser(CLERK)
    interrupt(panel, browser, "/schools/add", **TYPED)
    page = browser.sign_in(panel.members[CLERK])
    assert page.path == "/schools/add"
    shown = {name: page.fields[name] for name in TYPED}
    assert shown | {"trusted_networks": ""} == TYPED | {"trusted_networks": ""}
    assert shown["trusted_networks"].split() == TYPED["trusted_networks"].split()
    assert panel.rows()["schools"] == []
    assert browser.send(page).path == "/schools/jkg"


def test_the_page_says_that_nothing_is_saved_yet(panel: StaffedPanel) -> None:
    """The page shows no errors, for nothing was sent."""
    browser = panel.browser(CLERK)
    interrupt(panel, browser, "/schools/add", **TYPED)
    page = browser.sign_in(panel.members[CLERK])
    assert any("is saved yet" in each for each in page.flashes()), page.flashes()
    assert (page.status, page.errors()) == (200, [])


def test_it_comes_back_once(panel: StaffedPanel) -> None:
    """Opening the page again shows an empty form."""
    browser = panel.browser(CLERK)
    interrupt(panel, browser, "/schools/add", **TYPED)
    browser.sign_in(panel.members[CLERK])
    assert browser.get("/schools/add").fields["name"] == ""


def test_another_member_gets_nothing(panel: StaffedPanel) -> None:
    """The next person at the same browser sees an empty form."""
    browser = panel.browser(CLERK)
    interrupt(panel, browser, "/schools/add", **TYPED)
    page = browser.sign_in(panel.members[Role.ADMIN])
    assert page.path == "/"
    page = browser.get("/schools/add")
    assert page.fields["name"] == ""
    assert "Justinus" not in page.text


def test_it_comes_back_at_another_browser_too(panel: StaffedPanel) -> None:
    """The draft belongs to the member of staff, not to the browser."""
    interrupt(panel, panel.browser(CLERK), "/schools/add", **TYPED)
    page = panel.browser()
    page_there = page.sign_in(panel.members[CLERK])
    assert page_there.fields["name"] == TYPED["name"]


def test_it_is_kept_for_half_an_hour(panel: StaffedPanel) -> None:
    """After half an hour the draft is gone."""
    browser = panel.browser(CLERK)
    interrupt(panel, browser, "/schools/add", **TYPED)
    panel.clock.advance(minutes=30)
    assert browser.sign_in(panel.members[CLERK]).path == "/"
    assert browser.get("/schools/add").fields["name"] == ""


def test_a_password_is_never_kept(panel: StaffedPanel) -> None:
    """The form of the password comes back empty."""
    browser = panel.browser(CLERK)
    typed = {"current": "Kanu-Regen-91", "password": "Neue Worte 12345", "repeated": "Neue Worte 12345"}
    interrupt(panel, browser, "/account/password", **typed)
    page = browser.sign_in(panel.members[CLERK])
    if page.path != "/account/password":
        page = browser.get("/account/password")
    assert [page.fields[name] for name in typed] == ["", "", ""]
    kept = repr(panel.parts.drafts)
    assert not any(value in kept for value in typed.values())


def test_an_edit_that_others_overtook_is_still_noticed(panel: StaffedPanel) -> None:
    """A draft keeps the revision of the school that it was about."""
    make_school(panel.database)
    browser = panel.browser(CLERK)
    interrupt(panel, browser, "/schools/ohg/edit", name="Otto-Hahn-Schule")
    admin = panel.browser(Role.ADMIN)
    admin.send(admin.get("/schools/ohg/edit"), place="Heilbronn")
    page = browser.sign_in(panel.members[CLERK])
    assert page.fields["name"] == "Otto-Hahn-Schule"
    page = browser.send(page)
    assert page.status == 422
    assert "Heilbronn" in page.text


@pytest.mark.parametrize("path", ["issue", "validity", "delete"])
def test_nothing_is_done_until_it_is_sent_again(panel: StaffedPanel, path: str) -> None:
    """A draft issues nothing, ends nothing and deletes nothing."""
    make_school(panel.database)
    name = make_organiser(panel.database).username
    browser = panel.browser(CLERK)
    path = "/schools/ohg/issue" if path == "issue" else f"/organisers/{name}/{path}"
    typed = {"count": "2", "valid_until": "2026-12-24", "typed": name}
    fields = {key: value for key, value in typed.items() if key in browser.get(path).fields}
    interrupt(panel, browser, path, **fields)
    before = panel.rows()["organisers"]
    page = browser.sign_in(panel.members[CLERK])
    assert page.path == path
    assert {key: page.fields[key] for key in fields} == fields
    assert panel.rows()["organisers"] == before


def test_a_page_that_was_asked_for_opens_after_the_sign_in(panel: StaffedPanel) -> None:
    """The query of the address is kept, too."""
    browser = panel.browser(CLERK)
    panel.clock.advance(seconds=IDLE)
    page = browser.get("/organisers?q=ohg&state=active")
    assert "Nothing happened for a while" in page.text
    anna = panel.members[CLERK]
    page = browser.send(page, name=anna.name, password=anna.password)
    page = browser.send(page, code=anna.code_at(panel.clock()))
    assert page.path == "/organisers?q=ohg&state=active"


def test_a_session_that_was_ended_gives_nothing_back(panel: StaffedPanel) -> None:
    """A session that a person ended gives no draft back: a stranger may be at the browser."""
    here, there = panel.browser(CLERK), panel.browser(CLERK)
    form = there.get("/schools/add")
    here.press("/account", "/account/sessions/end-others")
    page = there.send(form, **TYPED)
    assert page.path.startswith("/sign-in?note=ended"), page.path
    assert "Your session was ended" in page.text
    assert there.sign_in(panel.members[CLERK]).path == "/"
