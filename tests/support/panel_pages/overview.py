"""Pages on the walk that belong to no school: overview, search, journal, statistics, errors."""

from collections.abc import Iterator

from sqlalchemy import select

from authbridge.clock import utc_now
from authbridge.statistics.counting import months_before
from authbridge.storage.database import Database
from authbridge.storage.models import MonthlyTotal, School
from tests.support.panel_browser import PanelBrowser
from tests.support.panel_pages.gestures import put, show_template
from tests.support.panel_pages.shown import Shown


def overview_and_search(panel_browser: PanelBrowser) -> Iterator[Shown]:
    """Yields pages about all schools, and the script's notices about the end of a session."""
    for name, path in (
        ("overview", "/"),
        ("search", "/search?q="),
        ("search-short", "/search?q=sc"),
        ("search-found", "/search?q=hahn"),
        ("search-more", "/search?q=schule"),
        ("data-protection", "/data-protection"),
        ("journal", "/journal"),
        ("journal-none", "/journal?outcome=busy"),
        ("journal-nobody", "/journal?q=nobody"),
        ("audit", "/audit"),
        ("audit-none", "/audit?topic=node"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    show_template(panel_browser, "session-warning")
    yield Shown("session-warning")
    show_template(panel_browser, "session-ended")
    yield Shown("session-ended")


def statistics(panel_browser: PanelBrowser, database: Database) -> Iterator[Shown]:
    """Yields the statistics of three years, in which the number of accounts grew from nothing."""
    today = utc_now().date()
    with database.write_session() as session:
        for school in session.scalars(select(School).where(School.code.in_(["ohg", "odd"]))):
            session.add_all(
                MonthlyTotal(
                    school_id=school.id,
                    month=months_before(today, 35 - number),
                    accounts=number * school.quota // 50,
                    active=number // 3,
                    logins=number * number,
                    meetings=number // 2,
                )
                for number in range(36)
            )
    for name, path in (
        ("statistics", "/statistics"),
        ("statistics-school", "/statistics?school=odd&months=36"),
        ("statistics-schools", "/statistics/schools"),
        ("statistics-schools-month", f"/statistics/schools?of={today:%Y-%m}"),
    ):
        panel_browser.open(path)
        yield Shown(name)


def errors(panel_browser: PanelBrowser) -> Iterator[Shown]:
    """Yields the pages of errors that a request can make."""
    panel_browser.open("/nowhere")
    yield Shown("error-404", 404)
    panel_browser.open("/sign-out")
    yield Shown("error-405", 405)
    panel_browser.open("/schools/add")
    put(panel_browser, "name", "x" * 70_000)
    panel_browser.send()
    yield Shown("error-413", 413)
    panel_browser.open("/schools/add")
    put(panel_browser, "csrf_token", "forged")
    panel_browser.send()
    yield Shown("error-csrf", 400)
