"""Every page of the panel, light and dark, wide and narrow, before fault-finding tools.

`make test` walks in German, the longer of the two languages; `make soak` in English too.
"""

import contextlib
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from flask import Flask
from selenium.webdriver.common.by import By
from werkzeug.exceptions import HTTPException

from admin import create_app
from admin.panel import Panel
from admin.stores.service_health import ServiceHealth
from authbridge.config import read_config
from authbridge.login.passwords import Hasher
from tests.support.chromium import open_chromium
from tests.support.page_findings import PageFindings, faults_of_html, look, measure, preload_axe, read_logs
from tests.support.panel.routes import DOCUMENTS
from tests.support.panel_browser import PanelBrowser, PanelServer, open_panel_server
from tests.support.panel_pages import Shown, walk

_NO_PAGES = {
    "static",
    "report.look",
    "credentials.pdf",
    "credentials.files",
    "credentials.letter",
    "credentials.table",
    "data_protection.account_file",
}
_NO_PAGES |= DOCUMENTS | {"tables.schools", "tables.school", "tables.organisers", "tables.misuse"}
_NO_PAGES |= {"tables.schools_usage", "tables.months", "school_years.table", "terms.sheets"}
# Parts of pages, which these ask for by themselves.
_NO_PAGES |= {
    "overview.health",
    "overview.meetings",
    "credentials.progress",
    "credentials.revocation_status",
    "imports.progress",
    "schools.revocation_status",
    "organisers.revocation_status",
}

_SLOW = 11  # bcrypt's cost, 0.1 s: twelve passwords take long enough for their progress to be seen


@dataclass(slots=True)
class Record:
    """What was found on one walk.

    ``pages`` are the routes that there are to be walked, ``routes`` those that were.
    """

    found: PageFindings
    pages: set[str] = field(default_factory=set)
    routes: set[str | None] = field(default_factory=set)

    @property
    def findings(self) -> dict[str, list[str]]:
        """Returns the findings by their kind."""
        return self.found.findings


@pytest.fixture(name="record", scope="module", params=["de", pytest.param("en", marks=pytest.mark.soak)])
def walk_through_all_pages(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Record:
    """Returns what is found in one language."""
    return _walk_in(request.param, tmp_path_factory.mktemp(request.param), sqlite_template)


def _walk_in(language: str, folder: Path, template: Path) -> Record:
    """Walks in that language, through a panel with a database of its own."""
    record = Record(PageFindings(folder / "pages"))
    for each in (record.found.sources, folder / "office", folder / "home"):
        each.mkdir()
    with (
        open_panel_server(folder / "office", template, bcrypt_cost=_SLOW, host="localhost") as panel_server,
        open_chromium(folder / "home", is_watched=True) as browser,
    ):
        panel_server.service.start()
        browser.set_window_size(1280, 800)
        preload_axe(browser)
        panel_browser = PanelBrowser(browser, panel_server.panel.url)
        panel_browser.open("/sign-in")
        with panel_browser.next_page():
            browser.find_element(By.CSS_SELECTOR, f"button[lang={language}]").click()
        app = _app_of(panel_server)
        record.pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
        record.pages -= _NO_PAGES
        read_logs(browser)
        for shown in walk(panel_browser, panel_server):
            _look(panel_browser, shown, record)
            record.routes.add(_route_of(app, panel_browser.path))
    return record


def _look(panel_browser: PanelBrowser, shown: Shown, record: Record) -> None:
    is_right = panel_browser.status == shown.status
    record.found.note(
        "status", shown.name, [] if is_right else [f"{panel_browser.status} at {panel_browser.path}"]
    )
    look(panel_browser.browser, shown.name, panel_browser.url, record.found)


def _app_of(panel_server: PanelServer) -> Flask:
    """The application that the panel runs, for its routes."""
    config = read_config(panel_server.panel.environ)
    panel = Panel(
        config=config,
        sign_in=panel_server.services,
        hasher=Hasher(4),
        service_health=ServiceHealth(config.api_bind),
    )
    return create_app(panel, url=panel_server.panel.url)


def _route_of(app: Flask, path: str) -> str | None:
    routes = app.url_map.bind("127.0.0.1")
    for method in ("GET", "POST"):
        with contextlib.suppress(HTTPException):
            return str(routes.match(urlsplit(path).path, method)[0])
    return None


_FAULTY = """
<!DOCTYPE html><title>Faulty</title><html lang=en><p style="color: silver">Pale</p>
<style>@media (prefers-color-scheme: dark) { i { color: silver; } }</style><i>Pale in the dark</i>
<div style="width: 400px">Wide</div>
<button style="width: 20px; height: 20px; padding: 0; outline: none">x</button>
<p style="font-size: 9px">Small</p>
"""


def test_the_measures_find_faults(tmp_path: Path) -> None:
    """A page with one fault of each kind is not let through."""
    found = PageFindings(tmp_path)
    with open_chromium(tmp_path) as browser:
        preload_axe(browser)
        browser.get(f"data:text/html,{quote(_FAULTY)}")
        measure(browser, "faulty", found)
    assert "color-contrast: i" in " ".join(found.findings["axe in the dark"])
    said = " ".join(chain.from_iterable(found.findings.values()))
    for words in (
        "color-contrast: p",
        "scrolls sideways: 4",
        "smaller than 24 px: 20 x 20",
        "smaller than 12 px: <p",
        "focus is not seen",
    ):
        assert words in said


def test_every_page_comes_with_its_status(record: Record) -> None:
    """Each state of the walk was reached: its page came with the status that goes with it."""
    assert record.findings["status"] == []


def test_no_page_is_left_out(record: Record) -> None:
    """Each address that answers with a page is on the walk."""
    assert record.pages - record.routes == set()


def test_axe_finds_nothing(record: Record) -> None:
    """WCAG 2.2 A and AA and the best practices of axe-core hold; in the dark the colours do, too."""
    assert record.findings["axe"] == []
    assert record.findings["axe in the dark"] == []


def test_nothing_is_too_wide_or_too_small(record: Record) -> None:
    """No page scrolls sideways at 1280, 640 and 320 px, what is pressed has 24 px each way, and text 12."""
    assert record.findings["layout"] == []


def test_focus_is_seen(record: Record) -> None:
    """Whatever can have the focus shows it by an outline of 2 px at least, and is in sight then."""
    assert record.findings["focus"] == []


def test_the_console_is_quiet(record: Record) -> None:
    """No script fails, and nothing is against the pages' own content security policy."""
    assert record.findings["console"] == []


def test_nobody_else_is_asked(record: Record) -> None:
    """Every request goes to the panel itself."""
    assert record.findings["network"] == []


def test_the_html_is_valid(record: Record) -> None:
    """The pages as they came are valid to the letter."""
    assert faults_of_html(record.found.sources) == ""
