"""The terms of use: which version is current, which schools have an older one, and its way to them."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader

from authbridge.storage.models import Role
from tests.support.factories import make_organiser, make_school
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel, StaffedTemplate, panel_factory_in


@pytest.fixture(name="folder")
def make_folder(tmp_path: Path) -> Path:
    """Makes the operator's folder, with terms of version 1."""
    folder = tmp_path / "letters"
    folder.mkdir()
    write(folder, 1)
    return folder


@pytest.fixture(name="furnished", scope="module")
def furnish(staffed_template: StaffedTemplate, tmp_path_factory: pytest.TempPathFactory) -> StaffedTemplate:
    """Makes a database with three schools: two with letters of version 1, one without letters."""
    folder = tmp_path_factory.mktemp("furnished")
    write(folder, 1)
    with panel_factory_in(folder, staffed_template) as panel_factory:
        panel = panel_factory.open(AUTHBRIDGE_LETTER_DIR=folder)
        for code in ("ohg", "gsw", "alt"):
            make_school(panel.database, code, f"Schule {code}")
        browser = panel.browser(Role.CLERK)
        for code in ("ohg", "gsw"):
            browser.send(browser.get(f"/schools/{code}/issue"), count="2")
        make_organiser(panel.database, "alt")
        panel.database.empty_write_ahead_log()
    return replace(staffed_template, database=folder / "authbridge.db")


@pytest.fixture(name="schools")
def open_panel(furnished: StaffedTemplate, tmp_path: Path, folder: Path) -> Iterator[StaffedPanel]:
    """Opens a panel with these schools."""
    with panel_factory_in(tmp_path, furnished) as panel_factory:
        yield panel_factory.open(AUTHBRIDGE_LETTER_DIR=folder)


def write(folder: Path, number: int, words: str = "") -> None:
    """Writes terms of use as an operator does."""
    (folder / "terms_version.md").write_text(f"{number}, 2026-0{number}-01\n")
    for language, word in (("de", "Regel"), ("en", "Rule")):
        (folder / f"terms_of_use.{language}.md").write_text(f"# {word}n\n\n{word} {number} {words}\n")


def outdated(page: Page) -> list[list[str]]:
    """Returns the schools with older terms: name, number of accounts, version."""
    return [
        [" ".join(cell.get_text(" ").split()) for cell in row.select("th, td")[:4] if cell != row.td]
        for row in page.html.select("table.list tbody tr")
    ]


def sheets_of(browser: Browser, page: Page, language: str) -> list[str]:
    """Returns the words of the printed pages, by the button of that language."""
    query = "?language=en" if language == "en" else ""
    answer = browser.fetch(f"{page.path}/sheets.pdf{query}")
    assert answer.headers["Content-Type"] == "application/pdf"
    return [each.extract_text() for each in PdfReader(io.BytesIO(answer.data)).pages]


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_page_tells_who_has_older_terms(schools: StaffedPanel, folder: Path, language: str) -> None:
    """The current text, the earlier one that travelled, and each school with its oldest version."""
    write(folder, 2)
    browser = schools.browser(Role.AUDITOR)
    browser.headers["Accept-Language"] = language
    page = browser.get("/terms")

    german = language == "de"
    assert page.title == ("Nutzungsbedingungen" if german else "Terms of use")
    assert (
        "Aktuell: Version 2 vom 01.02.2026" if german else "Current: version 2 of 1 Feb 2026"
    ) in page.text
    assert ("Regel 2" if german else "Rule 2") in page.text
    assert ("Regel 1" if german else "Rule 1") in page.text
    assert outdated(page) == [
        ["Schule alt", "1", "kein Papier bekannt" if german else "no paper known"],
        ["Schule gsw", "2", "Version 1" if german else "version 1"],
        ["Schule ohg", "2", "Version 1" if german else "version 1"],
    ]
    assert "/terms/send" not in page.actions(), "auditors only look"
    assert "/terms" in browser.get("/schools").links()
    job = schools.rows()["print_jobs"][0][0]
    for path in ("/schools/ohg", f"/print-jobs/{job}"):
        paper = browser.get(path)
        assert ("Version 1" if german else "version 1") in paper.text
        assert "/terms" in paper.links()


