"""Orders: their progress, and what keeps letters from being printed, told before anything is issued."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from admin.stores.handouts import Step
from authbridge.storage.models import Role
from tests.factories import make_organiser, make_school
from tests.panel.browsing import Browser, Page
from tests.panel.conftest import Founder, Office


@dataclass
class WhenTold(Executor):
    """Works when the test says so."""

    tasks: list[tuple[Future[Any], Callable[[], Any]]] = field(default_factory=list)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """Takes it on; nobody need wait for it."""
        future: Future[Any] = Future()
        self.tasks.append((future, lambda: fn(*args, **kwargs)))
        return future

    def work(self) -> None:
        """Does all that was taken on."""
        while self.tasks:
            future, task = self.tasks.pop(0)
            future.set_result(task())


@pytest.fixture(name="later")
def hire_somebody() -> WhenTold:
    """Whoever works on the orders."""
    return WhenTold()


@pytest.fixture(name="slow")
def open_slow_office(founder: Founder, later: WhenTold, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A panel whose orders take their time."""
    monkeypatch.setattr("admin.issuing._SOON", 0)  # seconds that the page waits for those that do not
    office = founder.open(issuers=later)
    make_school(office.database)
    return office


def order(browser: Browser, count: int = 3) -> Page:
    """Some organisers."""
    return browser.send(browser.get("/schools/ohg/issue"), count=str(count))


def test_a_long_order_shows_its_progress(slow: Office, later: WhenTold) -> None:
    """The page asks again by itself, works without a script, and at the end shows the credentials."""
    browser = slow.browser(Role.CLERK)
    page = order(browser)
    assert page.path.startswith("/credentials/")
    assert page.title == "Please wait"
    progress = page.html.select_one("progress")
    assert progress is not None
    assert (progress["value"], progress["max"]) == ("0", "3")
    assert page.response.headers["Refresh"] == "1"
    assert "Refresh" not in browser.fetch("/").headers
    (handout,) = slow.panel.handouts._handouts.values()  # noqa: SLF001 - as whoever works on it changes it
    handout.done, handout.step = 2, Step.PRINTING
    assert "2 of 3" in browser.get(page.path).text
    later.work()
    page = browser.get(page.path)
    assert page.title == "3 new organisers"
    assert "Refresh" not in page.response.headers


def test_nothing_can_be_taken_before_it_is_ready(slow: Office) -> None:
    """Letters and table are not there yet."""
    browser = slow.browser(Role.CLERK)
    page = order(browser)
    for name in ("letters.pdf", "table.csv"):
        assert browser.fetch(f"{page.path}/{name}").status_code == 410


def test_who_signs_out_meanwhile_sees_them_no_more(slow: Office, later: WhenTold) -> None:
    """They are issued, and wiped: the letter is lost, the way is a new password."""
    browser = slow.browser(Role.CLERK)
    page = order(browser)
    browser.send(page, "/sign-out")
    later.work()
    browser.sign_in(slow.members[Role.CLERK])
    assert browser.get(page.path).status == 410
    assert slow.panel.handouts.owners() == set()


def test_a_quota_that_somebody_else_used_up_issues_nothing(slow: Office, later: WhenTold) -> None:
    """The page says which, and that nothing was issued."""
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
    """The operator's folder, in which a file is broken."""
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "rules.de.md").write_text("x" * 20_000)
    return folder


def test_a_broken_text_is_told_before_anything_is_issued(founder: Founder, texts: Path) -> None:
    """The form stays filled in, the sentence names the file, and the old password lives on."""
    office = founder.open(AUTHBRIDGE_LETTER_DIR=texts)
    make_school(office.database)
    name = make_organiser(office.database).username
    browser = office.browser(Role.CLERK)
    before = office.rows()["organisers"], office.rows()["audit_events"]
    page = order(browser, 2)
    assert page.status == 422
    assert "rules.de.md" in " ".join(page.faults())
    assert page.fields["count"] == "2"
    page = browser.send(browser.get(f"/organisers/{name}/reset"))
    assert page.status == 422
    assert "rules.de.md" in " ".join(page.faults())
    assert (office.rows()["organisers"], office.rows()["audit_events"]) == before
    assert office.rows()["print_jobs"] == []


def test_once_the_text_is_mended_the_same_form_works(founder: Founder, texts: Path) -> None:
    """Without a restart."""
    office = founder.open(AUTHBRIDGE_LETTER_DIR=texts)
    make_school(office.database)
    browser = office.browser(Role.CLERK)
    page = order(browser, 1)
    (texts / "rules.de.md").write_text("# Regeln\n\n- Der Raum hat ein Passwort.\n")
    page = browser.send(page)
    assert page.path.startswith("/credentials/"), page.faults()
    assert browser.fetch(f"{page.path}/letters.pdf").status_code == 200


def test_what_was_issued_is_shown_though_its_letters_are_not_printed(
    founder: Founder, later: WhenTold, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A text that breaks in between: passwords and table are there, with the reason why letters are not."""
    monkeypatch.setattr("admin.issuing._SOON", 0)
    (tmp_path / "texts").mkdir()
    office = founder.open(issuers=later, AUTHBRIDGE_LETTER_DIR=tmp_path / "texts")
    make_school(office.database)
    browser = office.browser(Role.CLERK)
    page = order(browser, 1)
    (tmp_path / "texts" / "rules.de.md").write_text("x" * 20_000)
    later.work()
    page = browser.get(page.path)
    assert len(page.html.select(".secrets tbody tr")) == 1
    assert "rules.de.md" in page.text
    links = list(page.links())
    assert f"{page.path}/table.csv" in links
    assert f"{page.path}/letters.pdf" not in links
    assert browser.fetch(f"{page.path}/letters.pdf").status_code == 404
