"""Credentials are shown to the session that made them, for ten minutes at most, until "Done"."""

import csv
import io
from collections.abc import Callable
from zipfile import ZipFile

import pytest
from pypdf import PdfReader

from admin.serving import sweep
from admin.session.cookies import SESSION_COOKIE
from admin.stores.late_forms import Lateness
from authbridge.staff import commands as staff_commands
from authbridge.storage.models import Role
from tests.support.factories import ACTOR, make_organiser, make_school
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import PanelFactory, StaffedPanel

TEN_MINUTES = 600


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel) -> Browser:
    """Opens a clerk's browser; there is a school."""
    make_school(panel.database)
    return panel.browser(Role.CLERK)


def issue(browser: Browser, count: int = 1) -> Page:
    """Issues new organisers."""
    page = browser.send(browser.get("/schools/ohg/issue"), count=str(count), language="en")
    assert page.path.startswith("/credentials/"), page.text
    return page


def passwords(page: Page) -> list[tuple[str, ...]]:
    """Returns pairs of login name and password."""
    rows = page.html.select(".secrets tbody tr")
    return [tuple(cell.get_text(strip=True) for cell in row.select(".code")) for row in rows]


def places(page: Page) -> tuple[str, ...]:
    """Returns the addresses of the page, the letters, the table, the letters apart, and one letter."""
    ((name, _password), *_others) = passwords(page)
    files = ("letters.pdf", "table.csv", "letters.zip", f"letters/{name}.pdf")
    return page.path, *(f"{page.path}/{file}" for file in files)


def statuses(browser: Browser, page: Page) -> set[int]:
    """Returns the statuses of all these addresses."""
    return {browser.fetch(path).status_code for path in places(page)}


def test_page_letters_and_table_agree(browser: Browser) -> None:
    """Page, letters and table show the same credentials, as often as somebody looks."""
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


