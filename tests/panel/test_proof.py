"""The proof: what became of a click at the meeting servers, seen at once and kept up to date by the page."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime

import pytest

from authbridge.errors import StorageError
from authbridge.revocations import feed
from authbridge.revocations.reports import Contact, NodeReport, note_contact
from authbridge.schools.commands import suspensions
from authbridge.schools.suspendable import ORGANISER
from authbridge.storage.database import Database
from authbridge.storage.models import Role
from tests.factories import ACTOR, make_organiser, make_school
from tests.panel.browsing import Browser, Page
from tests.panel.conftest import Office
from tests.panel.routes import UNATTENDED, routes

SCHOOL = "/schools/ohg"
WAIT = 0.8  # seconds that the panel gives the meeting servers
WITHIN = 0.6  # seconds beside that, on a busy machine
IDLE = 15 * 60


@pytest.fixture(name="name")
def issue_one(office: Office) -> str:
    """One organiser."""
    make_school(office.database)
    return make_organiser(office.database).username


@pytest.fixture(name="browser")
def open_browser(office: Office) -> Browser:
    """A clerk's."""
    return office.browser(Role.CLERK)


def ask(office: Office, node: str, *reports: NodeReport, meetings: dict[str, int] | None = None) -> None:
    """A meeting server asks for more: it has carried out everything so far."""
    with office.database.write_session() as session:
        place = feed.position(session.connection())
        contact = Contact(node, *place, reports, meetings or {})
        note_contact(session, contact, now=office.clock())


def suspend(database: Database, name: str, now: datetime) -> None:
    """Somebody else suspends him, elsewhere."""
    with database.write_session() as session:
        suspensions.suspend(session, ORGANISER, name, reason=None, actor=ACTOR, now=now)


def proof(page: Page) -> str:
    """The line that says it; "" if there is none."""
    line = page.html.select_one(".proof")
    return "" if line is None else " ".join(line.get_text(" ").split())


def states(page: Page) -> list[str]:
    """What the sentences look like: good, quiet, warn or bad."""
    return [str(line["class"][0]) for line in page.html.select(".proof p")]


def asks_again(page: Page) -> str | None:
    """Where the page asks for the line again; None: it is the last word."""
    line = page.html.select_one(".proof[data-live]")
    return None if line is None else str(line["data-live"])


@contextmanager
def carried_out(office: Office, node: str, *reports: NodeReport) -> Iterator[None]:
    """Meanwhile a meeting server carries out whatever is told, as soon as it is."""
    done = threading.Event()

    def follow() -> None:
        _, before = position(office)
        while position(office)[1] == before and not done.is_set():
            time.sleep(0.01)
        ask(office, node, *reports)

    with ThreadPoolExecutor(1) as servers:
        following = servers.submit(follow)
        yield
        done.set()
        following.result()


def position(office: Office) -> tuple[str, int]:
    """How far the feed is."""
    with office.database.read_connection() as connection:
        return feed.position(connection)


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_line_stands_there_at_the_first_paint(
    office: Office, browser: Browser, name: str, language: str
) -> None:
    """Under the name, with everything that ended, where and when; and nothing asks again."""
    browser.headers["Accept-Language"] = language
    ask(office, "prosody-1")
    with carried_out(office, "prosody-1", NodeReport(1, 2, 1, 1)):
        page = browser.press(f"/organisers/{name}", f"/organisers/{name}/suspend")
    clock = office.clock().astimezone(office.panel.config.timezone).strftime("%H:%M:%S")
    assert (
        proof(page)
        == {
            "de": "2 Anmeldungen beendet, 1 Besprechung beendet, gemerkte Anmeldung gelöscht; "
            f"auf 1 von 1 Konferenzservern, {clock}",
            "en": "2 logins ended, 1 meeting ended, remembered login deleted; "
            f"on 1 of 1 meeting servers, {clock}",
        }[language]
    )
    assert asks_again(page) is None


