"""Every page of the panel in every state that looks different, written down once for all checks.

A check walks along and looks whenever a page is shown.  What is pressed is found by its place on the page, so
the walk is the same in each language.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pyotp
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions
from sqlalchemy import func, select

from authbridge import deletion_records
from authbridge.clock import utc_now
from authbridge.doctor.reports import Report, keep
from authbridge.login.authenticate import authenticate
from authbridge.machine.findings import Level
from authbridge.revocations import feed, numbered_reports
from authbridge.revocations.numbered_reports import NumberedReport
from authbridge.revocations.reports import Contact, NodeReport, note_contact
from authbridge.schools.commands import organisers, schools, suspensions
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.statistics.counting import months_before
from authbridge.storage.database import Database
from authbridge.storage.models import MeetingRule, MonthlyTotal, Revocation, Role, School, SuspensionReason
from tests.support.factories import (
    ACTOR,
    HASHER,
    make_attempt,
    make_code,
    make_origin,
    make_print_job,
    make_school,
    make_services,
)
from tests.support.findings import make_finding
from tests.support.panel.sample_data import make_deletion_record
from tests.support.panel_browser import PanelBrowser, PanelServer
from workbench.staff import Member, invite

_DONE = "form[action$='/done']"

_PRINT_JOB = "D7K-42P"

_PASSWORD = "Elf Schafe lesen abends Zeitung"

_LONG_NAME = "Gemeinschafts-und-Verbundschule-mit-sonderpädagogischer-Außenstelle-im-Bildungszentrum-Nordwest"
_ODD_NAME = "<b>Schule</b> am „Eck“ & מרכז O'Connor =1+1"


_SCHOOLS = (
    "Kürzel;Name;Straße;Ort;Kontingent;Netze;Vertrag (AVV)\r\n"
    "odd;;Große Allee 12;74072 Heilbronn;70;198.51.100.7 2001:db8:12::/48;01.09.2026\r\n"
    f"neu;Neue Schule;;;;;fehlt\r\nlang;{_LONG_NAME};;;25;;\r\n"
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that is on the screen now, and the status with which it came."""

    name: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Sights:
    """Who is there to be looked at: the login names of organisers in one state each."""

    active: str
    suspended: str
    expired: str
    of_suspended_school: str
    waiting: str


def walk(panel_browser: PanelBrowser, panel_server: PanelServer) -> Iterator[Shown]:
    """Yields all pages from the sign-in to the last one, for a database with nobody in it."""
    yield from _at_the_door(panel_browser, panel_server)
    yield from _report_page(panel_browser)
    admin = panel_server.enrol(Role.ADMIN)
    panel_browser.sign_in(admin)
    yield from _before_the_first_school(panel_browser)
    yield from _adding_a_school(panel_browser, panel_server, admin)
    sights = _furnish(panel_server.database, panel_server)
    yield from _overview_and_search(panel_browser)
    yield from _meeting_servers(panel_browser, panel_server.database, sights)
    yield from _statistics(panel_browser, panel_server.database)
    yield from _schools(panel_browser)
    yield from _organisers(panel_browser, panel_server, sights)
    yield from _several_organisers(panel_browser, sights)
    yield from _misuse(panel_browser, panel_server)
    yield from _credentials(panel_browser, sights)
    yield from _school_years(panel_browser)
    yield from _imports(panel_browser)
    panel_server.renew_factor(admin)
    yield from _holds(panel_browser, sights)
    yield from _staff(panel_browser, panel_server, admin)
    panel_server.renew_factor(admin)
    yield from _account(panel_browser, admin)
    yield from _passkeys(panel_browser)
    panel_server.leave_factor(admin, timedelta(minutes=11))
    yield from _a_late_press(panel_browser, admin)
    yield from _errors(panel_browser)
    yield from _as_auditor(panel_browser, panel_server, sights)


