"""Entries held for an incident, in the panel: four eyes, a fresh factor, and where they are seen."""

from datetime import timedelta

import pytest

from authbridge import nightly
from authbridge.storage.models import AuditEvent, Hold, LoginAttempt, Role
from tests.support.factories import make_organiser, make_school
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel


@pytest.fixture(name="name")
def log_in(panel: StaffedPanel) -> str:
    """Two organisers, with a login each hour of two days, of one of two addresses; returns the first one."""
    make_school(panel.database)
    names = [make_organiser(panel.database).username for _ in range(2)]
    with panel.database.write_session() as session:
        for organiser_id in (1, 2):
            session.add_all(
                LoginAttempt(
                    at=panel.clock() - timedelta(hours=hours),
                    request_id="q",
                    organiser_id=organiser_id,
                    ip=f"203.0.113.{1 + hours % 2}",
                    transport="tcp",
                    node="n",
                    verdict="granted",
                )
                for hours in range(48)
            )
    return names[0]


@pytest.fixture(name="auditor")
def open_browser(panel: StaffedPanel) -> Browser:
    """An auditor's browser."""
    return panel.browser(Role.AUDITOR)


def ask(browser: Browser, name: str, **typed: str) -> Page:
    """Asks for a hold of yesterday and today."""
    usual = {"first": "2026-11-19", "last": "2026-11-20", "reason": "Anzeige 17", "days": "90"}
    return browser.send(browser.get(f"/organisers/{name}/hold"), **(usual | typed))


def rows(page: Page) -> list[str]:
    """Returns the rows of the list."""
    return [" ".join(row.get_text(" ").split()) for row in page.html.select("main table.list tbody tr")]


def buttons(page: Page) -> list[str]:
    """Returns where the buttons of the page send to."""
    return [str(each["action"]) for each in page.html.select("main form.action")]


def state(panel: StaffedPanel) -> list[bool]:
    """Returns of each hold whether it is confirmed."""
    with panel.database.read_session() as session:
        return [each.confirmed_at is not None for each in session.query(Hold).order_by(Hold.id)]


def test_one_asks_another_one_confirms_and_each_sees_their_own_buttons(
    panel: StaffedPanel, auditor: Browser, name: str
) -> None:
    """The way leads over the page of the organiser; the overview says that somebody has to look."""
    assert f"/organisers/{name}/hold" in set(auditor.get(f"/organisers/{name}").links())
    page = ask(auditor, name, network="203.0.113.2")
    assert page.path == "/holds"
    assert buttons(page) == ["/holds/1/end"]
    assert "Withdraw" in rows(page)[0]
    admin = panel.browser(Role.ADMIN)
    assert "/holds" in set(admin.get("/").links())
    page = admin.get("/holds")
    assert buttons(page) == ["/holds/1/confirm", "/holds/1/end"]
    for words in (name, "19 Nov 2026 to 20 Nov 2026", "only from 203.0.113.2/32", "16 entries", "Anzeige 17"):
        assert words in rows(page)[0]
    page = admin.press("/holds", "/holds/1/confirm")
    assert state(panel) == [True]
    assert "auditor-anna" in rows(page)[0]
    assert "admin-anna" in rows(page)[0]
    assert "until 18 Feb 2027" in rows(page)[0]
    assert "second person" not in admin.get("/").text
    page = auditor.press("/holds", "/holds/1/end")
    assert rows(page) == []
    audit = " ".join(rows(auditor.get("/audit?topic=hold")))
    for words in ("Hold of entries asked for", "confirmed", "ended", "Anzeige 17", "for 90 days", name):
        assert words in audit


def test_nobody_confirms_their_own_request_by_its_address(panel: StaffedPanel, name: str) -> None:
    """There is no such button, and who makes one is told why; a second browser is the same person."""
    first, second = panel.browser(Role.ADMIN), panel.browser(Role.ADMIN)
    ask(first, name)
    for browser in (first, second):
        browser.ask("POST", "/holds/1/confirm", {"csrf_token": browser.token()})
        assert "Somebody else has to confirm it" in browser.get("/holds").flashes()[0]
    assert state(panel) == [False]


