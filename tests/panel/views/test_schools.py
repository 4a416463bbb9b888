"""Schools: added, edited, and what is wrong said at its field."""

import pytest

from authbridge.storage.models import Role
from tests.support.factories import make_organiser, make_school
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel

TYPED = {
    "code": "OHG",
    "name": "Otto-Hahn-Gymnasium",
    "street": "Am Bach 1",
    "place": "74072 Heilbronn",
    "mailbox": "info@ohg.example",
    "contract_on": "2026-02-03",
    "trusted_networks": "198.51.100.7\n2001:db8:12::/48",
    "quota": "70",
}


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel) -> Browser:
    """Opens a clerk's browser."""
    return panel.browser(Role.CLERK)


def add(browser: Browser, **others: str) -> Page:
    """Fills in the form, and sends it."""
    return browser.send(browser.get("/schools/add"), **(TYPED | others))


def test_a_school_is_added_as_typed(browser: Browser) -> None:
    """The page of the school shows everything that was typed."""
    page = add(browser)
    assert page.path == "/schools/ohg", page.errors()
    for shown in ("ohg", *(TYPED[name] for name in ("name", "street", "place", "mailbox")), "3 Feb 2026"):
        assert shown in page.text
    assert "198.51.100.7/32" in page.text
    assert "0 of 70" in page.text
    assert page.flashes() == ["The school is added. Now you can issue access for it."]


def test_only_code_and_name_are_needed(browser: Browser) -> None:
    """Code and name are enough; the quota is fifty then."""
    empty = dict.fromkeys(("street", "place", "mailbox", "contract_on", "trusted_networks"), "")
    page = browser.send(browser.get("/schools/add"), code="ohg", name="OHG", **empty)
    assert page.path == "/schools/ohg", page.errors()
    assert "0 of 50" in page.text
    assert "The date of the processing contract is missing." in page.text


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("code", ""),
        ("code", "o"),
        ("code", "toolong"),
        ("code", "ö-1"),
        ("name", ""),
        ("name", "x" * 201),
        ("name", "a\x00b"),
        ("name", "a\ue000b"),
        ("street", "x" * 201),
        ("place", "x" * 201),
        ("place", "a\x07b"),
        ("mailbox", "nobody"),
        ("mailbox", "a@b"),
        ("mailbox", "a@b.example\nBcc: c@d.example"),
        ("mailbox", "x" * 300 + "@b.example"),
        ("contract_on", "yesterday"),
        ("contract_on", "30.02.2026"),
        ("contract_on", "1926-01-01"),
        ("contract_on", "2126-01-01"),
        ("contract_on", "2026-02-30"),
        ("trusted_networks", "here"),
        ("trusted_networks", "0.0.0.0/0"),
        ("trusted_networks", "198.51.100.7\n300.1.1.1"),
        ("trusted_networks", "\n".join(f"198.51.100.{number}" for number in range(51))),
        ("quota", ""),
        ("quota", "many"),
        ("quota", "-1"),
        ("quota", "5001"),
        ("quota", "1e3"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(shared_panel: StaffedPanel, field: str, typed: str) -> None:
    """A wrong value gets 422 and one error at its field; the others stay, and nothing is saved."""
    page = add(shared_panel.browser(Role.CLERK), **{field: typed})
    assert page.status == 422
    assert page.error_at(field)
    for name, value in (TYPED | {field: typed}).items():
        if "\x00" not in value and "\n" not in value:
            assert page.fields[name] == value, name
    assert shared_panel.rows()["schools"] == []


def test_a_taken_code_is_said_at_its_field(browser: Browser) -> None:
    """The error names the code, so that the other school can be found."""
    add(browser)
    page = add(browser, name="Another")
    assert page.status == 422
    assert "ohg" in page.error_at("code")
    assert page.fields["name"] == "Another"


def test_a_school_is_edited(browser: Browser) -> None:
    """The form has the stored values; the code cannot be changed."""
    add(browser)
    form = browser.get("/schools/ohg/edit")
    assert "code" not in form.fields
    assert form.fields["contract_on"] == "2026-02-03"
    assert form.fields["trusted_networks"].split() == ["198.51.100.7/32", "2001:db8:12::/48"]
    page = browser.send(form, name="Lise-Meitner-Gymnasium", quota="3", no_contract="y", code="evil")
    assert page.path == "/schools/ohg"
    assert page.title == "Lise-Meitner-Gymnasium"
    assert page.flashes()[0] == "Saved. There is no processing contract."
    assert "0 of 3" in page.text


def test_an_edit_that_is_wrong_changes_nothing(browser: Browser) -> None:
    """A wrong edit leaves the school as it was."""
    add(browser)
    before = browser.get("/schools/ohg").text.replace("The school is added.", "")
    page = browser.send(browser.get("/schools/ohg/edit"), name="Another", mailbox="nobody")
    assert (page.status, page.fields["name"]) == (422, "Another")
    assert browser.get("/schools/ohg").text == before


def test_a_quota_below_what_there_is_issues_no_more(panel: StaffedPanel, browser: Browser) -> None:
    """A low quota takes no access away; the form to issue says that it is used up."""
    make_school(panel.database)
    for _ in range(3):
        make_organiser(panel.database)
    page = browser.send(browser.get("/schools/ohg/edit"), quota="2")
    assert "3 of 2" in page.text
    assert browser.send(browser.get("/schools/ohg/issue"), count="1").error_at("count")
    assert "used up" in browser.get("/schools/ohg/issue").text


def test_a_school_that_is_not_there_is_a_page(browser: Browser) -> None:
    """Every address about it answers 404."""
    for code in ("none", "%00", "..%2f", "' OR 1=1", "x" * 500, "OHG "):
        assert browser.get(f"/schools/{code}").status == 404
        assert browser.get(f"/schools/{code}/edit").status == 404


def test_schools_are_filtered(browser: Browser) -> None:
    """The list is filtered by suspension, missing contract and text."""
    add(browser)
    add(browser, code="lmg", name="Lise-Meitner-Gymnasium", contract_on="")
    browser.press("/schools/ohg", "/schools/ohg/suspend")

    def codes(query: str) -> set[str]:
        page = browser.get(f"/schools?{query}")
        return {code for code in ("ohg", "lmg") if f"/schools/{code}" in set(page.links())}

    assert codes("") == codes("show=all") == codes("show=nonsense") == {"ohg", "lmg"}
    assert codes("show=suspended") == {"ohg"}
    assert codes("show=no-contract") == {"lmg"}
    assert codes("q=MEITNER") == {"lmg"}
    assert codes("q=heilbronn&show=suspended") == {"ohg"}
    assert codes("q=nothing") == set()
