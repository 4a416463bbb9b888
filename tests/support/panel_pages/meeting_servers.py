"""Meeting servers on the walk: their meetings, logouts, rules, and the check of the machine."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import func, select

from authbridge import deletion_records
from authbridge.clock import utc_now
from authbridge.doctor.reports import Report, keep
from authbridge.machine.findings import Level
from authbridge.revocations import feed, numbered_reports
from authbridge.revocations.numbered_reports import NumberedReport
from authbridge.revocations.reports import Contact, NodeReport, note_contact
from authbridge.storage.database import Database
from authbridge.storage.models import MeetingRule, Revocation
from tests.support.findings import make_finding
from tests.support.panel.sample_data import make_deletion_record
from tests.support.panel_browser import PanelBrowser
from tests.support.panel_pages.gestures import press
from tests.support.panel_pages.sample_schools import Sights
from tests.support.panel_pages.shown import Shown


def pages(panel_browser: PanelBrowser, database: Database, sights: Sights) -> Iterator[Shown]:
    """Yields pages about two meeting servers; one falls silent during a logout, and is forgotten."""
    organiser, silence = f"/organisers/{sights.suspended}", timedelta(minutes=1)
    _hear_from(database, "prosody-1", meetings={sights.active: 1, sights.waiting: 2, sights.expired: 1})
    _hear_from(database, "prosody-2", ago=silence, knows=False)
    for name, path in (
        ("overview-meetings", "/"),
        ("school-meetings", "/schools/ohg"),
        ("organiser-meeting", f"/organisers/{sights.active}"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    _hear_from(database, "prosody-1", _report(database, sights.suspended, 2, 1, 1))
    panel_browser.open(organiser)
    yield Shown("organiser-logged-out-in-part")
    panel_browser.open("/")
    yield Shown("overview-no-meetings")
    press(panel_browser, "form[action$='/nodes/forget'] button")
    yield Shown("overview-server-forgotten")
    _hear_from(database, "prosody-1")
    panel_browser.open(organiser)
    yield Shown("organiser-logged-out")
    panel_browser.open("/schools/shut")
    yield Shown("school-logged-out")
    report = NumberedReport("run", 1, {}, dict.fromkeys(MeetingRule, 1200))
    with database.write_session() as session:
        numbered_reports.count(session, "prosody-1", report, today=utc_now().date())
    panel_browser.open("/meeting-rules")
    yield Shown("meeting-rules")
    findings = [make_finding(f"check-{level}", level) for level in reversed(Level)]
    with database.write_session() as session:
        keep(session, Report("meet.example.org", utc_now(), findings))
    panel_browser.open("/server-check")
    yield Shown("server-check")
    with database.write_session() as session:
        deletion_records.keep(session, make_deletion_record(0))
    panel_browser.open("/data-protection/deletions/2026-11-20")
    yield Shown("deletion-record")


def _report(database: Database, username: str, sessions: int, meetings: int, logins: int) -> NodeReport:
    with database.read_session() as session:
        query = select(func.max(Revocation.id)).where(Revocation.username == username)
        return NodeReport(session.scalars(query).one() or 0, sessions, meetings, logins)


def _hear_from(
    database: Database,
    node: str,
    *reports: NodeReport,
    meetings: dict[str, int] | None = None,
    ago: timedelta = timedelta(0),
    knows: bool = True,
) -> None:
    """Asks as a meeting server; if it knows the feed, it has carried out everything."""
    with database.write_session() as session:
        epoch, cursor = feed.position(session.connection())
        contact = Contact(node, epoch if knows else None, cursor, reports, meetings or {})
        note_contact(session, contact, now=utc_now() - ago)