def test_a_clerk_and_a_stale_factor_do_nothing(panel: StaffedPanel, auditor: Browser, name: str) -> None:
    """Clerks see no addresses; and what is grave wants the second factor of the last ten minutes."""
    ask(auditor, name)
    clerk, admin = panel.browser(Role.CLERK), panel.browser(Role.ADMIN)
    token = clerk.token()
    for method, path in (
        ("GET", "/holds"),
        ("GET", "/journal?hold=1"),
        ("GET", f"/organisers/{name}/hold"),
        ("POST", f"/organisers/{name}/hold"),
        ("POST", "/holds/1/confirm"),
        ("POST", "/holds/1/end"),
    ):
        assert clerk.ask(method, path, {"csrf_token": token} if method == "POST" else None).status_code == 403
    assert "/hold" not in clerk.get(f"/organisers/{name}").text
    assert "second person" not in clerk.get("/").text
    admin.get("/holds")
    panel.clock.advance(minutes=11)
    for action in ("confirm", "end"):
        assert admin.press("/holds", f"/holds/1/{action}").path.startswith("/confirm")
    assert state(panel) == [False]


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("days", "91"),
        ("days", "0"),
        ("days", ""),
        ("reason", ""),
        ("network", "all"),
        ("first", "2026-01-01"),
    ],
)
def test_a_slip_is_told_at_its_field(auditor: Browser, name: str, field: str, typed: str) -> None:
    """What was typed stays."""
    page = ask(auditor, name, **{field: typed})
    assert page.status == 422
    assert page.error_at(field)
    assert page.fields["last"] == "2026-11-20"


def test_days_in_the_wrong_order_are_told_above_the_form(auditor: Browser, name: str) -> None:
    """Nothing is held then."""
    page = ask(auditor, name, first="2026-11-20", last="2026-11-19")
    assert page.status == 422
    assert "The last day lies before the first one." in page.text
    assert rows(auditor.get("/holds")) == []


def test_the_journal_marks_them_and_has_them_after_the_retention(
    panel: StaffedPanel, auditor: Browser, name: str
) -> None:
    """After the retention only under their hold; each look is noted, and what is over is not found."""
    ask(auditor, name, network="203.0.113.2")
    panel.browser(Role.ADMIN).press("/holds", "/holds/1/confirm")
    assert all("203.0.113.2" in row for row in rows(auditor.get("/journal")) if "held for an incident" in row)
    marked = [row for row in rows(auditor.get(f"/journal?q={name}")) if "held for an incident" in row]
    assert len(marked) == 16

    panel.clock.advance(days=30)
    nightly.run(panel.database, panel.parts.config, clock=panel.clock)
    auditor = panel.browser(Role.AUDITOR)
    assert rows(auditor.get("/journal")) == []
    page = auditor.get("/journal?hold=1")
    assert rows(page) == marked
    assert len(rows(auditor.get("/journal?hold=1&outcome=admitted"))) == 16
    assert rows(auditor.get("/journal?hold=1&outcome=waited")) == []
    with panel.database.read_session() as session:
        looks = session.query(AuditEvent.detail).filter_by(action="journal:look").order_by(AuditEvent.id)
        assert {"hold": "1"} in [detail for (detail,) in looks]
    assert rows(auditor.get(f"/journal?q={name}")) == []
    for page in (auditor.get("/data-protection"), auditor.get("/data-protection/deletions/2026-12-20")):
        assert "16 older entries are held for an incident, until 18 Feb 2027" in " ".join(page.text.split())
        assert "older than it may be" not in page.text

    auditor.press("/holds", "/holds/1/end")
    assert auditor.get("/journal?hold=1").status == 404
    assert auditor.get("/journal?hold=x").status == 404


def test_an_access_request_tells_that_entries_are_held(panel: StaffedPanel, name: str) -> None:
    """With the entries, and without the staff; addresses only for those who may see them."""
    admin = panel.browser(Role.ADMIN)
    ask(admin, name, network="203.0.113.2")
    panel.clock.advance(days=2)
    for role, sees in ((Role.AUDITOR, True), (Role.CLERK, False)):
        text = panel.browser(role).get(f"/data-protection/accounts/{name}").text
        assert "Anzeige 17" in text
        assert ("203.0.113.2/32" in text) == sees


def test_an_organiser_of_whom_entries_are_held_is_not_deleted(panel: StaffedPanel, name: str) -> None:
    """The form says so, and that it can be ended."""
    admin = panel.browser(Role.ADMIN)
    ask(admin, name)
    path = f"/organisers/{name}/delete"
    page = admin.send(admin.get(path), typed=name)
    assert "are held for an incident" in page.text
    assert admin.get(f"/organisers/{name}").status == 200
