"""A form is carried out once, however often and from wherever it is sent."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from admin.session.cookies import SESSION_COOKIE
from admin.stores.idempotent_forms import IdempotentForms, new_idempotency_key
from authbridge.storage.models import Role
from tests.factories import make_organiser, make_school
from tests.panel.browsing import Page
from tests.panel.conftest import Office
from tests.panel.test_schools import TYPED

KEY = ("session", "idempotency_key")
AT_ONCE = 4


def send_at_once(office: Office, page: Page, **typed: str) -> set[str]:
    """The same form from several tabs of one browser at the same time; where they are led to."""
    browsers = [office.browser() for _ in range(AT_ONCE)]
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


def test_a_school_is_added_once(office: Office) -> None:
    """The second click is led where the first one was, without a fault."""
    browser = office.browser(Role.CLERK)
    form = browser.get("/schools/add")
    assert [browser.send(form, **TYPED).path for _ in range(3)] == ["/schools/ohg"] * 3
    assert len(office.rows()["schools"]) == 1


def test_accounts_are_issued_once(office: Office) -> None:
    """Both clicks show the same credentials."""
    make_school(office.database)
    browser = office.browser(Role.CLERK)
    form = browser.get("/schools/ohg/issue")
    first, second = browser.send(form, count="2"), browser.send(form, count="2")
    assert first.path == second.path
    assert first.text == second.text
    assert len(office.rows()["organisers"]) == 2


def test_a_password_is_reset_once(office: Office) -> None:
    """The letter that is printed has the password that holds."""
    make_school(office.database)
    name = make_organiser(office.database).username
    browser = office.browser(Role.CLERK)
    form = browser.get(f"/organisers/{name}/reset")
    first = browser.send(form)
    organisers = office.rows()["organisers"]
    assert browser.send(form).path == first.path
    assert office.rows()["organisers"] == organisers


def test_parallel_clicks_issue_once(office: Office) -> None:
    """However close together they come."""
    make_school(office.database)
    page = office.browser(Role.CLERK).get("/schools/ohg/issue")
    assert len(send_at_once(office, page, count="1")) == 1
    assert len(office.rows()["organisers"]) == 1


def test_parallel_clicks_add_once(office: Office) -> None:
    """None of them gets a fault."""
    page = office.browser(Role.CLERK).get("/schools/add")
    assert send_at_once(office, page, **TYPED) == {"/schools/ohg"}


def test_a_form_with_faults_may_be_sent_again(office: Office) -> None:
    """What was not carried out is not counted."""
    browser = office.browser(Role.CLERK)
    form = browser.get("/schools/add")
    assert browser.send(form, **(TYPED | {"quota": "x"})).status == 422
    assert browser.send(form, **TYPED).path == "/schools/ohg"


def test_another_copy_of_the_form_is_another_deed(office: Office) -> None:
    """Who opens the page anew wants more of it."""
    make_school(office.database)
    browser = office.browser(Role.CLERK)
    places = {browser.send(browser.get("/schools/ohg/issue"), count="1").path for _ in range(2)}
    assert len(places) == 2
    assert len(office.rows()["organisers"]) == 2


def test_the_nonce_is_the_sessions_own(office: Office) -> None:
    """Nobody is led to what another has done with the same one."""
    make_school(office.database)
    places = set()
    for role in (Role.CLERK, Role.ADMIN):
        browser = office.browser(role)
        places.add(browser.send(browser.get("/schools/ohg/issue"), count="1", idempotency_key="same").path)
    assert len(places) == 2


@pytest.mark.parametrize("fault", [lambda: None, lambda: 1 / 0])
def test_after_a_fault_the_others_do_it_once(fault: Callable[[], None]) -> None:
    """Several clicks of which the first fails: the next one does it, the rest are led to what it did."""
    for _ in range(30):
        click(Clumsy(fault))


def click(clumsy: "Clumsy") -> None:
    """Six clicks at the same time."""
    forms = IdempotentForms()
    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(forms.submit_once, KEY, clumsy.do) for _ in range(6)]
    faults = [future.exception() for future in futures]
    assert not [fault for fault in faults if isinstance(fault, AssertionError)]
    assert clumsy.done == 1


@dataclass
class Clumsy:
    """Somebody who fails the first time, and cannot do two things at once."""

    fault: Callable[[], None]
    done: int = 0
    alone: threading.Lock = field(default_factory=threading.Lock)
    first: threading.Lock = field(default_factory=threading.Lock)

    def do(self) -> str | None:
        """Does it, and says where it can be seen."""
        assert self.alone.acquire(blocking=False), "two at the same time"
        try:
            if self.first.acquire(blocking=False):
                self.fault()
                return None
            self.done += 1
            return "/place"
        finally:
            self.alone.release()


def test_each_nonce_is_another() -> None:
    """128 random bits."""
    assert len({new_idempotency_key() for _ in range(100)}) == 100
