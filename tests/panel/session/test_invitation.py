"""A person accepts an invitation: a code, a password, a second factor, all of it or nothing."""

import re
from datetime import timedelta

import pyotp
import pytest

from authbridge.staff import commands as staff_commands
from authbridge.staff.one_time_codes import make_invitation
from authbridge.storage.models import Role
from tests.support.factories import ACTOR, ENCRYPTION, KEYED_HASHES
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel
from workbench.staff import invite

PASSWORD = "Laterne Wolke Zimt Gabel 5"
NAME = "bernd"
WEAK = (
    "Kanu-91",
    "passwort1234",
    "Passwort123456",
    "123456789012",
    "qwertzuiopü+",
    "bernd-bernd-bernd",
    "aaaaaaaaaaaaaaaa",
    "ä" * 40,
    "Medienzentrum2026",
    "x\u202eWolke Zimt Gabel",
)


@pytest.fixture(name="code")
def invite_somebody(panel: StaffedPanel) -> str:
    """Invites a person, and returns the code."""
    return invite(panel.parts.sign_in, NAME, Role.CLERK)


def show_code(browser: Browser, code: str, name: str = NAME) -> Page:
    """Types name and code on the first page."""
    return browser.send(browser.get("/invitation"), name=name, code=code)


def app_of(page: Page) -> pyotp.TOTP:
    """Returns the authenticator into which the key of the page was typed."""
    return pyotp.TOTP(page.html.select(".secret")[0].get_text().replace(" ", ""))


def enrol(panel: StaffedPanel, browser: Browser, page: Page, **typed: str) -> Page:
    """Fills in the second page, and sends it."""
    fields = {"password": PASSWORD, "repeated": PASSWORD, "code": app_of(page).at(panel.clock())} | typed
    return browser.send(page, **fields)


def is_invited(panel: StaffedPanel) -> bool:
    """Tells whether nothing of an enrolment is stored: no password, no factor, no codes."""
    rows = panel.rows()
    (row,) = [row for row in rows["staff"] if NAME in row]
    staff_id, _name, _role, password, factor, *_ = row
    codes = [each for each in rows["recovery_codes"] if each[1] == staff_id]
    return password is None and factor is None and not codes and len(rows["invitations"]) == 1


def test_the_first_time(panel: StaffedPanel, code: str) -> None:
    """The code leads to the overview; the chosen password and the app then sign in."""
    browser = panel.browser()
    page = show_code(browser, code)
    assert page.path == "/invitation/enrol", page.text
    assert NAME in page.text
    assert page.html.select("svg.qr")
    app = app_of(page)
    page = enrol(panel, browser, page)
    assert page.status == 200, page.errors()
    codes = [item.get_text() for item in page.html.select(".codes li")]
    assert len(set(codes)) == 10
    assert browser.get("/").status == 200
    panel.clock.advance(seconds=30)
    again = panel.browser()
    page = again.send(again.get("/sign-in"), name=NAME, password=PASSWORD)
    assert again.send(page, code=app.at(panel.clock())).path == "/"


def test_a_phone_with_a_wrong_clock_is_named_at_once(panel: StaffedPanel, code: str) -> None:
    """Else the first sign-in fails without a reason; nothing is stored."""
    browser = panel.browser()
    page = show_code(browser, code)
    behind = app_of(page).at(panel.clock() - timedelta(minutes=4))
    page = enrol(panel, browser, page, code=behind)
    assert "right about 4 minutes ago" in page.error_at("code")
    assert is_invited(panel)


def test_a_code_works_once(panel: StaffedPanel, code: str) -> None:
    """A code that was used opens nothing."""
    browser = panel.browser()
    enrol(panel, browser, show_code(browser, code))
    page = show_code(panel.browser(), code)
    assert (page.status, page.path) == (422, "/invitation")


def test_a_code_lives_a_day(panel: StaffedPanel, code: str) -> None:
    """The code works until one second before the day is over."""
    panel.clock.advance(hours=24, seconds=-1)
    assert show_code(panel.browser(), code).path == "/invitation/enrol"
    panel.clock.advance(seconds=1)
    assert show_code(panel.browser(), code).status == 422


def test_an_invitation_that_ends_meanwhile_enrols_nobody(panel: StaffedPanel, code: str) -> None:
    """The page says that the invitation has expired, and nothing is stored."""
    browser = panel.browser()
    panel.clock.advance(hours=24, seconds=-1)
    page = show_code(browser, code)
    panel.clock.advance(seconds=1)
    page = enrol(panel, browser, page)
    assert page.status == 422
    assert page.errors() == ["This invitation is no longer valid. Please ask for a new one."]
    assert is_invited(panel)


