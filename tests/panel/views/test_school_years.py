"""The change of a school year in the panel: foretold, carried out as it was shown, reported for a year."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from authbridge.schools.commands import organisers, suspensions
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.suspendable import ORGANISER
from authbridge.storage.models import AuditEvent, Organiser, Role, School
from tests.support.factories import ACTOR, HASHER, make_organiser, make_school
from tests.support.fakes import MORNING
from tests.support.panel.browser import Browser, Page, filled
from tests.support.panel.staffed_panel import StaffedPanel

TODAY = MORNING.date()
SOON = TODAY + timedelta(days=40)
NEXT = date(2027, 9, 30)
TRANSITION = TODAY + timedelta(days=14)
YESTERDAY = TODAY - timedelta(days=1)
PATH = "/schools/ohg/school-year"


@pytest.fixture(name="issued")
def issue_five(panel: StaffedPanel) -> list[IssuedCredential]:
    """Five accesses of one school, which run out soon."""
    make_school(panel.database, quota=6)
    return issue(panel, "ohg", 5, SOON)


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel, issued: list[IssuedCredential]) -> Browser:
    """Opens a clerk's browser."""
    assert issued
    return panel.browser(Role.CLERK)


def issue(panel: StaffedPanel, code: str, count: int, valid_until: date | None) -> list[IssuedCredential]:
    """Issues accesses, by name."""
    passwords = organisers.make_passwords(count, HASHER)
    with panel.database.write_session() as session:
        return organisers.issue_organisers(
            session, code, passwords, valid_until=valid_until, actor=ACTOR, now=MORNING
        )


def names(issued: list[IssuedCredential]) -> list[str]:
    """The login names."""
    return [str(each.username) for each in issued]


def ends(panel: StaffedPanel) -> dict[str, date | None]:
    """The last day of each access."""
    with panel.database.read_session() as session:
        return {each.username: each.valid_until for each in session.scalars(select(Organiser))}


def events(panel: StaffedPanel) -> list[AuditEvent]:
    """What was written down about changes of the school year, by school."""
    with panel.database.read_session() as session:
        query = select(AuditEvent).where(AuditEvent.action == "school:change-year")
        return list(session.scalars(query.order_by(AuditEvent.subject)))


def foretell(browser: Browser, stay: list[str], **typed: str) -> Page:
    """Ticks those names and asks what would happen."""
    return browser.send(browser.get(PATH), PATH, stay=stay, step="foretell", **typed)


def carry_out(browser: Browser, page: Page, **typed: str) -> Page:
    """Presses the button below what was foretold."""
    return browser.send(page, PATH, step="carry-out", **typed)


def groups(page: Page) -> dict[str, int]:
    """The summary: what happens to how many."""
    lines = [" ".join(each.get_text(" ").split()) for each in page.html.select(".groups li")]
    return {label: int(count) for label, _space, count in (line.rpartition(" ") for line in lines)}