def _at_the_door(panel_browser: PanelBrowser, panel_server: PanelServer) -> Iterator[Shown]:
    panel_browser.open("/sign-in")
    yield Shown("sign-in")
    panel_browser.send()
    yield Shown("sign-in-empty", 422)
    panel_browser.fill(name="nobody", password="wrong")
    panel_browser.send()
    yield Shown("sign-in-wrong", 422)
    for note in ("signed-out", "again", "expired", "expired-form", "expired-button", "ended", "ended-button"):
        panel_browser.open(f"/sign-in?note={note}")
        yield Shown(f"sign-in-{note}")

    for name in ("accessibility", "imprint"):
        panel_browser.open(f"/{name}")
        yield Shown(name)

    code = invite(panel_server.services, "neu", Role.CLERK)
    panel_browser.open("/invitation")
    yield Shown("invitation")
    panel_browser.fill(name="neu", code="bbbb-cccc-dddd")
    panel_browser.send()
    yield Shown("invitation-wrong", 422)
    panel_browser.fill(code=code)
    panel_browser.send()
    yield Shown("enrol")
    panel_browser.send()
    yield Shown("enrol-empty", 422)
    secret = panel_browser.text_of(".secret").replace(" ", "")
    panel_browser.fill(password=_PASSWORD, repeated=_PASSWORD, code=pyotp.TOTP(secret).now())
    panel_browser.send()
    yield Shown("enrol-recovery-codes")
    _press(panel_browser, "form[action$='/sign-out'] button")
    panel_browser.fill(name="neu", password=_PASSWORD)
    panel_browser.send()
    yield Shown("code")
    panel_browser.fill(code="000000")
    panel_browser.send()
    yield Shown("code-wrong", 422)
    for number in range(1, 20):
        panel_browser.fill(code=f"{number:06}")
        panel_browser.send()
        if panel_browser.status == 429:
            break
    yield Shown("code-wait", 429)


def _report_page(panel_browser: PanelBrowser) -> Iterator[Shown]:
    for name, path, status in (
        ("report-accessibility", "/report/accessibility", 200),
        ("report-imprint", "/report/imprint", 200),
        ("report-gone", "/report/blocked/none", 410),
        ("report-error-404", "/report/nothing", 404),
        ("report", "/report", 200),
    ):
        panel_browser.open(path)
        yield Shown(name, status)
    panel_browser.send()
    yield Shown("report-empty", 422)
    for number in range(5):
        panel_browser.fill(code=f"bbbb-cccc-{number:04}".translate(_LETTERS), username="ohg-kwtx")
        panel_browser.send()
    yield Shown("report-wait", 429)


_LETTERS = str.maketrans("0123456789", "bcdfghjklm")


def _before_the_first_school(panel_browser: PanelBrowser) -> Iterator[Shown]:
    for name, path in (
        ("overview-first", "/"),
        ("schools-none", "/schools"),
        ("organisers-none", "/organisers"),
        ("statistics-none", "/statistics"),
        ("statistics-no-schools", "/statistics/schools"),
        ("meeting-rules-none", "/meeting-rules"),
        ("server-check-none", "/server-check"),
        ("search-nothing", "/search?q=nirgends"),
    ):
        panel_browser.open(path)
        yield Shown(name)


def _adding_a_school(
    panel_browser: PanelBrowser, panel_server: PanelServer, admin: Member
) -> Iterator[Shown]:
    panel_browser.open("/schools/add")
    yield Shown("school-add")
    panel_browser.browser.find_element(By.TAG_NAME, "summary").click()
    panel_browser.fill(code="!", mailbox="kein Postfach", quota="viele", trusted_networks="300.1.1.1")
    panel_browser.send()
    yield Shown("school-add-faults", 422)
    panel_browser.fill(
        code="ohg", name=_LONG_NAME, mailbox="", quota="300", trusted_networks="2001:db8:12::/48"
    )
    panel_browser.send()
    yield Shown("school-new")

    panel_browser.open("/schools/add")
    panel_browser.fill(code="weg", name="Schule am Weg")
    panel_server.leave_idle(admin, timedelta(minutes=61))
    panel_browser.send()
    yield Shown("sign-in-after-idle-time")
    panel_browser.fill(name=admin.name, password=admin.password)
    panel_browser.send()
    panel_browser.fill(code=admin.recovery_codes[0])
    panel_browser.send()
    yield Shown("school-add-draft")


