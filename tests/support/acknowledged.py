"""Commands of staff: how they are given, what each changes, and what of it can be found afterwards.

A command whose answer arrived is acknowledged.  Of all others nobody knows: each is there as a whole or not.
"""

import csv
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authbridge.clock import utc_now
from authbridge.errors import StorageError
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Organiser, Revocation, School, Suspension
from bench.visitor import Visitor
from tests.support.forked_command import start_forked
from workbench.processes import PATIENCE
from workbench.service import Service

Result = TypeVar("Result")

_POLL = 0.02  # seconds


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that stands in the database of an organiser, or of a school, and that a command can change.

    ``orders`` are those of the feed, which every Prosody carries out: of a school those of its organisers.
    """

    suspended: bool = False
    valid_until: date | None = None
    passwords: int = 1
    audit: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    open_suspensions: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """One command about one organiser or school; ``name`` is its verb in the audit."""

    name: str
    subject: str
    kind: str = "organiser"
    day: date | None = None

    def after(self, found: Found, organisers: int) -> Found:
        """Returns what must be found if that was found before; ``organisers`` are as many as it concerns."""
        orders = {"suspend": "suspend", "reinstate": "reinstate", "end-sessions": "end_sessions"}
        if self.name == "reset" and not found.suspended:
            orders["reset"] = "end_sessions"
        published = (orders[self.name],) * organisers if self.name in orders else ()
        changed = replace(
            found, audit=(*found.audit, f"{self.kind}:{self.name}"), orders=found.orders + published
        )
        match self.name:
            case "suspend":
                return replace(changed, suspended=True, open_suspensions=1)
            case "reinstate":
                return replace(changed, suspended=False, open_suspensions=0)
            case "change-validity":
                return replace(changed, valid_until=self.day)
            case "reset":
                return replace(changed, passwords=found.passwords + 1)
            case _:
                return changed


def possible_commands(subject: str, found: Found, *, is_school: bool) -> list[Command]:
    """Returns the commands that change something of that organiser or school."""
    if is_school:
        return [Command("reinstate" if found.suspended else "suspend", subject, "school")]
    longer = (found.valid_until or utc_now().date() + timedelta(days=30)) + timedelta(days=1)
    always = [Command("change-validity", subject, day=longer), Command("reset", subject)]
    if found.suspended:
        return [*always, *[Command("reinstate", subject)] * 4]
    return [*always, *[Command("suspend", subject), Command("end-sessions", subject)] * 2]


Shot = Callable[[], None]
"""What somebody does meanwhile, such as to kill a process."""


@dataclass
class Office:
    """Where commands are given: at the panel and on the command line."""

    service: Service
    clerk: Visitor = field(repr=False)
    folder: Path

    def press(self, command: Command, shot: Shot | None, delay: float) -> bool:
        """Gives it at the panel, and shoots after so many seconds; returns whether it was acknowledged."""
        page = f"/{command.kind}s/{command.subject}"
        gun = threading.Timer(delay, shot or (lambda: None))
        gun.start()
        try:
            if command.name == "change-validity":
                self.clerk.send(f"{page}/validity", valid_until=f"{command.day}")
            else:
                self.clerk.press(f"{page}/{command.name}", on=page)
        except (OSError, http.client.HTTPException, RuntimeError):
            return False
        else:
            return True
        finally:
            gun.join()

    def enter(self, command: Command, shot: Callable[[int], None] | None, delay: float) -> tuple[bool, str]:
        """Gives it on the command line; likewise, and ``shot`` learns the command's process.

        Returns:
            Whether it was acknowledged, and the new password, "" if none was written.
        """
        verb, kind, subject = command.name, command.kind, command.subject
        words = {
            "suspend": ("suspend", kind, subject, "--reason", "misuse"),
            "reinstate": ("reinstate", kind, subject),
            "change-validity": ("organiser", "expire", subject, "--after", f"{command.day}"),
        }.get(verb, ("organiser", verb, subject))
        output = self.folder / "stdout"
        environ = self.service.environ | {"TMPDIR": str(self.folder)}
        with output.open("w+b") as file:
            running = start_forked(environ, *words, stdout=file.fileno())
            if shot is not None:
                time.sleep(delay)
                shot(running.pid)
            ended = running.wait()
        if verb != "reset":
            return ended.code == 0, ""
        rows = list(csv.DictReader(output.read_text().splitlines()))
        return ended.code == 0, (rows[0]["password"] or "") if rows else ""


def find(database: Database, subject: str, *, is_school: bool) -> Found:
    """Returns what the database holds; waits for one that is started anew."""

    def read() -> Found:
        with database.read_session() as session:
            if is_school:
                school = get_school(session, subject)
                names = set(session.scalars(select(Organiser.username).where(Organiser.school == school)))
                return _found(session, school, names)
            return _found(session, get_organiser(session, subject), {subject})

    return patiently(read)


def _found(session: Session, one: Organiser | School, names: set[str]) -> Found:
    subject = one.username if isinstance(one, Organiser) else one.code
    column = Suspension.organiser_id if isinstance(one, Organiser) else Suspension.school_id
    audit = select(AuditEvent.action).where(AuditEvent.subject == subject).order_by(AuditEvent.id)
    orders = select(Revocation.action).where(Revocation.username.in_(names)).order_by(Revocation.id)
    open_ones = select(func.count()).where(column == one.id, Suspension.until.is_(None))
    return Found(
        suspended=one.suspended_at is not None,
        valid_until=one.valid_until if isinstance(one, Organiser) else None,
        passwords=one.credential_version if isinstance(one, Organiser) else 1,
        audit=tuple(session.scalars(audit)),
        orders=tuple(session.scalars(orders)),
        open_suspensions=session.scalar(open_ones) or 0,
    )


def next_verdict(service: Service, username: str, password: str) -> str:
    """Returns the verdict of the next login; asks again, as Prosody does, while nobody answers."""
    question = {
        "request_id": "q-1",
        "username": username,
        "password": password,
        "host": service.host,
        "ip": None,
        "transport": "tcp",
        "node": "node-a",
        "within": 14.5,
    }
    headers = {"Authorization": f"Bearer {service.token_file.read_text()}"}

    def ask() -> str:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
        try:
            connection.request("POST", "/v1/authenticate", json.dumps(question), headers)
            answer = connection.getresponse()
            body: Mapping[str, str] = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            raise ConnectionError
        return body["verdict"]

    return patiently(ask)


def patiently(ask: Callable[[], Result]) -> Result:
    """Returns what is answered in the end."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except (OSError, http.client.HTTPException, StorageError):
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL)
