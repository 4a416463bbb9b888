"""Schools on the walk: before the first one, added, listed, changed, and at the end of a school year."""

from collections.abc import Iterator
from datetime import timedelta

from selenium.webdriver.common.by import By

from tests.support.panel_browser import PanelBrowser, PanelServer
from tests.support.panel_pages.gestures import DONE, press, put, tick
from tests.support.panel_pages.sample_schools import LONG_NAME
from tests.support.panel_pages.shown import Shown
from workbench.staff import Member


def before_the_first(panel_browser: PanelBrowser) -> Iterator[Shown]:
    """Yields pages of a panel that has no schools."""
    for name, path in (
        ("overview-first", "/"),
        ("schools-none", "/schools"),
        ("organisers-none", "/organisers"),
        ("statistics-none", "/statistics"),
        ("statistics-no-schools", "/statistics/schools"),
        ("meeting-rules-none", "/meeting-rules"),
        ("server-check-none", "/server-check"),
        ("search-nothing", "/search?q=nirgends"),
    ):
        panel_browser.open(path)
        yield Shown(name)


def adding_one(panel_browser: PanelBrowser, panel_server: PanelServer, admin: Member) -> Iterator[Shown]:
    """Yields a school that is added, and the draft of another after a sign-in in between."""
    panel_browser.open("/schools/add")
    yield Shown("school-add")
    panel_browser.browser.find_element(By.TAG_NAME, "summary").click()
    panel_browser.fill(code="!", mailbox="kein Postfach", quota="viele", trusted_networks="300.1.1.1")
    panel_browser.send()
    yield Shown("school-add-faults", 422)
    panel_browser.fill(
        code="ohg", name=LONG_NAME, mailbox="", quota="300", trusted_networks="2001:db8:12::/48"
    )
    panel_browser.send()
    yield Shown("school-new")

    panel_browser.open("/schools/add")
    panel_browser.fill(code="weg", name="Schule am Weg")
    panel_server.leave_idle(admin, timedelta(minutes=61))
    panel_browser.send()
    yield Shown("sign-in-after-idle-time")
    panel_browser.fill(name=admin.name, password=admin.password)
    panel_browser.send()
    panel_browser.fill(code=admin.recovery_codes[0])
    panel_browser.send()
    yield Shown("school-add-draft")


def pages(panel_browser: PanelBrowser) -> Iterator[Shown]:
    """Yields lists of schools and one in each state, and one that others have changed meanwhile."""
    for name, path in (
        ("schools", "/schools"),
        ("schools-last-page", "/schools?page=2"),
        ("schools-suspended", "/schools?show=suspended"),
        ("schools-not-found", "/schools?q=nirgends"),
        ("school-odd", "/schools/odd"),
        ("school-suspended", "/schools/shut"),
        ("school-long", "/schools/ohg?rows=all"),
        ("school-narrowed", "/schools/ohg?q=nirgends"),
        ("school-full", "/schools/full"),
        ("issue-full", "/schools/full/issue"),
        ("issue-suspended", "/schools/shut/issue"),
        ("school-edit", "/schools/odd/edit"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    put(panel_browser, "revision", "0")
    panel_browser.fill(street="Anderswo 7")
    panel_browser.send()
    yield Shown("school-edit-changed-by-others", 422)
    panel_browser.open("/schools/full")
    press(panel_browser, "form[action$='/schools/full/suspend'] button")
    yield Shown("school-just-suspended")


def school_years(panel_browser: PanelBrowser) -> Iterator[Shown]:
    """Yields the end of a school year, for all schools and for one."""
    for name, path in (("school-year", "/schools/odd/school-year"), ("school-years", "/school-year")):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.send()
    yield Shown("school-years-none-ticked", 422)
    tick(panel_browser, "[name=all_schools]")
    panel_browser.send()
    yield Shown("school-years-foretold")
    panel_browser.send()
    yield Shown("school-years-report")
    panel_browser.open("/schools/odd/school-year")
    tick(panel_browser, "[name=who][value=number]")
    panel_browser.send()
    yield Shown("school-year-wrong", 422)
    panel_browser.fill(count="2")
    tick(panel_browser, "[name=others][value=now]")
    panel_browser.send()
    yield Shown("school-year-foretold")
    panel_browser.send()
    panel_browser.await_element(DONE)
    panel_browser.fetch(f"{panel_browser.path}/letters.pdf")
    press(panel_browser, DONE)
    yield Shown("school-year-report")
