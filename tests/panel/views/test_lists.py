"""Lists are sorted by link, narrowed within a school, and whole on paper and as a table."""

import csv
import io
import re
from datetime import timedelta

import pytest

from authbridge.schools.commands import schools
from authbridge.schools.listings import MOST_AT_ONCE, PAGE_SIZE
from authbridge.storage.models import Organiser, Role, School
from tests.support.factories import ACTOR, make_school
from tests.support.fakes import MORNING
from tests.support.panel.browser import Browser, Page
from tests.support.panel.sample_data import NO_HASH
from tests.support.panel.staffed_panel import StaffedPanel

COUNT = 85
TODAY = MORNING.date()


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel) -> Browser:
    """Opens an auditor's browser: reading is enough."""
    return panel.browser(Role.AUDITOR)


@pytest.fixture(name="school")
def make_full_school(panel: StaffedPanel) -> str:
    """Makes a school with organisers on two pages, and another one; returns its path."""
    for code, name, place in (("ohg", "Otto-Hahn-Gymnasium", "Heilbronn"), ("lmg", "Ärzteschule 10", "")):
        make_school(panel.database, code, name, quota=500)
        with panel.database.write_session() as session:
            schools.change_school(session, code, place=place, actor=ACTOR, now=MORNING)
    with panel.database.write_session() as session:
        ids = {school.code: school.id for school in session.query(School)}
        session.add(_organiser(ids["lmg"], "lmg-a", None))
        for number in range(COUNT):
            end = None if number == 1 else TODAY + timedelta(days=COUNT - number)
            session.add(_organiser(ids["ohg"], f"ohg-{number:03}", end))
    return "/schools/ohg"


def _organiser(school_id: int, username: str, valid_until: object) -> Organiser:
    return Organiser(
        username=username,
        school_id=school_id,
        password_hash=NO_HASH,
        password_generated=True,
        valid_until=valid_until,
        created_at=MORNING,
    )


def column(page: Page, heading: int = 0) -> list[str]:
    """Returns the cells of a column of the first table."""
    rows = page.html.select("table.list")[0].select("tbody tr")
    return [" ".join(row.find_all(["th", "td"])[heading].get_text(" ").split()) for row in rows]


def heading(page: Page, words: str) -> str:
    """Returns where the heading of that column leads."""
    links = page.html.select("table.list thead a")
    return str(next(link["href"] for link in links if link.get_text().endswith(words)))


def table(browser: Browser, page: Page) -> list[list[str]]:
    """Returns the rows of the file that the page offers."""
    (path,) = (link for link in page.links() if link.startswith("/tables/"))
    answer = browser.fetch(path)
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))


def test_a_heading_sorts_and_turns_round(browser: Browser, school: str) -> None:
    """The first press sorts, the second one turns the order; what has no day stands last either way."""
    page = browser.get(school)
    page = browser.get(heading(page, "Valid until"))
    assert column(page)[:2] == ["ohg-084", "ohg-083"]
    (sorted_by,) = page.html.select('th[aria-sort="ascending"]')
    assert sorted_by.get_text().endswith("Valid until")
    page = browser.get(heading(page, "Valid until"))
    assert column(page)[:2] == ["ohg-000", "ohg-002"]
    assert page.html.select('th[aria-sort="descending"]')
    (next_page,) = page.html.select('a[rel="next"]')
    page = browser.get(str(next_page["href"]))
    assert column(page)[-1] == "ohg-001"
    assert column(browser.get(heading(page, "Login name")))[0] == "ohg-000"


def test_schools_stand_by_name(browser: Browser, school: str) -> None:
    """Umlauts as their letter, numbers as numbers; every column can be sorted by."""
    assert school
    page = browser.get("/schools")
    assert column(page, 1) == ["lmg", "ohg"]
    for words, expected in (
        ("School", ["ohg", "lmg"]),
        ("Short code", ["lmg", "ohg"]),
        ("Place", ["ohg", "lmg"]),
        ("Organisers", ["lmg", "ohg"]),
    ):
        assert column(browser.get(heading(page, words)), 1) == expected, words


def test_schools_are_numbered_as_people_count(panel: StaffedPanel, browser: Browser) -> None:
    """The tenth stands after the second."""
    for number in (10, 2, 1):
        make_school(panel.database, f"s{number}", f"Schule {number}")
    assert column(browser.get("/schools"), 1) == ["s1", "s2", "s10"]


@pytest.mark.parametrize("query", ["sort=nonsense", "sort=username&down=x", "down=2", "rows=none"])
def test_an_order_that_is_none_is_the_usual_one(browser: Browser, school: str, query: str) -> None:
    """An address that was typed wrong shows the list."""
    assert column(browser.get(f"{school}?{query}"))[0] == "ohg-000"


