"""How long the panel's pages take for a whole county, and two hundred letters from the click to the PDF."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from authbridge.audit import Actor
from authbridge.config import read_config
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.passwords import Hasher
from authbridge.schools.commands.organisers import make_passwords
from authbridge.staff.sign_in import sign_in_services_of
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt, LoginFailure, Organiser, Role, School, Suspension
from bench.environment import CHEAP, USUAL, Environment
from bench.figures import Figures
from bench.peers import HostedService
from bench.table import Row
from bench.visitor import Visitor
from workbench.panel import Panel
from workbench.staff import Member, enrol_member

_SCHOOLS, _ORGANISERS = 200, 50  # of each school
_ATTEMPTS, _FAILURES = 300_000, 2_000
_WEEK = timedelta(days=7)
_VIEWS = 40
_PAGE_TARGET = 0.2  # seconds
_LETTERS = 200
_LETTERS_TARGET = 30.0  # seconds

_PAGES = {
    "overview": "/",
    "search": "/search?q=s10",
    "schools": "/schools?page=2",
    "school": "/schools/s100",
    "organisers": "/organisers?page=100",
    "organisers, filtered": "/organisers?q=gym&state=suspended",
    "organiser": "/organisers/s100-0025",
    "issue": "/schools/s100/issue",
    "account": "/account",
    "staff": "/staff",
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
    return [*(_row(visitor, title, path) for title, path in _PAGES.items()), _letters(visitor)]


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
    place = visitor.send("/schools/big/issue", count=str(_LETTERS), language="de")
    while "letters.pdf" not in visitor.get(place):
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
        session.add_all(
            LoginAttempt(
                at=now - number * _WEEK / _ATTEMPTS,
                request_id="bench",
                organiser_id=organisers[number % len(organisers)].id,
                transport="websocket",
                node="bench",
                verdict="refused" if number % 5 == 0 else "granted",
            )
            for number in range(_ATTEMPTS)
        )
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
