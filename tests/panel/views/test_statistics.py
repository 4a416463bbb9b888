"""The statistics: what the media centre prints for the county, and what nobody can read out of it."""

import csv
import io
from datetime import date

import pytest

from authbridge.statistics.counting import months_before
from authbridge.storage.models import JobRun, MonthlyTotal, Role, School
from tests.support.factories import make_school
from tests.support.fakes import MORNING
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel

NOVEMBER, OCTOBER, JULY = date(2026, 11, 1), date(2026, 10, 1), date(2026, 7, 1)

Numbers = tuple[int, int, int, int]
"""Accounts, active ones, logins, meetings."""


def count(panel: StaffedPanel, code: str, month: date, numbers: Numbers) -> None:
    """Writes a total, as the count of the journal does."""
    with panel.database.write_session() as session:
        school_id = session.query(School).filter_by(code=code).one().id
        names = ("accounts", "active", "logins", "meetings")
        session.add(MonthlyTotal(school_id=school_id, month=month, **dict(zip(names, numbers, strict=True))))


@pytest.fixture(name="browser")
def count_three_schools(panel: StaffedPanel) -> Browser:
    """Counts what three schools did, one of them one or two of everything; opens an auditor's browser."""
    for code, name in (("ohg", "Otto-Hahn-Gymnasium"), ("aer", "Ärzteschule"), ("neu", "Neue Schule")):
        make_school(panel.database, code, name)
    count(panel, "ohg", JULY, (18, 9, 70, 20))
    count(panel, "ohg", OCTOBER, (20, 12, 1480, 44))
    count(panel, "ohg", NOVEMBER, (22, 2, 33, 0))
    count(panel, "aer", OCTOBER, (2, 1, 2, 1))
    count(panel, "aer", NOVEMBER, (2, 0, 0, 0))
    with panel.database.write_session() as session:
        session.add(JobRun(name="statistics", done_at=MORNING, position=7))
    return panel.browser(Role.AUDITOR)


def rows(page: Page) -> list[list[str]]:
    """Returns the cells of the table, as they are seen."""
    for unseen in page.html.select("td .unseen"):
        unseen.extract()
    return [
        [" ".join(cell.get_text(" ").split()) for cell in row.find_all(["th", "td"])]
        for row in page.html.select("table.figures tbody tr")
    ]


def table(browser: Browser, path: str) -> list[list[str]]:
    """Returns the cells of the file for a spreadsheet, the headings among them."""
    text = browser.fetch(path).data.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";"))


def test_a_school_by_month(browser: Browser) -> None:
    """Latest first, with the sum of what can be added up."""
    assert rows(browser.get("/statistics?school=ohg")) == [
        ["November 2026", "22", "< 3", "33", "0"],
        ["October 2026", "20", "12", "1,480", "44"],
        ["July 2026", "18", "9", "70", "20"],
        ["Together", "", "", "1,583", "64"],
    ]


def test_all_schools_by_month(browser: Browser) -> None:
    """A sum with a part that is not shown is "at least": 21 accounts, be it 20 and one or 20 and two."""
    assert rows(browser.get("/statistics")) == [
        ["November 2026", "≥ 23", "< 3", "33", "0"],
        ["October 2026", "≥ 21", "≥ 13", "≥ 1,481", "≥ 45"],
        ["July 2026", "18", "9", "70", "20"],
        ["Together", "", "", "≥ 1,584", "≥ 65"],
    ]


def test_schools_side_by_side(browser: Browser) -> None:
    """In a month; by name, and also those that did nothing."""
    page = browser.get("/statistics/schools?of=2026-10")

    assert [each.get_text() for each in page.html.select(".head p")] == ["October 2026"]
    assert rows(page) == [
        ["Ärzteschule", "aer", "< 3", "< 3", "< 3", "< 3"],
        ["Neue Schule", "neu", "–", "–", "–", "–"],
        ["Otto-Hahn-Gymnasium", "ohg", "20", "12", "1,480", "44"],
        ["All schools", "", "≥ 21", "≥ 13", "≥ 1,481", "≥ 45"],
    ]


def test_a_school_year(browser: Browser) -> None:
    """Begins in August; the present one unless another is asked for."""
    present = rows(browser.get("/statistics/schools"))
    assert present[2] == ["Otto-Hahn-Gymnasium", "ohg", "22", "12", "1,513", "44"]
    assert present == rows(browser.get("/statistics/schools?of=2026"))
    assert rows(browser.get("/statistics/schools?of=2025"))[2][2:] == ["18", "9", "70", "20"]


