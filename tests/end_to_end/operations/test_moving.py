"""``authbridge db copy`` while organisers log in at a service that runs."""

import http.client
import itertools
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from authbridge.clock import utc_now
from authbridge.schools.commands import suspensions
from authbridge.schools.suspendable import ORGANISER
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt, SuspensionReason
from tests.support.asking import ask
from tests.support.factories import ACTOR, make_organiser, make_school
from workbench.postgres import Postgres
from workbench.processes import PATIENCE
from workbench.service import Service

_LATER = "unavailable"
_SOME = 3  # logins

_numbers = itertools.count()


@dataclass
class _Organiser:
    """Somebody who logs in again and again, one login after the other; ``told`` is by the login's id."""

    service: Service
    username: str
    password: str = field(repr=False)
    told: dict[str, str] = field(default_factory=dict)

    def log_in(self, stopped: threading.Event) -> None:
        """Goes on until it is stopped."""
        while not stopped.wait(0.05):
            number = f"login-{next(_numbers)}"
            try:
                verdict = ask(self.service, self.username, self.password, request_id=number)
            except (OSError, http.client.HTTPException):
                verdict = _LATER
            self.told[number] = verdict

    @property
    def verdicts(self) -> int:
        """How often they were told something else than to come later."""
        return sum(verdict != _LATER for verdict in list(self.told.values()))


@contextmanager
def logging_in(*organisers: _Organiser) -> Iterator[None]:
    """Lets them log in during the block."""
    stopped = threading.Event()
    threads = [threading.Thread(target=each.log_in, args=[stopped]) for each in organisers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join(PATIENCE)


def await_some(*organisers: _Organiser) -> None:
    """Returns when each of them was told some more verdicts."""
    enough = {each.username: each.verdicts + _SOME for each in organisers}
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.05)):
        if all(each.verdicts >= enough[each.username] for each in organisers):
            return
        pause.wait(0.05)
    raise AssertionError([each.told for each in organisers])


def test_no_login_is_refused_wrongly_and_none_is_lost_or_doubled(
    tmp_path: Path, sqlite_template: Path, postgres: Postgres
) -> None:
    """They are told the truth or to come later, and each verdict is in the journal once."""
    service = Service(tmp_path / "service", bcrypt_cost=4)
    shutil.copy(sqlite_template, service.folder / "authbridge.db")
    url = postgres.create_database()
    successor = Service(service.folder, url, bcrypt_cost=4, port=service.port)
    active, wrong, suspended = (_Organiser(service, *typed) for typed in _issue(service))
    with ExitStack() as running:
        running.callback(successor.stop)
        running.callback(service.stop)
        service.start()
        running.enter_context(logging_in(active, wrong, suspended))
        await_some(active, wrong, suspended)

        service.command("db", "copy", "--to", url)
        service.stop()
        successor.start()

        await_some(active, wrong, suspended)

    expected = {active.username: "granted", wrong.username: "refused", suspended.username: "suspended"}
    for each in (active, wrong, suspended):
        assert set(each.told.values()) <= {expected[each.username], _LATER}
    written = _journal(url)
    assert max(written.values()) == 1
    for each in (active, suspended):
        told = {number for number, verdict in each.told.items() if verdict != _LATER}
        assert told <= written.keys()


def _issue(service: Service) -> Iterator[tuple[str, str]]:
    """Yields names and passwords as typed: right ones, a wrong password, those of a suspended account."""
    database = Database(service.database_url)
    make_school(database)
    active, wrong, suspended = (make_organiser(database) for _ in range(3))
    with database.write_session() as session:
        suspensions.suspend(
            session, ORGANISER, suspended.username, reason=SuspensionReason.MISUSE, actor=ACTOR, now=utc_now()
        )
    database.engine.dispose()
    yield active.username, active.password
    yield wrong.username, "falsch"
    yield suspended.username, suspended.password


def _journal(url: str) -> "Counter[str]":
    """Counts the rows of each login's id."""
    database = Database(url)
    with database.read_session() as session:
        counted = Counter(session.scalars(select(LoginAttempt.request_id)))
    database.engine.dispose()
    return counted
