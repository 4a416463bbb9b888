"""Every page of the panel in every state that looks different, written down once for all checks.

A check walks along and looks whenever a page is shown.  What is pressed is found by its place on the page, so
the walk is the same in each language.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pyotp
from selenium.webdriver.common.by import By
from sqlalchemy import func, select

from authbridge.clock import utc_now
from authbridge.login.flow import authenticate
from authbridge.revocations import feed
from authbridge.revocations.reports import Contact, NodeReport, note_contact
from authbridge.schools.commands import organisers, schools, suspensions
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import Revocation, Role, SuspensionReason
from tests.end_to_end.panel_office import Desk, Office
from tests.factories import ACTOR, HASHER, make_attempt, make_origin, make_school, make_services
from workbench.staff import Member, invite

_DONE = "form[action$='/done']"

_PASSWORD = "Elf Schafe lesen abends Zeitung"

_LONG_NAME = "Gemeinschafts-und-Verbundschule-mit-sonderpädagogischer-Außenstelle-im-Bildungszentrum-Nordwest"
_ODD_NAME = "<b>Schule</b> am „Eck“ & מרכז O'Connor =1+1"


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


def walk(desk: Desk, office: Office) -> Iterator[Shown]:
    """All of them, from the door to the last page, for a database with nobody in it."""
    yield from _at_the_door(desk, office)
    admin = office.enrol(Role.ADMIN)
    desk.sign_in(admin)
    yield from _before_the_first_school(desk)
    yield from _adding_a_school(desk, office, admin)
    sights = _furnish(office.database, office)
    yield from _overview_and_search(desk)
    yield from _meeting_servers(desk, office.database, sights)
    yield from _schools(desk)
    yield from _organisers(desk, office, sights)
    yield from _credentials(desk, sights)
    office.renew_factor(admin)
    yield from _staff(desk, office, admin)
    office.renew_factor(admin)
    yield from _account(desk, admin)
    yield from _errors(desk)
    yield from _as_auditor(desk, office, sights)


def _at_the_door(desk: Desk, office: Office) -> Iterator[Shown]:
    desk.open("/sign-in")
    yield Shown("sign-in")
    desk.send()
    yield Shown("sign-in-empty", 422)
    desk.fill(name="nobody", password="wrong")
    desk.send()
    yield Shown("sign-in-wrong", 422)
    for note in ("signed-out", "expired", "ended"):
        desk.open(f"/sign-in?note={note}")
        yield Shown(f"sign-in-{note}")

    code = invite(office.services, "neu", Role.CLERK)
    desk.open("/invitation")
    yield Shown("invitation")
    desk.fill(name="neu", code="bbbb-cccc-dddd")
    desk.send()
    yield Shown("invitation-wrong", 422)
    desk.fill(code=code)
    desk.send()
    yield Shown("enrol")
    desk.send()
    yield Shown("enrol-empty", 422)
    secret = desk.browser.find_element(By.CLASS_NAME, "secret").text.replace(" ", "")
    desk.fill(password=_PASSWORD, repeated=_PASSWORD, code=pyotp.TOTP(secret).now())
    desk.send()
    yield Shown("enrol-recovery-codes")
    _press(desk, "form[action$='/sign-out'] button")
    desk.fill(name="neu", password=_PASSWORD)
    desk.send()
    yield Shown("code")
    desk.fill(code="000000")
    desk.send()
    yield Shown("code-wrong", 422)
    for number in range(1, 20):
        desk.fill(code=f"{number:06}")
        desk.send()
        if desk.status == 429:
            break
    yield Shown("code-wait", 429)


_LETTERS = str.maketrans("0123456789", "bcdfghjklm")


def _before_the_first_school(desk: Desk) -> Iterator[Shown]:
    for name, path in (
        ("overview-first", "/"),
        ("schools-none", "/schools"),
        ("organisers-none", "/organisers"),
        ("search-nothing", "/search?q=nirgends"),
    ):
        desk.open(path)
        yield Shown(name)


def _adding_a_school(desk: Desk, office: Office, admin: Member) -> Iterator[Shown]:
    desk.open("/schools/add")
    yield Shown("school-add")
    desk.fill(code="!", mailbox="kein Postfach", quota="viele", trusted_networks="300.1.1.1")
    desk.send()
    yield Shown("school-add-faults", 422)
    desk.fill(code="ohg", name=_LONG_NAME, mailbox="", quota="300", trusted_networks="2001:db8:12::/48")
    desk.send()
    yield Shown("school-new")

    desk.open("/schools/add")
    desk.fill(code="weg", name="Schule am Weg")
    office.leave_idle(admin, timedelta(minutes=16))
    desk.send()
    yield Shown("sign-in-after-idle-time")
    desk.fill(name=admin.name, password=admin.password)
    desk.send()
    desk.fill(code=admin.recovery_codes[0])
    desk.send()
    yield Shown("school-add-draft")


def _furnish(database: Database, office: Office) -> Sights:
    """Schools and organisers enough for second pages, and one organiser in each state."""
    today = utc_now().astimezone(office.services.timezone).date()
    make_school(database, "odd", _ODD_NAME)
    make_school(database, "shut", "Geschlossene Schule")
    make_school(database, "full", "Volle Schule")
    for number in range(52):
        make_school(database, f"s{number}", f"Schule Nummer {number}")
    names = _issue(database, "ohg", 70)
    (expired,) = _issue(database, "odd", 1, date(2024, 7, 31))
    _issue(database, "odd", 2, today + timedelta(days=7))
    (of_suspended_school,) = _issue(database, "shut", 1)
    with database.write_session() as session:
        schools.change_school(session, "full", quota=0, actor=ACTOR, now=utc_now())
        suspensions.suspend(
            session, SCHOOL, "shut", reason=SuspensionReason.MISUSE, actor=ACTOR, now=utc_now()
        )
        for name in names[:11]:
            suspensions.suspend(session, ORGANISER, name, reason=None, actor=ACTOR, now=utc_now())
    sights = Sights(names[20], names[0], expired, of_suspended_school, names[21])
    services = make_services(database, clock=utc_now, keyed_hashes=office.services.keyed_hashes)
    for number in range(8):
        guess = f"bbbb-cccc-dd{number:02}".translate(_LETTERS)
        authenticate(make_attempt(sights.waiting, guess, ip="203.0.113.9"), make_origin(), services, within=5)
    return sights


def _issue(database: Database, school: str, count: int, valid_until: date | None = None) -> list[str]:
    passwords = organisers.make_passwords(count, HASHER)
    with database.write_session() as session:
        issued = organisers.issue_organisers(
            session, school, passwords, valid_until=valid_until, actor=ACTOR, now=utc_now()
        )
    return [each.username for each in issued]


def _overview_and_search(desk: Desk) -> Iterator[Shown]:
    for name, path in (
        ("overview", "/"),
        ("search", "/search?q="),
        ("search-short", "/search?q=sc"),
        ("search-found", "/search?q=ohg"),
        ("search-more", "/search?q=schule"),
    ):
        desk.open(path)
        yield Shown(name)
    _show_template(desk, "session-warning")
    yield Shown("session-warning")
    _show_template(desk, "session-ended")
    yield Shown("session-ended")


def _meeting_servers(desk: Desk, database: Database, sights: Sights) -> Iterator[Shown]:
    """Two of them, of which one falls silent while somebody is logged out, and is forgotten."""
    organiser, silence = f"/organisers/{sights.suspended}", timedelta(minutes=1)
    _hear_from(database, "prosody-1", meetings={sights.active: 1, sights.waiting: 2, sights.expired: 1})
    _hear_from(database, "prosody-2", ago=silence, knows=False)
    for name, path in (
        ("overview-meetings", "/"),
        ("school-meetings", "/schools/ohg"),
        ("organiser-meeting", f"/organisers/{sights.active}"),
    ):
        desk.open(path)
        yield Shown(name)
    _hear_from(database, "prosody-1", _report(database, sights.suspended, 2, 1, 1))
    desk.open(organiser)
    yield Shown("organiser-logged-out-in-part")
    desk.open("/")
    yield Shown("overview-no-meetings")
    _press(desk, "form[action$='/nodes/forget'] button")
    yield Shown("overview-server-forgotten")
    _hear_from(database, "prosody-1")
    desk.open(organiser)
    yield Shown("organiser-logged-out")
    desk.open("/schools/shut")
    yield Shown("school-logged-out")


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
    """A meeting server asks; if it knows the feed, it has carried out everything."""
    with database.write_session() as session:
        epoch, cursor = feed.position(session.connection())
        contact = Contact(node, epoch if knows else None, cursor, reports, meetings or {})
        note_contact(session, contact, now=utc_now() - ago)


def _schools(desk: Desk) -> Iterator[Shown]:
    for name, path in (
        ("schools", "/schools"),
        ("schools-last-page", "/schools?page=2"),
        ("schools-suspended", "/schools?show=suspended"),
        ("schools-not-found", "/schools?q=nirgends"),
        ("school-odd", "/schools/odd"),
        ("school-suspended", "/schools/shut"),
        ("school-full", "/schools/full"),
        ("issue-full", "/schools/full/issue"),
        ("issue-suspended", "/schools/shut/issue"),
        ("school-edit", "/schools/odd/edit"),
    ):
        desk.open(path)
        yield Shown(name)
    _put(desk, "revision", "0")
    desk.fill(street="Anderswo 7")
    desk.send()
    yield Shown("school-edit-changed-by-others", 422)
    desk.open("/schools/full")
    _press(desk, "form[action$='/schools/full/suspend'] button")
    yield Shown("school-just-suspended")


def _organisers(desk: Desk, office: Office, sights: Sights) -> Iterator[Shown]:
    for name, path in (
        ("organisers", "/organisers"),
        ("organisers-last-page", "/organisers?page=2"),
        ("organisers-expired", "/organisers?state=expired"),
        ("organisers-not-found", "/organisers?q=nirgends"),
        ("organiser", f"/organisers/{sights.active}"),
        ("organiser-expired", f"/organisers/{sights.expired}"),
        ("organiser-of-suspended-school", f"/organisers/{sights.of_suspended_school}"),
        ("organiser-waiting", f"/organisers/{sights.waiting}"),
        ("organiser-suspended", f"/organisers/{sights.suspended}"),
        ("reset-suspended", f"/organisers/{sights.suspended}/reset"),
        ("validity", f"/organisers/{sights.active}/validity"),
    ):
        desk.open(path)
        yield Shown(name)
    _put(desk, "valid_until", "0999-01-01")
    desk.send()
    yield Shown("validity-wrong", 422)
    desk.open(f"/organisers/{sights.active}/delete")
    yield Shown("delete")
    desk.fill(typed="jemand")
    desk.send()
    yield Shown("delete-wrong", 422)

    desk.open(f"/organisers/{sights.active}")
    _press(desk, "form[action$='/end-sessions'] button")
    yield Shown("organiser-just-logged-out")
    _press(desk, "form[action$='/suspend'] button")
    yield Shown("organiser-just-suspended")
    desk.fill(note="x" * 201)
    _press(desk, "form[action$='/suspension'] button")
    yield Shown("organiser-note-too-long", 422)
    desk.open(f"/organisers/{sights.active}")
    _press(desk, "form[action$='/reinstate'] button")
    with office.database.write_session() as session:
        suspensions.suspend(session, ORGANISER, sights.active, reason=None, actor=ACTOR, now=utc_now())
    _press(desk, "form[action$='/suspend'] button")
    yield Shown("organiser-suspended-before")


def _credentials(desk: Desk, sights: Sights) -> Iterator[Shown]:
    desk.open("/schools/ohg/issue")
    yield Shown("issue")
    desk.fill(count="0")
    desk.send()
    yield Shown("issue-wrong", 422)
    desk.fill(count="12")
    desk.send()
    desk.browser.execute_script("window.stop();")  # else the page asks again each second
    yield Shown("credentials-progress")
    desk.open(desk.path)
    desk.await_element(_DONE)
    yield Shown("credentials")
    _press(desk, f"{_DONE} button")
    yield Shown("credentials-done")
    desk.open(f"/organisers/{sights.active}/reset")
    yield Shown("reset")
    desk.send()
    desk.await_element(_DONE)
    yield Shown("credentials-reset")
    desk.open("/credentials/nothing")
    yield Shown("credentials-gone", 410)


def _staff(desk: Desk, office: Office, admin: Member) -> Iterator[Shown]:
    desk.open("/staff/add")
    yield Shown("staff-add")
    desk.fill(name="Ä")
    desk.send()
    yield Shown("staff-add-wrong", 422)
    desk.fill(name="berta")
    desk.send()
    yield Shown("staff-invited")
    clerk = office.enrol(Role.CLERK)
    for name, path in (
        ("staff", "/staff"),
        ("staff-invited-one", "/staff/berta"),
        ("staff-me", f"/staff/{admin.name}"),
        ("staff-invitation-gone", "/staff/neu/invitation"),
        ("staff-delete", f"/staff/{clerk.name}/delete"),
    ):
        desk.open(path)
        yield Shown(name)
    desk.fill(typed="jemand")
    desk.send()
    yield Shown("staff-delete-wrong", 422)
    desk.open(f"/staff/{clerk.name}")
    yield Shown("staff-one")
    _press(desk, "form[action$='/suspend'] button")
    yield Shown("staff-just-suspended")


def _account(desk: Desk, admin: Member) -> Iterator[Shown]:
    for name, path in (
        ("account", "/account"),
        ("account-password", "/account/password"),
        ("confirm", "/confirm"),
        ("account-recovery", "/account/recovery"),
    ):
        desk.open(path)
        yield Shown(name)
    desk.send()
    yield Shown("account-recovery-codes")
    desk.open("/account/password")
    desk.fill(current=admin.password, password="kurz", repeated="anders")
    desk.send()
    yield Shown("account-password-wrong", 422)


def _errors(desk: Desk) -> Iterator[Shown]:
    desk.open("/nowhere")
    yield Shown("error-404", 404)
    desk.open("/sign-out")
    yield Shown("error-405", 405)
    desk.open("/schools/add")
    _put(desk, "name", "x" * 70_000)
    desk.send()
    yield Shown("error-413", 413)
    desk.open("/schools/add")
    _put(desk, "csrf_token", "forged")
    desk.send()
    yield Shown("error-csrf", 400)


def _as_auditor(desk: Desk, office: Office, sights: Sights) -> Iterator[Shown]:
    desk.sign_in(office.enrol(Role.AUDITOR))
    for name, path in (
        ("auditor-overview", "/"),
        ("auditor-schools", "/schools"),
        ("auditor-school", "/schools/ohg"),
        ("auditor-organiser", f"/organisers/{sights.suspended}"),
    ):
        desk.open(path)
        yield Shown(name)
    desk.open("/schools/add")
    yield Shown("error-403", 403)


def _press(desk: Desk, selector: str) -> None:
    with desk.next_page():
        desk.browser.find_element(By.CSS_SELECTOR, selector).click()


def _put(desk: Desk, name: str, value: str) -> None:
    """Writes into a field what cannot be typed into it."""
    desk.browser.execute_script(
        "document.querySelector(`main [name=${arguments[0]}]`).value = arguments[1];", name, value
    )


def _show_template(desk: Desk, name: str) -> None:
    """Shows what the page's script would show in time."""
    desk.browser.execute_script(
        "const region = document.getElementById('session');"
        "region.replaceChildren(document.getElementById(arguments[0]).content.cloneNode(true));",
        name,
    )