def _furnish(database: Database, panel_server: PanelServer) -> Sights:
    """Makes schools and organisers enough for second pages, and one organiser in each state."""
    today = utc_now().astimezone(panel_server.services.timezone).date()
    make_school(database, "odd", _ODD_NAME)
    make_school(database, "shut", "Geschlossene Schule")
    make_school(database, "full", "Volle Schule")
    for number in range(52):
        make_school(database, f"s{number}", f"Schule Nummer {number}")
    names = _issue(database, "ohg", 70)
    (expired,) = _issue(database, "odd", 1, date(2024, 7, 31))
    _issue(database, "odd", 2, today + timedelta(days=7), _PRINT_JOB)
    (of_suspended_school,) = _issue(database, "shut", 1)
    with database.write_session() as session:
        schools.change_school(session, "full", quota=0, actor=ACTOR, now=utc_now())
        suspensions.suspend(
            session, SCHOOL, "shut", reason=SuspensionReason.MISUSE, actor=ACTOR, now=utc_now()
        )
        for name in names[:11]:
            suspensions.suspend(session, ORGANISER, name, reason=None, actor=ACTOR, now=utc_now())
    sights = Sights(names[20], names[0], expired, of_suspended_school, names[21])
    services = make_services(database, clock=utc_now, keyed_hashes=panel_server.services.keyed_hashes)
    for number in range(8):
        guess = f"bbbb-cccc-dd{number:02}".translate(_LETTERS)
        authenticate(make_attempt(sights.waiting, guess, ip="203.0.113.9"), make_origin(), services, within=5)
    return sights


def _issue(
    database: Database,
    school: str,
    count: int,
    valid_until: date | None = None,
    print_job: str | None = None,
) -> list[str]:
    passwords = organisers.make_passwords(
        count, HASHER, print_job=None if print_job is None else make_print_job(print_job)
    )
    with database.write_session() as session:
        issued = organisers.issue_organisers(
            session, school, passwords, valid_until=valid_until, actor=ACTOR, now=utc_now()
        )
    return [each.username for each in issued]


def _overview_and_search(panel_browser: PanelBrowser) -> Iterator[Shown]:
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
    _show_template(panel_browser, "session-warning")
    yield Shown("session-warning")
    _show_template(panel_browser, "session-ended")
    yield Shown("session-ended")


def _meeting_servers(panel_browser: PanelBrowser, database: Database, sights: Sights) -> Iterator[Shown]:
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
    _press(panel_browser, "form[action$='/nodes/forget'] button")
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


def _statistics(panel_browser: PanelBrowser, database: Database) -> Iterator[Shown]:
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


