"""Suspending takes one click, reinstating another; the reason may be noted afterwards."""

import pytest

from authbridge.login.authenticate import authenticate
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage.models import Role
from tests.support.factories import make_attempt, make_organiser, make_origin, make_school
from tests.support.factories import make_services as make_login_services
from tests.support.panel.browser import Browser, Page, filled
from tests.support.panel.staffed_panel import StaffedPanel

SCHOOL = "/schools/ohg"


@pytest.fixture(name="issued")
def issue_one(panel: StaffedPanel) -> IssuedCredential:
    """Issues one organiser."""
    make_school(panel.database)
    return make_organiser(panel.database)


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel, issued: IssuedCredential) -> Browser:
    """Opens a clerk's browser."""
    assert issued
    return panel.browser(Role.CLERK)


def verdict(panel: StaffedPanel, credential: IssuedCredential) -> str:
    """Returns the verdict that a login through Prosody gets now."""
    services = make_login_services(panel.database, clock=panel.clock)
    attempt = make_attempt(credential.username, credential.password)
    return authenticate(attempt, make_origin(), services, within=10).verdict


def history(page: Page) -> list[str]:
    """Returns the rows of the history, as text."""
    tables = page.html.select('section[aria-labelledby="history-title"] tbody tr')
    return [" ".join(row.get_text(" ").split()) for row in tables]


@pytest.mark.parametrize("where", ["/organisers", "/organisers?q=ohg-", SCHOOL, "/search?q=ohg+otto", None])
def test_one_click_suspends_wherever_the_name_stands(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential, where: str | None
) -> None:
    """One POST leads back to the same page, with the new state and an Undo."""
    path = f"/organisers/{issued.username}"
    page = browser.press(where or path, f"{path}/suspend")
    assert (page.status, page.path) == (200, where or path)
    assert page.flashes()[0].startswith(f"{issued.username} is suspended")
    assert f"{path}/suspend" not in page.actions()
    assert "suspended" in page.text
    assert verdict(panel, issued) == "suspended"
    page = browser.send(page, f"{path}/reinstate")
    assert page.path == (where or path)
    assert f"{path}/suspend" in page.actions()
    assert verdict(panel, issued) == "granted"


def test_undo_stands_in_the_flash_and_only_once(browser: Browser, issued: IssuedCredential) -> None:
    """The flash with Undo is shown once."""
    path = f"/organisers/{issued.username}"
    page = browser.press(path, f"{path}/suspend")
    undo = page.html.select_one(".notice.done form")
    assert undo is not None
    assert undo["action"] == f"{path}/reinstate"
    assert "Undo" in undo.get_text()
    assert not browser.get(path).html.select(".notice.done")


def test_undo_lifts_what_its_click_has_made(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential
) -> None:
    """A colleague reinstated and suspended anew meanwhile: that suspension stays."""
    path = f"/organisers/{issued.username}"
    page, colleague = browser.press(path, f"{path}/suspend"), panel.browser(Role.ADMIN)
    colleague.press(path, f"{path}/reinstate")
    panel.clock.advance(seconds=5)
    colleague.press(path, f"{path}/suspend")
    assert "since" in filled(page.form(f"{path}/reinstate")), "the form of the notice is the first one"
    assert browser.send(page, f"{path}/reinstate").flashes()[0] == f"{issued.username} was not suspended."
    assert verdict(panel, issued) == "suspended"


def test_twice_is_told(panel: StaffedPanel, browser: Browser, issued: IssuedCredential) -> None:
    """A second click makes no second suspension and no second line in the audit."""
    path = f"/organisers/{issued.username}"
    before = browser.get(path)
    page = browser.send(before, f"{path}/suspend")
    assert browser.send(before, f"{path}/suspend").flashes()[0] == f"{issued.username} was suspended already."
    assert browser.send(page, f"{path}/reinstate").flashes()[0].startswith("The suspension of")
    assert browser.send(page, f"{path}/reinstate").flashes()[0] == f"{issued.username} was not suspended."
    actions = [row[3] for row in panel.rows()["audit_events"]]
    assert actions.count("organiser:suspend") == actions.count("organiser:reinstate") == 1


def test_no_second_factor_is_asked_for(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential
) -> None:
    """Suspending asks for no factor, however old: a teacher is on the telephone."""
    path = f"/organisers/{issued.username}"
    for _ in range(4):
        panel.clock.advance(minutes=14)
        page = browser.get(path)
    assert browser.send(page, f"{path}/suspend").flashes()[0].startswith(f"{issued.username} is suspended")


def test_the_audit_names_the_member_of_staff(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential
) -> None:
    """The audit names actor, action and organiser."""
    path = f"/organisers/{issued.username}"
    browser.press(path, f"{path}/suspend")
    event = panel.rows()["audit_events"][-1]
    assert event[2:5] == ("staff:clerk-anna", "organiser:suspend", issued.username)