@pytest.mark.parametrize(
    ("counts", "german", "english"),
    [
        ((0, 0, 0), "Niemand war angemeldet", "Nobody was logged in"),
        ((1, 0, 0), "1 Anmeldung beendet", "1 login ended"),
        ((0, 2, 0), "2 Besprechungen beendet", "2 meetings ended"),
        ((0, 0, 1), "gemerkte Anmeldung gelöscht", "remembered login deleted"),
        ((0, 0, 2), "2 gemerkte Anmeldungen gelöscht", "2 remembered logins deleted"),
        (None, "Ausgeführt", "Carried out"),
    ],
)
def test_only_what_there_was_is_said(
    office: Office, name: str, counts: tuple[int, int, int] | None, german: str, english: str
) -> None:
    """And where a server did not count, not that there was nothing."""
    suspend(office.database, name, office.clock())
    ask(office, "prosody-1", *([] if counts is None else [NodeReport(1, *counts)]))
    for language, said in (("de", german), ("en", english)):
        browser = office.browser(Role.AUDITOR)
        browser.headers["Accept-Language"] = language
        assert proof(browser.get(f"/organisers/{name}")).split(";")[0] == said


WAITING = {
    ("de", 1): "1 gemerkte Anmeldung wird automatisch gelöscht, sobald Jitsi wieder antwortet. "
    "Bis dahin lässt sich mit ihr keine Besprechung eröffnen.",
    ("de", 2): "2 gemerkte Anmeldungen werden automatisch gelöscht, sobald Jitsi wieder antwortet. "
    "Bis dahin lässt sich mit ihnen keine Besprechung eröffnen.",
    ("en", 1): "1 remembered login will be deleted automatically as soon as Jitsi answers again. "
    "Until then it opens no meeting.",
    ("en", 2): "2 remembered logins will be deleted automatically as soon as Jitsi answers again. "
    "Until then they open no meeting.",
}


@pytest.mark.parametrize(("language", "count"), WAITING)
def test_a_login_that_waits_is_said_until_it_is_deleted(
    office: Office, browser: Browser, name: str, language: str, count: int
) -> None:
    """In a sentence of its own, on the page of the organiser and of the school; then comes the last word."""
    browser.headers["Accept-Language"] = language
    ask(office, "prosody-1")
    suspend(office.database, name, office.clock())
    ask(office, "prosody-1", NodeReport(1, 1, 0, 0, waiting=count))
    page = browser.get(f"/organisers/{name}")
    assert states(page) == ["quiet", "warn"]
    assert proof(page).startswith(("1 login ended; on 1 of 1", "1 Anmeldung beendet; auf 1 von 1"))
    assert proof(page).endswith(WAITING[language, count])
    place = asks_again(page)
    assert place == f"/organisers/{name}/effect"
    fragment = Page(browser.fetch(place))
    assert (proof(fragment), asks_again(fragment)) == (proof(page), place)

    ask(office, "prosody-1", NodeReport(1, 1, 0, count))
    fragment = Page(browser.fetch(place))
    assert (states(fragment), asks_again(fragment)) == (["good"], None)
    assert "Jitsi" not in proof(fragment)


def test_a_school_whose_logins_wait_asks_again(office: Office, browser: Browser, name: str) -> None:
    """The sentence counts those of all its organisers."""
    other = make_organiser(office.database).username
    with carried_out(
        office, "prosody-1", NodeReport(1, 0, 0, 0, waiting=1), NodeReport(2, 0, 0, 0, waiting=1)
    ):
        browser.press(SCHOOL, f"{SCHOOL}/suspend")
    page = browser.get(SCHOOL)
    assert proof(page).endswith(WAITING["en", 2])
    assert asks_again(page) == f"{SCHOOL}/effect"
    assert all(proof(browser.get(f"/organisers/{each}")).endswith(WAITING["en", 1]) for each in (name, other))


def test_where_a_login_waits_it_is_not_said_that_nobody_was_there(
    office: Office, browser: Browser, name: str
) -> None:
    """And once it turns out that there was none, it is."""
    suspend(office.database, name, office.clock())
    ask(office, "prosody-1", NodeReport(1, 0, 0, 0, waiting=1))
    assert proof(browser.get(f"/organisers/{name}")).startswith("Carried out; on 1 of 1")
    ask(office, "prosody-1", NodeReport(1, 0, 0, 0))
    assert proof(browser.get(f"/organisers/{name}")).startswith("Nobody was logged in; on 1 of 1")


def test_a_click_does_not_wait_for_a_login_that_waits(office: Office, browser: Browser, name: str) -> None:
    """From a list too, where the notice is made of whole sentences."""
    ask(office, "prosody-1")
    ask(office, "prosody-2")
    office.clock.advance(seconds=31)
    ask(office, "prosody-1")
    page = browser.get("/organisers")
    began = time.monotonic()
    with carried_out(office, "prosody-1", NodeReport(1, 1, 0, 0, waiting=1)):
        page = browser.send(page, f"/organisers/{name}/suspend")
    assert time.monotonic() - began < WAIT
    (notice,) = page.notices()
    assert f"{WAITING['en', 1]} No answer from prosody-2; it is made up for" in notice
    assert ".." not in notice


