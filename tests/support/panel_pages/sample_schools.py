"""Schools and organisers for the walk: enough for second pages, and one organiser in each state."""

from dataclasses import dataclass
from datetime import date, timedelta

from authbridge.clock import utc_now
from authbridge.login.authenticate import authenticate
from authbridge.schools.commands import organisers, schools, suspensions
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import SuspensionReason
from tests.support.factories import (
    ACTOR,
    HASHER,
    make_attempt,
    make_origin,
    make_print_job,
    make_school,
    make_services,
)
from tests.support.panel_browser import PanelServer

PRINT_JOB = "D7K-42P"
LONG_NAME = "Gemeinschafts-und-Verbundschule-mit-sonderpädagogischer-Außenstelle-im-Bildungszentrum-Nordwest"
_ODD_NAME = "<b>Schule</b> am „Eck“ & מרכז O'Connor =1+1"
LETTERS = str.maketrans("0123456789", "bcdfghjklm")


@dataclass(frozen=True, slots=True)
class Sights:
    """Who is there to be looked at: the login names of organisers in one state each."""

    active: str
    suspended: str
    expired: str
    of_suspended_school: str
    waiting: str


def furnish(database: Database, panel_server: PanelServer) -> Sights:
    """Makes schools and organisers enough for second pages, and one organiser in each state."""
    today = utc_now().astimezone(panel_server.services.timezone).date()
    make_school(database, "odd", _ODD_NAME)
    make_school(database, "shut", "Geschlossene Schule")
    make_school(database, "full", "Volle Schule")
    for number in range(52):
        make_school(database, f"s{number}", f"Schule Nummer {number}")
    names = issue(database, "ohg", 70)
    (expired,) = issue(database, "odd", 1, date(2024, 7, 31))
    issue(database, "odd", 2, today + timedelta(days=7), PRINT_JOB)
    (of_suspended_school,) = issue(database, "shut", 1)
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
        guess = f"bbbb-cccc-dd{number:02}".translate(LETTERS)
        authenticate(make_attempt(sights.waiting, guess, ip="203.0.113.9"), make_origin(), services, within=5)
    return sights


def issue(
    database: Database,
    school: str,
    count: int,
    valid_until: date | None = None,
    print_job: str | None = None,
) -> list[str]:
    """Issues organisers, of a print job or none; returns their login names."""
    passwords = organisers.make_passwords(
        count, HASHER, print_job=None if print_job is None else make_print_job(print_job)
    )
    with database.write_session() as session:
        issued = organisers.issue_organisers(
            session, school, passwords, valid_until=valid_until, actor=ACTOR, now=utc_now()
        )
    return [each.username for each in issued]
