"""Errors are readable pages with an id; the log has id and place, and nothing that was typed."""

import logging
import re

import pytest
from sqlalchemy import text
from werkzeug.exceptions import ImATeapot

from admin.session.access import needs, open_to_everybody
from authbridge.errors import ConflictError, NotFoundError, StorageError
from authbridge.staff.permissions import Permission
from authbridge.storage.models import Role
from tests.support.panel.staffed_panel import StaffedPanel

SECRET = "Kanu-Regen-91"
ID = re.compile(r"\b[0-9a-f]{8}\b")


def request_ids(caplog: pytest.LogCaptureFixture) -> list[str | None]:
    """The ids at the ends of the log's lines."""
    return [getattr(record, "request_id", None) for record in caplog.records]


def break_down(panel: StaffedPanel, error: BaseException, *, is_open: bool = False) -> StaffedPanel:
    """Returns the panel with a view that raises the error."""

    def view() -> str:
        raise error

    marked = open_to_everybody(view) if is_open else needs(Permission.READ)(view)
    broken = panel.apart()
    broken.app.add_url_rule("/broken", "broken", marked, methods=["GET"])
    return broken


@pytest.mark.parametrize("error", [ValueError(SECRET), KeyError(SECRET), RuntimeError(f"row: {SECRET}")])
def test_a_bug_is_a_page_with_an_id_that_the_log_has_too(
    panel: StaffedPanel, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the place and the kind; neither has the message, which may quote a person."""
    page = break_down(panel, error).browser(Role.CLERK).get("/broken")
    assert page.status == 500
    assert page.title == "Something went wrong"
    found = ID.search(page.text)
    assert found is not None
    assert request_ids(caplog) == [found[0]]
    assert f"{type(error).__name__} at " in caplog.text
    assert re.search(r"test_error_pages\.py:\d+", caplog.text)
    for told in (page.response.get_data(as_text=True), caplog.text):
        assert SECRET not in told
        assert "Traceback" not in told


def test_a_bug_before_the_sign_in_is_a_page_too(panel: StaffedPanel) -> None:
    """A bug before the sign-in is a page with an id, too."""
    page = break_down(panel, ValueError(SECRET), is_open=True).browser().get("/broken")
    assert (page.status, page.title) == (500, "Something went wrong")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFoundError("There is no school “%(code)s”.", code="ohg"), 404),
        (ConflictError("There is a school “%(code)s” already.", code="ohg"), 409),
        (StorageError("The database does not answer: disk I/O error."), 503),
        (ImATeapot(), 418),
    ],
)
def test_each_kind_of_error_has_its_status(panel: StaffedPanel, error: Exception, status: int) -> None:
    """Each kind of error has its status, a heading and a sentence."""
    page = break_down(panel, error).browser(Role.CLERK).get("/broken")
    assert page.status == status
    assert page.title
    assert len(page.html.select("main p")) >= 1


def test_an_outage_is_logged_with_its_id(panel: StaffedPanel, caplog: pytest.LogCaptureFixture) -> None:
    """The log has the id of the page, and the details that the page leaves out."""
    broken = break_down(panel, StorageError("The database does not answer: disk I/O error."))
    page = broken.browser(Role.CLERK).get("/broken")
    found = ID.search(page.text)
    assert found is not None
    assert request_ids(caplog) == [found[0]]
    assert "storage: The database does not answer" in caplog.text
    assert "disk I/O" not in page.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/schools/none", 404),
        ("GET", "/static/nothing.css", 404),
        ("GET", "/static/../views/entry.py", 404),
        ("GET", "/static/%2e%2e/panel.py", 404),
        ("POST", "/schools", 405),
        ("DELETE", "/schools/ohg", 405),
        ("GET", "/sign-out", 405),
        ("GET", "/schools/ohg/suspend", 405),
        ("POST", "/schools/add", 400),
    ],
)
def test_what_cannot_be_answered_is_a_page_with_an_id(
    panel: StaffedPanel, method: str, path: str, status: int
) -> None:
    """The page has a link to go on."""
    browser = panel.browser(Role.CLERK)
    answer = browser.ask(method, path)
    text = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert "<h1>" in text
    assert ID.search(text)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/schools", "GET, HEAD, OPTIONS"), ("GET", "/sign-out", "OPTIONS, POST")],
)
def test_what_is_allowed_is_told(panel: StaffedPanel, method: str, path: str, allowed: str) -> None:
    """RFC 9110, section 15.5.6: an answer 405 names the methods that there are."""
    assert panel.browser(Role.CLERK).ask(method, path).headers["Allow"] == allowed


def test_a_missing_page_is_no_line_in_the_log(panel: StaffedPanel, caplog: pytest.LogCaptureFixture) -> None:
    """Scanners would fill the disk with lines, and an address may hold a name."""
    caplog.set_level(logging.INFO)
    browser = panel.browser(Role.CLERK)
    caplog.clear()
    for number in range(20):
        browser.get(f"/anna-mueller-{number}")
    assert "anna-mueller" not in caplog.text


def test_a_form_that_is_too_large_is_refused(panel: StaffedPanel) -> None:
    """A form that is too large is refused before it is read."""
    browser = panel.browser(Role.CLERK)
    fields = {"csrf_token": browser.token(), "name": "x" * 70_000}
    assert browser.ask("POST", "/schools/add", fields).status_code == 413


def test_what_is_no_form_is_refused(panel: StaffedPanel) -> None:
    """JSON and broken bodies are refused, for they have no token."""
    client = panel.browser(Role.CLERK).client
    for kind in ("application/json", "multipart/form-data", "text/plain", "multipart/form-data; boundary=x"):
        answer = client.post(
            "/schools/add", base_url="http://127.0.0.1:8702", data=b'{"a": 1', content_type=kind
        )
        assert answer.status_code == 400, kind


def test_a_session_that_cannot_be_read_is_a_page_with_an_id(
    panel: StaffedPanel, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in the lookup of the session is reported like any other, on a page without the person's name."""
    browser = panel.browser(Role.CLERK)
    with panel.database.write_session() as session:
        session.execute(text("UPDATE staff_sessions SET stage = 'unheard-of'"))
    page = browser.get("/schools")
    assert (page.status, page.title) == (500, "Something went wrong")
    found = ID.search(page.text)
    assert found is not None
    assert request_ids(caplog) == [found[0]]
    assert "clerk-anna" not in page.text
