"""The journal and the audit: for whom, with which filters, and that each look at the journal is noted."""

from datetime import timedelta
from itertools import pairwise

import pytest

from admin.status.audit_words import ACTIONS, TOPICS
from authbridge.audit import Action
from authbridge.login.alarm_rules import Alarm
from authbridge.storage.models import AuditEvent, LoginAttempt, RejectedAttempts, Role
from tests.support.factories import make_organiser, make_school
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel

IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) Version/17.5 Safari/605.1.15"


@pytest.fixture(name="auditor")
def open_browser(panel: StaffedPanel) -> Browser:
    """Opens an auditor's browser."""
    return panel.browser(Role.AUDITOR)


@pytest.fixture(name="name")
def log_in(panel: StaffedPanel) -> str:
    """Puts a login of each outcome into the journal, a minute apart; returns the login name."""
    make_school(panel.database)
    name = make_organiser(panel.database).username
    minutes = iter(range(1, 100))
    with panel.database.write_session() as session:
        for verdict in ("granted", "refused", "suspended", "expired"):
            session.add(login(panel, next(minutes), organiser_id=1, verdict=verdict))
        session.add(login(panel, next(minutes), unknown_name="x", verdict="refused", ip="2001:db8::7"))
        session.add(
            RejectedAttempts(
                minute=panel.clock() - timedelta(minutes=next(minutes)),
                organiser_id=1,
                pair="p",
                network="198.51.100.7",
                repeated=4,
                locked=2,
                unavailable=0,
            )
        )
    return name


def login(panel: StaffedPanel, minutes_ago: float, **values: object) -> LoginAttempt:
    """Returns a login as the journal has it."""
    usual: dict[str, object] = {"ip": "198.51.100.7", "user_agent": IPAD, "transport": "tcp", "node": "n"}
    at = panel.clock() - timedelta(minutes=minutes_ago)
    return LoginAttempt(at=at, request_id="q", **(usual | values))


def rows(page: Page) -> list[str]:
    """Returns the rows of the list."""
    return [" ".join(row.get_text(" ").split()) for row in page.html.select("main table.list tbody tr")]


def looks(panel: StaffedPanel) -> list[dict[str, str]]:
    """Returns the details of the looks at the journal."""
    with panel.database.read_session() as session:
        found = session.query(AuditEvent).filter_by(action=Action.JOURNAL_LOOK).order_by(AuditEvent.id)
        return [event.detail for event in found]


def test_the_journal_has_each_login_and_the_waits_of_a_minute(auditor: Browser, name: str) -> None:
    """Time, name, what happened, address and browser; unknown names are unknown."""
    assert rows(auditor.get("/journal")) == [
        f"20 Nov 2026, 08:54:00 {name} got in 198.51.100.7 Safari on iPad",
        f"20 Nov 2026, 08:53:00 {name} wrong password 198.51.100.7 Safari on iPad",
        f"20 Nov 2026, 08:52:00 {name} right password, but suspended 198.51.100.7 Safari on iPad",
        f"20 Nov 2026, 08:51:00 {name} right password, but expired 198.51.100.7 Safari on iPad",
        "20 Nov 2026, 08:50:00 unknown no such name 2001:db8::7 Safari on iPad",
        f"20 Nov 2026, 08:49 (this minute) {name} wrong password × 4 had to wait × 2 198.51.100.7 – nothing",
    ]


def test_a_tokens_use_is_told_from_the_login_that_gave_it(
    panel: StaffedPanel, auditor: Browser, name: str
) -> None:
    """One login at the page is one of its own, and a line for each connection of the meeting's page."""
    with panel.database.write_session() as session:
        for minutes, transport in ((0.5, "token"), (0.75, "page")):
            session.add(login(panel, minutes, organiser_id=1, verdict="granted", transport=transport))

    token, page = rows(auditor.get("/journal"))[:2]

    assert f"{name} got in with a token of the login page 198.51.100.7" in token
    assert f"{name} got in 198.51.100.7" in page


@pytest.mark.parametrize(
    ("query", "minutes"),
    [
        ("q={name}", [54, 53, 52, 51, 49]),
        ("q=OHG", [54, 53, 52, 51, 49]),
        ("unknown=yes", [50]),
        ("unknown=yes&q={name}", [50]),
        ("outcome=admitted", [54]),
        ("outcome=wrong-password", [53, 50, 49]),
        ("outcome=waited", [49]),
        ("outcome=busy", []),
        ("outcome=broken-off", [54, 53, 52, 51, 50, 49]),
        ("day=2026-11-20", [54, 53, 52, 51, 50, 49]),
        ("day=2026-11-19", []),
        ("day=2026-02-30&outcome=nonsense", [54, 53, 52, 51, 50, 49]),
        ("q=nobody", []),
    ],
)
def test_the_filters_narrow(auditor: Browser, name: str, query: str, minutes: list[int]) -> None:
    """By name, school, outcome and day; what makes no sense narrows nothing."""
    found = rows(auditor.get(f"/journal?{query.format(name=name)}"))
    assert [int(row.partition("08:")[2][:2]) for row in found] == minutes


