"""A form is carried out once, however often it is sent."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from admin.session.cookies import SESSION_COOKIE
from admin.stores.idempotent_forms import IdempotentForms, new_idempotency_key
from authbridge.storage.models import Role
from tests.panel.views.test_schools import TYPED
from tests.support.factories import make_organiser, make_school
from tests.support.panel.browser import Page
from tests.support.panel.staffed_panel import StaffedPanel

KEY = ("session", "idempotency_key")
AT_ONCE = 4


def send_at_once(panel: StaffedPanel, page: Page, **typed: str) -> set[str]:
    """Sends the form from several tabs at the same time; returns the paths to which they lead."""
    browsers = [panel.browser() for _ in range(AT_ONCE)]
    for each in browsers:
        each.put_cookie(SESSION_COOKIE, page.response.request.cookies[SESSION_COOKIE])
    start = threading.Barrier(AT_ONCE)

    def send(number: int) -> str:
        start.wait()
        answer = browsers[number].send_raw(page, follow=False, **typed)
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return urlsplit(answer.location).path

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return set(pool.map(send, range(AT_ONCE)))


def test_a_school_is_added_once(panel: StaffedPanel) -> None:
    """The second click leads to the same page, without an error."""
    browser = panel.browser(Role.CLERK)
    form = browser.get("/schools/add")
    assert [browser.send(form, **TYPED).path for _ in range(3)] == ["/schools/ohg"] * 3
    assert len(panel.rows()["schools"]) == 1


def test_accounts_are_issued_once(panel: StaffedPanel) -> None:
    """Both clicks show the same credentials."""
    make_school(panel.database)
    browser = panel.browser(Role.CLERK)
    form = browser.get("/schools/ohg/issue")
    first, second = browser.send(form, count="2"), browser.send(form, count="2")
    assert first.path == second.path
    assert first.text == second.text
    assert len(panel.rows()["organisers"]) == 2


def test_a_password_is_reset_once(panel: StaffedPanel) -> None:
    """Two clicks make one password: the printed one is the valid one."""
    make_school(panel.database)
    name = make_organiser(panel.database).username
    browser = panel.browser(Role.CLERK)
    form = browser.get(f"/organisers/{name}/reset")
    first = browser.send(form)
    organisers = panel.rows()["organisers"]
    assert browser.send(form).path == first.path
    assert panel.rows()["organisers"] == organisers


def test_parallel_clicks_issue_once(panel: StaffedPanel) -> None:
    """Parallel clicks issue once."""
    make_school(panel.database)
    page = panel.browser(Role.CLERK).get("/schools/ohg/issue")
    assert len(send_at_once(panel, page, count="1")) == 1
    assert len(panel.rows()["organisers"]) == 1


def test_parallel_clicks_add_once(panel: StaffedPanel) -> None:
    """Parallel clicks add one school, and none gets an error."""
    page = panel.browser(Role.CLERK).get("/schools/add")
    assert send_at_once(panel, page, **TYPED) == {"/schools/ohg"}


def test_a_form_with_errors_may_be_sent_again(panel: StaffedPanel) -> None:
    """A form with errors may be sent again with the same key."""
    browser = panel.browser(Role.CLERK)
    form = browser.get("/schools/add")
    assert browser.send(form, **(TYPED | {"quota": "x"})).status == 422
    assert browser.send(form, **TYPED).path == "/schools/ohg"


def test_another_copy_of_the_form_is_submitted_again(panel: StaffedPanel) -> None:
    """A form that is opened again has another key, and issues again."""
    make_school(panel.database)
    browser = panel.browser(Role.CLERK)
    places = {browser.send(browser.get("/schools/ohg/issue"), count="1").path for _ in range(2)}
    assert len(places) == 2
    assert len(panel.rows()["organisers"]) == 2


def test_the_key_is_the_sessions_own(panel: StaffedPanel) -> None:
    """The same key in another session is another form."""
    make_school(panel.database)
    places = set()
    for role in (Role.CLERK, Role.ADMIN):
        browser = panel.browser(role)
        places.add(browser.send(browser.get("/schools/ohg/issue"), count="1", idempotency_key="same").path)
    assert len(places) == 2


@pytest.mark.parametrize("failure", [lambda: None, lambda: 1 / 0])
def test_after_a_failure_the_others_submit_once(failure: Callable[[], None]) -> None:
    """If the first of several clicks fails, the next one submits, and the rest follow it."""
    for _ in range(30):
        click(FailsFirst(failure))


def click(fails_first: "FailsFirst") -> None:
    """Submits six times at once."""
    forms = IdempotentForms()
    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(forms.submit_once, KEY, fails_first.do) for _ in range(6)]
    errors = [future.exception() for future in futures]
    assert not [error for error in errors if isinstance(error, AssertionError)]
    assert fails_first.done == 1


@dataclass
class FailsFirst:
    """Fails the first time, and notices parallel calls."""

    failure: Callable[[], None]
    done: int = 0
    alone: threading.Lock = field(default_factory=threading.Lock)
    first: threading.Lock = field(default_factory=threading.Lock)

    def do(self) -> str | None:
        """Submits, and returns the path."""
        assert self.alone.acquire(blocking=False), "two at the same time"
        try:
            if self.first.acquire(blocking=False):
                self.failure()
                return None
            self.done += 1
            return "/place"
        finally:
            self.alone.release()


def test_each_key_is_another() -> None:
    """Each key is another."""
    assert len({new_idempotency_key() for _ in range(100)}) == 100
