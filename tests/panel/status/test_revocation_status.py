"""The page shows at once, and keeps up to date, how far the meeting servers are with a revocation."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime

import pytest

from authbridge.errors import StorageError
from authbridge.letters import paper
from authbridge.revocations import feed
from authbridge.revocations.reports import Contact, NodeReport, note_contact
from authbridge.schools.commands import suspensions
from authbridge.schools.suspendable import ORGANISER
from authbridge.storage.database import Database
from authbridge.storage.models import Role
from tests.support.factories import ACTOR, make_organiser, make_school
from tests.support.panel.browser import Browser, Page
from tests.support.panel.routes import UNATTENDED, routes
from tests.support.panel.staffed_panel import StaffedPanel

SCHOOL = "/schools/ohg"
WAIT = 0.8  # seconds that the panel gives the meeting servers
WITHIN = 0.6  # seconds beside that, on a busy machine
IDLE = 60 * 60


@pytest.fixture(name="name")
def issue_one(panel: StaffedPanel) -> str:
    """Issues one organiser."""
    make_school(panel.database)
    return make_organiser(panel.database).username


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel) -> Browser:
    """Opens a clerk's browser."""
    return panel.browser(Role.CLERK)


def ask(panel: StaffedPanel, node: str, *reports: NodeReport, meetings: dict[str, int] | None = None) -> None:
    """Lets a meeting server ask for more: it has carried out everything so far."""
    with panel.database.write_session() as session:
        place = feed.position(session.connection())
        contact = Contact(node, *place, reports, meetings or {})
        note_contact(session, contact, now=panel.clock())


def suspend(database: Database, name: str, now: datetime) -> None:
    """Suspends the organiser from elsewhere."""
    with database.write_session() as session:
        suspensions.suspend(session, ORGANISER, name, reason=None, actor=ACTOR, now=now)


def status_text(page: Page) -> str:
    """Returns the text of the status; "" if there is none."""
    line = page.html.select_one(".revocation")
    return "" if line is None else " ".join(line.get_text(" ").split())


def states(page: Page) -> list[str]:
    """Returns the states of the lines: good, quiet, warn or bad."""
    return [str(line["class"][0]) for line in page.html.select(".revocation p")]


def asks_again(page: Page) -> str | None:
    """Returns where the page polls the status; None if it is final."""
    line = page.html.select_one(".revocation[data-live]")
    return None if line is None else str(line["data-live"])


@contextmanager
def carried_out(panel: StaffedPanel, node: str, *reports: NodeReport) -> Iterator[None]:
    """Lets a meeting server carry out each revocation meanwhile, as soon as it is published."""
    done = threading.Event()

    def follow() -> None:
        _, before = position(panel)
        while position(panel)[1] == before and not done.is_set():
            time.sleep(0.01)
        ask(panel, node, *reports)

    with ThreadPoolExecutor(1) as servers:
        following = servers.submit(follow)
        yield
        done.set()
        following.result()