def test_afterwards_one_says_why(browser: Browser, issued: IssuedCredential) -> None:
    """Reason, reporter and note are shown in the history, and can be changed."""
    path = f"/organisers/{issued.username}"
    page = browser.press(path, f"{path}/suspend")
    page = browser.send(
        page, f"{path}/suspension", reason="misuse", reported_by="school-head", note="Chat der 9b"
    )
    assert (page.path, page.flashes()[0]) == (path, "Noted.")
    (row,) = history(page)
    for shown in ("misuse", "head of the school", "Chat der 9b", "clerk-anna", "still suspended"):
        assert shown in row
    page = browser.send(page, f"{path}/suspension", reason="", reported_by="", note="")
    (row,) = history(page)
    assert "not said yet" in row
    assert "Chat" not in row


def test_the_history_keeps_each_suspension(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential
) -> None:
    """The history lists each suspension, latest first, with the person who ended it."""
    path = f"/organisers/{issued.username}"
    for note in ("first", "second"):
        page = browser.press(path, f"{path}/suspend")
        browser.send(page, f"{path}/suspension", note=note)
        browser.press(path, f"{path}/reinstate")
        panel.clock.advance(minutes=1)
    rows = history(browser.get(path))
    assert ["second" in row for row in rows] == [True, False]
    assert all(row.count("clerk-anna") == 2 for row in rows)


@pytest.mark.parametrize(
    ("field", "typed"),
    [("note", "x" * 201), ("note", "a\ue000b"), ("reason", "weather"), ("reported_by", "mum")],
)
def test_a_wrong_note_comes_back_with_a_sentence(
    browser: Browser, issued: IssuedCredential, field: str, typed: str
) -> None:
    """A wrong note gets 422 at its field; the other values stay, and nothing is noted."""
    path = f"/organisers/{issued.username}"
    page = browser.press(path, f"{path}/suspend")
    good = {"reason": "misuse", "reported_by": "organiser", "note": "Chat"}
    page = browser.send(page, f"{path}/suspension", **(good | {field: typed}))
    assert page.status == 422
    assert page.error_at(field)
    shown = page.html.select_one(f'form[action="{path}/suspension"] [name="note"]')
    assert shown is not None
    assert shown["value"] == (typed if field == "note" else "Chat")
    assert "misuse" not in history(browser.get(path))[0]


def test_what_was_reinstated_meanwhile_is_not_described(browser: Browser, issued: IssuedCredential) -> None:
    """A note about a suspension that has ended is refused, and its text is not lost."""
    path = f"/organisers/{issued.username}"
    form = browser.press(path, f"{path}/suspend")
    browser.press(path, f"{path}/reinstate")
    page = browser.send(form, f"{path}/suspension", note="Chat")
    assert page.status == 422
    assert any("not suspended any more" in each for each in page.errors()), page.errors()


def test_a_school_is_suspended_on_its_page(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential
) -> None:
    """A suspended school locks its organisers out; their own suspensions outlast it."""
    other = make_organiser(panel.database)
    browser.press(f"/organisers/{other.username}", f"/organisers/{other.username}/suspend")
    page = browser.press(SCHOOL, f"{SCHOOL}/suspend")
    assert page.flashes()[0].startswith("The school ohg is suspended")
    assert [verdict(panel, each) for each in (issued, other)] == ["suspended", "suspended"]
    assert "school suspended" in browser.get(f"/organisers/{issued.username}").text
    page = browser.send(page, f"{SCHOOL}/suspension", reason="other", note="Umbau")
    assert "Umbau" in history(page)[0]
    browser.press(SCHOOL, f"{SCHOOL}/reinstate")
    assert [verdict(panel, each) for each in (issued, other)] == ["granted", "suspended"]


def test_a_school_has_its_button_on_its_own_page_only(browser: Browser) -> None:
    """Lists have no button for a school: a slip of the mouse would lock all of it out."""
    assert f"{SCHOOL}/suspend" in browser.get(SCHOOL).actions()
    for path in ("/schools", "/search?q=otto", "/"):
        assert f"{SCHOOL}/suspend" not in browser.get(path).actions(), path


def test_the_overview_shows_who_is_suspended(browser: Browser, issued: IssuedCredential) -> None:
    """The overview lists suspended schools and organisers, with buttons to reinstate."""
    path = f"/organisers/{issued.username}"
    browser.press(path, f"{path}/suspend")
    browser.press(SCHOOL, f"{SCHOOL}/suspend")
    browser.get("/")
    page = browser.get("/")
    assert {f"{path}/reinstate", f"{SCHOOL}/reinstate"} <= page.actions()
    assert browser.send(page, f"{path}/reinstate").path == "/"


def test_an_auditor_sees_everything_and_no_buttons(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential
) -> None:
    """An auditor sees state and history, and no button but those of their own account."""
    path = f"/organisers/{issued.username}"
    page = browser.press(path, f"{path}/suspend")
    browser.send(page, f"{path}/suspension", note="Chat")
    browser.press(SCHOOL, f"{SCHOOL}/suspend")
    auditor = panel.browser(Role.AUDITOR)
    for where in (path, SCHOOL, "/", "/organisers", "/schools", "/search?q=ohg"):
        page = auditor.get(where)
        assert page.actions() == {"/sign-out", "/language"}, where
        ways = {"/add", "/edit", "/issue", "/reset", "/validity", "/delete", "/staff"}
        assert not [link for link in page.links() if link.endswith(tuple(ways))], where
    assert "Chat" in history(auditor.get(path))[0]
