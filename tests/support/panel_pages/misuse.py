"""Misuse on the walk: blocks by heads of schools, reports by staff, and holds."""

from collections.abc import Iterator

from selenium.webdriver.common.by import By

from authbridge.clock import utc_now
from tests.support.factories import make_code
from tests.support.panel_browser import PanelBrowser, PanelServer
from tests.support.panel_pages.gestures import press
from tests.support.panel_pages.sample_schools import LETTERS, Sights, issue
from tests.support.panel_pages.shown import Shown


def report_page(panel_browser: PanelBrowser) -> Iterator[Shown]:
    """Yields the page on which heads of schools report, before anybody has a code."""
    for name, path, status in (
        ("report-accessibility", "/report/accessibility", 200),
        ("report-imprint", "/report/imprint", 200),
        ("report-gone", "/report/blocked/none", 410),
        ("report-error-404", "/report/nothing", 404),
        ("report", "/report", 200),
    ):
        panel_browser.open(path)
        yield Shown(name, status)
    panel_browser.send()
    yield Shown("report-empty", 422)
    for number in range(5):
        panel_browser.fill(code=f"bbbb-cccc-{number:04}".translate(LETTERS), username="ohg-kwtx")
        panel_browser.send()
    yield Shown("report-wait", 429)


def reports(panel_browser: PanelBrowser, panel_server: PanelServer) -> Iterator[Shown]:
    """Yields what the head of a school blocks, what staff report, and how they close it."""
    database, keyed_hashes = panel_server.database, panel_server.services.keyed_hashes
    panel_browser.open("/misuse")
    yield Shown("misuse-none")
    (username,) = issue(database, "odd", 1)
    codes = [make_code(database, "odd", today=utc_now().date(), keyed_hashes=keyed_hashes) for _ in range(2)]
    panel_browser.open("/report")
    panel_browser.fill(code=codes[0], username="odd-zzzz")
    panel_browser.send()
    yield Shown("report-no-such-name", 422)
    for name, code in (("report-blocked", codes[0]), ("report-blocked-before", codes[1])):
        panel_browser.open("/report")
        panel_browser.fill(code=code, username=username, words="Fremde in der Konferenz der 9b")
        panel_browser.send()
        yield Shown(name)
    for name, path in (
        ("misuse-organiser", f"/organisers/{username}/misuse"),
        ("misuse-school", "/schools/odd/misuse"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.send()
    yield Shown("misuse-school-without-a-name", 422)
    panel_browser.fill(description="Passwort am Brett", happened="heute früh")
    press(panel_browser, "main form.form button:not([name])")
    yield Shown("misuse-just-reported")
    for name, path in (
        ("misuse", "/misuse"),
        ("misuse-by-code", "/misuse/1"),
        ("misuse-school-page", "/schools/odd"),
        ("misuse-overview", "/"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.open("/misuse/1")
    panel_browser.send()
    yield Shown("misuse-close-without-a-result", 422)
    panel_browser.browser.find_element(By.CSS_SELECTOR, "input[name=result]").click()
    panel_browser.send()
    yield Shown("misuse-closed")
    panel_browser.open("/schools/shut/report-codes")
    yield Shown("report-codes-none")
    panel_browser.open("/schools/odd/report-codes")
    yield Shown("report-codes")
    press(panel_browser, "form[action$='/issue'] button")
    yield Shown("report-code")
    panel_browser.open("/schools/odd/report-codes/new/over")
    yield Shown("report-code-over")


def holds(panel_browser: PanelBrowser, sights: Sights) -> Iterator[Shown]:
    """Yields what an admin asks to hold, for an auditor to confirm."""
    panel_browser.open("/holds")
    yield Shown("holds-none")
    panel_browser.open(f"/organisers/{sights.waiting}/hold")
    yield Shown("hold")
    panel_browser.fill(network="überall", days="91")
    panel_browser.send()
    yield Shown("hold-faults", 422)
    panel_browser.fill(network="203.0.113.0/24", days="90", reason="Anzeige bei der Polizei, Aktenzeichen 17")
    panel_browser.send()
    yield Shown("holds-own-request")
    for name, path in (
        ("journal-held", "/journal"),
        ("journal-of-a-hold", "/journal?hold=1"),
        ("overview-unconfirmed-hold", "/"),
    ):
        panel_browser.open(path)
        yield Shown(name)
