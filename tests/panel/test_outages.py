"""When storage fails: clear words, what was typed is kept, nothing is half done, and nobody gets in."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from authbridge.storage.models import Role
from tests.factories import make_organiser, make_school
from tests.panel.browsing import Browser
from tests.panel.conftest import Office
from tests.panel.test_schools import TYPED

_NO_PATIENCE = 20  # milliseconds for a lock, instead of the seconds of production


@pytest.fixture(name="browser")
def open_browser(office: Office) -> Browser:
    """A clerk's, there is a school, and nobody waits long for storage."""
    make_school(office.database, "abc", "Abc-Schule")
    office.database.engine.dispose()

    @event.listens_for(office.database.engine, "connect")
    def lose_patience(connection: Any, _record: Any) -> None:  # noqa: ANN401
        connection.execute(f"PRAGMA busy_timeout = {_NO_PATIENCE}")

    return office.browser(Role.CLERK)


@contextmanager
def another_writer(office: Office) -> Iterator[None]:
    """Somebody who holds the database and does not let go."""
    connection = sqlite3.connect(office.database.file or "", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


@contextmanager
def failing(office: Office, statement: str) -> Iterator[None]:
    """A disk that fails at this statement."""

    def fail(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:  # noqa: ANN401
        if sql.startswith(statement):
            message = "disk I/O error"
            raise sqlite3.OperationalError(message)

    event.listen(office.database.engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        event.remove(office.database.engine, "before_cursor_execute", fail)


@pytest.mark.parametrize("after", [0, 60])
def test_a_form_keeps_what_was_typed(office: Office, browser: Browser, after: int) -> None:
    """503 with the form as it was; also of somebody who took a minute to fill it in."""
    form = browser.get("/schools/add")
    office.clock.advance(seconds=after)
    with another_writer(office):
        page = browser.send(form, **TYPED)
    assert page.status == 503
    assert page.fields["name"] == TYPED["name"]
    assert page.fields["mailbox"] == TYPED["mailbox"]
    assert page.faults()
    assert len(office.rows()["schools"]) == 1
    assert browser.send(page).path == "/schools/ohg", "the same form, sent again"


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_sentence_is_plain(office: Office, browser: Browser, language: str) -> None:
    """In the language of the page, and about what somebody can do; what it was stands in the log."""
    browser.headers["Accept-Language"] = language
    with another_writer(office):
        page = browser.send(browser.get("/schools/add"), **TYPED)
    (sentence,) = page.faults()
    assert ("Bitte" if language == "de" else "Please") in sentence
    assert "database is locked" not in sentence


@pytest.mark.parametrize("after", [0, 60])
def test_nothing_is_issued(office: Office, browser: Browser, after: int) -> None:
    """The page says so, and leads back to the order."""
    form = browser.get("/schools/abc/issue")
    before = office.rows()["audit_events"]
    office.clock.advance(seconds=after)
    with another_writer(office):
        page = browser.send(form, count="3", valid_until="2026-12-24")
    rows = office.rows()
    assert (rows["organisers"], rows["print_jobs"], rows["audit_events"]) == ([], [], before)
    assert not page.html.select(".secrets")
    assert page.title in {"That did not work", "Issue access"}, page.title
    assert page.title == "Issue access" or "/schools/abc/issue" in set(page.links())


def test_an_old_password_lives_on(office: Office, browser: Browser) -> None:
    """A reset that fails has changed nothing."""
    name = make_organiser(office.database, "abc").username
    form = browser.get(f"/organisers/{name}/reset")
    before = office.rows()["organisers"]
    with failing(office, "UPDATE organisers"):
        page = browser.send(form)
    assert office.rows()["organisers"] == before
    assert not page.html.select(".secrets")
    assert page.title == "That did not work", page.text


@pytest.mark.parametrize(
    "statement", ["INSERT INTO audit_events", "INSERT INTO print_jobs", "INSERT INTO organisers"]
)
def test_an_order_is_carried_out_whole_or_not_at_all(
    office: Office, browser: Browser, statement: str
) -> None:
    """Whatever of it fails."""
    with failing(office, statement):
        page = browser.send(browser.get("/schools/abc/issue"), count="2")
    rows = office.rows()
    assert (rows["organisers"], rows["print_jobs"]) == ([], [])
    assert not page.html.select(".secrets")


def test_a_deed_that_was_done_is_not_called_undone(office: Office, browser: Browser) -> None:
    """Where only the notice about it cannot be stored, no page says that nothing was changed."""
    name = make_organiser(office.database, "abc").username
    page = browser.get(f"/organisers/{name}")
    with failing(office, "UPDATE staff_sessions SET notices"):
        page = browser.send(page, f"/organisers/{name}/suspend")
    assert len(office.rows()["suspensions"]) == 1
    assert "nothing was changed" not in page.text, page.text


def test_pages_can_be_read_while_nothing_can_be_written(office: Office, browser: Browser) -> None:
    """A minute after the last click, too: that somebody is here need not be written down."""
    office.clock.advance(seconds=60)
    with another_writer(office):
        assert browser.get("/schools/abc").status == 200


def test_without_storage_every_page_is_readable(office: Office, browser: Browser) -> None:
    """503 with a title, a sentence and an id; for who is signed in and for who is not."""
    stranger = office.browser()
    form = stranger.get("/sign-in")
    with failing(office, "SELECT"):
        pages = [browser.get(path) for path in ("/", "/schools", "/account", "/staff")]
        pages.append(stranger.send(form, name="clerk-anna", password=office.members[Role.CLERK].password))
    for page in pages:
        assert page.status == 503
        assert page.title
        assert page.html.find("html") is not None
    assert all(page.html.select(".code") for page in pages[:-1]), "the id"
    assert browser.get("/").status == 200, "still signed in, once it is back"


def test_nobody_gets_in_without_storage(office: Office, browser: Browser) -> None:
    """Neither step lets anybody through, and none calls it a wrong password."""
    assert browser
    anna, stranger = office.members[Role.CLERK], office.browser()
    form = stranger.get("/sign-in")
    with another_writer(office):
        page = stranger.send(form, name=anna.name, password=anna.password)
    assert page.status == 503
    assert "wrong" not in page.text.lower()
    assert stranger.get("/").path.startswith("/sign-in")


def test_a_database_that_is_gone_is_a_page(office: Office, browser: Browser) -> None:
    """Not a trace of the program."""
    office.database.engine.dispose()
    assert office.database.file is not None
    office.database.file.rename(office.database.file.with_suffix(".away"))
    page = browser.get("/schools")
    assert page.status == 503
    assert "Traceback" not in page.text
    assert "sqlite" not in page.text.lower()
