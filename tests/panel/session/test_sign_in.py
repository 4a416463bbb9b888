"""Signing in takes two steps; each of them tells no more than it must."""

from datetime import timedelta

import pytest

from authbridge.staff import commands as staff_commands
from authbridge.storage.models import Role
from tests.support.factories import ACTOR
from tests.support.fakes import CountingHasher
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import PanelFactory, StaffedPanel

ANNA = Role.CLERK


def try_password(browser: Browser, name: str, password: str) -> Page:
    """Types name and password."""
    return browser.send(browser.get("/sign-in"), name=name, password=password)


def without_what_differs(page: Page) -> str:
    """Returns the page without its tokens and the typed name."""
    html = page.html
    for field in html.select("input"):
        field["value"] = ""
    return str(html)


def test_both_steps_lead_in(panel: StaffedPanel) -> None:
    """Password and then the code of the app sign in."""
    browser, anna = panel.browser(), panel.members[ANNA]
    panel.clock.advance(seconds=30)
    page = try_password(browser, anna.name, anna.password)
    assert page.path == "/sign-in/code"
    page = browser.send(page, code=anna.code_at(panel.clock()))
    assert (page.status, page.path) == (200, "/")
    assert anna.name in page.text


def test_the_password_alone_opens_nothing(panel: StaffedPanel) -> None:
    """After the password alone, every page leads back to the sign-in."""
    browser = panel.browser()
    browser.show_password(panel.members[ANNA])
    for path in ("/", "/schools", "/account", "/account/recovery"):
        assert browser.get(path).path.startswith("/sign-in"), path


def test_the_code_alone_opens_nothing(panel: StaffedPanel) -> None:
    """The second step is closed before the first."""
    assert panel.browser().get("/sign-in/code").path == "/sign-in"


def test_name_and_password_are_refused_in_the_same_words(panel: StaffedPanel) -> None:
    """A wrong password and an unknown name get the same page and status."""
    known = try_password(panel.browser(), panel.members[ANNA].name, "not hers at all")
    unknown = try_password(panel.browser(), "nobody", "not hers at all")
    assert known.status == unknown.status == 422
    assert known.errors() == unknown.errors() != []
    assert without_what_differs(known) == without_what_differs(unknown)


def test_the_password_never_comes_back(panel: StaffedPanel) -> None:
    """The name comes back in the form, the password does not."""
    page = try_password(panel.browser(), "nobody", "Kanu-Regen-91")
    assert page.fields["name"] == "nobody"
    assert "Kanu-Regen-91" not in page.response.get_data(as_text=True)


@pytest.mark.parametrize("missing", ["name", "password"])
def test_an_empty_field_is_said_there(panel: StaffedPanel, missing: str) -> None:
    """An empty field is refused without hashing or counting."""
    browser = panel.browser()
    page = browser.send(browser.get("/sign-in"), **{"name": "nobody", "password": "x", missing: ""})
    assert page.status == 422
    assert page.error_at(missing)
    assert panel.rows()["login_failures"] == []


@pytest.mark.parametrize(
    "name", ["\0", "a\0b", "ü" * 256, "<script>", "' OR 1=1 --", "clerk-anna\0", "\ud7ff"]
)
def test_odd_names_are_refused_like_others(panel: StaffedPanel, name: str) -> None:
    """An impossible name is refused like an unknown one."""
    page = try_password(panel.browser(), name, "not hers at all")
    assert page.status == 422, page.text


@pytest.mark.parametrize("password", ["\0", "x" * 257, "ü" * 200, "مرحبا", "a\u202eb"])
def test_odd_passwords_are_refused_like_others(panel: StaffedPanel, password: str) -> None:
    """An impossible password is wrong, and no error of the program."""
    page = try_password(panel.browser(), panel.members[ANNA].name, password)
    assert page.status == 422, page.text


def test_the_name_is_typed_as_people_type(panel: StaffedPanel) -> None:
    """Capitals and blanks around the name do not matter."""
    anna = panel.members[ANNA]
    assert try_password(panel.browser(), f" {anna.name.upper()} ", anna.password).path == "/sign-in/code"


