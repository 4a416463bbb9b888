"""A form or button that comes after the session or the fresh code has run out is never swallowed.

Nothing is carried out then, the panel says so, and the way leads back to the button.
"""

from collections.abc import Iterator

import pytest

from authbridge.storage.models import Role, Staff, StaffSession
from tests.support.factories import make_organiser, make_school
from tests.support.panel.browser import Browser, Page, filled
from tests.support.panel.routes import EVERYBODY, FRESH, HALF_WAY, Route, routes
from tests.support.panel.sample_data import add_sample_data
from tests.support.panel.staffed_panel import PanelFactory, StaffedPanel

ADMIN = Role.ADMIN
LATE = {"minutes": 61}
TEN_MINUTES = 600
NO_FORM = frozenset({"account.stay", "auth.reauthenticate"})
"""A request of the page's own script; and the code itself, whose page asks for it again."""


@pytest.fixture(name="panel")
def open_panel(panel_factory: PanelFactory) -> StaffedPanel:
    """A panel at an address that has a name: without one it has no form for passkeys."""
    return panel_factory.open(AUTHBRIDGE_PANEL_URL="http://localhost:8702")


def forms(panel: StaffedPanel) -> Iterator[Route]:
    """Yields the address of every form of the panel that needs a session, about rows that exist."""
    sample = add_sample_data(panel.database)
    real = {
        "none-none": sample.username,
        "/organisers/nobody": f"/organisers/{sample.username}",
        "/schools/nobody": f"/schools/{sample.code}",
        "/schools/none": f"/schools/{sample.code}",
        "nobody": "colleague-0",
        "/misuse/0": "/misuse/1",
    }
    for route in routes(panel.app):
        path = route.path
        for before, after in real.items():
            path = path.replace(before, after)
        if route.is_unsafe and route.endpoint not in EVERYBODY | set(HALF_WAY) | NO_FORM:
            yield Route(route.endpoint, route.method, path)


# What was shown once, or waited in memory, is gone after the sign-in.
WIPED = {"credentials.done", "credentials.wipe", "imports.run_organisers", "imports.run_schools"}


def alarm_of(page: Page) -> str:
    """Returns what the page says of the form that was not carried out."""
    return " ".join(each for each in page.flashes() if "ot carried out" in each or "is saved yet" in each)


def test_no_form_is_swallowed_when_the_session_has_ended(panel: StaffedPanel) -> None:
    """Every form of the panel: nothing is changed, and the first page after the sign-in says so."""
    browser, admin = panel.browser(ADMIN), panel.members[ADMIN]
    for route in list(forms(panel)):
        token = browser.token()
        panel.clock.advance(**LATE)
        before = panel.rows(StaffSession, Staff)
        answer = browser.ask(route.method, route.path, {"csrf_token": token, "pressed": "Press me"})
        page = Page(browser.fetch(answer.location))
        assert "carried out" in page.text or "comes back" in page.text, (route, page.text)
        assert page.html.select(".notice[role=alert]"), route
        assert panel.rows(StaffSession, Staff) == before, route
        page = browser.sign_in(admin)
        assert alarm_of(page), (route, page.path, page.text)
        assert page.status == 200 or route.endpoint in WIPED, route
        assert route.path.startswith(page.path), (route, page.path)


def test_no_form_is_swallowed_when_the_code_is_no_longer_fresh(panel: StaffedPanel) -> None:
    """Every form that wants a fresh code says after it that nothing was done yet."""
    browser, admin = panel.browser(ADMIN), panel.members[ADMIN]
    for route in [each for each in forms(panel) if each.endpoint in FRESH]:
        token = browser.token()
        panel.clock.advance(seconds=TEN_MINUTES)
        before = panel.rows(StaffSession, Staff)
        answer = browser.ask(route.method, route.path, {"csrf_token": token, "pressed": "Press me"})
        page = browser.get(answer.location)
        assert "Nothing was changed yet" in page.text, (route, page.text)
        page = browser.send(page, code=admin.code_at(panel.clock()))
        assert alarm_of(page), (route, page.path, page.text)
        assert route.path.startswith(page.path), (route, page.path)
        assert panel.rows(StaffSession, Staff) == before, route


