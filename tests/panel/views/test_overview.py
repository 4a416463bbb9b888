"""The first page in the morning: search, what is not in order, the bell, who waits, who is suspended."""

from datetime import timedelta

from authbridge.storage.models import LoginAttempt, Role
from tests.support.factories import make_organiser, make_school
from tests.support.panel.staffed_panel import StaffedPanel


def log_in(panel: StaffedPanel, ago: timedelta, *verdicts: str) -> None:
    """Writes logins of so long ago into the journal."""
    at = panel.clock() - ago
    with panel.database.write_session() as session:
        session.add_all(
            LoginAttempt(at=at, request_id="r", transport="bosh", node="meet", verdict=verdict, closed_at=at)
            for verdict in verdicts
        )


def test_the_order_is_that_of_the_morning(panel: StaffedPanel) -> None:
    """Search first, then whether all is well, the logins, meetings, waits, suspensions, what ends soon."""
    make_school(panel.database)
    page = panel.browser(Role.AUDITOR).get("/").html
    main = page.select_one("main")
    assert main is not None
    parts = [each.get("aria-labelledby") or each.get("aria-label") for each in main.select("section")]
    assert parts == [
        "Search",
        "health-title",
        "bell-title",
        "meetings-title",
        "lockouts-title",
        "suspended-title",
        "expiring-title",
    ]


def test_the_logins_of_today_are_a_picture_and_a_table(panel: StaffedPanel) -> None:
    """Both say the same; no name is in either of them."""
    make_school(panel.database)
    who = make_organiser(panel.database)
    log_in(panel, timedelta(minutes=10), "granted", "granted", "refused")
    log_in(panel, timedelta(days=1, minutes=10), *["granted"] * 4)
    browser = panel.browser(Role.AUDITOR)
    section = browser.get("/").html.select_one(".bell")
    assert section is not None
    assert "2 logins since seven o’clock, 1 refused or waiting." in " ".join(section.get_text(" ").split())
    assert len(section.select("rect.granted")) == 1
    assert len(section.select("rect.refused")) == 1
    assert len(section.select("polyline.usual")) == 1
    rows = [[cell.get_text() for cell in row.select("th, td")] for row in section.select("tbody tr")]
    at = (panel.clock() - timedelta(minutes=10)).astimezone(panel.parts.config.timezone)
    assert rows == [[f"{at.replace(minute=at.minute // 5 * 5):%H:%M}", "2", "1", "4"]]
    assert who.username not in section.get_text()


def test_a_day_without_logins_says_so(panel: StaffedPanel) -> None:
    """There is nothing to draw."""
    make_school(panel.database)
    section = panel.browser(Role.AUDITOR).get("/").html.select_one(".bell")
    assert section is not None
    assert "Nobody has logged in since seven" in section.get_text()
    assert not section.select("svg.chart, table")