def test_a_line_of_another_day_says_which(office: Office, browser: Browser, name: str) -> None:
    """An hour alone would seem to be of today."""
    suspend(office.database, name, office.clock())
    ask(office, "prosody-1", NodeReport(1, 1, 0, 0))
    day = office.clock().strftime("%-d %b %Y")
    assert day not in proof(browser.get(f"/organisers/{name}"))
    office.clock.advance(days=1)
    ask(office, "prosody-1")
    assert day in proof(office.browser(Role.CLERK).get(f"/organisers/{name}"))


@pytest.mark.parametrize("action", ["suspend", "end-sessions", "expire", "reset"])
def test_a_server_that_does_not_answer_costs_less_than_a_second(
    office: Office, browser: Browser, name: str, action: str
) -> None:
    """Then the page says that it is under way, and asks again."""
    ask(office, "prosody-1")
    path = f"/organisers/{name}"
    page = browser.get(path if action != "reset" else f"{path}/reset")
    began = time.monotonic()
    if action == "expire":
        page = Page(browser.ask("POST", f"{path}/expire", {"csrf_token": browser.token()}))
        assert time.monotonic() - began < WAIT + WITHIN
        page = browser.get(path)
    else:
        page = browser.send(page, None if action == "reset" else f"{path}/{action}")
        assert WAIT <= time.monotonic() - began < WAIT + WITHIN * (3 if action == "reset" else 1)
    assert proof(page) == "The meeting servers are being told."
    assert asks_again(page) == f"{path}/effect"


def test_nobody_waits_for_a_server_that_is_late_or_for_none(
    office: Office, browser: Browser, name: str
) -> None:
    """The line names it instead, and it catches up when it is back."""
    path = f"/organisers/{name}"
    began = time.monotonic()
    page = browser.press(path, f"{path}/suspend")
    assert time.monotonic() - began < WITHIN
    assert "No meeting server has reported yet" in proof(page)
    assert asks_again(page) == f"{path}/effect"
    browser.press(path, f"{path}/reinstate")

    ask(office, "prosody-1")
    ask(office, "prosody-2")
    office.clock.advance(seconds=31)
    ask(office, "prosody-1")
    before = browser.get(path)
    began = time.monotonic()
    with carried_out(office, "prosody-1", NodeReport(3, 1, 0, 0)):
        page = browser.send(before, f"{path}/suspend")
    assert time.monotonic() - began < WITHIN
    assert "1 login ended; on 1 of 2 meeting servers" in proof(page)
    assert "No answer from prosody-2" in proof(page)
    ask(office, "prosody-2", NodeReport(3, 1, 1, 0))
    fragment = Page(browser.fetch(asks_again(page) or ""))
    assert proof(fragment).startswith("2 logins ended, 1 meeting ended; on 2 of 2 meeting servers")
    assert asks_again(fragment) is None


def test_a_school_has_its_line_too(office: Office, browser: Browser, name: str) -> None:
    """Of all its organisers together; each of them has his own."""
    other = make_organiser(office.database).username
    ask(office, "prosody-1")
    with carried_out(office, "prosody-1", NodeReport(1, 1, 1, 0), NodeReport(2, 2, 0, 1)):
        page = browser.press(SCHOOL, f"{SCHOOL}/suspend")
    assert proof(page).startswith("3 logins ended, 1 meeting ended, remembered login deleted; on 1 of 1")
    lines = [proof(browser.get(f"/organisers/{each}")) for each in sorted([name, other])]
    assert [line.partition(" login")[0] for line in lines] == ["1", "2"]


def test_from_a_list_the_notice_says_it(office: Office, browser: Browser, name: str) -> None:
    """There is no line of his own there; on his page it is not said twice."""
    ask(office, "prosody-1")
    with carried_out(office, "prosody-1", NodeReport(1, 2, 0, 0)):
        page = browser.press("/organisers", f"/organisers/{name}/suspend")
    assert page.notices()[0].startswith(f"{name} is suspended. 2 logins ended; on 1 of 1 meeting servers")
    browser.press("/organisers", f"/organisers/{name}/reinstate")
    with carried_out(office, "prosody-1", NodeReport(3, 2, 0, 0)):
        page = browser.press(f"/organisers/{name}", f"/organisers/{name}/suspend")
    assert "logins ended" not in page.notices()[0]