@pytest.mark.parametrize("language", ["de", "en"])
def test_new_terms_are_printed_for_all_schools(schools: StaffedPanel, folder: Path, language: str) -> None:
    """One click, one event; each school has its own letter, and nothing is left on the list."""
    write(folder, 2)
    browser = schools.browser(Role.CLERK)
    page = browser.press("/terms", "/terms/send")
    assert page.title == "New terms of use to print"
    assert "Version 2 is noted for 3 schools" in page.text
    again = browser.get("/terms")
    assert page.path in again.links(), "for the browser may have been closed before anything was printed"
    assert "Version 2 for 3 schools" in again.text

    pages = sheets_of(browser, page, language)
    assert len(pages) == 6, "a sheet for each school"
    for name, text in zip(("Schule alt", "Schule gsw", "Schule ohg"), pages[::2], strict=True):
        assert name in text
        assert ("Regel 2" if language == "de" else "Rule 2") in text
    assert outdated(browser.get("/terms")) == []
    assert "version 2" in browser.get("/schools/ohg").text
    audit = schools.browser(Role.ADMIN).get("/audit?topic=terms").text
    assert "New terms of use printed for schools" in audit
    assert "3 schools; version 2" in audit


def test_new_terms_are_printed_for_one_school(schools: StaffedPanel, folder: Path) -> None:
    """The others stay on the list; a form that is sent twice leads to the same page."""
    write(folder, 2)
    browser = schools.browser(Role.CLERK)
    page = browser.get("/terms")
    one = page.html.find("input", attrs={"name": "code", "value": "gsw"})
    assert one is not None
    fields = {field["name"]: field["value"] for field in one.find_parent("form").select("input")}  # type: ignore[union-attr]
    answers = [browser.ask("POST", "/terms/send", fields) for _ in range(2)]  # type: ignore[arg-type]

    assert len({answer.headers["Location"] for answer in answers}) == 1
    sent = browser.get(answers[0].headers["Location"])
    assert "Version 2 is noted for 1 school" in sent.text
    listed = browser.get("/terms")
    assert [row[0] for row in outdated(listed)] == ["Schule alt", "Schule ohg"]
    assert "Version 2 for Schule gsw" in listed.text
    (event,) = [row for row in schools.rows()["audit_events"] if "terms:send" in row]
    assert "gsw" in event


def test_terms_that_were_changed_since_the_page_was_shown_are_not_noted(
    schools: StaffedPanel, folder: Path
) -> None:
    """The clerk would post another text than the one that was read."""
    browser = schools.browser(Role.CLERK)
    page = browser.get("/terms")
    write(folder, 2)

    page = browser.send(page, "/terms/send")

    assert "changed meanwhile" in " ".join(page.flashes())
    assert len(outdated(page)) == 3


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "geändert, nachdem sie gedruckt war"), ("en", "was changed after it was printed")],
)
def test_a_text_that_was_changed_under_its_number_is_refused(
    schools: StaffedPanel, folder: Path, language: str, words: str
) -> None:
    """On the page of the terms, and in each form before anything is issued."""
    write(folder, 1, "und noch eine")
    browser = schools.browser(Role.CLERK)
    browser.headers["Accept-Language"] = language
    before = schools.rows()["organisers"], schools.rows()["print_jobs"]

    page = browser.get("/terms")
    assert words in " ".join(page.flashes())
    assert "/terms/send" not in page.actions()
    issued = browser.send(browser.get("/schools/ohg/issue"), count="3")
    assert issued.status == 422
    assert words in " ".join(issued.errors())
    assert issued.fields["count"] == "3"
    assert (schools.rows()["organisers"], schools.rows()["print_jobs"]) == before


def test_a_broken_text_is_told_on_the_page(schools: StaffedPanel, folder: Path) -> None:
    """What travelled can still be looked at."""
    (folder / "terms_version.md").write_text("Stand 3")
    page = schools.browser(Role.CLERK).get("/terms")

    assert "such as 3, 2026-09-01" in " ".join(page.flashes())
    assert "Rule 1" in page.text


def test_sheets_that_nobody_noted_are_not_found(schools: StaffedPanel) -> None:
    """Neither by a number that is none, nor by an event about something else."""
    browser = schools.browser(Role.CLERK)

    for event_id in ("0", "x", "1"):
        assert browser.get(f"/terms/sent/{event_id}").status == 404
        assert browser.fetch(f"/terms/sent/{event_id}/sheets.pdf").status_code == 404