def test_nothing_that_is_sent_differs_between_one_and_two(panel: StaffedPanel) -> None:
    """No page, no picture, no file: with the other number, the very same bytes."""
    make_school(panel.database)
    make_school(panel.database, "aer", "Ärzteschule")
    browser = panel.browser(Role.CLERK)
    places = [
        f"/{kind}?school={school}"
        for kind in ("statistics", "tables/statistics.csv")
        for school in ("ohg", "")
    ]
    places += [
        "/statistics/schools?of=2026",
        "/statistics/schools?of=2026-11",
        "/tables/statistics-schools.csv?of=2026",
    ]
    sent = []
    for each in (1, 2):
        with panel.database.write_session() as session:
            session.query(MonthlyTotal).delete()
        count(panel, "ohg", OCTOBER, (5, each, each, each))
        count(panel, "ohg", NOVEMBER, (each, each, 5, 3))
        count(panel, "aer", NOVEMBER, (7, 3, each, each))
        sent.append(
            [browser.get(place).text if "csv" not in place else table(browser, place) for place in places]
        )
        sent[-1].append(str(list(browser.get("/statistics?school=ohg").html.select(".pictures svg"))))

    assert sent[0] == sent[1]


def test_the_files_have_what_the_pages_show(browser: Browser) -> None:
    """With plain numbers, with which a spreadsheet can go on; in the language of the page."""
    assert table(browser, "/tables/statistics.csv?school=ohg&months=24")[1:] == [
        ["July 2026", "18", "9", "70", "20"],
        ["October 2026", "20", "12", "1480", "44"],
        ["November 2026", "22", "< 3", "33", "0"],
    ]
    assert table(browser, "/tables/statistics-schools.csv?of=2026-10") == [
        ["School", "Short code", "Accounts", "Active", "Logins", "Meetings opened"],
        ["Ärzteschule", "aer", "< 3", "< 3", "< 3", "< 3"],
        ["Neue Schule", "neu", "", "", "", ""],
        ["Otto-Hahn-Gymnasium", "ohg", "20", "12", "1480", "44"],
    ]


def test_in_german_numbers_have_points(browser: Browser) -> None:
    """And what stands beneath is said in German too."""
    browser.headers["Accept-Language"] = "de"
    page = browser.get("/statistics?school=ohg")

    assert rows(page)[1] == ["Oktober 2026", "20", "12", "1.480", "44"]
    assert "Eins und zwei erscheinen als „< 3“." in page.text
    assert table(browser, "/tables/statistics.csv?school=ohg")[0][:3] == ["Monat", "Zugänge", "Aktive"]


def test_the_pictures_have_a_title_and_tell_of_the_table(browser: Browser) -> None:
    """And a bar for each month with anything in it; hollow where the number is not shown."""
    pictures = browser.get("/statistics?school=ohg").html.select(".pictures svg")

    assert [svg.title.get_text() for svg in pictures if svg.title] == [
        "Accounts, and active ones by month",
        "Logins by month",
        "Meetings opened by month",
    ]
    assert [len(svg.select("rect.used")) for svg in pictures] == [3, 3, 2]
    assert len(pictures[0].select("rect.used.few")) == 1
    assert "Most in October 2026: 1,480." in pictures[1].get_text()


def test_paper_says_who_made_it_and_when(browser: Browser) -> None:
    """And the page, when the numbers were counted."""
    page = browser.get("/statistics/schools")

    (head,) = page.html.select(".on-paper")
    assert head.get_text() == "Kreismedienzentrum Musterkreis · As of 20 Nov 2026"
    assert "Last counted: 20 Nov 2026, 08:55" in page.text


@pytest.mark.parametrize(
    "path", ["/statistics?months=1000", "/statistics/schools?of=1999", "/statistics/schools?of=2026-13"]
)
def test_what_makes_no_sense_is_ignored(browser: Browser, path: str) -> None:
    """As in all lists."""
    assert browser.get(path).status == 200


def test_a_school_that_does_not_exist_is_said_to(browser: Browser) -> None:
    """Rather than shown as one without logins."""
    for path in ("/statistics?school=xyz", "/tables/statistics.csv?school=xyz"):
        page = browser.get(path)
        assert page.status == 404
        assert "xyz" in page.text


def test_no_more_than_thirty_six_months_can_be_chosen(panel: StaffedPanel) -> None:
    """What is older is gone, or about to be."""
    make_school(panel.database)
    count(panel, "ohg", months_before(MORNING.date(), 50), (5, 5, 5, 5))
    choices = [
        each["value"] for each in panel.browser(Role.CLERK).get("/statistics/schools").html.select("option")
    ]

    assert choices[:4] == ["2026", "2025", "2024", "2023"]
    assert (choices[4], choices[-1], len(choices)) == ("2026-11", "2023-11", 41)