def position(panel: StaffedPanel) -> tuple[str, int]:
    """Returns the position of the feed."""
    with panel.database.read_connection() as connection:
        return feed.position(connection)


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_line_stands_there_at_the_first_paint(
    panel: StaffedPanel, browser: Browser, name: str, language: str
) -> None:
    """The first page has the status with everything that ended, where and when, and does not poll."""
    browser.headers["Accept-Language"] = language
    ask(panel, "prosody-1")
    with carried_out(panel, "prosody-1", NodeReport(1, 2, 1, 1)):
        page = browser.press(f"/organisers/{name}", f"/organisers/{name}/suspend")
    clock = panel.clock().astimezone(panel.parts.config.timezone).strftime("%H:%M:%S")
    assert (
        status_text(page)
        == {
            "de": "2 Anmeldungen beendet, 1 Besprechung beendet, gemerkte Anmeldung gelöscht; "
            f"auf 1 von 1 Besprechungsservern, {clock}",
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
    panel: StaffedPanel, name: str, counts: tuple[int, int, int] | None, german: str, english: str
) -> None:
    """Only what ended is named; where a server did not count, no number is."""
    suspend(panel.database, name, panel.clock())
    ask(panel, "prosody-1", *([] if counts is None else [NodeReport(1, *counts)]))
    for language, said in (("de", german), ("en", english)):
        browser = panel.browser(Role.AUDITOR)
        browser.headers["Accept-Language"] = language
        assert status_text(browser.get(f"/organisers/{name}")).split(";")[0] == said


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
    panel: StaffedPanel, browser: Browser, name: str, language: str, count: int
) -> None:
    """A remembered login still to be deleted has a sentence of its own until it is deleted."""
    browser.headers["Accept-Language"] = language
    ask(panel, "prosody-1")
    suspend(panel.database, name, panel.clock())
    ask(panel, "prosody-1", NodeReport(1, 1, 0, 0, waiting=count))
    page = browser.get(f"/organisers/{name}")
    assert states(page) == ["quiet", "warn"]
    assert status_text(page).startswith(("1 login ended; on 1 of 1", "1 Anmeldung beendet; auf 1 von 1"))
    assert status_text(page).endswith(WAITING[language, count])
    place = asks_again(page)
    assert place == f"/organisers/{name}/revocation-status"
    fragment = Page(browser.fetch(place))
    assert (status_text(fragment), asks_again(fragment)) == (status_text(page), place)

    ask(panel, "prosody-1", NodeReport(1, 1, 0, count))
    fragment = Page(browser.fetch(place))
    assert (states(fragment), asks_again(fragment)) == (["good"], None)
    assert "Jitsi" not in status_text(fragment)


def test_a_school_whose_logins_wait_asks_again(panel: StaffedPanel, browser: Browser, name: str) -> None:
    """The school's sentence counts the logins of all its organisers."""
    other = make_organiser(panel.database).username
    with carried_out(
        panel, "prosody-1", NodeReport(1, 0, 0, 0, waiting=1), NodeReport(2, 0, 0, 0, waiting=1)
    ):
        browser.press(SCHOOL, f"{SCHOOL}/suspend")
    page = browser.get(SCHOOL)
    assert status_text(page).endswith(WAITING["en", 2])
    assert asks_again(page) == f"{SCHOOL}/revocation-status"
    assert all(
        status_text(browser.get(f"/organisers/{each}")).endswith(WAITING["en", 1]) for each in (name, other)
    )


def test_where_a_login_waits_it_is_not_said_that_nobody_was_there(
    panel: StaffedPanel, browser: Browser, name: str
) -> None:
    """While a login is still to be deleted, "nobody was logged in" is not said."""
    suspend(panel.database, name, panel.clock())
    ask(panel, "prosody-1", NodeReport(1, 0, 0, 0, waiting=1))
    assert status_text(browser.get(f"/organisers/{name}")).startswith("Carried out; on 1 of 1")
    ask(panel, "prosody-1", NodeReport(1, 0, 0, 0))
    assert status_text(browser.get(f"/organisers/{name}")).startswith("Nobody was logged in; on 1 of 1")


@pytest.mark.realtime
def test_a_click_does_not_wait_for_a_login_that_waits(
    panel: StaffedPanel, browser: Browser, name: str
) -> None:
    """A click does not wait for a login that is deleted later."""
    ask(panel, "prosody-1")
    ask(panel, "prosody-2")
    panel.clock.advance(seconds=31)
    ask(panel, "prosody-1")
    page = browser.get("/organisers")
    began = time.monotonic()
    with carried_out(panel, "prosody-1", NodeReport(1, 1, 0, 0, waiting=1)):
        page = browser.send(page, f"/organisers/{name}/suspend")
    assert time.monotonic() - began < WAIT
    (notice,) = page.flashes()
    assert f"{WAITING['en', 1]} No answer from prosody-2; it is made up for" in notice
    assert ".." not in notice


