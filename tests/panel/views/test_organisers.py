"""Organisers: issued within the quota, valid until a day, deleted only by typing the name."""

from datetime import date

import pytest
from sqlalchemy import select

from authbridge.audit import Action
from authbridge.login.authenticate import authenticate
from authbridge.schools.commands import organisers, schools
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage.models import AuditEvent, Role
from tests.support.factories import (
    ACTOR,
    HASHER,
    KEYED_HASHES,
    make_attempt,
    make_organiser,
    make_origin,
    make_school,
)
from tests.support.factories import make_services as make_login_services
from tests.support.panel.browser import Browser
from tests.support.panel.staffed_panel import StaffedPanel


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel) -> Browser:
    """Opens a clerk's browser; there is a school."""
    make_school(panel.database)
    return panel.browser(Role.CLERK)


@pytest.fixture(name="wide", scope="module")
def open_wide_panel(shared_panel: StaffedPanel) -> StaffedPanel:
    """Opens a panel with a school that has no organisers."""
    make_school(shared_panel.database)
    return shared_panel


@pytest.fixture(name="issued")
def issue_one(panel: StaffedPanel, browser: Browser) -> IssuedCredential:
    """Issues one organiser of that school."""
    assert browser
    return make_organiser(panel.database)


def verdict(panel: StaffedPanel, credential: IssuedCredential) -> str:
    """Returns the verdict that a login through Prosody gets now."""
    services = make_login_services(panel.database, clock=panel.clock)
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
def test_a_wrong_order_is_said_at_its_field(wide: StaffedPanel, field: str, typed: str) -> None:
    """A wrong order gets 422 with its input, and issues nothing."""
    browser = wide.browser(Role.CLERK)
    good = {"count": "2", "valid_until": "2026-12-24", "language": "en"}
    page = browser.send(browser.get("/schools/ohg/issue"), **(good | {field: typed}))
    assert page.status == 422
    assert page.errors()
    if field != "language":
        assert page.error_at(field)
        assert page.fields[field] == typed
        assert page.fields["language"] == "en"
    assert wide.rows()["organisers"] == []


def test_the_quota_is_held(panel: StaffedPanel, browser: Browser) -> None:
    """The school gets as many organisers as are free, not one more, and the error has the numbers."""
    with panel.database.write_session() as session:
        schools.change_school(session, "ohg", quota=3, actor=ACTOR, now=panel.clock())
    make_organiser(panel.database)
    page = browser.send(browser.get("/schools/ohg/issue"), count="3")
    assert page.status == 422
    assert "3" in page.error_at("count")
    assert page.fields["count"] == "3"
    assert browser.send(page, count="2").path.startswith("/credentials/")
    assert len(panel.rows()["organisers"]) == 3
    assert "used up" in browser.get("/schools/ohg/issue").text


def test_the_quota_is_raised_in_the_same_step(panel: StaffedPanel, browser: Browser) -> None:
    """Only with its tick, and by no more than is needed; the audit has both changes."""
    with panel.database.write_session() as session:
        schools.change_school(session, "ohg", quota=1, actor=ACTOR, now=panel.clock())
    make_organiser(panel.database)
    page = browser.send(browser.get("/schools/ohg/issue"), count="3", raise_quota="y")
    assert page.path.startswith("/credentials/"), page.errors()
    assert "4 of 4" in browser.get("/schools/ohg").text
    with panel.database.read_session() as session:
        actions = list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))
    assert actions[-2:] == [Action.SCHOOL_CHANGE, Action.ORGANISER_ISSUE]
    browser.send(browser.get("/schools/ohg/edit"), quota="10")
    browser.send(browser.get("/schools/ohg/issue"), count="1", raise_quota="y")
    assert "5 of 10" in browser.get("/schools/ohg").text, "not lowered"


def test_no_school_has_more_than_the_most(panel: StaffedPanel, browser: Browser) -> None:
    """The error stands at the number, and nothing is issued."""
    with panel.database.write_session() as session:
        schools.change_school(session, "ohg", quota=0, actor=ACTOR, now=panel.clock())
    page = browser.send(browser.get("/schools/ohg/issue"), count="201", raise_quota="y")
    assert page.error_at("count")
    assert panel.rows()["organisers"] == []


@pytest.mark.parametrize("path", ["/schools/ohg/issue", "/organisers/{}/reset"])
def test_letters_without_an_address_are_announced(
    browser: Browser, issued: IssuedCredential, path: str
) -> None:
    """The form says so before anything is printed, and leads to the address."""
    page = browser.get(path.format(issued.username))
    assert "The address of this school is missing" in page.text
    assert "/schools/ohg/edit" in set(page.links())
    browser.send(browser.get("/schools/ohg/edit"), place="74072 Heilbronn")
    assert "The address of this school is missing" not in browser.get(path.format(issued.username)).text


