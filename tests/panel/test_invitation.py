"""Somebody comes for the first time: a code, a password, a second factor, all at once or not at all."""

import re

import pyotp
import pytest

from authbridge.staff import commands as staff_commands
from authbridge.staff.one_time_codes import make_invitation
from authbridge.storage.models import Role
from tests.factories import ACTOR, ENCRYPTION, KEYED_HASHES
from tests.panel.browsing import Browser, Page
from tests.panel.conftest import Office
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
def invite_somebody(office: Office) -> str:
    """The code that was handed over."""
    return invite(office.panel.sign_in, NAME, Role.CLERK)


def show_code(browser: Browser, code: str, name: str = NAME) -> Page:
    """The first page of the story."""
    return browser.send(browser.get("/invitation"), name=name, code=code)


def app_of(page: Page) -> pyotp.TOTP:
    """The authenticator, into which somebody typed the key."""
    return pyotp.TOTP(page.html.select(".secret")[0].get_text().replace(" ", ""))


def enrol(office: Office, browser: Browser, page: Page, **typed: str) -> Page:
    """Fills in the second page."""
    fields = {"password": PASSWORD, "repeated": PASSWORD, "code": app_of(page).at(office.clock())} | typed
    return browser.send(page, **fields)


def is_invited(office: Office) -> bool:
    """Whether nothing of the enrolment is kept: neither password nor factor nor codes."""
    rows = office.rows()
    (row,) = [row for row in rows["staff"] if NAME in row]
    staff_id, _name, _role, password, factor, *_ = row
    codes = [each for each in rows["recovery_codes"] if each[1] == staff_id]
    return password is None and factor is None and not codes and len(rows["invitations"]) == 1


def test_the_first_time(office: Office, code: str) -> None:
    """From the code to the overview; then in again with what was chosen."""
    browser = office.browser()
    page = show_code(browser, code)
    assert page.path == "/invitation/enrol", page.text
    assert NAME in page.text
    assert page.html.select("svg.qr")
    app = app_of(page)
    page = enrol(office, browser, page)
    assert page.status == 200, page.faults()
    codes = [item.get_text() for item in page.html.select(".codes li")]
    assert len(set(codes)) == 10
    assert browser.get("/").status == 200
    office.clock.advance(seconds=30)
    again = office.browser()
    page = again.send(again.get("/sign-in"), name=NAME, password=PASSWORD)
    assert again.send(page, code=app.at(office.clock())).path == "/"


def test_a_code_works_once(office: Office, code: str) -> None:
    """Who finds the paper afterwards has nothing."""
    browser = office.browser()
    enrol(office, browser, show_code(browser, code))
    page = show_code(office.browser(), code)
    assert (page.status, page.path) == (422, "/invitation")


def test_a_code_lives_a_day(office: Office, code: str) -> None:
    """One second before its end it opens the door, then no more."""
    office.clock.advance(hours=24, seconds=-1)
    assert show_code(office.browser(), code).path == "/invitation/enrol"
    office.clock.advance(seconds=1)
    assert show_code(office.browser(), code).status == 422


def test_an_invitation_that_ends_meanwhile_enrols_nobody(office: Office, code: str) -> None:
    """Whoever was on the page when the day was over hears it, and nothing is kept."""
    browser = office.browser()
    office.clock.advance(hours=24, seconds=-1)
    page = show_code(browser, code)
    office.clock.advance(seconds=1)
    page = enrol(office, browser, page)
    assert page.status == 422
    assert page.faults() == ["This invitation is no longer valid. Please ask for a new one."]
    assert is_invited(office)


def test_a_new_code_voids_the_former_one(office: Office, code: str) -> None:
    """Also for somebody who is at the second page with it."""
    browser = office.browser()
    page = show_code(browser, code)
    invitation = make_invitation(ENCRYPTION)
    with office.database.write_session() as session:
        staff_commands.reset_staff(
            session, NAME, invitation, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=office.clock()
        )
    assert enrol(office, browser, page).path.startswith("/sign-in")
    assert is_invited(office)
    assert show_code(office.browser(), code).status == 422
    assert show_code(office.browser(), invitation.code).path == "/invitation/enrol"


@pytest.mark.parametrize(("name", "code_of"), [("nobody", "right"), (NAME, "wrong"), ("clerk-anna", "right")])
def test_a_wrong_name_or_code_is_refused_in_the_same_words(
    office: Office, code: str, name: str, code_of: str
) -> None:
    """Nobody learns who is invited."""
    page = show_code(office.browser(), code if code_of == "right" else "bcdf-ghjk-mnpq", name)
    assert page.status == 422
    assert page.faults() == ["Name or one-time code is wrong, or the code has expired."]


def test_a_weak_password_is_refused_at_its_field(office: Office, code: str) -> None:
    """Too short, too long, common, one's own name: a sentence, and nothing is kept."""
    browser = office.browser()
    page = show_code(browser, code)
    for password in WEAK:
        page = enrol(office, browser, page, password=password, repeated=password)
        assert page.status == 422, password
        assert page.fault_at("password").startswith("Error:"), password
        assert password not in page.response.get_data(as_text=True)
    assert is_invited(office)
    assert browser.get("/").path.startswith("/sign-in")


def test_the_typed_password_never_comes_back(office: Office, code: str) -> None:
    """Also where another field is wrong; and the key of the app stays the same."""
    browser = office.browser()
    first = show_code(browser, code)
    page = enrol(office, browser, first, code="000000")
    assert page.status == 422
    assert page.fault_at("code")
    assert PASSWORD not in page.response.get_data(as_text=True)
    assert page.fields["password"] == page.fields["repeated"] == ""
    assert app_of(page).secret == app_of(first).secret
    assert is_invited(office)
    assert enrol(office, browser, page).status == 200


def test_two_different_passwords_are_refused(office: Office, code: str) -> None:
    """The slip of a finger would lock somebody out."""
    browser = office.browser()
    page = enrol(office, browser, show_code(browser, code), repeated=f"{PASSWORD}x")
    assert page.status == 422
    assert "differ" in page.fault_at("repeated")
    assert is_invited(office)


def test_the_code_that_was_shown_at_the_enrolment_counts_no_second_time(office: Office, code: str) -> None:
    """Nor does it open a session elsewhere."""
    browser = office.browser()
    page = show_code(browser, code)
    app = app_of(page)
    enrol(office, browser, page)
    thief = office.browser()
    page = thief.send(thief.get("/sign-in"), name=NAME, password=PASSWORD)
    assert thief.send(page, code=app.at(office.clock())).status == 422


def test_nothing_secret_stands_in_an_address(office: Office, code: str) -> None:
    """Neither the code of the invitation nor the key of the app."""
    browser = office.browser()
    answer = browser.send_raw(browser.get("/invitation"), follow=False, name=NAME, code=code)
    assert answer.location == "/invitation/enrol"
    page = browser.get(answer.location)
    secret = app_of(page).secret
    assert not [link for link in page.links() if secret in link or code in link]


def test_an_admin_invites_and_the_code_works(office: Office) -> None:
    """The page of the invitation shows the code once; with it a colleague comes in."""
    admin = office.browser(Role.ADMIN)
    page = admin.send(admin.get("/staff/add"), name="carla", role="auditor")
    match = re.search(r"[a-z]{4}-[a-z]{4}-[a-z]{4}", page.text)
    assert match is not None
    assert match[0] not in admin.get("/staff/carla").text
    assert match[0] not in str(office.rows())
    assert show_code(office.browser(), match[0], "carla").path == "/invitation/enrol"
