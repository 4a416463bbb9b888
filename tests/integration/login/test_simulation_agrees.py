"""The simulated world answers as the service does: same verdicts, reasons, waits and alarms."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import pytest
from sqlalchemy import select

from authbridge.audit import POLICY
from authbridge.login.authenticate import LoginServices, authenticate
from authbridge.login.limits import Limits
from authbridge.login.passwords import Hasher
from authbridge.login.simulation.world import Owner, World
from authbridge.login.typed_passwords import StoredPassword, TypedPassword
from authbridge.schools.commands.schools import change_school
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Organiser, School
from tests.support.combinations import SQLITE_FIRST
from tests.support.factories import (
    ACTOR,
    KEYED_HASHES,
    make_origin,
    make_school,
    make_services,
    parse_attempt,
)
from tests.support.fakes import MORNING, FakeClock

SCHOOL = "198.51.100.7"
SOURCES = (SCHOOL, "192.0.2.80", "192.0.2.99", "2001:db8:12:1::1", None)
OWNER, RIGHT = "ohg-kwtx", "vpgd-kxwj-rhms"
NAMES = (OWNER, *(f"ohg-{number:04}" for number in range(5)), "abc-zzzz")
LIMITS = (  # small ones, so that a short story meets every rule
    Limits(
        account_outside=12,
        account_failures=20,
        account_alarm=6,
        network_failures=9,
        network_names=3,
        network_spray=4,
        trusted_alarm=15,
        overall_alarm=25,
    ),
    Limits(account_outside=200, account_failures=400, network_failures=9, network_names=3, overall_alarm=25),
    Limits(account_outside=30, account_failures=60, account_alarm=10, network_failures=12, network_names=3),
)
FAST, SLOW = (0, 0, 0, 0, 1, 5, 15, 30, 60), (0, 0, 0, 1, 5, 30, 60, 300, 900, 3600)


@dataclass(frozen=True)
class _PlainHasher(Hasher):
    """Knows the right password, and takes no time."""

    def matches(self, typed: TypedPassword, stored: StoredPassword | None) -> bool:
        return stored is not None and typed.text == RIGHT

    def renew(self, typed: TypedPassword, stored: StoredPassword) -> StoredPassword | None:  # noqa: ARG002
        return None


def story(chance: random.Random, pauses: tuple[int, ...]) -> Iterator[tuple[int, str, str, str | None]]:
    """Attempts after so many seconds each: login name, password, address."""
    for number in range(400):
        name = chance.choice([OWNER, chance.choice(NAMES)])
        guess = f"guess {chance.randrange(400) if chance.random() < 0.9 else chance.randrange(4)}"
        password = RIGHT if chance.random() < 0.06 else guess
        long_pause = 20_000 if number % 50 == 0 else 0
        yield max(long_pause, chance.choice(pauses)), name, password, chance.choice(SOURCES)


def settle(database: Database) -> None:
    """A school with a network of its own and one organiser."""
    make_school(database)
    with database.write_session() as session:
        change_school(session, "ohg", trusted_networks=[SCHOOL], actor=ACTOR, now=MORNING)
        school = session.scalars(select(School)).one()
        session.add(
            Organiser(
                username=OWNER,
                school=school,
                password_hash="$2b$04$" + "." * 53,
                password_generated=True,
                valid_until=date(2027, 7, 31),
                created_at=MORNING,
            )
        )


@SQLITE_FIRST
@pytest.mark.parametrize("seed", range(6))
def test_the_same_story_ends_alike(seed: int, database: Database) -> None:
    """Whatever the simulation shows, the service does."""
    settle(database)
    clock, limits, chance = FakeClock(), LIMITS[seed % 3], random.Random(seed)  # noqa: S311 - no secret
    world = World(limits, schools={"ohg": (SCHOOL,)}, keyed_hashes=KEYED_HASHES)
    world.enrol(Owner(OWNER, RIGHT))

    def start() -> LoginServices:
        return make_services(database, hasher=_PlainHasher(4), clock=clock, limits=limits)

    services = start()
    for seconds, name, password, ip in story(chance, SLOW if seed % 2 else FAST):
        clock.advance(seconds=seconds)
        world.now = clock.now
        if chance.random() < 0.01:
            world.restart()
            services = start()
        attempt = parse_attempt(name, password, ip, clock.now)
        real = authenticate(attempt, make_origin(), services, within=9)
        assert world.login(name, password, ip) == replace(real, school=None)  # a simulation has no schools

    with database.read_session() as session:
        query = select(AuditEvent).where(AuditEvent.actor == POLICY)
        alarms = [(event.action, event.subject) for event in session.scalars(query)]
    assert sorted(alarms) == sorted((raised.alarm.value, raised.subject) for raised in world.raised)
    assert alarms
