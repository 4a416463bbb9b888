"""What is pasted with invisible characters is taken as it is seen, in every text field of every form."""

import pytest

from authbridge.storage.models import Role
from tests.support.factories import make_organiser, make_school
from tests.support.panel.browser import Browser
from tests.support.panel.staffed_panel import StaffedPanel

INVISIBLE = "\u00ad\u200b\ufeff"


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel) -> Browser:
    """Opens a clerk's browser."""
    return panel.browser(Role.ADMIN)


def spoilt(text: str) -> str:
    """Returns the text with invisible characters before, within and after it."""
    return INVISIBLE + text[:2] + INVISIBLE + text[2:] + INVISIBLE


def test_a_school_is_added_as_it_was_seen(browser: Browser) -> None:
    """Code, name, address, mailbox, day, networks and number."""
    seen = {
        "code": "ohg",
        "name": "Otto-Hahn-Gymnasium",
        "street": "Am Bach 1",
        "place": "74072 Heilbronn",
        "mailbox": "info@ohg.example",
        "contract_on": "2026-02-03",
        "trusted_networks": "198.51.100.7/32",
        "quota": "70",
    }
    page = browser.send(browser.get("/schools/add"), **{name: spoilt(text) for name, text in seen.items()})
    assert page.path == "/schools/ohg", page.errors()
    form = browser.get("/schools/ohg/edit")
    assert {name: form.fields[name].strip() for name in seen if name != "code"} | {"code": "ohg"} == seen


def test_every_other_form_takes_it_too(panel: StaffedPanel, browser: Browser) -> None:
    """A note, a day, a number, a typed name, a name of staff, and the search."""
    make_school(panel.database)
    name = make_organiser(panel.database).username
    path = f"/organisers/{name}"
    browser.press(path, f"{path}/suspend")
    browser.send(browser.get(path), f"{path}/suspension", note=spoilt("Chat der 9b"))
    assert "Chat der 9b" in browser.get(path).text
    assert browser.send(browser.get(f"{path}/validity"), valid_until=spoilt("31.07.2028")).path == path
    assert browser.send(browser.get("/schools/ohg/issue"), count=f"{INVISIBLE}2").status == 200
    assert name in browser.get(f"/organisers?q={spoilt(name)}").text
    assert browser.send(browser.get(f"{path}/delete"), typed=spoilt(name)).path == "/schools/ohg"
    assert "bernd" in browser.send(browser.get("/staff/add"), name=spoilt("bernd"), role="clerk").text


@pytest.mark.parametrize("field", ["name", "street", "place"])
def test_what_cannot_be_printed_is_said_as_such(browser: Browser, field: str) -> None:
    """The sentence speaks of the character, not of the length."""
    typed = {"code": "ohg", "name": "OHG"} | {field: "Otto\x07Hahn"}
    page = browser.send(browser.get("/schools/add"), **typed)
    assert "cannot be printed" in page.error_at(field)
