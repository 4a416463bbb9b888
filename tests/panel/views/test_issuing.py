"""Orders show their progress, and broken letter texts are reported before anything is issued."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask.typing import ResponseReturnValue

from admin.stores.handouts import Step
from admin.web.responses import page as render_page
from authbridge.storage.models import Role
from tests.support.factories import make_organiser, make_school
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import PanelFactory, StaffedPanel


@dataclass
class WhenTold(Executor):
    """Runs its tasks when the test says so."""

    tasks: list[tuple[Future[Any], Callable[[], Any]]] = field(default_factory=list)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """Queues the task."""
        future: Future[Any] = Future()
        self.tasks.append((future, lambda: fn(*args, **kwargs)))
        return future

    def work(self) -> None:
        """Runs the queued tasks."""
        while self.tasks:
            future, task = self.tasks.pop(0)
            future.set_result(task())


@pytest.fixture(name="later")
def hire_somebody() -> WhenTold:
    """Makes the executor of the orders."""
    return WhenTold()


@pytest.fixture(name="slow")
def open_slow_panel(
    panel_factory: PanelFactory, later: WhenTold, monkeypatch: pytest.MonkeyPatch
) -> StaffedPanel:
    """Opens a panel whose orders take their time."""
    monkeypatch.setattr("admin.issuing._SOON", 0)  # seconds that the page waits for those that do not
    panel = panel_factory.open(issuers=later)
    make_school(panel.database)
    return panel


def order(browser: Browser, count: int = 3) -> Page:
    """Orders new organisers."""
    return browser.send(browser.get("/schools/ohg/issue"), count=str(count))


def test_a_long_order_shows_its_progress(slow: StaffedPanel, later: WhenTold) -> None:
    """A part of the page is asked for again, not the page itself; at the end come the credentials."""
    browser = slow.browser(Role.CLERK)
    page = order(browser)
    assert page.path.startswith("/credentials/")
    assert page.title == "Please wait"
    progress = page.html.select_one("progress")
    assert progress is not None
    assert (progress["value"], progress["max"]) == ("0", "3")
    assert "Refresh" not in page.response.headers, "it would begin to read the page aloud each time"
    assert page.path in page.links(), "without scripts one looks when one likes"
    (part,) = page.html.select("[data-live]")
    assert browser.get(str(part["data-live"])).html.progress is not None
    (handout,) = slow.parts.handouts.all(now=slow.clock())  # its worker changes it
    handout.done, handout.step = 2, Step.PRINTING
    assert "2 of 3" in browser.get(page.path).text
    later.work()
    (part,) = browser.get(str(part["data-live"])).html.select("[data-live]")
    assert (part["data-live"], "data-next" in part.attrs) == ("", True)
    page = browser.get(page.path)
    assert page.title == "3 new organisers"
    assert page.response.headers["Refresh"] == f"600; url={page.path}/over"


def test_passwords_do_not_stay_on_a_screen_that_was_left(slow: StaffedPanel, later: WhenTold) -> None:
    """When they are wiped the page goes by itself, which is no sign that somebody is there."""
    browser = slow.browser(Role.CLERK)
    page = order(browser)
    later.work()
    page = browser.get(page.path)
    seconds, _, over = page.response.headers["Refresh"].partition("; url=")
    slow.clock.advance(seconds=int(seconds))
    gone = browser.get(over)
    assert (gone.status, gone.title) == (410, "These passwords are gone")
    slow.clock.advance(minutes=50)
    assert browser.get("/").path.startswith("/sign-in"), "the hour began with the last click"


def test_an_order_that_is_ready_while_its_page_is_made_is_asked_for_all_the_same(
    slow: StaffedPanel, later: WhenTold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker goes on meanwhile; a page that does not ask any more would show the progress for ever."""
    browser = slow.browser(Role.CLERK)
    page = order(browser)

    def render_late(template: str, **context: Any) -> ResponseReturnValue:  # noqa: ANN401
        later.work()
        return render_page(template, **context)

    monkeypatch.setattr("admin.views.credentials.page", render_late)
    page = browser.get(page.path)
    assert page.title == "Please wait"
    (part,) = page.html.select("[data-live]")
    assert part["data-live"]


