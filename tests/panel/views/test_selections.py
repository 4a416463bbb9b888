"""Several organisers at once: said beforehand, done together or not at all, told apart, and undone."""

from datetime import date, timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from authbridge.revocations import reports
from authbridge.revocations.reports import Contact
from authbridge.schools.commands import organisers, suspensions
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.suspendable import ORGANISER
from authbridge.storage.models import AuditEvent, Organiser, Role
from tests.support.factories import (
    ACTOR,
    HASHER,
    KEYED_HASHES,
    make_organiser,
    make_print_job,
    make_school,
)
from tests.support.fakes import MORNING
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel

TODAY = MORNING.date()
SOON = TODAY + timedelta(days=9)
SEPTEMBER = date(2027, 9, 30)
JOB = "D7K-42P"
CHANGES = ["suspend", "reinstate", "end-sessions", "extend", "expire", "reset"]


@pytest.fixture(name="issued")
def issue_four(panel: StaffedPanel) -> list[IssuedCredential]:
    """Four organisers of one school, who expire soon, with their letters."""
    make_school(panel.database)
    passwords = organisers.make_passwords(4, HASHER, print_job=make_print_job(JOB))
    with panel.database.write_session() as session:
        return organisers.issue_organisers(
            session, "ohg", passwords, valid_until=SOON, actor=ACTOR, now=MORNING
        )


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel, issued: list[IssuedCredential]) -> Browser:
    """Opens a clerk's browser."""
    assert issued
    return panel.browser(Role.CLERK)


def names(issued: list[IssuedCredential]) -> list[str]:
    """The login names."""
    return [str(each.username) for each in issued]


def ask(browser: Browser, change: str, usernames: list[str], back: str = "/schools/ohg") -> Page:
    """Ticks these rows of a list and presses the button of the change."""
    query = urlencode({"name": usernames, "back": back}, doseq=True)
    return browser.get(f"/selection/{change}?{query}")


def confirm(browser: Browser, page: Page, change: str, **typed: str) -> Page:
    """Presses the button of the page that asks."""
    return browser.send(page, f"/selection/{change}", **typed)


def all_of(panel: StaffedPanel) -> list[Organiser]:
    """All organisers, by name."""
    with panel.database.read_session() as session:
        return list(session.scalars(select(Organiser).order_by(Organiser.username)))


def events(panel: StaffedPanel) -> list[AuditEvent]:
    """What was written down about several organisers."""
    with panel.database.read_session() as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.action.startswith("organisers:"))))


def suspend(panel: StaffedPanel, username: str) -> None:
    """Somebody suspends one of them."""
    with panel.database.write_session() as session:
        suspensions.suspend(session, ORGANISER, username, reason=None, actor=ACTOR, now=MORNING)


def report(panel: StaffedPanel, node: str, meetings: dict[str, int], *, is_silent: bool = False) -> None:
    """A meeting server tells which meetings run there, or has been silent since."""
    told_at = panel.clock() - timedelta(minutes=1 if is_silent else 0)
    with panel.database.write_session() as session:
        reports.note_contact(session, Contact(node, None, 0, (), meetings), now=told_at)


@pytest.mark.parametrize("where", ["/schools/ohg", "/organisers", "/organisers?q=ohg", "/search?q="])
def test_every_list_has_checkboxes_and_buttons_for_them(
    browser: Browser, issued: list[IssuedCredential], where: str
) -> None:
    """They belong to one form, which needs no script; it leads back to the list."""
    listed = names(issued)
    if where == "/search?q=":  # of a whole name or code it would open the page
        where += listed[0][:-1]
        listed = [name for name in listed if name.startswith(listed[0][:-1])]
    page = browser.get(where)
    boxes = page.html.select('td.pick input[type="checkbox"][name="name"][form="selection"]')
    assert [box["value"] for box in boxes] == listed
    form = page.html.select_one("form#selection")
    assert form is not None
    assert form["method"] == "get"
    addresses = {form["action"], *(each["formaction"] for each in form.select("[formaction]"))}
    assert addresses == {f"/selection/{change}" for change in CHANGES}
    back = form.select_one('[name="back"]')
    assert back is not None
    assert back["value"] == where