@pytest.fixture(name="username")
def make_username(panel: StaffedPanel) -> str:
    """An organiser who can be suspended."""
    make_school(panel.database)
    return make_organiser(panel.database).username


def press_late(panel: StaffedPanel, browser: Browser, path: str, action: str, **typed: str) -> Page:
    """Opens a page, and presses its button an hour later."""
    page = browser.get(path)
    panel.clock.advance(**LATE)
    page = browser.send(page, action, **typed)
    assert page.path.startswith("/sign-in"), page.path
    return page


def test_a_late_suspension_is_carried_on_by_one_click(panel: StaffedPanel, username: str) -> None:
    """The notice has the button itself; until it is pressed, the access stays open."""
    browser, action = panel.browser(Role.CLERK), f"/organisers/{username}/suspend"
    press_late(panel, browser, f"/organisers/{username}", action)
    page = browser.sign_in(panel.members[Role.CLERK])
    assert page.path == f"/organisers/{username}"
    (notice,) = page.html.select("main .notice[role=alert]")
    assert "Not carried out" in notice.get_text()
    assert username in notice.get_text()
    assert panel.rows()["suspensions"] == []
    page = browser.send(page, action)
    assert page.flashes()[0] == f"{username} is suspended."
    assert alarm_of(page) == ""


def test_a_button_in_a_list_leads_back_to_that_very_list(panel: StaffedPanel, username: str) -> None:
    """The filter of the list is kept, too."""
    browser = panel.browser(Role.CLERK)
    press_late(panel, browser, "/organisers?q=ohg", f"/organisers/{username}/suspend")
    assert browser.sign_in(panel.members[Role.CLERK]).path == "/organisers?q=ohg"


def test_what_was_typed_into_a_form_among_others_is_kept(panel: StaffedPanel, username: str) -> None:
    """The note of a suspension has no page of its own; it stands in its fields again, for one click."""
    browser, action = panel.browser(Role.CLERK), f"/organisers/{username}/suspension"
    browser.press(f"/organisers/{username}", f"/organisers/{username}/suspend")
    page = press_late(
        panel, browser, f"/organisers/{username}", action, reason="misuse", note="Anruf der Schule"
    )
    assert "what you had filled in comes back" in page.text
    page = browser.sign_in(panel.members[Role.CLERK])
    assert "Nothing is saved yet" in alarm_of(page)
    browser.send(page, action)
    assert "Anruf der Schule" in browser.get(f"/organisers/{username}").text


@pytest.mark.parametrize("lateness", ["the session has ended", "the code is no longer fresh"])
def test_nobody_words_a_button_for_somebody_else(panel: StaffedPanel, lateness: str) -> None:
    """Who stands at a browser that was left alone, or holds its cookie, offers its owner no button."""
    browser, admin = panel.browser(ADMIN), panel.members[ADMIN]
    token = browser.token()
    planted = {"csrf_token": token, "pressed": "Save note", "role": "admin", "back": "/organisers"}
    panel.clock.advance(minutes=61 if "session" in lateness else 10)
    answer = browser.ask("POST", "/staff/clerk-anna/role", planted)
    page = browser.get(answer.location)
    assert "Save note" not in page.text
    page = browser.sign_in(admin) if "session" in lateness else show_code(panel, browser, page)
    assert "Save note" not in page.text
    assert not [action for action in page.actions() if action.startswith("/staff")]


def show_code(panel: StaffedPanel, browser: Browser, page: Page) -> Page:
    """Answers the page that asks the admin for a code."""
    return browser.send(page, code=panel.members[ADMIN].code_at(panel.clock()))