def test_a_line_of_another_day_says_which(panel: StaffedPanel, browser: Browser, name: str) -> None:
    """The status of another day has its date."""
    suspend(panel.database, name, panel.clock())
    ask(panel, "prosody-1", NodeReport(1, 1, 0, 0))
    day = panel.clock().strftime("%-d %b %Y")
    assert day not in status_text(browser.get(f"/organisers/{name}"))
    panel.clock.advance(days=1)
    ask(panel, "prosody-1")
    assert day in status_text(panel.browser(Role.CLERK).get(f"/organisers/{name}"))


@pytest.mark.parametrize("action", ["suspend", "end-sessions", "expire", "reset"])
@pytest.mark.realtime
def test_a_server_that_does_not_answer_costs_less_than_a_second(
    panel: StaffedPanel, browser: Browser, name: str, action: str
) -> None:
    """A silent server costs less than a second; then the page says so, and polls."""
    paper.load()  # as every panel does after its start
    ask(panel, "prosody-1")
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
    assert status_text(page) == "The meeting servers are being told."
    assert asks_again(page) == f"{page.path if action == 'reset' else path}/revocation-status"


@pytest.mark.realtime
def test_nobody_waits_for_a_server_that_is_late_or_for_none(
    panel: StaffedPanel, browser: Browser, name: str
) -> None:
    """A late server is not waited for, but named; it catches up when it is back."""
    path = f"/organisers/{name}"
    began = time.monotonic()
    page = browser.press(path, f"{path}/suspend")
    assert time.monotonic() - began < WITHIN
    assert "No meeting server has reported yet" in status_text(page)
    assert asks_again(page) == f"{path}/revocation-status"
    browser.press(path, f"{path}/reinstate")

    ask(panel, "prosody-1")
    ask(panel, "prosody-2")
    panel.clock.advance(seconds=31)
    ask(panel, "prosody-1")
    before = browser.get(path)
    began = time.monotonic()
    with carried_out(panel, "prosody-1", NodeReport(3, 1, 0, 0)):
        page = browser.send(before, f"{path}/suspend")
    assert time.monotonic() - began < WITHIN
    assert "1 login ended; on 1 of 2 meeting servers" in status_text(page)
    assert "No answer from prosody-2" in status_text(page)
    ask(panel, "prosody-2", NodeReport(3, 1, 1, 0))
    fragment = Page(browser.fetch(asks_again(page) or ""))
    assert status_text(fragment).startswith("2 logins ended, 1 meeting ended; on 2 of 2 meeting servers")
    assert asks_again(fragment) is None


def test_a_school_has_its_line_too(panel: StaffedPanel, browser: Browser, name: str) -> None:
    """A school has a status of all its organisers together; each of them has their own."""
    other = make_organiser(panel.database).username
    ask(panel, "prosody-1")
    with carried_out(panel, "prosody-1", NodeReport(1, 1, 1, 0), NodeReport(2, 2, 0, 1)):
        page = browser.press(SCHOOL, f"{SCHOOL}/suspend")
    assert status_text(page).startswith(
        "3 logins ended, 1 meeting ended, remembered login deleted; on 1 of 1"
    )
    lines = [status_text(browser.get(f"/organisers/{each}")) for each in sorted([name, other])]
    assert [line.partition(" login")[0] for line in lines] == ["1", "2"]


def test_from_a_list_the_flash_says_it(panel: StaffedPanel, browser: Browser, name: str) -> None:
    """From a list, the flash has the status; on the organiser's page it is not said twice."""
    ask(panel, "prosody-1")
    with carried_out(panel, "prosody-1", NodeReport(1, 2, 0, 0)):
        page = browser.press("/organisers", f"/organisers/{name}/suspend")
    assert page.flashes()[0].startswith(f"{name} is suspended. 2 logins ended; on 1 of 1 meeting servers")
    browser.press("/organisers", f"/organisers/{name}/reinstate")
    with carried_out(panel, "prosody-1", NodeReport(3, 2, 0, 0)):
        page = browser.press(f"/organisers/{name}", f"/organisers/{name}/suspend")
    assert "logins ended" not in page.flashes()[0]


