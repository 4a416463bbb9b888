"""Who guesses at the sign-in waits, hears nothing, and is noted."""

import pytest

from authbridge.models import Role
from tests.panel.browsing import Browser, Page
from tests.panel.conftest import Founder, Office
from tests.support.fakes import CountingHasher


def guess(browser: Browser, name: str, times: int, begin: int = 0) -> list[Page]:
    """So many different passwords, one after the other."""
    page = browser.get("/sign-in")
    pages = []
    for number in range(begin, begin + times):
        page = browser.send(page, name=name, password=f"guess number {number}")
        pages.append(page)
    return pages


def audited(office: Office, action: str) -> list[tuple[object, ...]]:
    """What the audit says of that."""
    return [row for row in office.rows()["audit_events"] if action in row]


def test_after_five_wrong_passwords_one_waits(office: Office) -> None:
    """The sixth is not looked at: 429, and the page says how long."""
    anna = office.members[Role.CLERK]
    browser = office.browser()
    *first, last = guess(browser, anna.name, 6)
    assert [page.status for page in first] == [422] * 5
    assert last.status == 429
    assert "30" in last.faults()[0]
    right = browser.send(last, name=anna.name, password=anna.password)
    assert (right.status, right.path) == (429, "/sign-in")


def test_the_wait_ends_by_itself(office: Office) -> None:
    """After half a minute the right password is looked at again."""
    anna = office.members[Role.CLERK]
    browser = office.browser()
    guess(browser, anna.name, 6)
    office.clock.advance(seconds=31)
    page = browser.send(browser.get("/sign-in"), name=anna.name, password=anna.password)
    assert page.path == "/sign-in/code", page.text


def test_names_of_nobody_wait_alike(office: Office) -> None:
    """Six guesses at somebody and at nobody: page by page the same words and status."""
    known = guess(office.browser(), office.members[Role.CLERK].name, 8)
    unknown = guess(office.browser(), "nobody", 8)
    assert [(page.status, page.faults()) for page in known] == [
        (page.status, page.faults()) for page in unknown
    ]


def test_a_wait_from_elsewhere_does_not_keep_her_out(office: Office) -> None:
    """Whoever guesses from the internet keeps nobody out of the office."""
    anna = office.members[Role.CLERK]
    guesser, browser = office.browser(), office.browser()
    guesser.ip, browser.ip = "192.0.2.66", "198.51.100.1"
    assert guess(guesser, anna.name, 6)[-1].status == 429
    assert browser.sign_in(anna).path == "/"


def test_codes_are_not_guessed_either(office: Office) -> None:
    """The second step waits after five wrong codes, and notes it."""
    anna = office.members[Role.CLERK]
    browser = office.browser()
    page = browser.show_password(anna)
    for number in range(5):
        page = browser.send(page, code=f"00000{number}")
        assert page.status == 422
    page = browser.send(page, code=anna.code_at(office.clock()))
    assert (page.status, page.path) == (429, "/sign-in/code")
    assert audited(office, "staff:guessed")


def test_invitations_are_not_guessed(office: Office) -> None:
    """Neither of somebody who is invited nor of nobody."""
    browser = office.browser()
    page = browser.get("/invitation")
    statuses = []
    for number in range(7):
        page = browser.send(page, name="nobody", code=f"bcdf-ghjk-mnp{number}")
        statuses.append(page.status)
    assert statuses == [422] * 5 + [429] * 2


def test_the_present_password_is_not_guessed(office: Office) -> None:
    """Who finds a browser unlocked cannot try out the password of its owner."""
    browser = office.browser(Role.CLERK)
    page = browser.get("/account/password")
    fresh = "Vier Worte ohne Zusammenhang 7"
    for number in range(6):
        page = browser.send(page, current=f"guess {number}", password=fresh, repeated=fresh)
    assert page.status == 429
    assert fresh not in page.response.get_data(as_text=True)


@pytest.mark.parametrize(
    ("guesses", "hours", "hashed"),
    [(100, 0, 5), (100, 24, 50), pytest.param(1000, 0, 5, marks=pytest.mark.soak)],
)
def test_many_passwords_are_stopped_and_noted(
    founder: Founder, guesses: int, hours: int, hashed: int
) -> None:
    """At once or over a day: few are hashed, and staff are told at whom."""
    hasher = CountingHasher()
    office = founder.open(hasher=hasher)
    anna = office.members[Role.ADMIN]
    guesser = office.browser()
    guesser.ip = "192.0.2.66"
    fields = {"name": anna.name, "csrf_token": guesser.get("/sign-in").fields["csrf_token"]}
    statuses = set()
    for number in range(guesses):
        answer = guesser.ask("POST", "/sign-in", {**fields, "password": f"guess {number}"})
        statuses.add(answer.status_code)
        office.clock.advance(hours=hours / guesses)
    assert statuses == {422, 429}
    assert hasher.checks <= hashed
    (event, *_) = audited(office, "staff:guessed")
    assert anna.name in event
    assert guesser.get("/").path.startswith("/sign-in")
