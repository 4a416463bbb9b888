"""No page asks the database once more for each row that it shows.

The numbers are what each page needs at most, the session of who looks included; a page that needs more has to
say why here.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from authbridge.storage.models import Role
from tests.support.panel.browser import Browser
from tests.support.panel.sample_data import SampleData, add_sample_data, add_sessions
from tests.support.panel.staffed_panel import StaffedPanel

FEW, MANY = 5, 60

MOST = {
    "/": 27,  # health, meetings, suspended, waits, expiring, reminders, contracts, logins: one to four each
    "/search?q=schule": 8,  # meetings for the buttons, the print job of that number
    "/schools": 5,
    "/schools?show=suspended": 5,
    "/schools?q=bach": 5,
    "/schools?sort=organisers": 6,
    "/schools?rows=all": 5,
    "/organisers": 5,
    "/organisers?sort=school&down=1": 5,
    "/organisers?rows=all": 5,
    "/tables/schools.csv": 4,
    "/tables/organisers.csv?q=otto": 4,
    "/tables{school}.csv": 4,
    "/organisers?q=ohg": 6,
    "/organisers?state=suspended": 5,
    "/organisers?state=expiring": 5,
    "/organisers?state=never-logged-in": 5,
    "/organisers?state=waiting": 11,  # whose waits those are: six
    "/organisers?school=ohg": 6,
    "/print-jobs/D7K-42P": 6,
    "/print-jobs/D7K-42P/hand-out-list": 5,
    "/selection/suspend?all=1&school=ohg": 5,
    "/selection/extend?all=1&state=expiring": 4,
    "/selection/reset?all=1&job=D7K-42P": 5,
    "{school}": 13,  # what became of a suspension: three; the meetings that it would end: two
    "{school}?q=0&state=suspended": 14,
    "{school}/misuse": 5,
    "{school}/report-codes": 4,
    "{organiser}/misuse": 4,
    "/misuse": 4,
    "/holds": 3,
    "/journal?hold=1": 8,
    "{organiser}/hold": 3,
    "/misuse?school=ohg&state=open": 5,
    "/misuse/1": 4,
    "/tables/misuse.csv": 4,
    "{school}/revocation-status": 5,
    "{school}/edit": 4,
    "{school}/issue": 5,
    "{school}/school-year": 5,
    "/school-year": 4,
    "{organiser}": 19,  # of its week seven: logins, counts, changes (two), mistyped names, waits, suspensions
    "{organiser}/revocation-status": 5,
    "{organiser}/reset": 5,
    "{organiser}/validity": 4,
    "{organiser}/delete": 4,
    "/import/organisers": 2,
    "/import/schools": 2,
    "/overview/health": 5,  # the synthetic logins: two
    "/overview/meetings": 3,
    "/search?q=ohg-000x": 8,  # names near it, and whether it was tried
    "/journal": 7,  # the session, the look, whom it is about, two tables, the last deletion
    "/journal?q={username}": 8,
    "/audit": 3,
    "/statistics": 4,
    "/statistics?school=ohg&months=36": 5,
    "/statistics/schools": 5,
    "/tables/statistics.csv?school=ohg": 4,
    "/tables/statistics-schools.csv?of=2026": 4,
    "/staff": 4,
    "/staff/colleague-0": 5,
    "/account": 9,  # the events and print jobs with one's own name
    "/meeting-rules": 3,
    "/server-check": 2,
    "/data-protection": 60,  # of each table the oldest row, one that is older than promised, what is held
    "/data-protection/accounts/{username}": 19,  # one for each table that may hold something
}


@contextmanager
def counted(panel: StaffedPanel) -> Iterator[list[str]]:
    """Yields the statements that are sent meanwhile."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:  # noqa: ANN401
        statements.append(sql)

    event.listen(panel.database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(panel.database.engine, "before_cursor_execute", note)


def count_all(panel: StaffedPanel, browser: Browser, sample: SampleData) -> dict[str, list[str]]:
    """Returns the statements of each page."""
    asked = {}
    for path in MOST:
        place = path.format(
            school=f"/schools/{sample.code}",
            organiser=f"/organisers/{sample.username}",
            username=sample.username,
        )
        browser.get(place)  # once without counting: what is asked only at the first time
        with counted(panel) as statements:
            assert browser.get(place).status == 200, place
        asked[path] = list(statements)
    return asked


@pytest.fixture(name="asked", params=[pytest.param(FEW, marks=pytest.mark.soak), MANY])
def ask_every_page(panel: StaffedPanel, request: pytest.FixtureRequest) -> dict[str, list[str]]:
    """Opens every page with few rows, and with many."""
    sample = add_sample_data(panel.database, request.param)
    add_sessions(panel.database, "admin-anna", request.param)
    return count_all(panel, panel.browser(Role.ADMIN), sample)


def test_no_page_asks_more_for_more_rows(asked: dict[str, list[str]]) -> None:
    """The same limits hold for five rows and for sixty."""
    over = {path: Counter(found).most_common(3) for path, found in asked.items() if len(found) > MOST[path]}
    assert not over


def test_a_search_for_nothing_asks_nothing(panel: StaffedPanel) -> None:
    """A search for one letter sends no query; two may be a code."""
    browser = panel.browser(Role.CLERK)
    for text, most in (("", 1), ("o", 1), ("---", 1), ("oh", 3)):
        with counted(panel) as statements:
            browser.get(f"/search?q={text}")
        assert len(statements) == most, text


def test_a_click_within_half_a_minute_writes_nothing(panel: StaffedPanel) -> None:
    """The use of a session is written every half minute, not with each page."""
    browser = panel.browser(Role.CLERK)
    browser.get("/schools")
    with counted(panel) as statements:
        browser.get("/schools")
    assert not [each for each in statements if not each.startswith("SELECT")]