@pytest.mark.parametrize(
    ("change", "is_offered"),
    [
        ({}, True),
        ({"pressed": "Reinstate"}, False),
        ({"pressed_signature": ""}, False),
        ({"since": "2026-11-27"}, False),
    ],
)
def test_a_button_is_offered_again_as_its_page_has_signed_it(
    panel: StaffedPanel, username: str, change: dict[str, str], *, is_offered: bool
) -> None:
    """Other words, another signature or one more field, and it is only said that something was pressed."""
    browser, action = panel.browser(Role.CLERK), f"/organisers/{username}/suspend"
    press_late(panel, browser, "/organisers", action, **change)
    page = browser.sign_in(panel.members[Role.CLERK])
    (notice,) = page.html.select("main .notice[role=alert]")
    assert (notice.find("form") is not None) is is_offered
    assert ("Suspend" in notice.get_text()) is is_offered


def test_a_grave_button_is_pressed_on_its_own_page(panel: StaffedPanel) -> None:
    """The notice names it and has no button: under the notice stands the page that has it."""
    browser = panel.browser(ADMIN)
    page = browser.get("/staff/clerk-anna")
    panel.clock.advance(seconds=TEN_MINUTES)
    page = browser.send(page, "/staff/clerk-anna/suspend")
    assert "“Suspend clerk-anna” waits for this code." in page.text
    page = show_code(panel, browser, page)
    (notice,) = page.html.select("main .notice[role=alert]")
    assert "“Suspend clerk-anna”" in notice.get_text()
    assert notice.find("form") is None
    assert (page.path, "/staff/clerk-anna/suspend" in page.actions()) == ("/staff/clerk-anna", True)


def test_one_person_cannot_use_up_the_room_of_others(panel: StaffedPanel, username: str) -> None:
    """However many forms one session sends late, another's is kept, and of one's own the latest."""
    one, other = panel.browser(Role.CLERK), panel.browser(ADMIN)
    pages = [each.get(f"/organisers/{username}") for each in (one, other)]
    panel.clock.advance(**LATE)
    token = filled(pages[0].form(f"/organisers/{username}/suspend"))["csrf_token"]
    for number in range(50):
        one.ask("POST", f"/organisers/x{number}/suspend", {"csrf_token": token})
    for browser, page, role in zip((one, other), pages, (Role.CLERK, ADMIN), strict=True):
        browser.send(page, f"/organisers/{username}/suspend")
        assert username in alarm_of(browser.sign_in(panel.members[role]))


def test_two_late_buttons_are_both_told(panel: StaffedPanel, username: str) -> None:
    """The panel names both presses from two tabs."""
    other = make_organiser(panel.database).username
    browser = panel.browser(Role.CLERK)
    pages = [browser.get(f"/organisers/{each}") for each in (username, other)]
    panel.clock.advance(**LATE)
    for page in pages:
        browser.send(page, f"{page.path}/suspend")
    told = alarm_of(browser.sign_in(panel.members[Role.CLERK]))
    assert username in told
    assert other in told


def test_another_member_hears_nothing_of_it(panel: StaffedPanel, username: str) -> None:
    """The next person at the browser neither carries it on nor learns what it was."""
    browser = panel.browser(Role.CLERK)
    page = press_late(panel, browser, f"/organisers/{username}", f"/organisers/{username}/suspend")
    assert username not in page.html.select("main")[0].get_text(), "a stranger may stand there"
    page = browser.sign_in(panel.members[ADMIN])
    assert alarm_of(page) == ""
    assert panel.rows()["suspensions"] == []
    assert "suspend" not in " ".join(page.actions())


def test_it_is_told_once_and_for_half_an_hour(panel: StaffedPanel, username: str) -> None:
    """A reload shows the page alone; who comes much later is led to the page without a word about it."""
    browser, clerk = panel.browser(Role.CLERK), panel.members[Role.CLERK]
    press_late(panel, browser, f"/organisers/{username}", f"/organisers/{username}/suspend")
    browser.sign_in(clerk)
    assert alarm_of(browser.get(f"/organisers/{username}")) == ""
    press_late(panel, browser, f"/organisers/{username}", f"/organisers/{username}/suspend")
    panel.clock.advance(minutes=30)
    assert alarm_of(browser.sign_in(clerk)) == ""


