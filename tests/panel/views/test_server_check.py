"""What the doctor found on each server: on a page of its own, and in one line of the overview."""

from datetime import timedelta

import pytest

from authbridge.data_protection.descriptions import roles_of
from authbridge.data_protection.inventory import description_of
from authbridge.doctor.reports import Report, keep
from authbridge.machine.findings import Level
from authbridge.storage.models import MachineReport, Role
from tests.support.factories import make_school
from tests.support.findings import make_finding
from tests.support.panel.staffed_panel import StaffedPanel


def keep_report(panel: StaffedPanel, *levels: Level, ago: timedelta = timedelta(0)) -> None:
    """Keeps a report with a finding of each level; a machine mends those that are no errors."""
    findings = [
        make_finding(f"check-{level}", level, is_mendable=level is not Level.ERROR) for level in levels
    ]
    with panel.database.write_session() as session:
        keep(session, Report("meet.example.org", panel.clock() - ago, findings))


def test_each_finding_says_what_why_where_and_who_mends_it(panel: StaffedPanel) -> None:
    """What is well is listed below, without any of that."""
    keep_report(panel, Level.ERROR, Level.WARNING, Level.OK)

    page = panel.browser(Role.AUDITOR).get("/server-check")

    error, warning = page.html.select(".finding")
    assert "at fault by check-error" in error.get_text()
    assert "Every browser looks like nginx itself." in error.get_text()
    assert [each.get_text() for each in error.select(".advice code, .advice pre")] == [
        "/etc/nginx/sites-available/meet.example.org.conf:47",
        "proxy_set_header X-Forwarded-For $remote_addr;",
    ]
    assert "a decision of the administrator" in error.get_text()
    assert "mended by the command above" in warning.get_text()
    assert [each.get_text(strip=True) for each in page.html.select(".well li")] == [
        "/etc/nginx/nginx.conf was found to be at fault by check-ok."
    ]
    assert [each.get_text() for each in page.html.select(".times dd")] == ["1", "1", "1"]


def test_where_nothing_was_checked_the_command_stands(panel: StaffedPanel) -> None:
    """An empty page would look as if all were well."""
    page = panel.browser(Role.ADMIN).get("/server-check")
    assert "No server has been checked yet." in page.text
    assert "authbridge doctor" in page.text


def test_the_record_of_processing_says_who_sees_it(panel: StaffedPanel) -> None:
    """The roles that it names open the page, and no others do."""
    readers = roles_of(description_of(MachineReport).audience)
    assert {role for role in Role if panel.browser(role).fetch("/server-check").status_code == 200} == {
        *readers
    }


@pytest.mark.parametrize(
    ("levels", "ago", "expected"),
    [
        ((Level.OK, Level.WARNING), timedelta(0), None),
        ((Level.ERROR,), timedelta(0), "The nightly check found 1 fault."),
        ((Level.ERROR, Level.ERROR), timedelta(0), "The nightly check found 2 faults."),
        ((Level.OK,), timedelta(days=3), "Nobody has checked it since"),
    ],
)
def test_the_overview_says_only_what_is_wrong(
    panel: StaffedPanel, levels: tuple[Level, ...], ago: timedelta, expected: str | None
) -> None:
    """A clerk is told whom to call; who may read the findings is led there."""
    make_school(panel.database)
    keep_report(panel, *levels, ago=ago)
    for role, may_read in ((Role.CLERK, False), (Role.AUDITOR, True)):
        page = panel.browser(role).get("/overview/health")
        troubles = [
            each.get_text(" ") for each in page.html.select(".health li") if "Setup of" in each.get_text()
        ]
        if expected is None:
            assert not troubles
            assert "Setup of meet.example.org" in page.text
        else:
            assert expected in " ".join(troubles[0].split())
            assert bool(page.html.select('a[href="/server-check"]')) is may_read