def test_a_day_from_today_on_is_accepted(browser: Browser) -> None:
    """Today, where the schools are, is accepted as the last day."""
    page = browser.send(browser.get("/schools/ohg/issue"), count="1", valid_until="2026-11-20")
    assert page.path.startswith("/credentials/"), page.errors()
    assert "Valid until 20 Nov 2026" in page.text


def test_a_new_password_ends_the_old_one(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential
) -> None:
    """The old password is void at once; the login name stays."""
    path = f"/organisers/{issued.username}"
    page = browser.send(browser.get(f"{path}/reset"))
    cells = [cell.get_text(strip=True) for cell in page.html.select(".secrets .code")]
    assert cells[0] == issued.username
    assert verdict(panel, issued) == "refused"
    assert verdict(panel, IssuedCredential(issued.username, cells[1])) == "granted"


def test_a_new_password_does_not_reinstate(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential
) -> None:
    """A suspended organiser stays suspended, as the page says before."""
    path = f"/organisers/{issued.username}"
    browser.press(path, f"{path}/suspend")
    form = browser.get(f"{path}/reset")
    assert "This organiser is suspended and stays so until reinstated." in form.text
    page = browser.send(form)
    password = page.html.select(".secrets .code")[1].get_text(strip=True)
    assert verdict(panel, IssuedCredential(issued.username, password)) == "suspended"


def test_validity_is_set_and_taken_away(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential
) -> None:
    """A past day ends the access; the box takes the end away."""
    path = f"/organisers/{issued.username}"
    for typed, shown, said in (
        ({"valid_until": "2026-11-20"}, "20 Nov 2026", "granted"),
        ({"valid_until": "2026-11-19"}, "expired", "expired"),
        ({"no_end": "y"}, "no end", "granted"),
    ):
        page = browser.send(browser.get(f"{path}/validity"), **typed)
        assert page.path == path
        assert shown in page.text
        assert verdict(panel, issued) == said


def test_a_wrong_day_is_said_at_its_field(browser: Browser, issued: IssuedCredential) -> None:
    """The form comes back with its input."""
    form = browser.get(f"/organisers/{issued.username}/validity")
    for typed in ("soon", "2026-02-30", "1999-12-31", "2100-01-01", "0000-00-00"):
        page = browser.send(form, valid_until=typed)
        assert page.status == 422
        assert page.error_at("valid_until")
        assert page.fields["valid_until"] == typed


def test_an_access_can_end_now(panel: StaffedPanel, browser: Browser, issued: IssuedCredential) -> None:
    """One button ends the access; the state says expired."""
    path = f"/organisers/{issued.username}"
    (page_with_it,) = [
        page
        for page in (browser.get(path), browser.get(f"{path}/validity"))
        if f"{path}/expire" in page.actions()
    ]
    page = browser.send(page_with_it, f"{path}/expire")
    assert "expired" in page.text
    assert verdict(panel, issued) == "expired"
    assert date(2026, 11, 19) in panel.rows()["organisers"][0]


def test_nobody_is_deleted_without_the_name(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential
) -> None:
    """Without the right name nothing is deleted, and the error says which name to type."""
    form = browser.get(f"/organisers/{issued.username}/delete")
    for typed in ("", "yes", "ohg", "other-name"):
        page = browser.send(form, typed=typed)
        assert page.status == 422
        assert page.error_at("typed")
    assert len(panel.rows()["organisers"]) == 1


def test_the_name_typed_deletes(panel: StaffedPanel, browser: Browser, issued: IssuedCredential) -> None:
    """The typed name deletes, with capitals and blanks too; the page of the school reports it."""
    page = browser.send(
        browser.get(f"/organisers/{issued.username}/delete"), typed=f" {issued.username.upper()} "
    )
    assert page.path == "/schools/ohg"
    assert page.flashes()[0] == f"{issued.username} is deleted."
    assert panel.rows()["organisers"] == []
    assert verdict(panel, issued) == "refused"


def test_an_organiser_that_is_not_there_is_a_page(browser: Browser) -> None:
    """Every address about it answers 404."""
    for name in ("none", "%00", "ohg-%00", "..%2f..", "x" * 300, "<script>"):
        for action in ("", "/reset", "/validity", "/delete"):
            assert browser.get(f"/organisers/{name}{action}").status == 404


def test_a_former_password_is_shown_and_can_be_ended(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential
) -> None:
    """Both passwords count until the clerk ends the old one; then its day is no longer on the page."""
    (password,) = organisers.make_passwords(1, HASHER, former_until=date(2026, 12, 4))
    with panel.database.write_session() as session:
        new = organisers.reset_password(
            session,
            issued.username,
            password,
            keyed_hashes=KEYED_HASHES,
            actor=ACTOR,
            now=panel.clock(),
        )
    path = f"/organisers/{issued.username}"
    assert "Former password" in browser.get(path).text
    assert [verdict(panel, each) for each in (issued, new)] == ["granted", "granted"]

    page = browser.press(path, f"{path}/void-former")

    assert "Only the new password" in page.text
    assert "Former password" not in page.text
    assert [verdict(panel, each) for each in (issued, new)] == ["refused", "granted"]