def test_a_form_from_elsewhere_is_never_kept(panel: StaffedPanel, username: str) -> None:
    """Neither one without our token nor one that the browser calls foreign."""
    browser = panel.browser(Role.CLERK)
    token = browser.token()
    panel.clock.advance(**LATE)
    path = f"/organisers/{username}/suspend"
    for fields, site in (({}, "same-origin"), ({"csrf_token": token}, "cross-site")):
        answer = browser.ask("POST", path, {**fields, "pressed": "Win"}, **{"Sec-Fetch-Site": site})
        assert answer.status_code == 400
    assert alarm_of(browser.sign_in(panel.members[Role.CLERK])) == ""


def test_a_session_that_somebody_ended_keeps_nothing_but_says_so(panel: StaffedPanel, username: str) -> None:
    """A stranger may be at that browser: the sign-in page speaks, and leads to the page of the button."""
    here, there = panel.browser(Role.CLERK), panel.browser(Role.CLERK)
    page = there.get(f"/organisers/{username}")
    here.press("/account", "/account/sessions/end-others")
    page = there.send(page, f"/organisers/{username}/suspend")
    assert "was not carried out" in page.text
    clerk = panel.members[Role.CLERK]
    panel.clock.advance(seconds=30)
    page = there.send(page, name=clerk.name, password=clerk.password)
    page = there.send(page, code=clerk.code_at(panel.clock()))
    assert (page.path, alarm_of(page)) == (f"/organisers/{username}", "")
    assert panel.rows()["suspensions"] == []


def test_a_page_of_a_former_session_says_that_nothing_was_done(panel: StaffedPanel, username: str) -> None:
    """After signing in again in another tab, the button of the first leads back to its page."""
    browser, clerk = panel.browser(Role.CLERK), panel.members[Role.CLERK]
    page = browser.get(f"/organisers/{username}")
    panel.clock.advance(**LATE)
    browser.sign_in(clerk)
    page = browser.send(page, f"/organisers/{username}/suspend")
    assert page.status == 400
    assert "Nothing was done" in page.text
    assert f"/organisers/{username}" in {str(each["href"]) for each in page.html.select("main a")}


def test_a_cancelled_detour_is_not_brought_up_elsewhere(panel: StaffedPanel) -> None:
    """Who was asked for a code, went away, and now opens another page with it, comes to that page."""
    browser, admin = panel.browser(ADMIN), panel.members[ADMIN]
    page = browser.get("/staff/clerk-anna")
    panel.clock.advance(seconds=TEN_MINUTES)
    browser.send(page, "/staff/clerk-anna/suspend")
    page = browser.send(browser.get("/staff/add"), code=admin.code_at(panel.clock()))
    assert (page.path, alarm_of(page)) == ("/staff/add", "")


def test_a_code_that_comes_too_late_leads_to_the_beginning_with_a_word(panel: StaffedPanel) -> None:
    """The half-way session lives fifteen minutes; its page does not vanish without a word."""
    browser, clerk = panel.browser(), panel.members[Role.CLERK]
    page = browser.show_password(clerk)
    panel.clock.advance(minutes=15)
    page = browser.send(page, code=clerk.code_at(panel.clock()))
    assert page.path.startswith("/sign-in?note=again")
    assert "took too long" in page.text


def test_an_action_at_a_late_page_waits_behind_a_second_sign_in_page(panel: StaffedPanel) -> None:
    """A sign-in page that is left open leads where it was to lead, once another tab has signed in."""
    browser = panel.browser(Role.CLERK)
    assert browser.get("/sign-in?next=/schools").path == "/schools"