def test_who_may_only_read_sees_none_of_it(panel: StaffedPanel, issued: list[IssuedCredential]) -> None:
    """An auditor has no checkbox, no bar, and no page that asks."""
    auditor = panel.browser(Role.AUDITOR)
    page = auditor.get("/schools/ohg")
    assert not page.html.select(".pick, #selection")
    assert ask(auditor, "suspend", names(issued)).status == 403


def test_suspending_says_how_many_and_what_it_ends_and_can_be_undone(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """Before: the number, the names, the meetings, who is suspended already. After: the same, and Undo."""
    first, *others = names(issued)
    suspend(panel, first)
    report(panel, "jitsi1", {others[0]: 2, "gsw-xxxx": 5})

    page = ask(browser, "suspend", names(issued))
    assert page.title == "Suspend 3 accesses"
    assert "Ends 2 running meetings." in page.text
    assert "1 is suspended already and stays so." in page.text
    assert [each.get_text() for each in page.html.select(".chosen .code")] == names(issued)

    done = confirm(browser, page, "suspend")
    assert done.path == "/schools/ohg"
    assert done.flashes()[0].startswith("3 accesses are suspended. 1 was suspended already.")
    assert all(each.suspended_at for each in all_of(panel))
    (event,) = events(panel)
    assert (event.actor, event.action, event.detail["count"]) == ("staff:clerk-anna", "organisers:suspend", 3)

    undone = browser.send(done, f"/selection/undo/{event.id}")
    assert undone.path == "/schools/ohg"
    assert undone.flashes()[0] == "Undone for 3 accesses."
    assert [each.username for each in all_of(panel) if each.suspended_at] == [first]
    twice = browser.send(done, f"/selection/undo/{event.id}")
    assert not any("undone" in each.lower() for each in twice.flashes()), "a double click is told once"
    again = browser.send(done, f"/selection/undo/{event.id}", idempotency_key="later")
    assert again.flashes()[0] == "Nothing was undone: all of them were changed since."


def test_reinstating_lifts_what_was_shown_and_nothing_else(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """A colleague suspends one more while the page asks: that stays, and the page asks anew."""
    first, second, *_ = names(issued)
    suspend(panel, first)
    page = ask(browser, "reinstate", [first, second])
    assert page.title == "Reinstate 1 access"
    suspend(panel, second)
    page = confirm(browser, page, "reinstate")
    assert "Somebody has changed these accesses" in page.text
    assert [each.username for each in all_of(panel) if each.suspended_at] == [first, second]
    assert confirm(browser, page, "reinstate").flashes()[0].startswith("The suspension of 2 accesses")


@pytest.mark.parametrize("change", ["reinstate", "extend", "expire", "reset"])
def test_a_form_that_has_seen_nothing_changes_nothing(
    browser: Browser, issued: list[IssuedCredential], change: str, panel: StaffedPanel
) -> None:
    """Leaving out what was shown is not a way around the question whether it is still so."""
    fields = {"csrf_token": browser.token(), "name": names(issued)[0], "valid_until": "2027-07-31"}
    before = panel.rows()
    answer = browser.ask("POST", f"/selection/{change}", fields)
    assert answer.status_code == 422
    assert panel.rows() == before


@pytest.mark.parametrize(
    ("running", "silent", "sentence"),
    [
        ({}, False, "No meeting of theirs is running."),
        ({"": 0}, True, "Whether this ends meetings is not known: of jitsi2 nothing is known."),
        ({"one": 1}, False, "Ends 1 running meeting."),
        ({"one": 3}, True, "Ends at least 3 running meetings; of jitsi2 nothing is known."),
        (None, False, "No meeting server answers; whether this ends meetings is not known."),
    ],
)
@pytest.mark.parametrize("change", ["suspend", "end-sessions", "expire", "reset"])
def test_a_silent_server_is_never_no_meeting(  # noqa: PLR0913 - a table of two dimensions
    panel: StaffedPanel,
    browser: Browser,
    issued: list[IssuedCredential],
    change: str,
    running: dict[str, int] | None,
    sentence: str,
    *,
    silent: bool,
) -> None:
    """What ends meetings says so beforehand, with the names of the servers that do not answer."""
    if running is not None:
        report(panel, "jitsi1", {names(issued)[0]: number for number in running.values() if number})
    if silent:
        report(panel, "jitsi2", {names(issued)[1]: 7}, is_silent=True)
    assert sentence in ask(browser, change, names(issued)).text


def test_the_buttons_of_a_list_say_what_they_end(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """As on the page of the organiser; and the list names the servers of which nothing is known."""
    report(panel, "jitsi1", {names(issued)[0]: 1})
    report(panel, "jitsi2", {}, is_silent=True)
    for where in ("/schools/ohg", "/organisers", "/search?q=ohg-", f"/print-jobs/{JOB}"):
        text = browser.get(where).text
        assert text.count("Suspend: ends 1 running meeting") == 1, where
        assert "Of jitsi2 nothing is known" in text, where


def test_extending_a_whole_list_takes_the_day_once(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """All of the list, not only of the page; the end of the school year is suggested; undo gives all back."""
    page = browser.get("/selection/extend?all=1&school=ohg&state=expiring&back=/organisers")
    assert page.title == "Extend 4 accesses"
    done = confirm(browser, page, "extend")
    assert (done.path, done.flashes()[0]) == ("/organisers", "4 accesses are extended.")
    assert {each.valid_until for each in all_of(panel)} == {SEPTEMBER}
    assert browser.get("/organisers?state=expiring").html.select("tbody tr") == []
    browser.send(done, f"/selection/undo/{events(panel)[0].id}")
    assert {each.valid_until for each in all_of(panel)} == {SOON}
    assert issued


@pytest.mark.parametrize("typed", ["", "31.06.2027", "2026-01-01", "soon"])
def test_no_day_never_means_no_end(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential], typed: str
) -> None:
    """An empty, impossible or past day is a fault at its field; the names are still there."""
    page = confirm(browser, ask(browser, "extend", names(issued)), "extend", valid_until=typed)
    assert page.status == 422
    assert page.error_at("valid_until")
    assert [each.get_text() for each in page.html.select(".chosen .code")] == names(issued)
    assert {each.valid_until for each in all_of(panel)} == {SOON}
    assert confirm(browser, page, "extend", valid_until="2027-07-31").path == "/schools/ohg"


def test_ending_and_logging_out(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """One event each."""
    done = confirm(browser, ask(browser, "end-sessions", names(issued)), "end-sessions")
    assert done.flashes()[0].startswith("4 accesses are being logged out everywhere.")
    done = confirm(browser, ask(browser, "expire", names(issued)), "expire")
    assert done.flashes()[0].startswith("4 accesses have ended.")
    assert {each.valid_until for each in all_of(panel)} == {TODAY - timedelta(days=1)}
    assert [each.action for each in events(panel)] == [
        "organisers:end-sessions",
        "organisers:change-validity",
    ]


def test_what_was_shown_is_what_is_done(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """Who joins the list meanwhile is not meant; who is deleted meanwhile stops it, and the page says so."""
    page = browser.get("/selection/suspend?all=1&school=ohg&back=/schools/ohg")
    newcomer = make_organiser(panel.database)
    with panel.database.write_session() as session:
        organisers.delete_organiser(
            session, names(issued)[0], keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING
        )

    stale = confirm(browser, page, "suspend")
    assert stale.status == 422
    assert "Nothing was done; please look again." in stale.errors()[0]
    assert f"{names(issued)[0]} does not exist any more and is left out." in stale.text
    assert not any(each.suspended_at for each in all_of(panel))

    confirm(browser, stale, "suspend")
    left = {each.username for each in all_of(panel) if each.suspended_at is None}
    assert left == {newcomer.username}


def test_a_double_click_is_one_click(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """The second one leads to the same page and does nothing."""
    page = ask(browser, "reset", names(issued))
    first, second = confirm(browser, page, "reset"), confirm(browser, page, "reset")
    assert first.path == second.path
    assert len(events(panel)) == 1


def test_an_interrupted_selection_is_not_lost(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """After signing in again the same names are shown, and that nothing was done."""
    page = ask(browser, "suspend", names(issued)[:2])
    panel.clock.advance(minutes=panel.parts.config.panel_idle.total_seconds() / 60 + 1)
    confirm(browser, page, "suspend")
    member = panel.members[Role.CLERK]
    page = browser.sign_in(member)
    assert page.path == "/selection/suspend"
    assert "Nothing is saved yet: you had been signed out." in page.text
    assert not any(each.suspended_at for each in all_of(panel))
    assert confirm(browser, page, "suspend").flashes()[0].startswith("2 accesses are suspended.")


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_ticked_is_said(browser: Browser, change: str) -> None:
    """With the way back to the list."""
    page = ask(browser, change, [], back="/schools/ohg?page=1")
    assert (page.status, page.title) == (200, "No access is chosen")
    assert page.html.select_one('main a[href="/schools/ohg?page=1"]')


def test_too_many_are_said(panel: StaffedPanel, browser: Browser) -> None:
    """More than five hundred hold up the logins; nothing is cut off in silence."""
    with panel.database.write_session() as session:
        school_id = session.scalars(select(Organiser.school_id)).first()
        session.add_all(
            Organiser(
                username=f"x{number:04}",
                school_id=school_id,
                password_hash="x" * 60,
                password_generated=True,
                created_at=MORNING,
            )
            for number in range(600)
        )
    page = browser.get("/selection/suspend?all=1&school=ohg")
    assert page.title == "That is too many at once"
    assert not page.html.select("main form")


def test_new_passwords_go_to_one_school(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """The page says so beforehand, and nothing is done."""
    make_school(panel.database, "gsw", "Grundschule")
    other = make_organiser(panel.database, "gsw")
    page = ask(browser, "reset", [names(issued)[0], other.username])
    assert "New passwords are made for one school at a time." in page.text
    page = confirm(browser, page, "reset")
    assert page.status == 422
    assert events(panel) == []


def test_a_print_job_is_found_by_its_number_and_done_with(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """A photographed batch: found as it is read out, suspended, re-issued, reinstated."""
    page = browser.get("/search?q=d7k42p")
    assert page.path == f"/print-jobs/{JOB}"
    assert "4 letters" in page.text
    assert "4 of 4" in page.text
    assert "test (command line)" in page.text
    confirm(browser, browser.get(f"/selection/suspend?all=1&job={JOB}&back=/print-jobs/{JOB}"), "suspend")
    page = browser.get(f"/selection/reset?all=1&job={JOB}&back=/print-jobs/{JOB}")
    page = confirm(browser, page, "reset", language="de")
    assert page.title == "4 new passwords"
    with panel.database.read_session() as session:
        job = session.scalars(select(Organiser.print_job_id)).first()
    shown = browser.get(f"/print-jobs/{job}")
    assert "are still shown" in shown.text
    assert shown.html.select_one(f'main a[href="{page.path}"]')
    (part,) = page.html.select(".revocation[data-live]")
    assert browser.get(str(part["data-live"])).html.select_one(".revocation") is not None
    browser.fetch(f"{page.path}/letters.pdf")
    done = browser.send(page, f"{page.path}/done")
    assert done.path == f"/print-jobs/{job}"
    assert "are still shown" not in browser.get(done.path).text
    page = browser.get(f"/selection/reinstate?all=1&job={job}&back={done.path}")
    assert confirm(browser, page, "reinstate").flashes() == ["The suspension of 4 accesses is lifted."]
    old = browser.get(f"/print-jobs/{JOB}")
    assert "0 of 4" in old.text
    assert issued


def test_the_hand_out_list_has_names_of_letters_only(
    browser: Browser, issued: list[IssuedCredential]
) -> None:
    """A line for each letter, with room for what the school writes by hand."""
    page = browser.get(f"/print-jobs/{JOB}/hand-out-list")
    assert [each.get_text() for each in page.html.select("tbody .code")] == names(issued)
    assert len(page.html.select("td.blank")) == 12


def test_what_expires_soon_is_shown_by_school(browser: Browser, issued: list[IssuedCredential]) -> None:
    """The overview has a row for each school, with the way to extend all of them at once."""
    page = browser.get("/")
    row = page.html.select_one('section[aria-labelledby="expiring-title"] tbody tr')
    assert row is not None
    assert "Otto-Hahn-Gymnasium" in row.get_text()
    extend = row.select_one("a.button")
    assert extend is not None
    assert browser.get(str(extend["href"])).title == "Extend 4 accesses"
    page = browser.get("/organisers?state=expiring&school=ohg")
    assert [each.get_text() for each in page.html.select("tbody th .code")] == names(issued)
    assert "Only of the school" in page.text
