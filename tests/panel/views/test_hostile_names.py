"""Names are shown as they were typed, on pages, in letters and tables, and nowhere executed."""

import csv
import io
import secrets

import pytest
from pypdf import PdfReader

from authbridge.storage.models import Role
from tests.support.panel.browser import Browser
from tests.support.panel.staffed_panel import StaffedPanel

NAMES = [
    "Käthe-Kollwitz-Schule Öhringen ß",
    "Jeanne d'Arc “Schule” & Söhne",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><b>fett</b>',
    "&lt;b&gt; &amp;amp;",
    "{{ 7*7 }} {% raw %} ${7*7} %(name)s %s",
    "=cmd|' /C calc'!A0",
    "+49 7131",
    "-1+1",
    "@SUM(A1)",
    "مدرسة النور",
    "בית ספר",
    "Школа № 7",
    "学校",
    "W" * 200,
    "Ein langer Name " * 12 + "!",
    "🏫 Schule",
]
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@pytest.fixture(name="browser", scope="module")
def open_browser(shared_panel: StaffedPanel) -> Browser:
    """Opens a clerk's browser."""
    return shared_panel.browser(Role.CLERK)


def add(browser: Browser, name: str) -> str:
    """Adds a school with that text in every text field, and returns its page."""
    code = f"x{secrets.token_hex(2)}"
    page = browser.send(browser.get("/schools/add"), code=code, name=name, street=name, place=name)
    assert page.path == f"/schools/{code}", page.errors()
    return page.path


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_pages_show_it_as_typed(browser: Browser, name: str) -> None:
    """Pages show it as isolated text, and so does the form to edit it."""
    school = add(browser, name)
    browser.press(school, f"{school}/suspend")
    shown = " ".join(name.split())
    for path in (school, f"/schools?q={school[-5:]}", "/", f"/search?q={school[-5:]}", f"{school}/issue"):
        page = browser.get(path)
        isolated = [" ".join(tag.get_text().split()) for tag in page.html.select("bdi")]
        assert shown in isolated, path
        assert not page.html.select("main script, main img, main b"), path
    assert browser.get(f"{school}/edit").fields["name"] == shown
    browser.press(school, f"{school}/reinstate")


@pytest.mark.parametrize(
    "name", ["Käthe-Kollwitz-Schule d'Arc", "<script>alert(1)</script>", "=cmd|' /C calc'!A0"]
)
def test_letters_and_tables_have_it_as_typed(browser: Browser, name: str) -> None:
    """The letter has it word by word; a cell that a spreadsheet would run begins with an apostrophe."""
    page = browser.send(browser.get(f"{add(browser, name)}/issue"), count="1")
    assert name in page.text
    pdf = PdfReader(io.BytesIO(browser.fetch(f"{page.path}/letters.pdf").data))
    text = "".join("".join(sheet.extract_text().split()) for sheet in pdf.pages)
    assert "".join(name.split()) in text
    table = browser.fetch(f"{page.path}/table.csv").data.decode("utf-8-sig")
    heading, row = csv.reader(io.StringIO(table), delimiter=";")
    assert len(heading) == len(row) == 4
    assert row[0] == (f"'{name}" if name.startswith(FORMULA) else name)
    assert not [cell for cell in row if cell.startswith(FORMULA)]


@pytest.mark.parametrize(
    "note", ["<script>alert(1)</script>", "مدرسة", "'; DROP TABLE schools --", "{{ 7*7 }}", "ü" * 200]
)
def test_notes_show_as_typed(browser: Browser, note: str) -> None:
    """A note is shown as typed in the history and in its form."""
    school = add(browser, "OHG")
    page = browser.press(school, f"{school}/suspend")
    page = browser.send(page, f"{school}/suspension", note=note)
    assert note in page.text
    assert not page.html.select("main script")
    assert page.html.select_one('[name="note"]')["value"] == note  # type: ignore[index]


@pytest.mark.parametrize(
    "agent", ["<script>alert(1)</script>", "Firefox/1 <b> Windows", "\x7f" * 3, "x" * 5000, ""]
)
def test_what_a_browser_calls_itself_is_only_looked_at(shared_panel: StaffedPanel, agent: str) -> None:
    """The list of sessions names the browser in our words."""
    browser = shared_panel.browser()
    browser.headers["User-Agent"] = agent
    browser.sign_in(shared_panel.members[Role.ADMIN])
    page = browser.get("/account")
    assert page.status == 200
    assert not page.html.select("main script, main b")