def test_older_logins_are_a_link_away_and_none_is_lost(panel: StaffedPanel, auditor: Browser) -> None:
    """Page by page each row stands once, also those of one moment in both tables."""
    with panel.database.write_session() as session:
        for number in range(120):
            session.add(login(panel, number // 40, verdict="refused", ip=f"192.0.2.{number}"))
            session.add(
                RejectedAttempts(
                    minute=panel.clock() - timedelta(minutes=number // 40),
                    pair=str(number),
                    network=f"203.0.113.{number}",
                    repeated=1,
                    locked=0,
                    unavailable=0,
                )
            )
    page, seen = auditor.get("/journal"), []
    while True:
        seen += rows(page)
        older = page.html.select_one("a[rel=next]")
        if older is None:
            break
        page = auditor.get(str(older["href"]))
    assert len(seen) == len(set(seen)) == 240
    times = [row[: len("20 Nov 2026, 08:54")] for row in seen]
    assert all(later >= earlier for later, earlier in pairwise(times))
    assert rows(auditor.get("/journal?after=nonsense")) == rows(auditor.get("/journal"))


def test_a_look_is_noted_once_with_its_filter(panel: StaffedPanel, auditor: Browser, name: str) -> None:
    """Another filter is another look, the same within ten minutes is not; what names nobody is not kept."""
    auditor.get("/journal")
    auditor.get("/journal?after=1-1-1")
    auditor.get(f"/journal?q={name}&day=2026-11-20")
    auditor.get("/journal?q=tulpe-regen")
    assert looks(panel) == [{}, {"q": name, "day": "2026-11-20"}, {"q": "?"}]
    panel.clock.advance(minutes=10)
    auditor.get("/journal")
    assert len(looks(panel)) == 4
    assert "auditor-anna Looked at the journal" in rows(auditor.get("/audit"))[0]


def test_a_clerk_sees_neither_journal_nor_audit(panel: StaffedPanel) -> None:
    """There is no link, and the pages are closed."""
    clerk = panel.browser(Role.CLERK)
    links = set(clerk.get("/").links())
    assert not links & {"/journal", "/audit"}
    assert [clerk.fetch(path).status_code for path in ("/journal", "/audit")] == [403, 403]
    assert looks(panel) == []


def test_an_auditor_finds_both_in_the_menu(auditor: Browser) -> None:
    """Their pages are one click away from the overview."""
    assert {"/journal", "/audit"} <= set(auditor.get("/").links())


def test_the_audit_says_who_did_what(panel: StaffedPanel, auditor: Browser, name: str) -> None:
    """What a clerk did stands there in words, with subject and reason."""
    path = f"/organisers/{name}"
    clerk = panel.browser(Role.CLERK)
    clerk.press(path, f"{path}/suspend")
    clerk.press(path, f"{path}/reinstate")
    found = rows(auditor.get("/audit"))
    assert found[0].startswith(f"20 Nov 2026, 08:55:00 clerk-anna Access reinstated {name}")
    assert found[1].startswith(f"20 Nov 2026, 08:55:00 clerk-anna Access suspended {name}")
    assert any("test (command line) Access issued ohg 1 organiser" in row for row in found)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 5),
        ("actor=alarm", 2),
        ("actor=staff", 1),
        ("actor=cli", 2),
        ("topic=organiser", 2),
        ("q=OHG-XXXX", 2),
        ("q=anna", 1),
        ("month=2026-11", 3),
        ("month=2026-10", 2),
        ("month=2026-13&topic=nothing", 5),
        ("q=192.0.2.1", 1),
        ("q=192.0.2.2", 0),
    ],
)
def test_the_filters_of_the_audit_narrow(
    panel: StaffedPanel, auditor: Browser, query: str, count: int
) -> None:
    """By actor, topic, name and month; an address that should be deleted is not found any more."""
    with panel.database.write_session() as session:
        session.query(AuditEvent).delete()
        for days, actor, action, subject in (
            (0, "staff:anna", "organiser:suspend", "ohg-xxxx"),
            (1, "policy", "network:sprays", "192.0.2.1"),
            (2, "cli:root", "organiser:delete", "ohg-xxxx"),
            (21, "policy", "network:sprays", "192.0.2.2"),
            (31, "cli:root", "school:add", "ohg"),
            (366, "staff:anna", "school:add", "old"),
        ):
            at = panel.clock() - timedelta(days=days)
            session.add(AuditEvent(at=at, actor=actor, action=action, subject=subject, detail={}))
    page = auditor.get(f"/audit?{query}")
    assert len(rows(page)) == count
    assert "192.0.2.2" not in " ".join(rows(page))


def test_older_events_are_a_link_away(panel: StaffedPanel, auditor: Browser) -> None:
    """Page by page each event stands once."""
    with panel.database.write_session() as session:
        session.query(AuditEvent).delete()
        session.add_all(
            AuditEvent(
                at=panel.clock(), actor="cli:x", action="school:add", subject=f"s{number:03}", detail={}
            )
            for number in range(120)
        )
    page = auditor.get("/audit?topic=school")
    seen = rows(page)
    while (older := page.html.select_one("a[rel=next]")) is not None:
        page = auditor.get(str(older["href"]))
        seen += rows(page)
    assert len(seen) == len(set(seen)) == 120


def test_every_action_and_alarm_has_its_words_and_a_topic() -> None:
    """A new one must be named for those who read the audit."""
    actions = {str(each) for each in (*Action, *Alarm)}
    assert set(ACTIONS) == actions
    assert set(TOPICS) == {action.partition(":")[0] for action in actions}