def test_all_but_the_expired_are_ticked_and_the_next_end_is_suggested(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """The page is one click away from the school; an access that somebody ended needs a tick by hand."""
    *_others, over = names(issued)
    with panel.database.write_session() as session:
        organisers.change_validity(session, over, YESTERDAY, today=TODAY, actor=ACTOR, now=MORNING)
    assert PATH in browser.get("/schools/ohg").links()

    page = browser.get(PATH)

    ticked = [box["value"] for box in page.html.select('[name="stay"][checked]')]
    assert ticked == names(issued)[:-1]
    fields = filled(page.form(PATH))
    assert (fields["valid_until"], fields["transition"]) == ("2027-09-30", "14")


def test_it_says_what_will_happen_and_that_nothing_has_been_done(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """In numbers and in names; going back keeps every choice."""
    *stay, leaves = names(issued)
    with panel.database.write_session() as session:
        suspensions.suspend(session, ORGANISER, stay[0], reason=None, actor=ACTOR, now=MORNING)
        organisers.change_validity(session, stay[1], None, today=TODAY, actor=ACTOR, now=MORNING)

    page = foretell(browser, stay)

    assert page.title == "This will happen"
    assert "Nothing has been done yet." in page.text
    assert groups(page) == {
        "Stay until 30 Sep 2027, with their present passwords": 4,
        "Run out on 4 Dec 2026": 1,
    }
    assert [each.get_text() for each in page.html.select(".chosen .code")] == [*stay, leaves]
    assert "1 of those who stay had no end so far and gets one." in page.text
    assert f"1 of those who stay is suspended and stays so: {stay[0]}." in page.text
    assert ends(panel) == {**dict.fromkeys([stay[0], *stay[2:], leaves], SOON), stay[1]: None}
    back = browser.send(page, PATH, back="1")
    assert [box["value"] for box in back.html.select('[name="stay"][checked]')] == stay
    assert events(panel) == []


def test_it_is_carried_out_as_shown_reported_and_undone(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """The report says it of each, also as a table, and a colleague who may only read opens it later."""
    *stay, leaves = names(issued)
    page = foretell(browser, stay)

    report = carry_out(browser, page)

    assert report.title == "Report of the change of the school year"
    assert report.flashes()[0] == "The change of the school year is carried out."
    assert ends(panel) == {**dict.fromkeys(stay, NEXT), leaves: TRANSITION}
    (event,) = events(panel)
    assert event.actor == "staff:clerk-anna"
    assert carry_out(browser, page).path == report.path, "a double click"
    assert len(events(panel)) == 1
    rows = browser.get(f"{report.path}.csv").response.get_data(as_text=True).splitlines()
    assert rows[0].lstrip("\ufeff") == "School;Login name;What was done;Valid until, so far;Valid until"
    assert f"Otto-Hahn-Gymnasium;{leaves};runs out;30 Dec 2026;4 Dec 2026" in rows
    auditor = panel.browser(Role.AUDITOR).get(report.path)
    assert leaves in auditor.text
    assert not auditor.html.select("main form")
    assert report.path in browser.get(PATH).links()

    undone = browser.send(report, f"/selection/undo/{event.id}")
    assert undone.flashes()[0] == "Undone for 5 accesses."
    assert set(ends(panel).values()) == {SOON}
    undone = browser.get(report.path)
    assert "Undone on 20 Nov 2026, clerk-anna : 5 accesses are valid as before." in undone.text
    assert "Letters already printed" not in undone.text
    assert not undone.html.select("main form")
    panel.clock.advance(days=366)
    assert panel.browser(Role.CLERK).get(report.path).status == 404


def test_new_passwords_come_as_letters_and_the_old_ones_count_for_a_while(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """In one run: the credentials are shown once, then the report."""
    *stay, leaves = names(issued)
    page = foretell(browser, stay, passwords="new", shape="letters")
    assert "The old passwords count beside the new ones until 4 Dec 2026." in page.text

    shown = carry_out(browser, page)

    assert [each.get_text() for each in shown.html.select(".secrets th .code")] == stay
    letters = browser.get(f"{shown.path}/letters.pdf")
    cover, *sheets = [sheet.extract_text() for sheet in PdfReader(BytesIO(letters.response.data)).pages]
    assert "die bisherigen gelten daneben noch bis 4. Dezember 2026" in " ".join(cover.split())
    assert all(any(name in sheet for sheet in sheets) for name in stay)
    report = browser.send(shown, f"{shown.path}/done")
    assert groups(report) == {
        "Stay until 30 Sep 2027, with new passwords": 4,
        "Run out on 4 Dec 2026": 1,
    }
    assert "Old passwords count until 4 Dec 2026" in report.text
    rows = [
        [cell.get_text(" ", strip=True) for cell in row.select("td")]
        for row in report.html.select("tbody tr")
    ]
    assert rows[0] == ["stays, new password", "30 Dec 2026", "30 Sep 2027"]
    with panel.database.read_session() as session:
        found = {each.username: each.previous_until for each in session.scalars(select(Organiser))}
    assert found == {**dict.fromkeys(stay, TRANSITION), leaves: None}
    (event,) = events(panel)
    browser.send(report, f"/selection/undo/{event.id}")
    undone = browser.get(report.path).text
    assert "5 accesses are valid as before. Letters already printed still say 30 Sep 2027." in undone


def test_pasted_names_are_taken_apart_and_strangers_named(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """Commas, line breaks, capitals and our own domain do not matter; nothing typed is lost."""
    first, second, *_others = names(issued)
    typed = f"{first.upper()}, {second}@meet.test;\r\n gsw-bcdf"

    page = foretell(browser, [], who="pasted", pasted=typed)

    assert page.status == 422
    assert "The school has no access of this name: gsw-bcdf." in page.text
    area = page.html.select_one("textarea")
    assert area is not None
    assert area.get_text().strip().splitlines() == typed.splitlines()
    page = foretell(browser, [], who="pasted", pasted=typed.replace("gsw-bcdf", ""))
    carry_out(browser, page)
    assert [name for name, end in ends(panel).items() if end == NEXT] == [first, second]


def test_where_only_the_number_is_known_all_run_out_and_new_ones_are_issued(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """Within the quota: it is raised if that was ticked, in the same event."""
    page = foretell(browser, [], who="number", count="3")
    assert page.status == 422
    assert "there is no room for 3 more" in page.text
    assert "The old accesses still count until they are deleted." in page.text
    assert filled(page.form(PATH))["count"] == "3"

    page = foretell(browser, [], who="number", count="3", raise_quota="y")
    assert groups(page) == {"New accounts, valid until 30 Sep 2027": 3, "Run out on 4 Dec 2026": 5}
    shown = carry_out(browser, page)

    new = [each.get_text() for each in shown.html.select(".secrets th .code")]
    assert ends(panel) == {**dict.fromkeys(names(issued), TRANSITION), **dict.fromkeys(new, NEXT)}
    with panel.database.read_session() as session:
        assert session.scalars(select(School.quota)).one() == 8
    (event,) = events(panel)
    assert event.detail["quota"] == 8


@pytest.mark.parametrize("passwords", ["keep", "new"])
def test_what_changed_since_it_was_shown_is_shown_anew(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential], passwords: str
) -> None:
    """A colleague issues one more: nothing is done, no password is made, and the page shows the new state."""
    page = foretell(browser, names(issued)[:4], passwords=passwords)
    make_organiser(panel.database)

    again = carry_out(browser, page)

    assert again.status == 422
    assert "Somebody has changed these accesses in the meantime." in again.text
    assert groups(again)["Run out on 4 Dec 2026"] == 2
    assert events(panel) == []
    carry_out(browser, again)
    assert len(events(panel)) == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        pytest.param({}, "Please tick at least one access of the list.", id="nobody"),
        pytest.param({"who": "pasted"}, "Please give the login names of those who stay.", id="no names"),
        pytest.param({"who": "number"}, "Please give a number from 1 to 500.", id="no number"),
        pytest.param({"transition": "15"}, "Please give a number from 0 to 14.", id="too long"),
        pytest.param({"others": "day"}, "Please give a day, or choose another end.", id="no day"),
        pytest.param({"valid_until": "2020-01-01"}, "Please choose a day from today on.", id="past"),
    ],
)
def test_each_mistake_has_its_sentence(browser: Browser, typed: dict[str, str], sentence: str) -> None:
    """At its field, with all that was typed."""
    page = foretell(browser, [], **typed)
    assert page.status == 422
    assert sentence in page.text


def test_many_schools_go_on_together_and_a_failure_is_named(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """School by school: what changed since it was shown stops its own school alone."""
    for code, name in (("gsw", "Grundschule am Wald"), ("rsh", "Realschule")):
        make_school(panel.database, code, name)
        issue(panel, code, 2, None)
    listed = browser.get("/school-year")
    assert [box["value"] for box in listed.html.select('[name="school"]')] == ["gsw", "ohg", "rsh"]
    assert browser.send(listed, "/school-year", step="foretell").status == 422
    page = browser.send(listed, "/school-year", school=["ohg", "gsw"], step="foretell")
    assert "Nothing has been done yet." in page.text
    assert [each.get_text() for each in page.html.select("tbody th")] == [
        "Grundschule am Wald", "Otto-Hahn-Gymnasium",
    ]  # fmt: skip
    make_organiser(panel.database, "gsw")

    report = browser.send(page, "/school-year", step="carry-out")

    assert "Nothing was done for this school: gsw." in report.text
    assert report.flashes()[0].startswith("Nothing was done for gsw. Somebody has changed these accesses")
    assert [event.subject for event in events(panel)] == ["ohg"]
    assert "Otto-Hahn-Gymnasium , until 30 Sep 2027" in browser.get("/school-year").text
    assert {ends(panel)[name] for name in names(issued)} == {NEXT}
    both = browser.send(browser.get("/school-year"), "/school-year", all_schools="y", step="foretell")
    report = browser.send(both, "/school-year", step="carry-out")
    assert [event.subject for event in events(panel)] == ["gsw", "ohg", "rsh"]
    assert [each.get_text() for each in report.html.select("tbody th")] == [
        "Grundschule am Wald",
        "Realschule",
    ]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "For these schools the change is done already. Accesses that are to run out there run out"),
        ("de", "Für diese Schulen ist der Wechsel schon gemacht. Zugänge, die dort ablaufen sollen, laufen"),
    ],
)
def test_who_was_let_go_is_named_before_many_schools_go_on(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential], language: str, sentence: str
) -> None:
    """The page for many revives nobody: it says at which schools somebody runs out, and lets them."""
    *stay, leaves = names(issued)
    carry_out(browser, foretell(browser, stay))
    browser.headers["Accept-Language"] = language
    assert leaves not in [box["value"] for box in browser.get(PATH).html.select('[name="stay"][checked]')]

    typed = {"all_schools": "y", "valid_until": "2028-09-30"}
    page = browser.send(browser.get("/school-year"), "/school-year", step="foretell", **typed)

    assert sentence in page.text
    assert "Otto-Hahn-Gymnasium (1)" in page.text
    assert [cell.get_text() for cell in page.html.select("tbody td")] == ["4", "0", "0", "1", "0"]
    browser.send(page, "/school-year", step="carry-out")
    assert ends(panel) == {**dict.fromkeys(stay, date(2028, 9, 30)), leaves: TRANSITION}