def test_a_new_password_says_whom_it_logged_out(panel: StaffedPanel, browser: Browser, name: str) -> None:
    """A new password's page has the status; its polling keeps the cookie that hides it from "back"."""
    ask(panel, "prosody-1")
    page = browser.send(browser.get(f"/organisers/{name}/reset"))
    assert page.path.startswith("/credentials/")
    assert asks_again(page) == f"{page.path}/revocation-status"
    mark = "__Host-authbridge-secrets"
    assert browser.cookie(mark)
    assert browser.fetch(asks_again(page) or "").headers.getlist("Set-Cookie") == []
    assert browser.cookie(mark)
    browser.get("/")
    assert browser.cookie(mark) is None


@pytest.mark.parametrize(
    "path", ["/organisers/{name}/revocation-status", f"{SCHOOL}/revocation-status", "/overview/health"]
)
def test_what_a_page_asks_by_itself_is_no_sign_of_life(
    panel: StaffedPanel, browser: Browser, name: str, path: str
) -> None:
    """Polling does not keep the session: it ends after an hour."""
    wanted = path.format(name=name)
    for _ in range(IDLE // 60 - 1):
        panel.clock.advance(seconds=60)
        assert browser.fetch(wanted).status_code == 200
    panel.clock.advance(seconds=60)
    answer = browser.fetch(wanted)
    assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/sign-in")
    assert "prosody" not in answer.text


def test_nothing_is_shown_after_the_sign_out(panel: StaffedPanel, browser: Browser, name: str) -> None:
    """After the sign-out, polling shows nothing any more."""
    page = browser.get(f"/organisers/{name}")
    browser.send(page, "/sign-out")
    for path in (
        f"/organisers/{name}/revocation-status",
        f"{SCHOOL}/revocation-status",
        "/overview/health",
        "/overview/meetings",
    ):
        assert browser.fetch(path).status_code == 303
    assert panel.rows()["staff_sessions"] == []


def test_what_a_page_asks_by_itself_takes_no_flash_away(browser: Browser, name: str) -> None:
    """Polling takes no flash away, and writes nothing."""
    path = f"/organisers/{name}"
    answer = browser.send_raw(browser.get(path), f"{path}/suspend", follow=False)
    for part in (f"{path}/revocation-status", "/overview/health", "/overview/meetings"):
        assert not Page(browser.fetch(part)).flashes()
    assert browser.get(answer.location).flashes()[0].startswith(f"{name} is suspended")


def test_the_parts_are_those_that_are_listed(panel: StaffedPanel) -> None:
    """The views that do not touch the session are exactly the listed ones."""
    views = panel.app.view_functions
    unattended = {
        each.endpoint for each in routes(panel.app) if hasattr(views[each.endpoint], "panel_unattended")
    }
    assert unattended == UNATTENDED


@pytest.mark.parametrize(
    ("count", "said"), [(0, "Suspend"), (1, "ends 1 running meeting"), (3, "ends 3 running meetings")]
)
def test_the_buttons_say_beforehand_what_they_end(
    panel: StaffedPanel, browser: Browser, name: str, count: int, said: str
) -> None:
    """The buttons say how many meetings they end; others' meetings are not counted."""
    make_school(panel.database, "abc")
    other = make_organiser(panel.database, "abc").username
    ask(panel, "prosody-1", meetings={name: count, other: 7} if count else {other: 7})
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


def test_without_a_server_no_number_is_made_up(panel: StaffedPanel, browser: Browser, name: str) -> None:
    """Without a server, no number of meetings is shown."""
    ask(panel, "prosody-1", meetings={name: 2})
    panel.clock.advance(seconds=31)
    for path in (f"/organisers/{name}", SCHOOL):
        page = browser.get(path)
        assert "running meeting" not in page.form(f"{path}/suspend").get_text()
        assert "Meetings right now not known" in " ".join(page.text.split())


def who_is_in(browser: Browser) -> str:
    """Returns the overview's part about meetings, as it is polled."""
    page = browser.get("/")
    found = page.html.select_one('section[aria-labelledby="meetings-title"]')
    part = Page(browser.fetch("/overview/meetings"))
    assert found is not None
    shown = " ".join(found.get_text(" ").split())
    assert shown == " ".join(part.html.get_text(" ").split())
    return shown


@pytest.mark.parametrize("role", Role)
def test_the_overview_says_who_is_in(panel: StaffedPanel, name: str, role: Role) -> None:
    """The overview has the numbers of meetings, in all and by school, for every role."""
    browser = panel.browser(role)
    assert "nobody knows here which meetings are running" in who_is_in(browser)
    ask(panel, "prosody-1")
    assert "No meeting is running." in who_is_in(browser)
    ask(panel, "prosody-1", meetings={name: 2, "gone": 1, "": 1})
    clock = panel.clock().astimezone(panel.parts.config.timezone).strftime("%H:%M:%S")
    shown = who_is_in(browser)
    assert shown.startswith("Meetings right now 4 Otto-Hahn-Gymnasium 2")
    assert clock in shown
    assert name not in shown
    panel.clock.advance(seconds=31)
    assert "nobody knows" in who_is_in(browser)


@pytest.mark.parametrize("role", Role)
def test_a_silent_server_turns_the_overview_red(panel: StaffedPanel, role: Role) -> None:
    """A silent server has a red tile, the others a line; only the management has a button to forget it."""
    ask(panel, "prosody-1")
    ask(panel, "prosody-2")
    panel.clock.advance(seconds=31)
    ask(panel, "prosody-1")
    browser = panel.browser(role)
    for page in (browser.get("/"), Page(browser.fetch("/overview/health"))):
        (tile,) = [each for each in page.html.select(".health li.bad") if "server" in each.get_text()]
        assert "prosody-2 not working" in " ".join(tile.get_text(" ").split())
        (well,) = page.html.select(".all-well")
        assert " ".join(well.get_text(" ").split()).startswith("In order: Meeting server prosody-1")
        assert ("/nodes/forget" in page.actions()) == (role is Role.ADMIN)


def test_a_server_that_is_gone_is_forgotten(panel: StaffedPanel, name: str) -> None:
    """A forgotten server is in the audit, is not waited for, and may come back."""
    suspend(panel.database, name, panel.clock())
    ask(panel, "prosody-1", NodeReport(1, 1, 0, 0))
    ask(panel, "prosody-2")
    panel.clock.advance(seconds=31)
    admin = panel.browser(Role.ADMIN)
    ask(panel, "prosody-1")
    page = admin.press("/", "/nodes/forget")
    assert (page.path, page.flashes()[0].partition(".")[0]) == (
        "/",
        "The meeting server prosody-2 is forgotten",
    )
    assert "/nodes/forget" not in page.actions()
    assert "on 1 of 1 meeting servers" in status_text(admin.get(f"/organisers/{name}"))
    event = panel.rows()["audit_events"][-1]
    assert event[2:5] == ("staff:admin-anna", "node:forget", "prosody-2")
    again = admin.ask("POST", "/nodes/forget", {"csrf_token": admin.token(), "node": "prosody-2"})
    assert again.status_code == 404
    ask(panel, "prosody-2")
    assert "prosody-2" in admin.get("/").text


def test_a_change_is_made_although_its_status_cannot_be_read(
    browser: Browser, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the status cannot be read, no page says that nothing was changed."""

    def fail(*_: object, **__: object) -> None:
        message = "disk I/O error"
        raise StorageError(message)

    path = f"/organisers/{name}"
    before = browser.get(path)
    monkeypatch.setattr("admin.status.revocation_status.wait_until_applied", fail)
    page = browser.send(before, f"{path}/suspend")
    assert page.flashes()[0].startswith(f"{name} is suspended")


def test_late_is_late_after_half_a_minute(panel: StaffedPanel, browser: Browser, name: str) -> None:
    """A server that asks but does not carry out is late after half a minute."""
    ask(panel, "prosody-1")
    epoch, last = position(panel)
    suspend(panel.database, name, panel.clock())
    panel.clock.advance(seconds=31)
    with panel.database.write_session() as session:
        note_contact(session, Contact("prosody-1", epoch, last), now=panel.clock())
    assert status_text(browser.get(f"/organisers/{name}")).startswith("No answer from prosody-1")
