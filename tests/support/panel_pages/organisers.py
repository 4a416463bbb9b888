"""Organisers on the walk: one by one, and several at once."""

from collections.abc import Iterator

from selenium.webdriver.common.by import By

from authbridge.clock import utc_now
from authbridge.schools.commands import suspensions
from authbridge.schools.suspendable import ORGANISER
from tests.support.factories import ACTOR
from tests.support.panel_browser import PanelBrowser, PanelServer
from tests.support.panel_pages.gestures import DONE, press, put
from tests.support.panel_pages.sample_schools import PRINT_JOB, Sights
from tests.support.panel_pages.shown import Shown


def pages(panel_browser: PanelBrowser, panel_server: PanelServer, sights: Sights) -> Iterator[Shown]:
    """Yields lists, an organiser in each state, and the active one logged out, suspended and reinstated."""
    for name, path in (
        ("organisers", "/organisers"),
        ("organisers-last-page", "/organisers?page=2"),
        ("organisers-expired", "/organisers?state=expired"),
        ("organisers-not-found", "/organisers?q=nirgends"),
        ("organisers-sorted", "/organisers?sort=valid-until&down=1"),
        ("organiser", f"/organisers/{sights.active}"),
        ("organiser-expired", f"/organisers/{sights.expired}"),
        ("organiser-of-suspended-school", f"/organisers/{sights.of_suspended_school}"),
        ("organiser-waiting", f"/organisers/{sights.waiting}"),
        ("access-to-data", f"/data-protection/accounts/{sights.waiting}"),
        ("organiser-suspended", f"/organisers/{sights.suspended}"),
        ("reset-suspended", f"/organisers/{sights.suspended}/reset"),
        ("validity", f"/organisers/{sights.active}/validity"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    put(panel_browser, "valid_until", "0999-01-01")
    panel_browser.send()
    yield Shown("validity-wrong", 422)
    panel_browser.open(f"/organisers/{sights.active}/delete")
    yield Shown("delete")
    panel_browser.fill(typed="jemand")
    panel_browser.send()
    yield Shown("delete-wrong", 422)

    panel_browser.open(f"/organisers/{sights.active}")
    press(panel_browser, "form[action$='/end-sessions'] button")
    yield Shown("organiser-just-logged-out")
    press(panel_browser, "form[action$='/suspend'] button")
    yield Shown("organiser-just-suspended")
    panel_browser.fill(note="x" * 201)
    press(panel_browser, "form[action$='/suspension'] button")
    yield Shown("organiser-note-too-long", 422)
    panel_browser.open(f"/organisers/{sights.active}")
    press(panel_browser, "form[action$='/reinstate'] button")
    with panel_server.database.write_session() as session:
        suspensions.suspend(session, ORGANISER, sights.active, reason=None, actor=ACTOR, now=utc_now())
    press(panel_browser, "form[action$='/suspend'] button")
    yield Shown("organiser-suspended-before")


def several(panel_browser: PanelBrowser, sights: Sights) -> Iterator[Shown]:
    """Yields actions on several organisers at once, and the print job of some."""
    everybody = "all=1&school=ohg"
    for name, path in (
        ("organisers-expiring", "/organisers?state=expiring&school=odd"),
        ("organisers-waiting", "/organisers?state=waiting"),
        ("print-job", f"/print-jobs/{PRINT_JOB}"),
        ("terms", "/terms"),
        ("hand-out-list", f"/print-jobs/{PRINT_JOB}/hand-out-list"),
        ("several-none", "/selection/suspend"),
        ("several-logout", f"/selection/end-sessions?{everybody}"),
        ("several-end", f"/selection/expire?{everybody}"),
        ("several-reinstate", f"/selection/reinstate?{everybody}"),
        ("several-reset-of-schools", "/selection/reset?all=1&q=o"),
        ("several-gone", f"/selection/suspend?name={sights.suspended}&name=ohg-zzzz"),
        ("several-suspend", f"/selection/suspend?all=1&job={PRINT_JOB}&back=/print-jobs/{PRINT_JOB}"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.send()
    yield Shown("several-just-suspended")
    panel_browser.open("/organisers")
    panel_browser.browser.find_element(By.CSS_SELECTOR, "td.pick input").click()
    yield Shown("several-ticked")
    press(panel_browser, "form#selection button")
    yield Shown("several-extend")
    panel_browser.browser.execute_script("document.querySelector('main [name=valid_until]').value = '';")
    panel_browser.send()
    yield Shown("several-extend-without-a-day", 422)
    panel_browser.open(f"/selection/reset?all=1&job={PRINT_JOB}")
    panel_browser.send()
    panel_browser.await_element(DONE)
    yield Shown("several-new-passwords")
    panel_browser.fetch(f"{panel_browser.path}/letters.pdf")
    press(panel_browser, DONE)
    yield Shown("print-job-of-new-passwords")
