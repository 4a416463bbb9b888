"""Every page of the panel in every state that looks different, written down once for all checks.

A check walks along and looks whenever a page is shown.  What is pressed is found by its place on the page, so
the walk is the same in each language.
"""

from collections.abc import Iterator
from datetime import timedelta

from authbridge.storage.models import Role
from tests.support.panel_browser import PanelBrowser, PanelServer
from tests.support.panel_pages import (
    credentials,
    meeting_servers,
    misuse,
    organisers,
    overview,
    schools,
    staff,
)
from tests.support.panel_pages.sample_schools import furnish
from tests.support.panel_pages.shown import Shown

__all__ = ["Shown", "walk"]


def walk(panel_browser: PanelBrowser, panel_server: PanelServer) -> Iterator[Shown]:
    """Yields all pages from the sign-in to the last one, for a database with nobody in it."""
    yield from staff.at_the_door(panel_browser, panel_server)
    yield from misuse.report_page(panel_browser)
    admin = panel_server.enrol(Role.ADMIN)
    panel_browser.sign_in(admin)
    yield from schools.before_the_first(panel_browser)
    yield from schools.adding_one(panel_browser, panel_server, admin)
    sights = furnish(panel_server.database, panel_server)
    yield from overview.overview_and_search(panel_browser)
    yield from meeting_servers.pages(panel_browser, panel_server.database, sights)
    yield from overview.statistics(panel_browser, panel_server.database)
    yield from schools.pages(panel_browser)
    yield from organisers.pages(panel_browser, panel_server, sights)
    yield from organisers.several(panel_browser, sights)
    yield from misuse.reports(panel_browser, panel_server)
    yield from credentials.handing_out(panel_browser, sights)
    yield from schools.school_years(panel_browser)
    yield from credentials.imports(panel_browser)
    panel_server.renew_factor(admin)
    yield from misuse.holds(panel_browser, sights)
    yield from staff.colleagues(panel_browser, panel_server, admin)
    panel_server.renew_factor(admin)
    yield from staff.account(panel_browser, admin)
    yield from staff.passkeys(panel_browser)
    panel_server.leave_factor(admin, timedelta(minutes=11))
    yield from staff.a_late_press(panel_browser, admin)
    yield from overview.errors(panel_browser)
    yield from staff.as_auditor(panel_browser, panel_server, sights)
