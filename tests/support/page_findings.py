"""Looks for faults of a page in a browser: WCAG by axe, layout, focus, console, network, HTML."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from selenium.webdriver import Chrome

from workbench import ROOT

_NODE_MODULES = ROOT / "tests/browser/node_modules"

# Chromium says so of each page that does not come with 200; whether it should is a test of its own.
_STATUS_OF_PAGE = "Failed to load resource: the server responded with a status of"
_CACHE_IS_CLEARED = "Clear-Site-Data header on"  # Chromium says so at each sign-out

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
class PageFindings:
    """What was found on one walk, by the kind of finding.

    ``sources`` is the folder of the pages as they came, ``looks`` how those texts look whose colours were
    judged.
    """

    sources: Path
    findings: dict[str, list[str]] = field(default_factory=dict)
    looks: set[str] = field(default_factory=set)

    def note(self, kind: str, page: str, found: list[str]) -> None:
        """Adds findings on the page of that name."""
        self.findings.setdefault(kind, []).extend(f"{page}: {each}" for each in found)


def look(browser: Chrome, page: str, url: str, findings: PageFindings) -> None:
    """Looks at the page that is on the screen, and keeps it as it came; its server is at ``url``."""
    complaints, requests = read_logs(browser)
    findings.note("console", page, complaints)
    # The policy of the pages forbids them "data:"; those are the icons of Chromium's own date fields.
    foreign = [each for _, _, each in requests if not each.startswith((f"{url}/", "data:"))]
    findings.note("network", page, foreign)
    if documents := [request_id for kind, request_id, _ in requests if kind == "Document"]:
        answer = browser.execute_cdp_cmd("Network.getResponseBody", {"requestId": documents[-1]})
        (findings.sources / f"{page}.html").write_text(answer["body"])
    measure(browser, page, findings)


def preload_axe(browser: Chrome) -> None:
    """Lets every page from now on have axe, whatever its policy."""
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _AXE})


def measure(browser: Chrome, page: str, findings: PageFindings) -> None:
    """Measures the page that is on the screen."""
    rules = {"runOnly": _TAGS, "rules": {rule: {"enabled": False} for rule in _COLOURS}}
    findings.note("layout", page, browser.execute_script(_LAYOUT))
    findings.note("focus", page, browser.execute_script(_FOCUS))
    findings.note("axe", page, browser.execute_async_script(_RUN_AXE, rules, None))
    _judge_colours(browser, "axe", page, findings)
    with _emulating(browser):
        _show_on(browser, _NARROW)
        findings.note("layout", page, browser.execute_script(_LAYOUT))
        _judge_colours(browser, "axe in the dark", page, findings)
        _show_on(browser, _ENLARGED)
        findings.note("layout", page, browser.execute_script(_LAYOUT))


def _judge_colours(browser: Chrome, kind: str, page: str, findings: PageFindings) -> None:
    """Lets axe judge the colours of texts that look like none on the pages before."""
    new = [look for look in browser.execute_script(_LOOKS) if look not in findings.looks]
    findings.looks.update(new)
    if new:
        findings.note(kind, page, browser.execute_async_script(_RUN_AXE, {"runOnly": _COLOURS}, new))


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


def read_logs(browser: Chrome) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Returns what the browser complained of and asked for since it was last asked: kind, id and address."""
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


def faults_of_html(sources: Path) -> str:
    """Returns what html-validate says against the pages in that folder; "" for valid ones."""
    words = ["--config", str(ROOT / "tests/browser/html-validate.config.cjs"), "--formatter", "text"]
    done = subprocess.run(  # noqa: S603 - our own words
        [_NODE_MODULES / ".bin/html-validate", *words, "--max-warnings", "0", sources],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout.replace(f"{sources}/", "") + done.stderr
