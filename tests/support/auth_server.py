"""The auth service with its database, and what staff do there, without the panel."""

import asyncio
import contextlib
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy import select

from authbridge.clock import utc_now
from authbridge.page_tokens.pseudonyms import pseudonym
from authbridge.revocations.rule_counts import counts_since
from authbridge.revocations.status import RevocationStatus, meetings_of, revocation_status_of
from authbridge.schools.commands import organisers, suspensions
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.commands.schools import MOST_ACCOUNTS
from authbridge.schools.lookup import get_organiser
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import MonthlyTotal, ProsodyNode, School, SuspensionReason
from tests.support.asking import get_token
from tests.support.factories import ACTOR, make_organiser, make_school
from workbench.processes import PATIENCE
from workbench.service import Service


@dataclass(frozen=True, slots=True)
class AuthServer:
    """A running auth service and its database, with the commands that staff give."""

    service: Service
    database: Database = field(repr=False)

    def issue(self, school: str = "ohg") -> IssuedCredential:
        """Adds an organiser to that school."""
        return make_organiser(self.database, school)

    def token(self, who: IssuedCredential, *, shared: bool = False) -> str:
        """Returns a token of the login page for that organiser."""
        return get_token(self.service, who, shared=shared)

    def pseudonym(self, who: IssuedCredential) -> str:
        """Returns the node of the JID that Prosody gives that organiser for a token."""
        return pseudonym(self.service.token_file.read_text(), self.service.host, who.username)

    def suspend(self, username: str) -> None:
        """Suspends an organiser, as the panel does."""
        with self.database.write_session() as session:
            suspensions.suspend(
                session, ORGANISER, username, reason=SuspensionReason.MISUSE, actor=ACTOR, now=utc_now()
            )

    def suspend_school(self, code: str) -> None:
        """Suspends a school, as the panel does."""
        with self.database.write_session() as session:
            suspensions.suspend(
                session, SCHOOL, code, reason=SuspensionReason.MISUSE, actor=ACTOR, now=utc_now()
            )

    def reinstate_school(self, code: str) -> None:
        """Ends the suspension of a school, as the panel does."""
        with self.database.write_session() as session:
            suspensions.reinstate(session, SCHOOL, code, actor=ACTOR, now=utc_now())

    def reinstate(self, username: str) -> None:
        """Ends the suspension of an organiser, as the panel does."""
        with self.database.write_session() as session:
            suspensions.reinstate(session, ORGANISER, username, actor=ACTOR, now=utc_now())

    def end_sessions(self, username: str) -> None:
        """Logs an organiser out everywhere, as the panel does."""
        with self.database.write_session() as session:
            organisers.end_sessions(session, username, actor=ACTOR, now=utc_now())

    def running(self, username: str) -> int | None:
        """Returns how many meetings of that organiser the Prosodys tell of; None if they tell nothing."""
        with self.database.read_session() as session:
            return meetings_of(session, get_organiser(session, username), now=utc_now())

    def running_names(self) -> set[str]:
        """Returns the names under which the Prosodys tell of meetings; "" is for unknown ones."""
        with self.database.read_session() as session:
            return {name for meetings in session.scalars(select(ProsodyNode.meetings)) for name in meetings}

    def opened(self, school: str) -> int:
        """Returns how many meetings of that school's organisers the statistics count this month."""
        query = select(MonthlyTotal.meetings).join(School).where(School.code == school)
        with self.database.read_session() as session:
            return session.scalar(query) or 0

    def rule_counts(self) -> Counter[str]:
        """Returns how often each meeting rule stepped in."""
        total: Counter[str] = Counter()
        with self.database.read_session() as session:
            for counts in counts_since(session, date.min).values():
                total.update(counts)
        return total

    async def effect(self, username: str, *, done: int = 1) -> RevocationStatus:
        """Returns what became of the latest suspension or logout, once so many Prosodys have done it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with self.database.read_session() as session:
                    effect = revocation_status_of(session, get_organiser(session, username), now=utc_now())
                if effect is not None and effect.done >= done:
                    return effect
                await asyncio.sleep(0.01)


@contextlib.contextmanager
def open_auth_server(folder: Path, template: Path, *, bcrypt_cost: int = 4) -> Iterator[AuthServer]:
    """Starts the service in that folder over a copy of the SQLite file ``template``."""
    service = Service(folder, bcrypt_cost=bcrypt_cost)  # makes the folder
    shutil.copy(template, folder / "authbridge.db")
    database = Database(service.database_url)
    with contextlib.ExitStack() as running:
        running.callback(database.engine.dispose)
        running.callback(service.stop)
        make_school(database, "ohg", quota=MOST_ACCOUNTS)
        make_school(database, "abc", "Andere Schule")
        service.start()
        yield AuthServer(service, database)
