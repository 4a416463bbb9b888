"""Letters in the whole of Chromium, which shows a PDF and keeps pages for "back"; its shell does neither."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from authbridge import deletion_records
from authbridge.data_protection.inventory import INVENTORY
from authbridge.storage.models import Role
from tests.end_to_end.panel.test_stories import GERMAN, add_school, issue
from tests.support.chromium import open_chromium
from tests.support.factories import make_school
from tests.support.panel.sample_data import make_deletion_record
from tests.support.panel_browser import PanelBrowser, PanelServer, open_panel_server


@pytest.fixture(name="panel_server", scope="module")
def run_panel_server(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[PanelServer]:
    """A panel with a school."""
    with open_panel_server(tmp_path_factory.mktemp("office"), sqlite_template) as panel_server:
        make_school(panel_server.database)
        yield panel_server


@pytest.fixture(name="browser", scope="module")
def start_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """The whole of Chromium."""
    with open_chromium(tmp_path_factory.mktemp("chromium"), is_whole=True) as browser:
        yield browser


def test_the_whole_way_works_without_scripts(panel_browser: PanelBrowser, panel_server: PanelServer) -> None:
    """Add a school, issue, look at the letters, suspend and undo: none of it needs a script."""
    member = panel_server.enrol(Role.CLERK)
    panel_browser.run_scripts(are_on=False)
    panel_browser.sign_in(member)
    add_school(panel_browser, GERMAN, "still", "Stille Schule")
    issue(panel_browser, GERMAN, 1)
    username = panel_browser.text_of("main table .code")
    panel_browser.press("Zugangsbrief (PDF)")
    assert panel_browser.browser.execute_script("return document.contentType") == "application/pdf"
    with panel_browser.next_page():
        panel_browser.browser.back()
    panel_browser.press("Fertig")
    panel_browser.press("Sperren", beside=username)
    assert "gesperrt" in panel_browser.row(username)
    panel_browser.press("Rückgängig")
    assert "aktiv" in panel_browser.row(username)


# Chromium keeps pages without scripts for "back" that it drops otherwise.
@pytest.mark.parametrize(
    ("leave", "has_scripts"),
    [
        pytest.param("Fertig", True, id="done", marks=pytest.mark.soak),
        pytest.param("Fertig", False, id="done, no scripts"),
        pytest.param("Abmelden", False, id="signed out, no scripts"),
    ],
)
def test_back_shows_no_credentials(
    panel_browser: PanelBrowser, panel_server: PanelServer, leave: str, *, has_scripts: bool
) -> None:
    """Once they are done with, or the clerk has left, neither a button nor an address leads back to them."""
    panel_browser.run_scripts(are_on=has_scripts)
    member = panel_server.enrol(Role.CLERK)
    panel_browser.sign_in(member)
    panel_browser.open("/schools/ohg")
    passwords = issue(panel_browser, GERMAN, 2)
    place = panel_browser.path
    panel_browser.press("Zugangsbriefe (PDF)")
    with panel_browser.next_page():
        panel_browser.browser.back()
    panel_browser.press(leave)

    def sees_nothing() -> bool:
        kind = panel_browser.browser.execute_script("return document.contentType")
        return kind == "text/html" and not any(
            password in panel_browser.browser.page_source for password in passwords
        )

    for go in (
        panel_browser.browser.back,
        panel_browser.browser.back,
        panel_browser.browser.forward,
        panel_browser.browser.refresh,
    ):
        with panel_browser.next_page():
            go()
        assert sees_nothing(), panel_browser.path
    if leave == "Abmelden":
        panel_browser.sign_in(member, member.recovery_codes[0])
    for address in (place, f"{place}/letters.pdf", f"{place}/table.csv"):
        panel_browser.open(address)
        assert sees_nothing(), address
        assert panel_browser.title == GERMAN.gone


def test_the_officer_prints_the_record_of_processing(
    panel_browser: PanelBrowser, panel_server: PanelServer
) -> None:
    """On A4 with numbered pages: dated, with the operator's name, every table, and nothing of the screen."""
    panel_browser.sign_in(panel_server.enrol(Role.AUDITOR))
    panel_browser.press("Datenschutz")
    paper = panel_browser.print_page()
    text = "\n".join(page.extract_text() for page in paper.pages)
    first = paper.pages[0]
    assert [round(float(side) / 72 * 25.4) for side in first.mediabox[2:]] == [210, 297]
    heading = r"Datenschutz: Verzeichnis der Verarbeitung\nKreismedienzentrum Musterkreis, Stand [\d.]{10}, "
    assert re.search(heading, first.extract_text())
    for number, page in enumerate(paper.pages, 1):
        assert f"{number} / {len(paper.pages)}" in page.extract_text()
    for described in INVENTORY:
        assert described.table.name in text
    for unwanted in ("Abmelden", "Suchen", "drucken Sie"):
        assert unwanted not in text


def test_the_officer_prints_the_record_of_a_night(
    panel_browser: PanelBrowser, panel_server: PanelServer
) -> None:
    """What was left of each table, up to when, and of which logs too much: on paper, too."""
    record = make_deletion_record(0)
    with panel_server.database.write_session() as session:
        deletion_records.keep(session, record)
    panel_browser.sign_in(panel_server.enrol(Role.AUDITOR))
    panel_browser.open(f"/data-protection/deletions/{record.day}")
    text = "\n".join(page.extract_text() for page in panel_browser.print_page().pages)
    for words in (
        "Löschnachweis vom 20.11.2026\nKreismedienzentrum Musterkreis, Stand 20.11.2026, 08:55",
        "Anmeldungen 2.318 20.11.2026, 08:55 20.11.2026, 08:55 älter als erlaubt",
        "Protokoll der Datenbank\nnicht geleert",
        "meet.example.org\nGeprüft am 20.11.2026, 08:55\n/etc/nginx/nginx.conf was found to be at fault",
    ):
        assert words in text
    assert "drucken Sie" not in text
