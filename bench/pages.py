"""How long the panel's pages take for a whole county, and two hundred letters from the click to the PDF."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import insert

from authbridge.audit import Actor
from authbridge.config import read_config
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.passwords import Hasher
from authbridge.schools.commands.organisers import make_passwords
from authbridge.staff.sign_in import sign_in_services_of
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AuditEvent,
    LoginAttempt,
    LoginFailure,
    MonthlyTotal,
    Organiser,
    RejectedAttempts,
    Role,
    School,
    Suspension,
)
from bench.environment import CHEAP, USUAL, Environment
from bench.figures import Figures
from bench.peers import HostedService
from bench.table import Row
from bench.visitor import Visitor
from workbench.panel import Panel
from workbench.staff import Member, enrol_member

_SCHOOLS, _ORGANISERS = 200, 50  # of each school
ATTEMPTS, _FAILURES = 300_000, 2_000
_COUNTED, _EVENTS = 30_000, 50_000  # minutes with rejected logins; events of the audit
_WEEK, _YEAR = timedelta(days=7), timedelta(days=365)
_OF_TEN_IN = 8
_VIEWS = 40
_MONTHS = 36
_PAGE_TARGET = 0.2  # seconds
_LETTERS = 200
_LETTERS_TARGET = 30.0  # seconds
_LETTERS_PATIENCE = 4 * _LETTERS_TARGET

_PAGES = {
    "overview": "/",
    "search": "/search?q=s10",
    "schools": "/schools?page=2",
    "school": "/schools/s100",
    "organisers": "/organisers?page=100",
    "organisers, filtered": "/organisers?q=gym&state=suspended",
    "organiser": "/organisers/s100-0025",
    "issue": "/schools/s100/issue",
    "search, mistyped name": "/search?q=s100-002x",
    "journal": "/journal",
    "journal, a rare outcome": "/journal?outcome=busy",
    "journal, a frequent outcome": "/journal?outcome=wrong-password",
    "journal, unknown names": "/journal?unknown=yes",
    "journal, one name": "/journal?q=s100-0025",
    "journal, one school": "/journal?q=s100",
    "journal, one day": "/journal?outcome=expired&day={day}",
    "audit": "/audit",
    "audit, alarms": "/audit?actor=alarm",
    "audit, nobody": "/audit?q=nobody",
    "account": "/account",
    "staff": "/staff",
    "misuse": "/misuse",
    "terms of use": "/terms",
    "school year of a school": "/schools/s100/school-year",
    "school year of all": "/school-year",
    "statistics": "/statistics?months=36",
    "statistics, side by side": "/statistics/schools",
    "data protection": "/data-protection",
    "data protection, one account": "/data-protection/accounts/s100-0025",
    "report page": "/report",
}


async def measure(_scene: Environment) -> list[Row]:
    """A panel and a service of their own, asked directly."""
    service = HostedService.of("pages", USUAL)
    service.create_database()
    panel = Panel(service)
    config = read_config(panel.environ)
    database = Database(config.database_url)
    _populate(database, KeyedHashes(config.secret_key))
    member = enrol_member(sign_in_services_of(config, database), "bench", Role.ADMIN)
    database.engine.dispose()
    service.start()
    panel.start()
    try:
        return await asyncio.to_thread(_visit, panel, member)
    finally:
        panel.stop()
        service.stop()


def _visit(panel: Panel, member: Member) -> list[Row]:
    visitor = Visitor(panel.port)
    visitor.sign_in(member)
    day = (datetime.now(UTC) - timedelta(days=3)).date()
    return [
        *(_row(visitor, title, path.format(day=day)) for title, path in _PAGES.items()),
        _letters(visitor),
    ]


def _row(visitor: Visitor, title: str, path: str) -> Row:
    visitor.get(path)
    times = []
    for _ in range(_VIEWS):
        visitor.get(path)
        times.append(visitor.seconds)
    figures = Figures.of(times)
    return Row(
        f"page: {title}",
        "",
        figures,
        f"{_SCHOOLS * _ORGANISERS:,} organisers",
        f"all ≤ {_PAGE_TARGET * 1000:.0f}",
        met=max(times) <= _PAGE_TARGET,
    )


def _letters(visitor: Visitor) -> Row:
    started = time.perf_counter()
    place = visitor.send(
        "/schools/big/issue", count=str(_LETTERS), language="de", size="normal", no_end="y", shape="alone"
    )
    while "letters.pdf" not in visitor.get(place):
        if time.perf_counter() - started > _LETTERS_PATIENCE:
            message = f"no letters after {_LETTERS_PATIENCE:.0f} s: the panel may have refused the form"
            raise TimeoutError(message)
        time.sleep(0.2)
    seconds = time.perf_counter() - started
    return Row(
        f"letters: {_LETTERS} accounts, hashed and printed",
        "",
        Figures(1, seconds, longest=seconds),
        f"bcrypt cost {USUAL}",
        f"≤ {_LETTERS_TARGET:.0f} s",
        met=seconds <= _LETTERS_TARGET,
    )


def _populate(database: Database, keyed_hashes: KeyedHashes) -> None:
    now = datetime.now(UTC)
    hashed = make_passwords(1, Hasher(CHEAP))[0].stored.hash
    with database.write_session() as session:
        session.add(School(code="big", name="Berufliche Schule", quota=5000, created_at=now))
        schools = [
            School(
                code=f"s{number:03}", name=f"Gymnasium Nr. {number}", place="74072 Heilbronn", created_at=now
            )
            for number in range(_SCHOOLS)
        ]
        session.add_all(schools)
        session.flush()
        organisers = [
            Organiser(
                school_id=school.id,
                username=f"{school.code}-{number:04}",
                password_hash=hashed,
                password_generated=True,
                suspended_at=now if number % 10 == 0 else None,
                valid_until=now.date() + timedelta(days=number) if number % 7 == 0 else None,
                created_at=now,
            )
            for school in schools
            for number in range(_ORGANISERS)
        ]
        session.add_all(organisers)
        session.flush()
        session.add_all(
            Suspension(organiser_id=each.id, since=now, suspended_by=Actor("cli:bench"))
            for each in organisers
            if each.suspended_at is not None
        )
        ids = [each.id for each in organisers]
        session.execute(insert(LoginAttempt), list(attempts_of_a_week(ids, now)))
        session.execute(insert(RejectedAttempts), list(_counted(ids, now)))
        session.execute(insert(AuditEvent), list(_events(now)))
        session.add_all(_totals(schools, now))
        session.add_all(
            LoginFailure(
                at=now,
                name_key=keyed_hashes.name(organisers[number % 100].username),
                network="198.51.100.7",
                from_unfamiliar_network=True,
                fingerprint=number % 4096,
                wait=900,
            )
            for number in range(_FAILURES)
        )


def attempts_of_a_week(ids: list[int], now: datetime, count: int = ATTEMPTS) -> Iterator[dict[str, object]]:
    """Yields logins of the week before ``now``: of ten, seven in, two wrong, one of an unknown username."""
    for number in range(count):
        verdict = "granted" if number % 10 < _OF_TEN_IN else "refused"
        is_unknown = number % 10 == 0
        yield {
            "at": now - number * _WEEK / count,
            "request_id": "bench",
            "organiser_id": None if is_unknown else ids[number % len(ids)],
            "unknown_name": f"{number:032x}" if is_unknown else None,
            "ip": "198.51.100.7",
            "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/130.0",
            "transport": "websocket",
            "node": "bench",
            "verdict": "refused" if is_unknown else verdict,
        }


def _counted(ids: list[int], now: datetime) -> Iterator[dict[str, object]]:
    for number in range(_COUNTED):
        minute = (now - number * _WEEK / _COUNTED).replace(second=0, microsecond=0)
        yield {
            "minute": minute,
            "organiser_id": ids[number % len(ids)],
            "pair": str(number),
            "network": "198.51.100.7",
            "repeated": 3,
            "locked": 1,
            "unavailable": 0,
        }


def _totals(schools: list[School], now: datetime) -> Iterator[MonthlyTotal]:
    months = [date(now.year - back // 12, 1 + back % 12, 1) for back in range(_MONTHS)]
    for school in schools:
        for month in months:
            yield MonthlyTotal(school_id=school.id, month=month, accounts=50, active=2, logins=99, meetings=9)


def _events(now: datetime) -> Iterator[dict[str, object]]:
    for number in range(_EVENTS):
        yield {
            "at": now - number * _YEAR / _EVENTS,
            "actor": "staff:bench",
            "action": "organiser:reset",
            "subject": f"s{number % _SCHOOLS:03}-0025",
            "detail": {},
        }
