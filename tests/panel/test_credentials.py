"""Credentials are shown once: to the session that made them, ten minutes at most, until somebody is done."""

import csv
import io
from collections.abc import Callable

import pytest
from pypdf import PdfReader

from admin.serving import sweep
from admin.session.cookies import SESSION_COOKIE
from authbridge.staff import commands as staff_commands
from authbridge.storage.models import Role
from tests.factories import ACTOR, make_school
from tests.panel.browsing import Browser, Page
from tests.panel.conftest import Founder, Office

TEN_MINUTES = 600


@pytest.fixture(name="browser")
def open_browser(office: Office) -> Browser:
    """A clerk's, and there is a school."""
    make_school(office.database)
    return office.browser(Role.CLERK)


def issue(browser: Browser, count: int = 1) -> Page:
    """Some new organisers."""
    page = browser.send(browser.get("/schools/ohg/issue"), count=str(count), language="en")
    assert page.path.startswith("/credentials/"), page.text
    return page


def passwords(page: Page) -> list[tuple[str, ...]]:
    """Pairs of login name and password."""
    rows = page.html.select(".secrets tbody tr")
    return [tuple(cell.get_text(strip=True) for cell in row.select(".code")) for row in rows]


def places(page: Page) -> tuple[str, str, str]:
    """Where they can be seen."""
    return page.path, f"{page.path}/letters.pdf", f"{page.path}/table.csv"


def statuses(browser: Browser, page: Page) -> set[int]:
    """How all three places answer."""
    return {browser.fetch(path).status_code for path in places(page)}


def test_page_letters_and_table_agree(browser: Browser) -> None:
    """The same names and passwords; a letter a page; as often as somebody looks."""
    page = issue(browser, 2)
    shown = passwords(page)
    assert passwords(browser.get(page.path)) == shown
    pdf = PdfReader(io.BytesIO(browser.fetch(places(page)[1]).data))
    for sheet, pair in zip(pdf.pages, shown, strict=True):
        text = sheet.extract_text()
        assert all(each in text for each in pair)
    table = browser.fetch(places(page)[2]).data.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(table), delimiter=";"))[1:]
    assert [tuple(row[1:3]) for row in rows] == shown


def test_they_are_the_sessions_own(office: Office, browser: Browser) -> None:
    """Neither a colleague, nor an admin, nor one's own other browser sees them, nor ends them."""
    page = issue(browser)
    others = [office.browser(role) for role in (Role.ADMIN, Role.CLERK)]
    for other in others:
        assert statuses(other, page) == {410}
        other.ask("POST", f"{page.path}/done", {"csrf_token": other.token()})
    assert {office.browser(Role.AUDITOR).fetch(path).status_code for path in places(page)} == {403}
    assert {office.browser().fetch(path).status_code for path in places(page)} == {303}
    assert statuses(browser, page) == {200}


def test_they_live_ten_minutes(office: Office, browser: Browser) -> None:
    """To the second; the page says until when."""
    page = issue(browser)
    assert "09:05" in page.text, page.text
    office.clock.advance(seconds=TEN_MINUTES - 1)
    assert statuses(browser, page) == {200}
    office.clock.advance(seconds=1)
    assert statuses(browser, page) == {410}


def press_done(office: Office, browser: Browser, page: Page) -> None:  # noqa: ARG001 - one of several ends
    """Somebody is done."""
    assert browser.send(page, f"{page.path}/done").path == "/schools/ohg"


def sign_out_and_in(office: Office, browser: Browser, page: Page) -> None:
    """Somebody goes, and comes back."""
    browser.send(page, "/sign-out")
    browser.sign_in(office.members[Role.CLERK])


def suspend_her(office: Office, browser: Browser, page: Page) -> None:  # noqa: ARG001
    """Her session ends from elsewhere; she comes back."""
    now = office.clock()
    with office.database.write_session() as session:
        staff_commands.suspend_staff(session, "clerk-anna", actor=ACTOR, now=now)
    sweep(office.panel)
    with office.database.write_session() as session:
        staff_commands.reinstate_staff(session, "clerk-anna", actor=ACTOR, now=now)
    browser.sign_in(office.members[Role.CLERK])


def let_it_idle(office: Office, browser: Browser, page: Page) -> None:  # noqa: ARG001
    """Nobody is there for a quarter of an hour."""
    office.clock.advance(minutes=15)
    browser.sign_in(office.members[Role.CLERK])


@pytest.mark.parametrize("end", [press_done, sign_out_and_in, suspend_her, let_it_idle])
def test_whatever_ends_them_wipes_them(
    office: Office, browser: Browser, end: Callable[[Office, Browser, Page], None]
) -> None:
    """Page, reload, letters and table say that they are gone, and what to do; memory has them no more."""
    page = issue(browser)
    ((_name, password),) = passwords(page)
    (handout,) = office.panel.handouts._handouts.values()  # noqa: SLF001 - what is held in memory
    end(office, browser, page)
    for path in places(page):
        gone = browser.get(path)
        assert (gone.status, gone.title) == (410, "These passwords are gone")
        assert "Letter lost means: new password" in gone.text
        assert password not in gone.text
    sweep(office.panel)
    assert (handout.credentials, handout.pdf, office.panel.handouts.owners()) == ([], None, set())


def test_a_restart_wipes_them(office: Office, browser: Browser, founder: Founder) -> None:
    """The session goes on, the passwords do not."""
    page = issue(browser)
    restarted = founder.open(clock=office.clock)
    again = restarted.browser()
    again.put_cookie(SESSION_COOKIE, browser.cookie(SESSION_COOKIE) or "")
    assert again.get("/schools").path == "/schools", "still signed in"
    assert statuses(again, page) == {410}


def test_the_sweep_leaves_what_is_still_looked_at(office: Office, browser: Browser) -> None:
    """It wipes what is over, and nothing else."""
    page = issue(browser)
    sweep(office.panel)
    assert statuses(browser, page) == {200}
    office.clock.advance(seconds=TEN_MINUTES)
    sweep(office.panel)
    assert office.panel.handouts.owners() == set()


def test_done_lets_the_browser_forget(browser: Browser) -> None:
    """The page may not be stored; a cookie that the next answer takes away drops it from "back"."""
    page = issue(browser)
    assert page.response.headers["Cache-Control"] == "no-store"
    (shown,) = page.response.headers.getlist("Set-Cookie")
    assert "HttpOnly" in shown
    answer = browser.send_raw(page, f"{page.path}/done", follow=False)
    (gone,) = answer.headers.getlist("Set-Cookie")
    assert gone.partition("=")[0] == shown.partition("=")[0]
    assert "Max-Age=0" in gone
    assert browser.get("/schools/ohg").notices()[0].startswith("Done. The passwords are wiped")


def test_several_orders_stand_side_by_side(browser: Browser) -> None:
    """Done with one is not done with the other."""
    first, second = issue(browser), issue(browser)
    browser.send(first, f"{first.path}/done")
    assert statuses(browser, first) == {410}
    assert statuses(browser, second) == {200}


@pytest.mark.parametrize("handout", ["x", "%00", "..", "a" * 500])
def test_what_never_was_is_gone_too(browser: Browser, handout: str) -> None:
    """Nobody learns which orders there were."""
    assert browser.fetch(f"/credentials/{handout}").status_code in {404, 410}
    assert browser.fetch(f"/credentials/{handout}/table.csv").status_code in {404, 410}