def test_nothing_to_do_is_said_and_no_report(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """For one school there is no button, for many the page comes back."""
    carry_out(browser, foretell(browser, names(issued)))
    again = foretell(browser, names(issued), valid_until="2027-09-30")
    assert "Nothing would change" in again.text
    assert not again.html.select('[value="carry-out"]')
    assert carry_out(browser, again).title == "This will happen"
    typed = {"school": ["ohg"], "valid_until": "2027-09-30"}
    many = browser.send(browser.get("/school-year"), "/school-year", step="foretell", **typed)
    done = browser.send(many, "/school-year", step="carry-out")
    assert (done.path, done.flashes()[0]) == ("/school-year", "Nothing had to be changed.")
    assert len(events(panel)) == 1


def test_many_schools_can_end_on_one_day(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """For the county whose contract ends."""
    typed = {"school": ["ohg"], "change": "end", "valid_until": "2026-12-01"}
    page = browser.send(browser.get("/school-year"), "/school-year", step="foretell", **typed)
    assert "run out on 1 Dec 2026" in page.text
    browser.send(page, "/school-year", step="carry-out")
    assert set(ends(panel).values()) == {date(2026, 12, 1)}
    assert len(ends(panel)) == len(issued)


def test_the_overview_reminds_of_an_end_and_is_quiet_otherwise(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """With the number, the day, the days that are left, and the way to the change."""
    assert issued
    page = browser.get("/")
    assert "Otto-Hahn-Gymnasium : 5 accesses run out on 30 Dec 2026, in 40 days." in page.text
    assert PATH in page.links()
    panel.clock.advance(days=20)
    assert "accesses run out on" not in panel.browser(Role.CLERK).get("/").text
    panel.clock.advance(days=6)
    assert "in 14 days." in panel.browser(Role.CLERK).get("/").text
    assert PATH not in panel.browser(Role.AUDITOR).get("/").links()


def test_new_accounts_are_suggested_to_last_the_school_year(
    panel: StaffedPanel, browser: Browser, issued: list[IssuedCredential]
) -> None:
    """A tick takes the day away, and both at once are asked about."""
    page = browser.get("/schools/ohg/issue")
    assert page.fields["valid_until"] == "2027-09-30"
    both = browser.send(page, None, no_end="y", valid_until="2028-01-01")
    assert both.status == 422
    browser.send(page, None, no_end="y")
    (new,) = set(ends(panel)) - set(names(issued))
    assert ends(panel)[new] is None
