"""If storage fails, pages say so, forms keep their input, nothing is half done, and nobody gets in."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from authbridge.storage.models import Role
from tests.panel.views.test_schools import TYPED
from tests.support.factories import make_code, make_organiser, make_school
from tests.support.panel.browser import Browser
from tests.support.panel.staffed_panel import StaffedPanel

_NO_PATIENCE = 20  # milliseconds for a lock, instead of the seconds of production


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel) -> Browser:
    """Opens a clerk's browser; there is a school, and the database waits 20 ms for a lock."""
    make_school(panel.database, "abc", "Abc-Schule")
    panel.database.engine.dispose()

    @event.listens_for(panel.database.engine, "connect")
    def lose_patience(connection: Any, _record: Any) -> None:  # noqa: ANN401
        connection.execute(f"PRAGMA busy_timeout = {_NO_PATIENCE}")

    return panel.browser(Role.CLERK)


@contextmanager
def another_writer(panel: StaffedPanel) -> Iterator[None]:
    """Holds the write lock of the database."""
    connection = sqlite3.connect(panel.database.file or "", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


@contextmanager
def failing(panel: StaffedPanel, statement: str) -> Iterator[None]:
    """Makes every such statement fail, as a broken disk would."""

    def fail(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:  # noqa: ANN401
        if sql.startswith(statement):
            message = "disk I/O error"
            raise sqlite3.OperationalError(message)

    event.listen(panel.database.engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        event.remove(panel.database.engine, "before_cursor_execute", fail)


@pytest.mark.parametrize("after", [0, 60])
def test_a_form_keeps_what_was_typed(panel: StaffedPanel, browser: Browser, after: int) -> None:
    """The form comes back with 503 and its input, also after a minute."""
    form = browser.get("/schools/add")
    panel.clock.advance(seconds=after)
    with another_writer(panel):
        page = browser.send(form, **TYPED)
    assert page.status == 503
    assert page.fields["name"] == TYPED["name"]
    assert page.fields["mailbox"] == TYPED["mailbox"]
    assert page.errors()
    assert len(panel.rows()["schools"]) == 1
    assert browser.send(page).path == "/schools/ohg", "the same form, sent again"


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_sentence_is_plain(panel: StaffedPanel, browser: Browser, language: str) -> None:
    """The sentence says in the page's language what to do; the details are for the log."""
    browser.headers["Accept-Language"] = language
    with another_writer(panel):
        page = browser.send(browser.get("/schools/add"), **TYPED)
    (sentence,) = page.errors()
    assert ("Bitte" if language == "de" else "Please") in sentence
    assert "database is locked" not in sentence


@pytest.mark.parametrize("after", [0, 60])
def test_nothing_is_issued(panel: StaffedPanel, browser: Browser, after: int) -> None:
    """Nothing is issued, and the page leads back to the form."""
    form = browser.get("/schools/abc/issue")
    before = panel.rows()["audit_events"]
    panel.clock.advance(seconds=after)
    with another_writer(panel):
        page = browser.send(form, count="3", valid_until="2026-12-24")
    rows = panel.rows()
    assert (rows["organisers"], rows["print_jobs"], rows["audit_events"]) == ([], [], before)
    assert not page.html.select(".secrets")
    assert page.title in {"That did not work", "Issue access"}, page.title
    assert page.title == "Issue access" or "/schools/abc/issue" in set(page.links())


def test_an_old_password_lives_on(panel: StaffedPanel, browser: Browser) -> None:
    """A failed reset leaves the old password valid."""
    name = make_organiser(panel.database, "abc").username
    form = browser.get(f"/organisers/{name}/reset")
    before = panel.rows()["organisers"]
    with failing(panel, "UPDATE organisers"):
        page = browser.send(form)
    assert panel.rows()["organisers"] == before
    assert not page.html.select(".secrets")
    assert page.title == "That did not work", page.text


@pytest.mark.parametrize(
    "statement", ["INSERT INTO audit_events", "INSERT INTO print_jobs", "INSERT INTO organisers"]
)
def test_an_order_is_carried_out_whole_or_not_at_all(
    panel: StaffedPanel, browser: Browser, statement: str
) -> None:
    """Whichever statement fails, nothing is issued."""
    with failing(panel, statement):
        page = browser.send(browser.get("/schools/abc/issue"), count="2")
    rows = panel.rows()
    assert (rows["organisers"], rows["print_jobs"]) == ([], [])
    assert not page.html.select(".secrets")


def test_a_change_that_was_made_is_not_called_undone(panel: StaffedPanel, browser: Browser) -> None:
    """If only the flash cannot be stored, no page says that nothing was changed."""
    name = make_organiser(panel.database, "abc").username
    page = browser.get(f"/organisers/{name}")
    with failing(panel, "UPDATE staff_sessions SET notices"):
        page = browser.send(page, f"/organisers/{name}/suspend")
    assert len(panel.rows()["suspensions"]) == 1
    assert "nothing was changed" not in page.text, page.text


def test_pages_can_be_read_while_nothing_can_be_written(panel: StaffedPanel, browser: Browser) -> None:
    """Pages open although the session's last use cannot be written."""
    panel.clock.advance(seconds=60)
    with another_writer(panel):
        assert browser.get("/schools/abc").status == 200


def test_without_storage_every_page_is_readable(panel: StaffedPanel, browser: Browser) -> None:
    """Every page is a 503 with a title, a sentence and an id, signed in or not."""
    stranger = panel.browser()
    form = stranger.get("/sign-in")
    with failing(panel, "SELECT"):
        pages = [browser.get(path) for path in ("/", "/schools", "/account", "/staff")]
        pages.append(stranger.send(form, name="clerk-anna", password=panel.members[Role.CLERK].password))
    for page in pages:
        assert page.status == 503
        assert page.title
        assert page.html.find("html") is not None
    assert all(page.html.select(".code") for page in pages[:-1]), "the id"
    assert browser.get("/").status == 200, "still signed in, once it is back"


def test_nobody_gets_in_without_storage(panel: StaffedPanel, browser: Browser) -> None:
    """Neither step lets anybody in, and neither calls it a wrong password."""
    assert browser
    anna, stranger = panel.members[Role.CLERK], panel.browser()
    form = stranger.get("/sign-in")
    with another_writer(panel):
        page = stranger.send(form, name=anna.name, password=anna.password)
    assert page.status == 503
    assert "wrong" not in page.text.lower()
    assert stranger.get("/").path.startswith("/sign-in")


def test_a_database_that_is_gone_is_a_page(panel: StaffedPanel, browser: Browser) -> None:
    """The page shows no traceback."""
    panel.database.engine.dispose()
    assert panel.database.file is not None
    panel.database.file.rename(panel.database.file.with_suffix(".away"))
    page = browser.get("/schools")
    assert page.status == 503
    assert "Traceback" not in page.text
    assert "sqlite" not in page.text.lower()


def test_the_report_page_says_so_and_the_code_stays_good(panel: StaffedPanel, browser: Browser) -> None:
    """503 with the number to call, and all that was typed; a minute later the same form blocks."""
    assert browser
    username, code = make_organiser(panel.database, "abc").username, make_code(panel.database, "abc")
    head = panel.browser()
    with another_writer(panel):
        page = head.send(head.get("/report"), code=code, username=username)
    assert (page.status, page.fields["code"]) == (503, code)
    assert "1234 567-0" in page.text
    assert head.send(page).title == f"{username} is blocked"