def test_a_new_password_says_whom_it_logged_out(office: Office, browser: Browser, name: str) -> None:
    """Beside the password; and what the page asks by itself leaves the mark that hides it from "back"."""
    ask(office, "prosody-1")
    page = browser.send(browser.get(f"/organisers/{name}/reset"))
    assert page.path.startswith("/credentials/")
    assert asks_again(page) == f"/organisers/{name}/effect"
    mark = "__Host-authbridge-secrets"
    assert browser.cookie(mark)
    assert browser.fetch(asks_again(page) or "").headers.getlist("Set-Cookie") == []
    assert browser.cookie(mark)
    browser.get("/")
    assert browser.cookie(mark) is None


@pytest.mark.parametrize("path", ["/organisers/{name}/effect", f"{SCHOOL}/effect", "/overview/health"])
def test_what_a_page_asks_by_itself_is_no_sign_of_life(
    office: Office, browser: Browser, name: str, path: str
) -> None:
    """The session ends after a quarter of an hour all the same; then nothing is shown any more."""
    wanted = path.format(name=name)
    for _ in range(IDLE // 60 - 1):
        office.clock.advance(seconds=60)
        assert browser.fetch(wanted).status_code == 200
    office.clock.advance(seconds=60)
    answer = browser.fetch(wanted)
    assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/sign-in")
    assert "prosody" not in answer.text


def test_nothing_is_shown_after_the_sign_out(office: Office, browser: Browser, name: str) -> None:
    """To a page that is still open in another window."""
    page = browser.get(f"/organisers/{name}")
    browser.send(page, "/sign-out")
    for path in (f"/organisers/{name}/effect", f"{SCHOOL}/effect", "/overview/health", "/overview/meetings"):
        assert browser.fetch(path).status_code == 303
    assert office.rows()["staff_sessions"] == []


def test_what_a_page_asks_by_itself_takes_no_notice_away(browser: Browser, name: str) -> None:
    """It is for the next page that somebody opens; and nothing is written meanwhile."""
    path = f"/organisers/{name}"
    answer = browser.send_raw(browser.get(path), f"{path}/suspend", follow=False)
    for part in (f"{path}/effect", "/overview/health", "/overview/meetings"):
        assert not Page(browser.fetch(part)).notices()
    assert browser.get(answer.location).notices()[0].startswith(f"{name} is suspended")


def test_the_parts_are_those_that_are_listed(office: Office) -> None:
    """No other view leaves the session alone."""
    views = office.app.view_functions
    unattended = {
        each.endpoint for each in routes(office.app) if hasattr(views[each.endpoint], "panel_unattended")
    }
    assert unattended == UNATTENDED


@pytest.mark.parametrize(
    ("count", "said"), [(0, "Suspend"), (1, "ends 1 running meeting"), (3, "ends 3 running meetings")]
)
def test_the_buttons_say_beforehand_what_they_end(
    office: Office, browser: Browser, name: str, count: int, said: str
) -> None:
    """That of the school those of all its organisers; others' meetings are not counted."""
    make_school(office.database, "abc")
    other = make_organiser(office.database, "abc").username
    ask(office, "prosody-1", meetings={name: count, other: 7} if count else {other: 7})
    for path in (f"/organisers/{name}", SCHOOL):
        page = browser.get(path)
        button = page.form(f"{path}/suspend").find("button")
        assert button is not None
        words = " ".join(button.get_text(" ").split())
        assert said in words, words
        assert "7" not in words
        facts = page.html.select_one(".facts")
        assert facts is not None
        assert f"Meetings right now {count}" in " ".join(facts.get_text(" ").split())


def test_without_a_server_no_number_is_made_up(office: Office, browser: Browser, name: str) -> None:
    """Neither on the buttons nor beside them."""
    ask(office, "prosody-1", meetings={name: 2})
    office.clock.advance(seconds=31)
    for path in (f"/organisers/{name}", SCHOOL):
        page = browser.get(path)
        assert "running meeting" not in page.form(f"{path}/suspend").get_text()
        assert "Meetings right now not known" in " ".join(page.text.split())


def who_is_in(browser: Browser) -> str:
    """What the overview says of it; the same as its part."""
    page = browser.get("/")
    found = page.html.select_one('section[aria-labelledby="meetings-title"]')
    part = Page(browser.fetch("/overview/meetings"))
    assert found is not None
    shown = " ".join(found.get_text(" ").split())
    assert shown == " ".join(part.html.get_text(" ").split())
    return shown


@pytest.mark.parametrize("role", Role)
def test_the_overview_says_who_is_in(office: Office, name: str, role: Role) -> None:
    """Numbers in all and of schools, with the moment; to everybody who may look."""
    browser = office.browser(role)
    assert "nobody knows here which meetings are running" in who_is_in(browser)
    ask(office, "prosody-1")
    assert "No meeting is running." in who_is_in(browser)
    ask(office, "prosody-1", meetings={name: 2, "gone": 1, "": 1})
    clock = office.clock().astimezone(office.panel.config.timezone).strftime("%H:%M:%S")
    shown = who_is_in(browser)
    assert shown.startswith("Meetings right now 4 Otto-Hahn-Gymnasium 2")
    assert clock in shown
    assert name not in shown
    office.clock.advance(seconds=31)
    assert "nobody knows" in who_is_in(browser)


@pytest.mark.parametrize("role", Role)
def test_a_silent_server_turns_the_overview_red(office: Office, role: Role) -> None:
    """In colour, by a sign and in words; the management can forget it, nobody else sees that button."""
    ask(office, "prosody-1")
    ask(office, "prosody-2")
    office.clock.advance(seconds=31)
    ask(office, "prosody-1")
    browser = office.browser(role)
    for page in (browser.get("/"), Page(browser.fetch("/overview/health"))):
        rows = {"prosody-1": "", "prosody-2": ""}
        for node in rows:
            (row,) = [each for each in page.html.select(".health li") if node in each.get_text()]
            rows[node] = " ".join(row.get("class") or []) + row.get_text(" ")
        assert rows["prosody-1"].startswith("ok")
        assert rows["prosody-2"].startswith("bad")
        assert "not working" in rows["prosody-2"]
        assert ("/nodes/forget" in page.actions()) == (role is Role.ADMIN)


def test_a_server_that_is_gone_is_forgotten(office: Office, name: str) -> None:
    """With a line in the audit; then nobody waits for it, and if it comes back it is there again."""
    suspend(office.database, name, office.clock())
    ask(office, "prosody-1", NodeReport(1, 1, 0, 0))
    ask(office, "prosody-2")
    office.clock.advance(seconds=31)
    admin = office.browser(Role.ADMIN)
    ask(office, "prosody-1")
    page = admin.press("/", "/nodes/forget")
    assert (page.path, page.notices()[0].partition(".")[0]) == (
        "/",
        "The meeting server prosody-2 is forgotten",
    )
    assert "/nodes/forget" not in page.actions()
    assert "on 1 of 1 meeting servers" in proof(admin.get(f"/organisers/{name}"))
    event = office.rows()["audit_events"][-1]
    assert event[2:5] == ("staff:admin-anna", "node:forget", "prosody-2")
    again = admin.ask("POST", "/nodes/forget", {"csrf_token": admin.token(), "node": "prosody-2"})
    assert again.status_code == 404
    ask(office, "prosody-2")
    assert "prosody-2" in admin.get("/").text


def test_a_deed_is_done_although_its_outcome_cannot_be_read(
    browser: Browser, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Storage that fails after it is no reason to say that nothing was changed."""

    def fail(*_: object, **__: object) -> None:
        message = "disk I/O error"
        raise StorageError(message)

    path = f"/organisers/{name}"
    before = browser.get(path)
    monkeypatch.setattr("admin.effects.await_effect", fail)
    page = browser.send(before, f"{path}/suspend")
    assert page.notices()[0].startswith(f"{name} is suspended")


def test_late_is_late_after_half_a_minute(office: Office, browser: Browser, name: str) -> None:
    """A server that asks and does not carry out is named too."""
    ask(office, "prosody-1")
    epoch, last = position(office)
    suspend(office.database, name, office.clock())
    office.clock.advance(seconds=31)
    with office.database.write_session() as session:
        note_contact(session, Contact("prosody-1", epoch, last), now=office.clock())
    assert proof(browser.get(f"/organisers/{name}")).startswith("No answer from prosody-1")