def test_a_wrong_code_is_refused(panel: StaffedPanel) -> None:
    """After a wrong code one may try again; the field is empty."""
    browser = panel.browser()
    page = browser.send(browser.show_password(panel.members[ANNA]), code="000000")
    assert (page.status, page.path) == (422, "/sign-in/code")
    page = browser.send(page, code=panel.members[ANNA].code_at(panel.clock()))
    assert page.path == "/"


def test_a_code_counts_once(panel: StaffedPanel) -> None:
    """A code that was used is refused, even with the right password."""
    anna = panel.members[ANNA]
    browser, thief = panel.browser(), panel.browser()
    browser.sign_in(anna)
    seen = anna.code_at(panel.clock())
    page = thief.send(thief.get("/sign-in"), name=anna.name, password=anna.password)
    page = thief.send(page, code=seen)
    assert (page.status, page.path) == (422, "/sign-in/code")


def test_a_recovery_code_counts_once(panel: StaffedPanel) -> None:
    """A recovery code replaces the app once, also with blanks instead of hyphens."""
    anna = panel.members[ANNA]
    code = anna.recovery_codes[0]
    browser = panel.browser()
    assert browser.send(browser.show_password(anna), code=code.upper().replace("-", " ")).path == "/"
    again = panel.browser()
    page = again.send(again.show_password(anna), code=code)
    assert (page.status, page.path) == (422, "/sign-in/code")
    assert again.send(page, code=anna.recovery_codes[1]).path == "/"


def test_who_is_suspended_hears_it_only_with_the_right_password(panel: StaffedPanel) -> None:
    """A suspended person learns of it only with the right password."""
    anna = panel.members[ANNA]
    with panel.database.write_session() as session:
        staff_commands.suspend_staff(session, anna.name, actor=ACTOR, now=panel.clock())
    wrong = try_password(panel.browser(), anna.name, "not hers at all")
    nobody = try_password(panel.browser(), "nobody", "not hers at all")
    right = try_password(panel.browser(), anna.name, anna.password)
    assert wrong.errors() == nobody.errors()
    assert right.status == 422
    assert right.errors() != wrong.errors()


def test_a_suspension_between_the_steps_counts(panel: StaffedPanel) -> None:
    """A person who is suspended after the first step fails the second."""
    anna = panel.members[ANNA]
    browser = panel.browser()
    page = browser.show_password(anna)
    with panel.database.write_session() as session:
        staff_commands.suspend_staff(session, anna.name, actor=ACTOR, now=panel.clock())
    page = browser.send(page, code=anna.code_at(panel.clock()))
    assert page.path.startswith("/sign-in")
    assert browser.get("/schools").path.startswith("/sign-in")


def test_somebody_and_nobody_take_the_same_work(panel_factory: PanelFactory) -> None:
    """Known and unknown names cost one hash each, so that the time tells nothing."""
    hasher = CountingHasher()
    panel = panel_factory.open(hasher=hasher)
    try_password(panel.browser(), panel.members[ANNA].name, "not hers at all")
    known = hasher.checks
    try_password(panel.browser(), "nobody", "not hers at all")
    assert (known, hasher.checks) == (1, 2)


def test_who_is_signed_in_needs_no_sign_in(panel: StaffedPanel) -> None:
    """A signed-in person is redirected from the sign-in to the overview."""
    assert panel.browser(ANNA).get("/sign-in").path == "/"


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        pytest.param(-2, "right about 2 minutes ago", id="slow"),
        pytest.param(2, "right only in about 2 minutes", id="fast"),
    ],
)
def test_a_phone_with_a_wrong_clock_is_named(panel: StaffedPanel, minutes: int, said: str) -> None:
    """At the second step and where a fresh code is asked for; the code is refused all the same."""
    clerk = panel.members[Role.CLERK]
    browser = panel.browser()
    panel.clock.advance(minutes=10)
    page = browser.show_password(clerk)
    code = clerk.code_at(panel.clock() + timedelta(minutes=minutes))
    page = browser.send(page, code=code)
    assert (page.status, page.path) == (422, "/sign-in/code")
    assert said in page.text
    assert "automatic date and time" in page.text

    browser = panel.browser(Role.CLERK)
    panel.clock.advance(minutes=10)
    code = clerk.code_at(panel.clock() + timedelta(minutes=minutes))
    page = browser.send(browser.get("/account/recovery"), code=code)
    assert said in page.text, page.text
