"""Every page of the panel, light and dark, wide and narrow, before fault-finding tools.

`make test` walks in German, the longer of the two languages; `make soak` in English too.
"""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from flask import Flask
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from werkzeug.exceptions import HTTPException

from admin import create_app
from admin.panel import Panel
from admin.stores.service_health import ServiceHealth
from authbridge.config import read_config
from authbridge.login.passwords import Hasher
from tests.support.chromium import open_chromium
from tests.support.panel.routes import DOCUMENTS
from tests.support.panel_browser import PanelBrowser, PanelServer, open_panel_server
from tests.support.panel_pages import Shown, walk
from workbench import ROOT

_NODE_MODULES = ROOT / "tests/browser/node_modules"

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

# Chromium says so of each page that does not come with 200; whether it should is a test of its own.
_STATUS_OF_PAGE = "Failed to load resource: the server responded with a status of"
_CACHE_IS_CLEARED = "Clear-Site-Data header on"  # Chromium says so at each sign-out

_SLOW = 11  # bcrypt's cost, 0.1 s: twelve passwords take long enough for their progress to be seen

_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_AXE = (_NODE_MODULES / "axe-core/axe.min.js").read_text()

# What depends on colours, of all that axe judges.
_COLOURS = ("color-contrast", "link-in-text-block")

# What says by which colours, in which size and upon what a text is seen, by which its like are known.
_LOOKS = """
const ground = new Map([[document.documentElement, ""]]);
const groundOf = (each) => {
  if (!ground.has(each)) {
    const { backgroundColor, backgroundImage, opacity, position } = getComputedStyle(each);
    const own = [each.tagName, each.className, backgroundColor, backgroundImage, opacity, position];
    ground.set(each, `${groundOf(each.parentElement)} ${own}`);
  }
  return ground.get(each);
};
window.looks = new Map();
for (const each of document.querySelectorAll("body :not(svg *)")) {
  const isText = [...each.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
  if ((!isText && !each.matches("input, select, textarea")) || !each.checkVisibility()) continue;
  const { color, fontSize, fontWeight, textDecorationLine } = getComputedStyle(each);
  const around = getComputedStyle(each.parentElement).color;
  const look = `${groundOf(each)} ${[color, fontSize, fontWeight, textDecorationLine, around]}`;
  if (!window.looks.has(look)) window.looks.set(look, each);
}
return [...window.looks.keys()];
"""

_RUN_AXE = """
const [rules, looks, done] = arguments;
const context = looks === null ? document : { include: looks.map((look) => window.looks.get(look)) };
const inWords = ({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target}`);
axe.run(context, { ...rules, resultTypes: ["violations"], iframes: false, preload: false }).then(
  ({ violations }) => done(violations.flatMap(inWords)),
  (error) => done([String(error)]),
);
"""

_LAYOUT = """
const findings = [];
const { scrollWidth, clientWidth } = document.scrollingElement;
if (scrollWidth > clientWidth) {
  const isTooWide = (each) => each.getBoundingClientRect().right > clientWidth && each.children.length === 0;
  const first = [...document.querySelectorAll("body *")].find(isTooWide);
  findings.push(`scrolls sideways: ${scrollWidth} in ${clientWidth} by ${first?.outerHTML.slice(0, 100)}`);
}
for (const each of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea")) {
  const { width, height } = each.getBoundingClientRect();
  const isAlone = each.parentElement.textContent.trim() === each.textContent.trim();
  // Within a sentence, the line sets the height (WCAG 2.2, 2.5.8).
  const isInSentence = getComputedStyle(each).display === "inline" && !isAlone;
  if (each.checkVisibility() && !isInSentence && Math.min(width, height) < 24)
    findings.push(`smaller than 24 px: ${width} x ${height} ${each.outerHTML.slice(0, 100)}`);
}
for (const each of document.querySelectorAll("body :not(svg *)")) {
  const isText = [...each.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
  if (isText && each.checkVisibility() && parseFloat(getComputedStyle(each).fontSize) < 12)
    findings.push(`smaller than 12 px: ${each.outerHTML.slice(0, 100)}`);
}
return findings;
"""

_FOCUS = """
const findings = [];
for (const each of document.querySelectorAll("a[href], button, input, select, textarea, [tabindex='0']")) {
  each.focus({ focusVisible: true });
  if (document.activeElement !== each) continue;  // hidden, or not meant to have it
  const { outlineStyle, outlineWidth } = getComputedStyle(each);
  const { top, bottom } = each.getBoundingClientRect();
  if (outlineStyle === "none" || parseFloat(outlineWidth) < 2)
    findings.push(`focus is not seen: ${each.outerHTML.slice(0, 100)}`);
  if (bottom <= 0 || top >= innerHeight)
    findings.push(`focus is out of sight: ${each.outerHTML.slice(0, 100)}`);
}
document.activeElement.blur();
return findings;
"""

_NARROW: dict[str, object] = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": False}
# 1280 x 800 at 200 %.
_ENLARGED: dict[str, object] = {"width": 640, "height": 400, "deviceScaleFactor": 2, "mobile": False}


@dataclass(slots=True)
class Record:
    """What was found on one walk, by the kind of finding.

    ``sources`` is the folder of the pages as they came, ``pages`` the routes that there are to be walked,
    ``routes`` those that were, ``looks`` how the texts look whose colours were judged.
    """

    sources: Path
    pages: set[str] = field(default_factory=set)
    routes: set[str | None] = field(default_factory=set)
    findings: dict[str, list[str]] = field(default_factory=dict)
    looks: set[str] = field(default_factory=set)

    def note(self, kind: str, shown: Shown, found: list[str]) -> None:
        """Adds findings."""
        self.findings.setdefault(kind, []).extend(f"{shown.name}: {each}" for each in found)


