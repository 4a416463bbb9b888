"""Guessing at the sign-in leads to a lockout, tells nothing, and is noted."""

import pytest

from authbridge.storage.models import Role
from tests.support.fakes import CountingHasher
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import PanelFactory, StaffedPanel


def guess(browser: Browser, name: str, times: int, begin: int = 0) -> list[Page]:
    """Tries ``count`` different passwords, one after the other."""
    page = browser.get("/sign-in")
    pages = []
    for number in range(begin, begin + times):
        page = browser.send(page, name=name, password=f"guess number {number}")
        pages.append(page)
    return pages


def audited(panel: StaffedPanel, action: str) -> list[tuple[object, ...]]:
    """Returns the audit's lines with that action."""
    return [row for row in panel.rows()["audit_events"] if action in row]


def test_after_five_wrong_passwords_one_waits(panel: StaffedPanel) -> None:
    """The sixth guess is not hashed: 429, and the page says how long to wait."""
    anna = panel.members[Role.CLERK]
    browser = panel.browser()
    *first, last = guess(browser, anna.name, 6)
    assert [page.status for page in first] == [422] * 5
    assert last.status == 429
    assert "30" in last.errors()[0]
    right = browser.send(last, name=anna.name, password=anna.password)
    assert (right.status, right.path) == (429, "/sign-in")


def test_the_wait_ends_by_itself(panel: StaffedPanel) -> None:
    """After half a minute the right password is accepted again."""
    anna = panel.members[Role.CLERK]
    browser = panel.browser()
    guess(browser, anna.name, 6)
    panel.clock.advance(seconds=31)
    page = browser.send(browser.get("/sign-in"), name=anna.name, password=anna.password)
    assert page.path == "/sign-in/code", page.text


def test_names_of_nobody_wait_alike(panel: StaffedPanel) -> None:
    """Six guesses at a known and at an unknown name get the same pages and status."""
    known = guess(panel.browser(), panel.members[Role.CLERK].name, 8)
    unknown = guess(panel.browser(), "nobody", 8)
    assert [(page.status, page.errors()) for page in known] == [
        (page.status, page.errors()) for page in unknown
    ]


def test_a_wait_from_elsewhere_does_not_keep_her_out(panel: StaffedPanel) -> None:
    """Guesses from the internet do not lock staff out at their own network."""
    anna = panel.members[Role.CLERK]
    guesser, browser = panel.browser(), panel.browser()
    guesser.ip, browser.ip = "192.0.2.66", "198.51.100.1"
    assert guess(guesser, anna.name, 6)[-1].status == 429
    assert browser.sign_in(anna).path == "/"


def test_codes_are_not_guessed_either(panel: StaffedPanel) -> None:
    """Five wrong codes lock the second step, and are noted."""
    anna = panel.members[Role.CLERK]
    browser = panel.browser()
    page = browser.show_password(anna)
    for number in range(5):
        page = browser.send(page, code=f"00000{number}")
        assert page.status == 422
    page = browser.send(page, code=anna.code_at(panel.clock()))
    assert (page.status, page.path) == (429, "/sign-in/code")
    assert audited(panel, "staff:guessed")


def test_invitations_are_not_guessed(panel: StaffedPanel) -> None:
    """Guesses at an invitation are locked out, for invited and for unknown names."""
    browser = panel.browser()
    page = browser.get("/invitation")
    statuses = []
    for number in range(7):
        page = browser.send(page, name="nobody", code=f"bcdf-ghjk-mnp{number}")
        statuses.append(page.status)
    assert statuses == [422] * 5 + [429] * 2


def test_the_present_password_is_not_guessed(panel: StaffedPanel) -> None:
    """A stranger at an unlocked browser cannot try out its owner's password."""
    browser = panel.browser(Role.CLERK)
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
    panel_factory: PanelFactory, guesses: int, hours: int, hashed: int
) -> None:
    """Of many guesses at once, or over a day, few are hashed, and staff are told."""
    hasher = CountingHasher()
    panel = panel_factory.open(hasher=hasher)
    anna = panel.members[Role.ADMIN]
    guesser = panel.browser()
    guesser.ip = "192.0.2.66"
    fields = {"name": anna.name, "csrf_token": guesser.get("/sign-in").fields["csrf_token"]}
    statuses = set()
    for number in range(guesses):
        answer = guesser.ask("POST", "/sign-in", {**fields, "password": f"guess {number}"})
        statuses.add(answer.status_code)
        panel.clock.advance(hours=hours / guesses)
    assert statuses == {422, 429}
    assert hasher.checks <= hashed
    (event, *_) = audited(panel, "staff:guessed")
    assert anna.name in event
    assert guesser.get("/").path.startswith("/sign-in")
