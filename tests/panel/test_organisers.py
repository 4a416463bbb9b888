"""Organisers: issued within the quota, valid until a day, deleted only by typing the name."""

from datetime import date

import pytest

from authbridge.login.flow import authenticate
from authbridge.schools.commands import schools
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage.models import Role
from tests.factories import ACTOR, make_attempt, make_organiser, make_origin, make_school
from tests.factories import make_services as make_login_services
from tests.panel.browsing import Browser
from tests.panel.conftest import Office


@pytest.fixture(name="browser")
def open_browser(office: Office) -> Browser:
    """A clerk's, and there is a school."""
    make_school(office.database)
    return office.browser(Role.CLERK)


@pytest.fixture(name="wide", scope="module")
def open_wide_office(lasting: Office) -> Office:
    """A panel with a school that has no organisers."""
    make_school(lasting.database)
    return lasting


@pytest.fixture(name="issued")
def issue_one(office: Office, browser: Browser) -> IssuedCredential:
    """One organiser of that school."""
    assert browser
    return make_organiser(office.database)


def verdict(office: Office, credential: IssuedCredential) -> str:
    """What a login through Prosody would be told now."""
    services = make_login_services(office.database, clock=office.clock)
    attempt = make_attempt(credential.username, credential.password)
    return authenticate(attempt, make_origin(), services, within=10).verdict


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("count", ""),
        ("count", "0"),
        ("count", "201"),
        ("count", "-1"),
        ("count", "some"),
        ("count", "1.5"),
        ("count", "51"),
        ("valid_until", "2026-11-19"),
        ("valid_until", "2100-01-01"),
        ("valid_until", "tomorrow"),
        ("language", "fr"),
        ("language", ""),
    ],
)
def test_a_wrong_order_is_said_at_its_field(wide: Office, field: str, typed: str) -> None:
    """422 with the values, and nothing is issued."""
    browser = wide.browser(Role.CLERK)
    good = {"count": "2", "valid_until": "2026-12-24", "language": "en"}
    page = browser.send(browser.get("/schools/ohg/issue"), **(good | {field: typed}))
    assert page.status == 422
    assert page.faults()
    if field != "language":
        assert page.fault_at(field)
        assert page.fields[field] == typed
        assert page.fields["language"] == "en"
    assert wide.rows()["organisers"] == []


def test_the_quota_is_held(office: Office, browser: Browser) -> None:
    """As many as are free, and not one more; the sentence has the numbers."""
    with office.database.write_session() as session:
        schools.change_school(session, "ohg", quota=3, actor=ACTOR, now=office.clock())
    make_organiser(office.database)
    page = browser.send(browser.get("/schools/ohg/issue"), count="3")
    assert page.status == 422
    assert "3" in page.fault_at("count")
    assert page.fields["count"] == "3"
    assert browser.send(page, count="2").path.startswith("/credentials/")
    assert len(office.rows()["organisers"]) == 3
    assert not browser.get("/schools/ohg/issue").html.select('input[name="count"]')


def test_a_day_from_today_on_is_accepted(browser: Browser) -> None:
    """Today is the day where the schools are."""
    page = browser.send(browser.get("/schools/ohg/issue"), count="1", valid_until="2026-11-20")
    assert page.path.startswith("/credentials/"), page.faults()
    assert "Valid until 20 Nov 2026" in page.text


def test_a_new_password_ends_the_old_one(office: Office, browser: Browser, issued: IssuedCredential) -> None:
    """At once; the login name stays."""
    path = f"/organisers/{issued.username}"
    page = browser.send(browser.get(f"{path}/reset"))
    cells = [cell.get_text(strip=True) for cell in page.html.select(".secrets .code")]
    assert cells[0] == issued.username
    assert verdict(office, issued) == "refused"
    assert verdict(office, IssuedCredential(issued.username, cells[1])) == "granted"


def test_a_new_password_does_not_reinstate(
    office: Office, browser: Browser, issued: IssuedCredential
) -> None:
    """Who is suspended stays so; the page says it before."""
    path = f"/organisers/{issued.username}"
    browser.press(path, f"{path}/suspend")
    form = browser.get(f"{path}/reset")
    assert "This organiser is suspended and stays so until reinstated." in form.text
    page = browser.send(form)
    password = page.html.select(".secrets .code")[1].get_text(strip=True)
    assert verdict(office, IssuedCredential(issued.username, password)) == "suspended"


def test_validity_is_set_and_taken_away(office: Office, browser: Browser, issued: IssuedCredential) -> None:
    """A past day ends the access; without a day it has no end."""
    path = f"/organisers/{issued.username}"
    for typed, shown, said in (
        ("2026-11-20", "20 Nov 2026", "granted"),
        ("2026-11-19", "expired", "expired"),
        ("", "no end", "granted"),
    ):
        page = browser.send(browser.get(f"{path}/validity"), valid_until=typed)
        assert page.path == path
        assert shown in page.text
        assert verdict(office, issued) == said


def test_a_wrong_day_is_said_at_its_field(browser: Browser, issued: IssuedCredential) -> None:
    """With what was typed."""
    form = browser.get(f"/organisers/{issued.username}/validity")
    for typed in ("soon", "2026-02-30", "1999-12-31", "2100-01-01", "0000-00-00"):
        page = browser.send(form, valid_until=typed)
        assert page.status == 422
        assert page.fault_at("valid_until")
        assert page.fields["valid_until"] == typed


def test_an_access_can_end_now(office: Office, browser: Browser, issued: IssuedCredential) -> None:
    """One button; the state says expired."""
    path = f"/organisers/{issued.username}"
    (page_with_it,) = [
        page
        for page in (browser.get(path), browser.get(f"{path}/validity"))
        if f"{path}/expire" in page.actions()
    ]
    page = browser.send(page_with_it, f"{path}/expire")
    assert "expired" in page.text
    assert verdict(office, issued) == "expired"
    assert date(2026, 11, 19) in office.rows()["organisers"][0]


def test_nobody_is_deleted_without_the_name(
    office: Office, browser: Browser, issued: IssuedCredential
) -> None:
    """The sentence says which name to type."""
    form = browser.get(f"/organisers/{issued.username}/delete")
    for typed in ("", "yes", "ohg", "other-name"):
        page = browser.send(form, typed=typed)
        assert page.status == 422
        assert page.fault_at("typed")
    assert len(office.rows()["organisers"]) == 1


def test_the_name_typed_deletes(office: Office, browser: Browser, issued: IssuedCredential) -> None:
    """Capitals and blanks around it do not matter; then one is at the school, and is told."""
    page = browser.send(
        browser.get(f"/organisers/{issued.username}/delete"), typed=f" {issued.username.upper()} "
    )
    assert page.path == "/schools/ohg"
    assert page.notices()[0] == f"{issued.username} is deleted."
    assert office.rows()["organisers"] == []
    assert verdict(office, issued) == "refused"


def test_an_organiser_that_is_not_there_is_a_page(browser: Browser) -> None:
    """404, whatever was asked."""
    for name in ("none", "%00", "ohg-%00", "..%2f..", "x" * 300, "<script>"):
        for deed in ("", "/reset", "/validity", "/delete"):
            assert browser.get(f"/organisers/{name}{deed}").status == 404