def test_a_school_is_narrowed(browser: Browser, school: str) -> None:
    """By a part of the login name and by state; the order is kept, and so is the filter on the next page."""
    page = browser.get(f"{school}?q=08&sort=username&down=1")
    assert column(page) == ["ohg-084", "ohg-083", "ohg-082", "ohg-081", "ohg-080", "ohg-008"]
    assert column(browser.get(f"{school}?state=active"))[0] == "ohg-000"
    page = browser.get(f"{school}?state=suspended")
    assert "No organiser fits this filter." in page.text
    assert page.html.select_one("select#filter-state"), "to widen it again"


def test_what_stands_on_a_page_is_said(browser: Browser, school: str) -> None:
    """On paper, too: fifty rows are not taken for all of them."""
    assert f"Rows 1 to {PAGE_SIZE} of {COUNT}" in browser.get(school).text
    page = browser.get(f"{school}?page=2")
    assert f"Rows {PAGE_SIZE + 1} to {COUNT} of {COUNT}" in page.text


def test_the_whole_list_is_a_click_away(browser: Browser, school: str) -> None:
    """All rows on one page, for printing."""
    page = browser.get(school)
    (link,) = (each for each in page.html.select("main a") if "All rows on one page" in each.get_text())
    page = browser.get(str(link["href"]))
    assert len(column(page)) == COUNT
    assert "Rows 1" not in page.text
    assert MOST_AT_ONCE > COUNT


@pytest.mark.parametrize("path", ["/schools/ohg", "/organisers?q=hahn", "/organisers?q=ohg&state=active"])
def test_the_table_has_all_rows_of_the_filter(browser: Browser, school: str, path: str) -> None:
    """With the words that the page has, and in its order."""
    assert school
    page = browser.get(path)
    headings, *rows = table(browser, page)
    assert headings == ["School", "Login name", "State", "Last login", "Valid until"]
    assert [row[1] for row in rows] == [f"ohg-{number:03}" for number in range(COUNT)]
    assert rows[1] == ["Otto-Hahn-Gymnasium", "ohg-001", "active", "never", "no end"]
    turned = browser.get(heading(page, "Login name"))
    assert table(browser, turned)[1][1] == f"ohg-{COUNT - 1:03}"


def test_the_table_of_schools(browser: Browser, school: str) -> None:
    """As the list has them."""
    assert school
    headings, *rows = table(browser, browser.get("/schools?q=hahn"))
    assert len(headings) == len(rows[0])
    assert rows[0][:6] == ["Otto-Hahn-Gymnasium", "ohg", "Heilbronn", "active", str(COUNT), "500"]


def test_the_notice_has_the_focus(panel: StaffedPanel, school: str) -> None:
    """After a button of a list, the same page says what was done, and begins there."""
    clerk = panel.browser(Role.CLERK)
    path = f"{school}?page=2&sort=username"
    page = clerk.press(path, "/organisers/ohg-060/suspend")
    assert page.path == path
    (focused,) = page.html.select("[autofocus]")
    assert (focused["role"], focused["tabindex"]) == ("alert", "-1")
    assert "ohg-060 is suspended" in focused.get_text()


@pytest.fixture(name="_taken_over")
def take_over(panel: StaffedPanel, school: str) -> None:
    """Four of the school were taken over: one has come, and one was given a password of ours since."""
    assert school
    with panel.database.write_session() as session:
        for number in range(3, 7):
            organiser = session.query(Organiser).where(Organiser.username == f"ohg-{number:03}").one()
            organiser.password_generated = number == 3
            organiser.last_login_on = TODAY if number == 4 else None


@pytest.mark.usefixtures("_taken_over")
def test_those_who_were_taken_over_and_have_not_come_are_found(
    panel: StaffedPanel, browser: Browser, school: str
) -> None:
    """The school's page says how many and leads there; so does the list of all; none, and it says nothing."""
    page = browser.get(school)
    (link,) = (each for each in page.html.select("dl.facts a") if "not-come" in str(each["href"]))
    (line,) = page.html.select("dl.facts div:has(a[href*=not-come])")
    assert line.get_text(" ", strip=True) == "Taken over, not come yet 2 organisers"

    for path in (str(link["href"]), "/organisers?state=not-come"):
        page = browser.get(path)
        (shown,) = page.html.select("main table.list tbody")
        assert re.findall(r"ohg-\d+", shown.get_text()) == ["ohg-005", "ohg-006"]
        assert page.html.select_one("option[selected][value=not-come]") is not None
        assert re.findall(r"ohg-\d+", str(table(browser, page))) == ["ohg-005", "ohg-006"]

    with panel.database.write_session() as session:
        session.query(Organiser).update({Organiser.last_login_on: TODAY})
    for path in (school, "/schools/lmg"):
        assert browser.get(path).html.select("dl.facts a[href*=not-come]") == []