def test_each_letter_is_offered_as_a_file_of_its_own(browser: Browser) -> None:
    """Linked beside its password and together in a ZIP; the page says why not to cut the PDF of all."""
    page = issue(browser, 3)
    shown = passwords(page)
    with ZipFile(io.BytesIO(browser.fetch(f"{page.path}/letters.zip").data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert list(files) == [f"{name}.pdf" for name, _password in shown]
    for number, (name, password) in enumerate(shown, start=1):
        address = f"{page.path}/letters/{name}.pdf"
        assert address in page.links()
        answer = browser.fetch(address)
        assert answer.headers["Content-Disposition"].startswith("inline; filename=" + name)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.data == files[f"{name}.pdf"]
        (sheet,) = PdfReader(io.BytesIO(answer.data)).pages
        text = sheet.extract_text()
        assert password in text
        assert f"letter {number} of 3" in text
        assert not [each for each in shown if each[0] != name and (each[0] in text or each[1] in text)]
    assert "if you delete the other pages, their passwords stay in the file" in page.text
    assert browser.fetch(f"{page.path}/letters/ohg-zzzz.pdf").status_code == 404


def test_a_single_letter_needs_no_choice(browser: Browser) -> None:
    """One access has one letter: no ZIP, no second link, no warning."""
    page = issue(browser)
    assert not [link for link in page.links() if "/letters/" in link or link.endswith(".zip")]
    assert "delete the other pages" not in page.text


@pytest.mark.parametrize("form", ["/schools/ohg/issue", "/organisers/{}/reset"])
def test_large_print_is_a_choice(panel: StaffedPanel, browser: Browser, form: str) -> None:
    """On both forms; the letter has a front and a back then, else one page."""
    name = make_organiser(panel.database).username
    for size, sides in (("normal", 1), ("large", 2)):
        page = browser.send(browser.get(form.format(name)), size=size, language="en")
        pdf = PdfReader(io.BytesIO(browser.fetch(f"{page.path}/letters.pdf").data))
        assert len(pdf.pages) == sides
        assert ("page 2 of 2" in pdf.pages[-1].extract_text()) == (sides == 2)


def test_they_are_the_sessions_own(panel: StaffedPanel, browser: Browser) -> None:
    """No other session, not even one's own, sees or wipes the credentials."""
    page = issue(browser)
    others = [panel.browser(role) for role in (Role.ADMIN, Role.CLERK)]
    for other in others:
        assert statuses(other, page) == {410}
        other.ask("POST", f"{page.path}/done", {"csrf_token": other.token()})
    assert {panel.browser(Role.AUDITOR).fetch(path).status_code for path in places(page)} == {403}
    assert {panel.browser().fetch(path).status_code for path in places(page)} == {303}
    assert statuses(browser, page) == {200}


def test_they_live_ten_minutes(panel: StaffedPanel, browser: Browser) -> None:
    """The credentials are shown for ten minutes to the second, as the page says."""
    page = issue(browser)
    assert "09:05" in page.text, page.text
    panel.clock.advance(seconds=TEN_MINUTES - 1)
    assert statuses(browser, page) == {200}
    panel.clock.advance(seconds=1)
    assert statuses(browser, page) == {410}


def press_done(panel: StaffedPanel, browser: Browser, page: Page) -> None:  # noqa: ARG001 - one of several ends
    """Presses "Done"."""
    browser.fetch(places(page)[1])
    assert browser.send(page, f"{page.path}/done").path == "/schools/ohg"


def sign_out_and_in(panel: StaffedPanel, browser: Browser, page: Page) -> None:
    """Signs out, and in again."""
    browser.send(page, "/sign-out")
    browser.sign_in(panel.members[Role.CLERK])


def suspend_her(panel: StaffedPanel, browser: Browser, page: Page) -> None:  # noqa: ARG001
    """Suspends and reinstates the clerk, who signs in again."""
    now = panel.clock()
    with panel.database.write_session() as session:
        staff_commands.suspend_staff(session, "clerk-anna", actor=ACTOR, now=now)
    sweep(panel.parts)
    with panel.database.write_session() as session:
        staff_commands.reinstate_staff(session, "clerk-anna", actor=ACTOR, now=now)
    browser.sign_in(panel.members[Role.CLERK])


def let_it_idle(panel: StaffedPanel, browser: Browser, page: Page) -> None:  # noqa: ARG001
    """Lets the session expire, and signs in again."""
    panel.clock.advance(minutes=60)
    browser.sign_in(panel.members[Role.CLERK])


@pytest.mark.parametrize("end", [press_done, sign_out_and_in, suspend_her, let_it_idle])
def test_whatever_ends_them_wipes_them(
    panel: StaffedPanel, browser: Browser, end: Callable[[StaffedPanel, Browser, Page], None]
) -> None:
    """All addresses say that the credentials are gone; memory holds them no more."""
    page = issue(browser)
    ((_name, password),) = passwords(page)
    (handout,) = panel.parts.handouts.all(now=panel.clock())
    end(panel, browser, page)
    for path in places(page):
        gone = browser.get(path)
        assert (gone.status, gone.title) == (410, "These passwords are gone")
        assert "Letter lost means: new password" in gone.text
        assert password not in gone.text
    sweep(panel.parts)
    assert (handout.credentials, handout.letters, handout.pdf) == ([], [], None)
    assert panel.parts.handouts.all(now=panel.clock()) == []


def test_a_restart_wipes_them(panel: StaffedPanel, browser: Browser, panel_factory: PanelFactory) -> None:
    """A restart wipes the passwords; the session goes on."""
    page = issue(browser)
    restarted = panel_factory.open(clock=panel.clock)
    again = restarted.browser()
    again.put_cookie(SESSION_COOKIE, browser.cookie(SESSION_COOKIE) or "")
    assert again.get("/schools").path == "/schools", "still signed in"
    assert statuses(again, page) == {410}


def test_done_asks_before_passwords_are_lost_that_nobody_has_on_paper(browser: Browser) -> None:
    """None, one or all of the letters were fetched: it says how many are left, and leads back to them."""
    page = issue(browser, 2)
    asked = browser.send(page, f"{page.path}/done")
    assert asked.path == f"{page.path}/wipe"
    assert "Neither the letters nor the table have been opened yet" in asked.text
    assert page.path in asked.links()
    browser.fetch(places(page)[4])
    asked = browser.send(page, f"{page.path}/done")
    assert "For 1 of 2 nobody has opened the letter yet" in asked.text
    assert statuses(browser, page) == {200}, "this fetches all of them"
    assert browser.send(page, f"{page.path}/done").flashes()[0].startswith("Done.")
    assert statuses(browser, page) == {410}


def test_what_is_lost_all_the_same_is_wiped(browser: Browser) -> None:
    """A second press wipes them, for instance letters for the wrong school."""
    page = issue(browser)
    asked = browser.send(page, f"{page.path}/done")
    assert browser.send(asked, None).path == "/schools/ohg"
    assert statuses(browser, page) == {410}


@pytest.mark.parametrize("back", ["/schools/ohg", "/organisers/{name}", "/print-jobs/{job}"])
def test_pages_lead_back_to_what_is_still_shown(panel: StaffedPanel, browser: Browser, back: str) -> None:
    """The school, the organiser and the print job; to the person who made them, and for ten minutes."""
    page = issue(browser)
    job = next(link for link in page.links() if "/print-jobs/" in link).rpartition("/")[2]
    path = back.format(name=passwords(page)[0][0], job=job)
    assert page.path in browser.get(path).links()
    assert page.path not in panel.browser(Role.ADMIN).get(path).links()
    panel.clock.advance(seconds=TEN_MINUTES)
    assert page.path not in browser.get(path).links()


def test_the_sweep_leaves_what_is_still_looked_at(panel: StaffedPanel, browser: Browser) -> None:
    """The sweep wipes expired credentials, and no others."""
    page = issue(browser)
    sweep(panel.parts)
    assert statuses(browser, page) == {200}
    panel.clock.advance(seconds=TEN_MINUTES)
    sweep(panel.parts)
    assert panel.parts.handouts.all(now=panel.clock()) == []


def test_the_sweep_forgets_what_was_sent_late(panel: StaffedPanel, browser: Browser) -> None:
    """Half an hour is half an hour, also where nobody sends another form."""
    page = browser.get("/schools/ohg/edit")
    panel.clock.advance(minutes=61)
    browser.send(page, street="Weg 1")
    sweep(panel.parts)
    now = panel.clock()
    clerk = panel.members[Role.CLERK].name
    assert panel.parts.late_forms.find(clerk, Lateness.SIGNED_OUT, now=now)
    panel.clock.advance(minutes=30)
    sweep(panel.parts)
    assert not panel.parts.late_forms.find(clerk, Lateness.SIGNED_OUT, now=now)
    assert panel.parts.drafts.take(clerk, "/schools/ohg/edit", now=now) is None


def test_done_lets_the_browser_forget(browser: Browser) -> None:
    """The page may not be stored, and a changed cookie keeps it from being shown on "back"."""
    page = issue(browser)
    assert page.response.headers["Cache-Control"] == "no-store"
    (shown,) = page.response.headers.getlist("Set-Cookie")
    assert "HttpOnly" in shown
    (gone,) = browser.fetch(places(page)[1]).headers.getlist("Set-Cookie")
    assert gone.partition("=")[0] == shown.partition("=")[0]
    assert "Max-Age=0" in gone
    browser.send_raw(page, f"{page.path}/done", follow=False)
    assert browser.get("/schools/ohg").flashes()[0].startswith("Done. The passwords are wiped")


def test_several_orders_stand_side_by_side(browser: Browser) -> None:
    """Pressing "Done" for one order leaves the other."""
    first, second = issue(browser), issue(browser)
    browser.fetch(places(first)[1])
    browser.send(first, f"{first.path}/done")
    assert statuses(browser, first) == {410}
    assert statuses(browser, second) == {200}


@pytest.mark.parametrize("handout", ["x", "%00", "..", "a" * 500])
def test_what_never_was_is_gone_too(browser: Browser, handout: str) -> None:
    """An order that never was looks like one that is over."""
    assert browser.fetch(f"/credentials/{handout}").status_code in {404, 410}
    assert browser.fetch(f"/credentials/{handout}/table.csv").status_code in {404, 410}
