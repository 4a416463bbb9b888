"""Coming in takes two steps; each of them says no more than it must."""

import pytest

from authbridge.staff import commands as staff_commands
from authbridge.storage.models import Role
from tests.factories import ACTOR
from tests.fakes import CountingHasher
from tests.panel.browsing import Browser, Page
from tests.panel.conftest import Founder, Office

ANNA = Role.CLERK


def try_password(browser: Browser, name: str, password: str) -> Page:
    """The first step, as typed."""
    return browser.send(browser.get("/sign-in"), name=name, password=password)


def without_what_differs(page: Page) -> str:
    """The page without its tokens and what was typed into it."""
    html = page.html
    for field in html.select("input"):
        field["value"] = ""
    return str(html)


def test_both_steps_lead_in(office: Office) -> None:
    """Password, then the code of the app."""
    browser, anna = office.browser(), office.members[ANNA]
    office.clock.advance(seconds=30)
    page = try_password(browser, anna.name, anna.password)
    assert page.path == "/sign-in/code"
    page = browser.send(page, code=anna.code_at(office.clock()))
    assert (page.status, page.path) == (200, "/")
    assert anna.name in page.text


def test_the_password_alone_opens_nothing(office: Office) -> None:
    """Half-way through, every page leads back to the sign-in."""
    browser = office.browser()
    browser.show_password(office.members[ANNA])
    for path in ("/", "/schools", "/account", "/account/recovery"):
        assert browser.get(path).path.startswith("/sign-in"), path


def test_the_code_alone_opens_nothing(office: Office) -> None:
    """Without the first step there is no second."""
    assert office.browser().get("/sign-in/code").path == "/sign-in"


def test_name_and_password_are_refused_in_the_same_words(office: Office) -> None:
    """A wrong password of somebody, and any of nobody: same page, same status."""
    known = try_password(office.browser(), office.members[ANNA].name, "not hers at all")
    unknown = try_password(office.browser(), "nobody", "not hers at all")
    assert known.status == unknown.status == 422
    assert known.faults() == unknown.faults() != []
    assert without_what_differs(known) == without_what_differs(unknown)


def test_the_password_never_comes_back(office: Office) -> None:
    """The name does, what was typed as a password does not."""
    page = try_password(office.browser(), "nobody", "Kanu-Regen-91")
    assert page.fields["name"] == "nobody"
    assert "Kanu-Regen-91" not in page.response.get_data(as_text=True)


@pytest.mark.parametrize("missing", ["name", "password"])
def test_an_empty_field_is_said_there(office: Office, missing: str) -> None:
    """Nothing is hashed, and nothing counted."""
    browser = office.browser()
    page = browser.send(browser.get("/sign-in"), **{"name": "nobody", "password": "x", missing: ""})
    assert page.status == 422
    assert page.fault_at(missing)
    assert office.rows()["login_failures"] == []


@pytest.mark.parametrize(
    "name", ["\0", "a\0b", "ü" * 256, "<script>", "' OR 1=1 --", "clerk-anna\0", "\ud7ff"]
)
def test_odd_names_are_refused_like_others(office: Office, name: str) -> None:
    """Whatever somebody types there, it is a name that nobody has."""
    page = try_password(office.browser(), name, "not hers at all")
    assert page.status == 422, page.text


@pytest.mark.parametrize("password", ["\0", "x" * 257, "ü" * 200, "مرحبا", "a\u202eb"])
def test_odd_passwords_are_refused_like_others(office: Office, password: str) -> None:
    """Too long for bcrypt, or never to be typed: wrong, and no fault of ours."""
    page = try_password(office.browser(), office.members[ANNA].name, password)
    assert page.status == 422, page.text


def test_the_name_is_typed_as_people_type(office: Office) -> None:
    """Capitals and blanks around it do not matter."""
    anna = office.members[ANNA]
    assert try_password(office.browser(), f" {anna.name.upper()} ", anna.password).path == "/sign-in/code"


def test_a_wrong_code_is_refused(office: Office) -> None:
    """One may try again, and nothing of what was typed comes back."""
    browser = office.browser()
    page = browser.send(browser.show_password(office.members[ANNA]), code="000000")
    assert (page.status, page.path) == (422, "/sign-in/code")
    page = browser.send(page, code=office.members[ANNA].code_at(office.clock()))
    assert page.path == "/"


def test_a_code_counts_once(office: Office) -> None:
    """Who looked over the shoulder and knows the password comes too late."""
    anna = office.members[ANNA]
    browser, thief = office.browser(), office.browser()
    browser.sign_in(anna)
    seen = anna.code_at(office.clock())
    page = thief.send(thief.get("/sign-in"), name=anna.name, password=anna.password)
    page = thief.send(page, code=seen)
    assert (page.status, page.path) == (422, "/sign-in/code")


def test_a_recovery_code_counts_once(office: Office) -> None:
    """It replaces the app, with blanks instead of hyphens too, and is used up."""
    anna = office.members[ANNA]
    code = anna.recovery_codes[0]
    browser = office.browser()
    assert browser.send(browser.show_password(anna), code=code.upper().replace("-", " ")).path == "/"
    again = office.browser()
    page = again.send(again.show_password(anna), code=code)
    assert (page.status, page.path) == (422, "/sign-in/code")
    assert again.send(page, code=anna.recovery_codes[1]).path == "/"


def test_who_is_suspended_hears_it_only_with_the_right_password(office: Office) -> None:
    """With a wrong one it looks like any other wrong password."""
    anna = office.members[ANNA]
    with office.database.write_session() as session:
        staff_commands.suspend_staff(session, anna.name, actor=ACTOR, now=office.clock())
    wrong = try_password(office.browser(), anna.name, "not hers at all")
    nobody = try_password(office.browser(), "nobody", "not hers at all")
    right = try_password(office.browser(), anna.name, anna.password)
    assert wrong.faults() == nobody.faults()
    assert right.status == 422
    assert right.faults() != wrong.faults()


def test_a_suspension_between_the_steps_counts(office: Office) -> None:
    """Whoever was suspended after the first step does not get through the second."""
    anna = office.members[ANNA]
    browser = office.browser()
    page = browser.show_password(anna)
    with office.database.write_session() as session:
        staff_commands.suspend_staff(session, anna.name, actor=ACTOR, now=office.clock())
    page = browser.send(page, code=anna.code_at(office.clock()))
    assert page.path.startswith("/sign-in")
    assert browser.get("/schools").path.startswith("/sign-in")


def test_somebody_and_nobody_take_the_same_work(founder: Founder) -> None:
    """One hash each: the time does not tell who is staff."""
    hasher = CountingHasher()
    office = founder.open(hasher=hasher)
    try_password(office.browser(), office.members[ANNA].name, "not hers at all")
    known = hasher.checks
    try_password(office.browser(), "nobody", "not hers at all")
    assert (known, hasher.checks) == (1, 2)


def test_who_is_signed_in_needs_no_sign_in(office: Office) -> None:
    """The page of the sign-in leads to the overview."""
    assert office.browser(ANNA).get("/sign-in").path == "/"