def test_a_new_code_voids_the_former_one(panel: StaffedPanel, code: str) -> None:
    """The former code is void, even on the second page."""
    browser = panel.browser()
    page = show_code(browser, code)
    invitation = make_invitation(ENCRYPTION)
    with panel.database.write_session() as session:
        staff_commands.reset_staff(
            session, NAME, invitation, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=panel.clock()
        )
    assert enrol(panel, browser, page).path.startswith("/sign-in")
    assert is_invited(panel)
    assert show_code(panel.browser(), code).status == 422
    assert show_code(panel.browser(), invitation.code).path == "/invitation/enrol"


@pytest.mark.parametrize(("name", "code_of"), [("nobody", "right"), (NAME, "wrong"), ("clerk-anna", "right")])
def test_a_wrong_name_or_code_is_refused_in_the_same_words(
    panel: StaffedPanel, code: str, name: str, code_of: str
) -> None:
    """Unknown names and wrong codes get the same page."""
    page = show_code(panel.browser(), code if code_of == "right" else "bcdf-ghjk-mnpq", name)
    assert page.status == 422
    assert page.errors() == ["Name or one-time code is wrong, or the code has expired."]


def test_a_weak_password_is_refused_at_its_field(panel: StaffedPanel, code: str) -> None:
    """A short, long, common or own-name password gets a sentence, and nothing is stored."""
    browser = panel.browser()
    page = show_code(browser, code)
    for password in WEAK:
        page = enrol(panel, browser, page, password=password, repeated=password)
        assert page.status == 422, password
        assert page.error_at("password").startswith("Error:"), password
        assert password not in page.response.get_data(as_text=True)
    assert is_invited(panel)
    assert browser.get("/").path.startswith("/sign-in")


def test_the_typed_password_never_comes_back(panel: StaffedPanel, code: str) -> None:
    """The password field is empty when another field is wrong; the key of the app stays."""
    browser = panel.browser()
    first = show_code(browser, code)
    page = enrol(panel, browser, first, code="000000")
    assert page.status == 422
    assert page.error_at("code")
    assert PASSWORD not in page.response.get_data(as_text=True)
    assert page.fields["password"] == page.fields["repeated"] == ""
    assert app_of(page).secret == app_of(first).secret
    assert is_invited(panel)
    assert enrol(panel, browser, page).status == 200


def test_two_different_passwords_are_refused(panel: StaffedPanel, code: str) -> None:
    """Two different passwords are refused: a slip of the finger would lock the person out."""
    browser = panel.browser()
    page = enrol(panel, browser, show_code(browser, code), repeated=f"{PASSWORD}x")
    assert page.status == 422
    assert "differ" in page.error_at("repeated")
    assert is_invited(panel)


def test_the_code_that_was_shown_at_the_enrolment_counts_no_second_time(
    panel: StaffedPanel, code: str
) -> None:
    """The code of the enrolment opens no other session."""
    browser = panel.browser()
    page = show_code(browser, code)
    app = app_of(page)
    enrol(panel, browser, page)
    thief = panel.browser()
    page = thief.send(thief.get("/sign-in"), name=NAME, password=PASSWORD)
    assert thief.send(page, code=app.at(panel.clock())).status == 422


def test_nothing_secret_stands_in_an_address(panel: StaffedPanel, code: str) -> None:
    """No address holds the invitation's code or the app's key."""
    browser = panel.browser()
    answer = browser.send_raw(browser.get("/invitation"), follow=False, name=NAME, code=code)
    assert answer.location == "/invitation/enrol"
    page = browser.get(answer.location)
    secret = app_of(page).secret
    assert not [link for link in page.links() if secret in link or code in link]


def test_an_admin_invites_and_the_code_works(panel: StaffedPanel) -> None:
    """The code that the admin's page shows lets a colleague enrol."""
    admin = panel.browser(Role.ADMIN)
    page = admin.send(admin.get("/staff/add"), name="carla", role="auditor")
    match = re.search(r"[a-z]{4}-[a-z]{4}-[a-z]{4}", page.text)
    assert match is not None
    assert match[0] not in admin.get("/staff/carla").text
    assert match[0] not in str(panel.rows())
    assert show_code(panel.browser(), match[0], "carla").path == "/invitation/enrol"
