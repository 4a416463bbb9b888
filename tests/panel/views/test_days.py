"""No day is lost: only the box says that something has no end, and the notice names the day that holds."""

from datetime import date

import pytest

from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage.models import Role
from tests.support.factories import make_organiser, make_school
from tests.support.panel.browser import Browser
from tests.support.panel.staffed_panel import StaffedPanel

STORED = date(2027, 7, 31)
HALF = ["31.06.2027", "31..2027", "31.07.", "2027-07-", "tt.mm.jjjj"]


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel) -> Browser:
    """Opens a clerk's browser; there is a school."""
    make_school(panel.database)
    return panel.browser(Role.CLERK)


@pytest.fixture(name="issued")
def issue_until(panel: StaffedPanel, browser: Browser) -> IssuedCredential:
    """Issues an organiser whose validity ends."""
    assert browser
    return make_organiser(panel.database, valid_until=STORED)


def ends(panel: StaffedPanel) -> list[date | None]:
    """Returns the last day of each organiser."""
    return [next((each for each in row if type(each) is date), None) for row in panel.rows()["organisers"]]


@pytest.mark.parametrize("typed", ["", " ", *HALF])
def test_a_slip_does_not_take_an_end_away(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential, typed: str
) -> None:
    """An empty, half-typed or impossible day is said at its field, comes back, and changes nothing."""
    page = browser.send(browser.get(f"/organisers/{issued.username}/validity"), valid_until=typed)
    assert page.status == 422
    assert page.error_at("valid_until")
    assert page.fields["valid_until"] == typed
    assert ends(panel) == [STORED]


@pytest.mark.parametrize("typed", HALF)
def test_a_slip_issues_nothing_without_an_end(panel: StaffedPanel, browser: Browser, typed: str) -> None:
    """A half-typed day counts even beside the box, which is ticked from the start."""
    page = browser.send(browser.get("/schools/ohg/issue"), count="1", valid_until=typed)
    assert page.status == 422
    assert page.error_at("valid_until")
    assert panel.rows()["organisers"] == []


def test_neither_day_nor_box_issues_nothing(panel: StaffedPanel, browser: Browser) -> None:
    """Without the tick, a day is required."""
    form = browser.get("/schools/ohg/issue")
    box = form.html.select_one('input[name="no_end"]')
    assert box is not None
    del box["checked"]
    page = browser.send(form, count="1", valid_until="")
    assert "No end" in page.error_at("valid_until")
    assert panel.rows()["organisers"] == []


@pytest.mark.parametrize("typed", ["31.07.2028", "31.7.2028", "2028-07-31", " 31. 7. 2028"])
def test_a_day_is_understood_and_named(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential, typed: str
) -> None:
    """The notice has the day that was understood."""
    page = browser.send(browser.get(f"/organisers/{issued.username}/validity"), valid_until=typed)
    assert page.flashes()[0] == f"{issued.username} is valid until 31 Jul 2028."
    assert ends(panel) == [date(2028, 7, 31)]


def test_a_day_typed_at_issuing_counts(panel: StaffedPanel, browser: Browser) -> None:
    """The box that is ticked from the start does not outweigh the day that was typed."""
    page = browser.send(browser.get("/schools/ohg/issue"), count="1", valid_until="31.7.2028")
    assert "Valid until 31 Jul 2028" in page.text
    assert ends(panel) == [date(2028, 7, 31)]


def test_the_box_takes_the_end_away(panel: StaffedPanel, browser: Browser, issued: IssuedCredential) -> None:
    """The stored day may stand in the field meanwhile; the notice says that there is no end."""
    form = browser.get(f"/organisers/{issued.username}/validity")
    assert "no_end" not in form.fields, "not ticked from the start"
    page = browser.send(form, no_end="y")
    assert page.flashes()[0] == f"{issued.username} is valid without an end."
    assert ends(panel) == [None]
    assert browser.get(f"/organisers/{issued.username}/validity").fields["no_end"], "ticked from now on"


def test_a_new_day_beside_a_new_tick_is_refused(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential
) -> None:
    """Nobody guesses which of the two was meant."""
    form = browser.get(f"/organisers/{issued.username}/validity")
    page = browser.send(form, valid_until="31.07.2028", no_end="y")
    assert "not both" in page.error_at("valid_until")
    assert ends(panel) == [STORED]


def test_the_day_of_a_contract_is_not_lost(browser: Browser) -> None:
    """An emptied or impossible day is refused; the box takes it away; each notice says what holds."""
    form = browser.get("/schools/ohg/edit")
    page = browser.send(form, contract_on="3.2.2026")
    assert page.flashes()[0] == "Saved. The processing contract is of 3 Feb 2026."
    for typed in ("", "30.02.2026", "02.2026"):
        page = browser.send(browser.get("/schools/ohg/edit"), contract_on=typed)
        assert page.error_at("contract_on"), typed
        assert page.status == 422
    assert "3 Feb 2026" in browser.get("/schools/ohg").text
    page = browser.send(browser.get("/schools/ohg/edit"), no_contract="y")
    assert page.flashes()[0] == "Saved. There is no processing contract."


@pytest.mark.parametrize(("language", "shown"), [("de", "31.07.2027"), ("en", "2027-07-31")])
def test_a_field_shows_a_day_as_it_takes_it(
    panel: StaffedPanel, browser: Browser, issued: IssuedCredential, language: str, shown: str
) -> None:
    """Sending the form as it is changes nothing."""
    browser.headers["Accept-Language"] = language
    form = browser.get(f"/organisers/{issued.username}/validity")
    assert form.fields["valid_until"] == shown
    assert browser.send(form).status == 200
    assert ends(panel) == [STORED]


@pytest.mark.parametrize("typed", ["31.06.2027", "2020-01-01"])
def test_the_tick_from_the_start_goes_where_something_was_typed(browser: Browser, typed: str) -> None:
    """The form that comes back does not say “no end” beside the day that is wrong."""
    page = browser.send(browser.get("/schools/ohg/issue"), count="1", valid_until=typed)
    assert page.error_at("valid_until")
    assert "no_end" not in page.fields