@pytest.fixture(name="record", scope="module", params=["de", pytest.param("en", marks=pytest.mark.soak)])
def walk_through_all_pages(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Record:
    """Returns what is found in one language."""
    return _walk_in(request.param, tmp_path_factory.mktemp(request.param), sqlite_template)


def _walk_in(language: str, folder: Path, template: Path) -> Record:
    """Walks in that language, through a panel with a database of its own."""
    record = Record(folder / "pages")
    for each in (record.sources, folder / "office", folder / "home"):
        each.mkdir()
    with (
        open_panel_server(folder / "office", template, bcrypt_cost=_SLOW, host="localhost") as panel_server,
        open_chromium(folder / "home", is_watched=True) as browser,
    ):
        panel_server.service.start()
        browser.set_window_size(1280, 800)
        _preload_axe(browser)
        panel_browser = PanelBrowser(browser, panel_server.panel.url)
        panel_browser.open("/sign-in")
        with panel_browser.next_page():
            browser.find_element(By.CSS_SELECTOR, f"button[lang={language}]").click()
        app = _app_of(panel_server)
        record.pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
        record.pages -= _NO_PAGES
        _read_logs(browser)
        for shown in walk(panel_browser, panel_server):
            _look(panel_browser, shown, record)
            record.routes.add(_route_of(app, panel_browser.path))
    return record


def _look(panel_browser: PanelBrowser, shown: Shown, record: Record) -> None:
    browser = panel_browser.browser
    complaints, requests = _read_logs(browser)
    record.note(
        "status",
        shown,
        [] if panel_browser.status == shown.status else [f"{panel_browser.status} at {panel_browser.path}"],
    )
    record.note("console", shown, complaints)
    # The policy of the pages forbids them "data:"; those are the icons of Chromium's own date fields.
    foreign = [url for _, _, url in requests if not url.startswith((f"{panel_browser.url}/", "data:"))]
    record.note("network", shown, foreign)
    if documents := [request_id for kind, request_id, _ in requests if kind == "Document"]:
        answer = browser.execute_cdp_cmd("Network.getResponseBody", {"requestId": documents[-1]})
        (record.sources / f"{shown.name}.html").write_text(answer["body"])

    _measure(browser, shown, record)


def _preload_axe(browser: Chrome) -> None:
    """Lets every page from now on have axe, whatever its policy."""
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _AXE})


def _measure(browser: Chrome, shown: Shown, record: Record) -> None:
    rules = {"runOnly": _TAGS, "rules": {rule: {"enabled": False} for rule in _COLOURS}}
    record.note("layout", shown, browser.execute_script(_LAYOUT))
    record.note("focus", shown, browser.execute_script(_FOCUS))
    record.note("axe", shown, browser.execute_async_script(_RUN_AXE, rules, None))
    _judge_colours(browser, "axe", shown, record)
    with _emulating(browser):
        _show_on(browser, _NARROW)
        record.note("layout", shown, browser.execute_script(_LAYOUT))
        _judge_colours(browser, "axe in the dark", shown, record)
        _show_on(browser, _ENLARGED)
        record.note("layout", shown, browser.execute_script(_LAYOUT))


def _judge_colours(browser: Chrome, kind: str, shown: Shown, record: Record) -> None:
    """Lets axe judge the colours of texts that look like none on the pages before."""
    new = [look for look in browser.execute_script(_LOOKS) if look not in record.looks]
    record.looks.update(new)
    if new:
        record.note(kind, shown, browser.execute_async_script(_RUN_AXE, {"runOnly": _COLOURS}, new))


@contextlib.contextmanager
def _emulating(browser: Chrome) -> Iterator[None]:
    """Lets the browser prefer the dark, on screens of any size."""
    feature = {"name": "prefers-color-scheme", "value": "dark"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    yield
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def _show_on(browser: Chrome, screen: dict[str, object]) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def _read_logs(browser: Chrome) -> tuple[list[str], list[tuple[str, str, str]]]:
    """What the browser complained of and asked for since it was last asked: kind, id and address."""
    said, done = (browser.get_log(kind) for kind in ("browser", "performance"))  # type: ignore[no-untyped-call]  # selenium's
    complaints = [
        each["message"]
        for each in said
        if _STATUS_OF_PAGE not in each["message"] and _CACHE_IS_CLEARED not in each["message"]
    ]
    events = [json.loads(each["message"])["message"] for each in done]
    requests = [
        (event["params"]["type"], event["params"]["requestId"], event["params"]["request"]["url"])
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    return complaints, requests


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
    record = Record(tmp_path)
    with open_chromium(tmp_path) as browser:
        _preload_axe(browser)
        browser.get(f"data:text/html,{quote(_FAULTY)}")
        _measure(browser, Shown("faulty"), record)
    assert "color-contrast: i" in " ".join(record.findings["axe in the dark"])
    found = " ".join(chain.from_iterable(record.findings.values()))
    for words in (
        "color-contrast: p",
        "scrolls sideways: 4",
        "smaller than 24 px: 20 x 20",
        "smaller than 12 px: <p",
        "focus is not seen",
    ):
        assert words in found


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
    words = ["--config", str(ROOT / "tests/browser/html-validate.config.cjs"), "--formatter", "text"]
    done = subprocess.run(  # noqa: S603 - our own words
        [_NODE_MODULES / ".bin/html-validate", *words, "--max-warnings", "0", record.sources],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.replace(f"{record.sources}/", "") + done.stderr
