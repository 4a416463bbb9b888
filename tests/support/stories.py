"""What the stories about the login policy share: a school, a clock that stands, and who guesses."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, select

from authbridge.audit import POLICY
from authbridge.login.authenticate import authenticate
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.limits import Limits
from authbridge.login.policy import Decision, Verdict
from authbridge.login.typed_passwords import parse_password
from authbridge.login.usernames import Username
from authbridge.schools.commands import organisers, schools, suspensions
from authbridge.schools.commands.imports import ImportedCredential, import_organisers
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.suspendable import ORGANISER
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Base, LoginFailure, RejectedAttempts, SuspensionReason
from tests.support.factories import (
    ACTOR,
    HASHER,
    KEYED_HASHES,
    LIMITS,
    make_organiser,
    make_origin,
    make_school,
    make_services,
    parse_attempt,
)
from tests.support.fakes import MORNING, CountingHasher, FakeClock

HOME, CAFE, OTHER = "198.51.100.7", "203.0.113.9", "192.0.2.1"
OUTSIDE = [f"203.0.113.{number}" for number in range(100, 200)]

# Where the rule is the property and not its number: a tenth of the work.
STRICT = replace(LIMITS, account_outside=10, network_failures=9)

REFUSED, LOCKED, GRANTED = Verdict.REFUSED, Verdict.LOCKED, Verdict.GRANTED

_Row = TypeVar("_Row", bound=Base)

_CHOSEN = "Sommerferien"


def wrong_passwords(
    username: str, keyed_hashes: KeyedHashes = KEYED_HASHES, now: datetime = MORNING
) -> Iterator[str]:
    """Passwords that the policy tells apart for that name, today and tomorrow."""
    return told_apart((f"falsch-{number}" for number in itertools.count(1)), username, keyed_hashes, now)


def told_apart(
    passwords: Iterable[str],
    username: str,
    keyed_hashes: KeyedHashes = KEYED_HASHES,
    now: datetime = MORNING,
) -> Iterator[str]:
    """Those of these passwords that the policy tells apart for that name, today and tomorrow.

    Of five random ones two are one guess once in 400 times: their fingerprints have 12 bits.
    """
    tomorrow = now + timedelta(days=1)
    seen: set[tuple[object, int]] = set()
    for password in passwords:
        prints = set(keyed_hashes.fingerprints(username, parse_password(password), tomorrow).items())
        if not prints & seen:
            seen |= prints
            yield password


class Story:
    """A school over a fresh database at a moment of ours, and the service that is asked."""

    def __init__(
        self,
        database: Database,
        *,
        remember: bool = True,
        limits: Limits = LIMITS,
        hasher: CountingHasher | None = None,
    ) -> None:
        self.database = database
        self.clock = FakeClock()
        self.hasher = hasher or CountingHasher()
        self._limits = limits
        self._remember = remember
        self._wrong: dict[str, Iterator[str]] = {}
        self._sprayed = 0
        make_school(database)
        self.restart()

    def restart(self) -> None:
        """Another process over the same database: what lived in memory is gone."""
        self.services = make_services(
            self.database,
            hasher=self.hasher,
            clock=self.clock,
            limits=self._limits,
            remember=self._remember,
        )

    def issue(self) -> IssuedCredential:
        """An organiser with a generated password."""
        return make_organiser(self.database, hasher=self.hasher)

    def take_over(self, username: str = "frau.a", password: str = _CHOSEN) -> IssuedCredential:
        """An organiser with an imported password."""
        stored = HASHER.hash(password, generated=False)
        line = ImportedCredential(2, "ohg", Username(username), stored)
        with self.database.write_session() as session:
            import_organisers(session, [line], actor=ACTOR, now=self.clock())
        return IssuedCredential(Username(username), password)

    def trust(self, *networks: str) -> None:
        """Enters the school's own networks."""
        with self.database.write_session() as session:
            schools.change_school(
                session, "ohg", trusted_networks=list(networks), actor=ACTOR, now=self.clock()
            )

    def login(self, username: str, password: str, ip: str | None = HOME) -> Decision:
        """One login now."""
        attempt = parse_attempt(username, password, ip, self.clock())
        return authenticate(attempt, make_origin(), self.services, within=60)

    def owner(self, issued: IssuedCredential, ip: str | None = HOME) -> Verdict:
        """The owner logs in with the right password."""
        return self.login(issued.username, issued.password, ip).verdict

    def guess(self, username: str, ip: str | None = HOME) -> Decision:
        """A wrong password that nobody tried before with that name."""
        return self.login(username, next(self._wrong.setdefault(username, wrong_passwords(username))), ip)

    def guesses(self, username: str, times: int, ip: str | None = HOME) -> list[Verdict]:
        """So many different wrong passwords at one moment."""
        return [self.guess(username, ip).verdict for _ in range(times)]

    def spray(self, times: int, names: int = 8, ip: str | None = HOME) -> list[Verdict]:
        """So many guesses in turn over so many names that are nobody's."""
        return [self._spray_one(names, ip) for _ in range(times)]

    def _spray_one(self, names: int, ip: str | None) -> Verdict:
        self._sprayed += 1
        return self.guess(f"ohg-nobody{self._sprayed % names}", ip).verdict

    def rows(self, model: type[_Row], *conditions: ColumnElement[bool]) -> list[_Row]:
        """The rows of a table, in some order."""
        with self.database.read_session() as session:
            return list(session.scalars(select(model).where(*conditions)))

    def count(self, model: type[Base] = LoginFailure) -> int:
        """How many rows there are."""
        return len(self.rows(model))

    def interrupt(self, hasher: CountingHasher) -> None:
        """From now on this one hashes."""
        self.services = replace(self.services, hasher=hasher)


def suspend(story: Story, owner: IssuedCredential) -> None:
    """Staff suspend the organiser."""
    with story.database.write_session() as session:
        suspensions.suspend(
            session, ORGANISER, owner.username, reason=SuspensionReason.MISUSE, actor=ACTOR, now=story.clock()
        )


def expire(story: Story, owner: IssuedCredential) -> None:
    """Yesterday was the last day."""
    with story.database.write_session() as session:
        organisers.change_validity(
            session,
            owner.username,
            date(2026, 11, 19),
            today=story.clock().date(),
            actor=ACTOR,
            now=story.clock(),
        )


def alarms(story: Story) -> list[tuple[str, str]]:
    """What staff were told, oldest first."""
    events = sorted(story.rows(AuditEvent, AuditEvent.actor == POLICY), key=lambda event: event.id)
    return [(event.action, event.subject) for event in events]


def denied(story: Story) -> list[tuple[str, int, int, int]]:
    """The rows of what was turned away: network, repeated, locked, unavailable."""
    story.services.rejections.write_down(story.database)
    rows = sorted(story.rows(RejectedAttempts), key=lambda row: row.id)
    return [(row.network, row.repeated, row.locked, row.unavailable) for row in rows]