def test_nothing_can_be_taken_before_it_is_ready(slow: StaffedPanel) -> None:
    """Letters and table are closed until the order is ready."""
    browser = slow.browser(Role.CLERK)
    page = order(browser)
    for name in ("letters.pdf", "table.csv", "letters.zip", "letters/ohg-kwtx.pdf"):
        assert browser.fetch(f"{page.path}/{name}").status_code == 410


def test_who_signs_out_meanwhile_sees_them_no_more(slow: StaffedPanel, later: WhenTold) -> None:
    """Credentials of a session that ended meanwhile are issued and wiped; a reset makes new ones."""
    browser = slow.browser(Role.CLERK)
    page = order(browser)
    browser.send(page, "/sign-out")
    later.work()
    browser.sign_in(slow.members[Role.CLERK])
    assert browser.get(page.path).status == 410
    assert slow.parts.handouts.all(now=slow.clock()) == []


def test_a_quota_that_somebody_else_used_up_issues_nothing(slow: StaffedPanel, later: WhenTold) -> None:
    """The page names the quota, and nothing was issued."""
    browser = slow.browser(Role.CLERK)
    page = order(browser, 50)
    make_organiser(slow.database)
    later.work()
    page = browser.get(page.path)
    assert page.title == "That did not work"
    assert "1 of the 50 accounts" in page.text
    assert len(slow.rows()["organisers"]) == 1


@pytest.fixture(name="texts")
def make_letter_texts(tmp_path: Path) -> Path:
    """Makes the operator's folder with a broken file."""
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "rules.de.md").write_text("x" * 20_000)
    return folder


def test_a_broken_text_is_told_before_anything_is_issued(panel_factory: PanelFactory, texts: Path) -> None:
    """The form keeps its input, the error names the file, and the old password stays valid."""
    panel = panel_factory.open(AUTHBRIDGE_LETTER_DIR=texts)
    make_school(panel.database)
    name = make_organiser(panel.database).username
    browser = panel.browser(Role.CLERK)
    before = panel.rows()["organisers"], panel.rows()["audit_events"]
    page = order(browser, 2)
    assert page.status == 422
    assert "rules.de.md" in " ".join(page.errors())
    assert page.fields["count"] == "2"
    page = browser.send(browser.get(f"/organisers/{name}/reset"))
    assert page.status == 422
    assert "rules.de.md" in " ".join(page.errors())
    assert (panel.rows()["organisers"], panel.rows()["audit_events"]) == before
    assert panel.rows()["print_jobs"] == []


def test_once_the_text_is_mended_the_same_form_works(panel_factory: PanelFactory, texts: Path) -> None:
    """The same form works once the text is repaired, without a restart."""
    panel = panel_factory.open(AUTHBRIDGE_LETTER_DIR=texts)
    make_school(panel.database)
    browser = panel.browser(Role.CLERK)
    page = order(browser, 1)
    (texts / "rules.de.md").write_text("# Regeln\n\n- Der Raum hat ein Passwort.\n")
    page = browser.send(page)
    assert page.path.startswith("/credentials/"), page.errors()
    assert browser.fetch(f"{page.path}/letters.pdf").status_code == 200


def test_what_was_issued_is_shown_though_its_letters_are_not_printed(
    panel_factory: PanelFactory, later: WhenTold, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """If the text breaks in between, passwords and table are shown, and why letters are missing."""
    monkeypatch.setattr("admin.issuing._SOON", 0)
    (tmp_path / "texts").mkdir()
    panel = panel_factory.open(issuers=later, AUTHBRIDGE_LETTER_DIR=tmp_path / "texts")
    make_school(panel.database)
    browser = panel.browser(Role.CLERK)
    page = order(browser, 1)
    (tmp_path / "texts" / "rules.de.md").write_text("x" * 20_000)
    later.work()
    page = browser.get(page.path)
    assert len(page.html.select(".secrets tbody tr")) == 1
    assert "rules.de.md" in page.text
    links = list(page.links())
    assert f"{page.path}/table.csv" in links
    assert f"{page.path}/letters.pdf" not in links
    name = page.html.select(".secrets .code")[0].get_text(strip=True)
    for file in ("letters.pdf", "letters.zip", f"letters/{name}.pdf"):
        assert browser.fetch(f"{page.path}/{file}").status_code == 404