def _schools(panel_browser: PanelBrowser) -> Iterator[Shown]:
    for name, path in (
        ("schools", "/schools"),
        ("schools-last-page", "/schools?page=2"),
        ("schools-suspended", "/schools?show=suspended"),
        ("schools-not-found", "/schools?q=nirgends"),
        ("school-odd", "/schools/odd"),
        ("school-suspended", "/schools/shut"),
        ("school-long", "/schools/ohg?rows=all"),
        ("school-narrowed", "/schools/ohg?q=nirgends"),
        ("school-full", "/schools/full"),
        ("issue-full", "/schools/full/issue"),
        ("issue-suspended", "/schools/shut/issue"),
        ("school-edit", "/schools/odd/edit"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    _put(panel_browser, "revision", "0")
    panel_browser.fill(street="Anderswo 7")
    panel_browser.send()
    yield Shown("school-edit-changed-by-others", 422)
    panel_browser.open("/schools/full")
    _press(panel_browser, "form[action$='/schools/full/suspend'] button")
    yield Shown("school-just-suspended")


def _organisers(panel_browser: PanelBrowser, panel_server: PanelServer, sights: Sights) -> Iterator[Shown]:
    for name, path in (
        ("organisers", "/organisers"),
        ("organisers-last-page", "/organisers?page=2"),
        ("organisers-expired", "/organisers?state=expired"),
        ("organisers-not-found", "/organisers?q=nirgends"),
        ("organisers-sorted", "/organisers?sort=valid-until&down=1"),
        ("organiser", f"/organisers/{sights.active}"),
        ("organiser-expired", f"/organisers/{sights.expired}"),
        ("organiser-of-suspended-school", f"/organisers/{sights.of_suspended_school}"),
        ("organiser-waiting", f"/organisers/{sights.waiting}"),
        ("access-to-data", f"/data-protection/accounts/{sights.waiting}"),
        ("organiser-suspended", f"/organisers/{sights.suspended}"),
        ("reset-suspended", f"/organisers/{sights.suspended}/reset"),
        ("validity", f"/organisers/{sights.active}/validity"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    _put(panel_browser, "valid_until", "0999-01-01")
    panel_browser.send()
    yield Shown("validity-wrong", 422)
    panel_browser.open(f"/organisers/{sights.active}/delete")
    yield Shown("delete")
    panel_browser.fill(typed="jemand")
    panel_browser.send()
    yield Shown("delete-wrong", 422)

    panel_browser.open(f"/organisers/{sights.active}")
    _press(panel_browser, "form[action$='/end-sessions'] button")
    yield Shown("organiser-just-logged-out")
    _press(panel_browser, "form[action$='/suspend'] button")
    yield Shown("organiser-just-suspended")
    panel_browser.fill(note="x" * 201)
    _press(panel_browser, "form[action$='/suspension'] button")
    yield Shown("organiser-note-too-long", 422)
    panel_browser.open(f"/organisers/{sights.active}")
    _press(panel_browser, "form[action$='/reinstate'] button")
    with panel_server.database.write_session() as session:
        suspensions.suspend(session, ORGANISER, sights.active, reason=None, actor=ACTOR, now=utc_now())
    _press(panel_browser, "form[action$='/suspend'] button")
    yield Shown("organiser-suspended-before")


def _several_organisers(panel_browser: PanelBrowser, sights: Sights) -> Iterator[Shown]:
    everybody = "all=1&school=ohg"
    for name, path in (
        ("organisers-expiring", "/organisers?state=expiring&school=odd"),
        ("organisers-waiting", "/organisers?state=waiting"),
        ("print-job", f"/print-jobs/{_PRINT_JOB}"),
        ("terms", "/terms"),
        ("hand-out-list", f"/print-jobs/{_PRINT_JOB}/hand-out-list"),
        ("several-none", "/selection/suspend"),
        ("several-logout", f"/selection/end-sessions?{everybody}"),
        ("several-end", f"/selection/expire?{everybody}"),
        ("several-reinstate", f"/selection/reinstate?{everybody}"),
        ("several-reset-of-schools", "/selection/reset?all=1&q=o"),
        ("several-gone", f"/selection/suspend?name={sights.suspended}&name=ohg-zzzz"),
        ("several-suspend", f"/selection/suspend?all=1&job={_PRINT_JOB}&back=/print-jobs/{_PRINT_JOB}"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.send()
    yield Shown("several-just-suspended")
    panel_browser.open("/organisers")
    panel_browser.browser.find_element(By.CSS_SELECTOR, "td.pick input").click()
    yield Shown("several-ticked")
    _press(panel_browser, "form#selection button")
    yield Shown("several-extend")
    panel_browser.browser.execute_script("document.querySelector('main [name=valid_until]').value = '';")
    panel_browser.send()
    yield Shown("several-extend-without-a-day", 422)
    panel_browser.open(f"/selection/reset?all=1&job={_PRINT_JOB}")
    panel_browser.send()
    panel_browser.await_element(_DONE)
    yield Shown("several-new-passwords")
    panel_browser.fetch(f"{panel_browser.path}/letters.pdf")
    _press(panel_browser, _DONE)
    yield Shown("print-job-of-new-passwords")


def _misuse(panel_browser: PanelBrowser, panel_server: PanelServer) -> Iterator[Shown]:
    """Yields what the head of a school blocks, what staff report, and how they close it."""
    database, keyed_hashes = panel_server.database, panel_server.services.keyed_hashes
    panel_browser.open("/misuse")
    yield Shown("misuse-none")
    (username,) = _issue(database, "odd", 1)
    codes = [make_code(database, "odd", today=utc_now().date(), keyed_hashes=keyed_hashes) for _ in range(2)]
    panel_browser.open("/report")
    panel_browser.fill(code=codes[0], username="odd-zzzz")
    panel_browser.send()
    yield Shown("report-no-such-name", 422)
    for name, code in (("report-blocked", codes[0]), ("report-blocked-before", codes[1])):
        panel_browser.open("/report")
        panel_browser.fill(code=code, username=username, words="Fremde in der Konferenz der 9b")
        panel_browser.send()
        yield Shown(name)
    for name, path in (
        ("misuse-organiser", f"/organisers/{username}/misuse"),
        ("misuse-school", "/schools/odd/misuse"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.send()
    yield Shown("misuse-school-without-a-name", 422)
    panel_browser.fill(description="Passwort am Brett", happened="heute früh")
    _press(panel_browser, "main form.form button:not([name])")
    yield Shown("misuse-just-reported")
    for name, path in (
        ("misuse", "/misuse"),
        ("misuse-by-code", "/misuse/1"),
        ("misuse-school-page", "/schools/odd"),
        ("misuse-overview", "/"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.open("/misuse/1")
    panel_browser.send()
    yield Shown("misuse-close-without-a-result", 422)
    panel_browser.browser.find_element(By.CSS_SELECTOR, "input[name=result]").click()
    panel_browser.send()
    yield Shown("misuse-closed")
    panel_browser.open("/schools/shut/report-codes")
    yield Shown("report-codes-none")
    panel_browser.open("/schools/odd/report-codes")
    yield Shown("report-codes")
    _press(panel_browser, "form[action$='/issue'] button")
    yield Shown("report-code")
    panel_browser.open("/schools/odd/report-codes/new/over")
    yield Shown("report-code-over")


def _holds(panel_browser: PanelBrowser, sights: Sights) -> Iterator[Shown]:
    """Yields what an admin asks to hold, for an auditor to confirm."""
    panel_browser.open("/holds")
    yield Shown("holds-none")
    panel_browser.open(f"/organisers/{sights.waiting}/hold")
    yield Shown("hold")
    panel_browser.fill(network="überall", days="91")
    panel_browser.send()
    yield Shown("hold-faults", 422)
    panel_browser.fill(network="203.0.113.0/24", days="90", reason="Anzeige bei der Polizei, Aktenzeichen 17")
    panel_browser.send()
    yield Shown("holds-own-request")
    for name, path in (
        ("journal-held", "/journal"),
        ("journal-of-a-hold", "/journal?hold=1"),
        ("overview-unconfirmed-hold", "/"),
    ):
        panel_browser.open(path)
        yield Shown(name)


def _credentials(panel_browser: PanelBrowser, sights: Sights) -> Iterator[Shown]:
    panel_browser.open("/schools/ohg/issue")
    yield Shown("issue")
    panel_browser.fill(count="0")
    panel_browser.send()
    yield Shown("issue-wrong", 422)
    panel_browser.fill(count="12")
    panel_browser.send()
    panel_browser.browser.execute_script("window.stop();")  # else the page asks again each second
    yield Shown("credentials-progress")
    panel_browser.open(panel_browser.path)
    panel_browser.await_element(_DONE)
    yield Shown("credentials")
    _press(panel_browser, f"{_DONE} button")
    yield Shown("credentials-wipe")
    panel_browser.send()
    yield Shown("credentials-done")
    panel_browser.open("/schools/ohg/issue")
    panel_browser.browser.find_element(By.CSS_SELECTOR, "input[name=shape][value=slips]").click()
    panel_browser.send()
    panel_browser.await_element(_DONE)
    yield Shown("credentials-envelope")
    panel_browser.open("/terms")
    _press(panel_browser, "form[action$='/terms/send'] button")
    yield Shown("terms-sent")
    panel_browser.open("/terms")
    yield Shown("terms-with-all")
    panel_browser.open(f"/organisers/{sights.active}/reset")
    yield Shown("reset")
    panel_browser.send()
    panel_browser.await_element(_DONE)
    yield Shown("credentials-reset")
    panel_browser.open("/credentials/nothing/over")
    yield Shown("credentials-over", 410)
    panel_browser.open("/credentials/nothing")
    yield Shown("credentials-gone", 410)


def _school_years(panel_browser: PanelBrowser) -> Iterator[Shown]:
    for name, path in (("school-year", "/schools/odd/school-year"), ("school-years", "/school-year")):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.send()
    yield Shown("school-years-none-ticked", 422)
    _tick(panel_browser, "[name=all_schools]")
    panel_browser.send()
    yield Shown("school-years-foretold")
    panel_browser.send()
    yield Shown("school-years-report")
    panel_browser.open("/schools/odd/school-year")
    _tick(panel_browser, "[name=who][value=number]")
    panel_browser.send()
    yield Shown("school-year-wrong", 422)
    panel_browser.fill(count="2")
    _tick(panel_browser, "[name=others][value=now]")
    panel_browser.send()
    yield Shown("school-year-foretold")
    panel_browser.send()
    panel_browser.await_element(_DONE)
    panel_browser.fetch(f"{panel_browser.path}/letters.pdf")
    _press(panel_browser, _DONE)
    yield Shown("school-year-report")


def _imports(panel_browser: PanelBrowser) -> Iterator[Shown]:
    panel_browser.open("/import/organisers")
    yield Shown("import")
    panel_browser.send()
    yield Shown("import-no-file", 422)
    panel_browser.open("/import/organisers")
    panel_browser.send_file("table", b"Schule;Anmeldename;Passwort\nohg;t.021; Brot\nohg;t.022;\n\xff\n")
    yield Shown("import-faults-of-the-file", 422)
    panel_browser.open("/import/organisers")
    panel_browser.send_file("table", b"Schule;Anmeldename;Passwort\nxyz;t.021;Brot\nOHG;t.022;Brot\n")
    yield Shown("import-faults")
    panel_browser.open("/import/organisers")
    lines = "".join(
        f"{_LONG_NAME if number % 3 else 'odd'};t.{number:03};Brot {number};\n" for number in range(30)
    )
    panel_browser.send_file("table", f"Schule;Anmeldename;Passwort;Gültig bis\n{lines}".encode())
    yield Shown("import-shown")
    _press(panel_browser, "form[action$='/run'] button")
    panel_browser.browser.execute_script("window.stop();")  # else the page asks again each second
    yield Shown("import-progress")
    panel_browser.open(panel_browser.path)
    panel_browser.await_element(".notice.warn")
    yield Shown("import-done")
    panel_browser.open("/import/organisers/nothing")
    yield Shown("import-gone", 410)
    panel_browser.open("/import/schools")
    yield Shown("import-schools")
    panel_browser.send_file("table", _SCHOOLS.encode("cp1252"))
    yield Shown("import-schools-shown")
    _press(panel_browser, "form[action$='/run'] button")
    yield Shown("import-schools-done")
    panel_browser.open("/import/schools")
    panel_browser.send_file("table", _SCHOOLS.encode("cp1252"))
    yield Shown("import-schools-nothing-to-change")


def _staff(panel_browser: PanelBrowser, panel_server: PanelServer, admin: Member) -> Iterator[Shown]:
    panel_browser.open("/staff/add")
    yield Shown("staff-add")
    panel_browser.fill(name="Ä")
    panel_browser.send()
    yield Shown("staff-add-wrong", 422)
    panel_browser.fill(name="berta")
    panel_browser.send()
    yield Shown("staff-invited")
    clerk = panel_server.enrol(Role.CLERK)
    for name, path in (
        ("staff", "/staff"),
        ("staff-invited-one", "/staff/berta"),
        ("staff-me", f"/staff/{admin.name}"),
        ("staff-invitation-gone", "/staff/neu/invitation"),
        ("staff-invitation-over", "/staff/neu/invitation/over"),
        ("staff-delete", f"/staff/{clerk.name}/delete"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.fill(typed="jemand")
    panel_browser.send()
    yield Shown("staff-delete-wrong", 422)
    panel_browser.open(f"/staff/{clerk.name}")
    yield Shown("staff-one")
    panel_browser.open(f"/staff/{clerk.name}/reset")
    yield Shown("staff-invite-again")
    panel_browser.open(f"/staff/{clerk.name}")
    _press(panel_browser, "form[action$='/suspend'] button")
    yield Shown("staff-just-suspended")


def _account(panel_browser: PanelBrowser, admin: Member) -> Iterator[Shown]:
    for name, path in (
        ("account", "/account"),
        ("account-password", "/account/password"),
        ("confirm", "/confirm"),
        ("account-recovery", "/account/recovery"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.send()
    yield Shown("account-recovery-codes")
    panel_browser.open("/account/password")
    panel_browser.fill(current=admin.password, password="kurz", repeated="anders")
    panel_browser.send()
    yield Shown("account-password-wrong", 422)


def _passkeys(panel_browser: PanelBrowser) -> Iterator[Shown]:
    options = VirtualAuthenticatorOptions()
    options.transport = VirtualAuthenticatorOptions.Transport.INTERNAL
    options.has_user_verification = options.is_user_verified = True
    panel_browser.browser.add_virtual_authenticator(options)
    panel_browser.open("/account/passkeys/add")
    yield Shown("passkey-add")
    panel_browser.fill(label="Schlüsselbund")
    _press(panel_browser, "form[data-passkey] button[type=submit]")
    yield Shown("account-with-a-passkey")


def _a_late_press(panel_browser: PanelBrowser, admin: Member) -> Iterator[Shown]:
    """Presses a button for which the code is no longer fresh, and shows a passkey instead."""
    panel_browser.open("/account")
    _press(panel_browser, "form[action$='/remove'] button")
    yield Shown("confirm-with-a-passkey")
    _press(panel_browser, "form[data-passkey] button")
    yield Shown("account-late-press")
    _press(panel_browser, "form[action$='/sign-out'] button")
    panel_browser.fill(name=admin.name, password=admin.password)
    panel_browser.send()
    yield Shown("code-with-a-passkey")
    _press(panel_browser, "form[data-passkey] button")


def _errors(panel_browser: PanelBrowser) -> Iterator[Shown]:
    panel_browser.open("/nowhere")
    yield Shown("error-404", 404)
    panel_browser.open("/sign-out")
    yield Shown("error-405", 405)
    panel_browser.open("/schools/add")
    _put(panel_browser, "name", "x" * 70_000)
    panel_browser.send()
    yield Shown("error-413", 413)
    panel_browser.open("/schools/add")
    _put(panel_browser, "csrf_token", "forged")
    panel_browser.send()
    yield Shown("error-csrf", 400)


def _as_auditor(panel_browser: PanelBrowser, panel_server: PanelServer, sights: Sights) -> Iterator[Shown]:
    panel_browser.sign_in(panel_server.enrol(Role.AUDITOR))
    for name, path in (
        ("auditor-overview", "/"),
        ("auditor-schools", "/schools"),
        ("auditor-school", "/schools/ohg"),
        ("auditor-organiser", f"/organisers/{sights.suspended}"),
        ("auditor-misuse", "/misuse/2"),
        ("auditor-journal", "/journal?unknown=yes"),
        ("auditor-audit", "/audit?actor=staff"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.open("/holds")
    yield Shown("auditor-holds")
    _press(panel_browser, "form[action$='/confirm'] button")
    yield Shown("auditor-holds-confirmed")
    panel_browser.open("/schools/add")
    yield Shown("error-403", 403)


def _press(panel_browser: PanelBrowser, selector: str) -> None:
    with panel_browser.next_page():
        panel_browser.browser.find_element(By.CSS_SELECTOR, selector).click()


def _tick(panel_browser: PanelBrowser, selector: str) -> None:
    panel_browser.browser.find_element(By.CSS_SELECTOR, selector).click()


def _put(panel_browser: PanelBrowser, name: str, value: str) -> None:
    """Writes into a field what cannot be typed into it."""
    panel_browser.browser.execute_script(
        "document.querySelector(`main [name=${arguments[0]}]`).value = arguments[1];", name, value
    )


def _show_template(panel_browser: PanelBrowser, name: str) -> None:
    """Shows what the page's script would show in time."""
    panel_browser.browser.execute_script(
        "const region = document.getElementById('session');"
        "region.replaceChildren(document.getElementById(arguments[0]).content.cloneNode(true));",
        name,
    )
