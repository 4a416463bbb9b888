"""Keeps what came of each synthetic login for a week, and tells how things are on each machine."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from authbridge.login.synthetic_accounts import LIFETIME
from authbridge.storage.models import SyntheticLogin, table_of
from authbridge.storage.prepared import Prepared
from authbridge.storage.statements import UNSYNCHRONISED
from authbridge.synthetic_login.outcomes import SyntheticOutcome, SyntheticResult

KEPT = timedelta(days=7)
OVERDUE = timedelta(minutes=15)  # a timer tries every five

TWICE = 2
"""Failures are told from the second one in a row: a restart of Prosody or of the service may meet one."""

_logins = table_of(SyntheticLogin)
_has_ended = or_(_logins.c.outcome.is_not(None), _logins.c.at <= bindparam("ended_before"))
_LATEST = Prepared(
    select(_logins.c.machine, _logins.c.at, _logins.c.outcome, _logins.c.detail, _logins.c.milliseconds)
    .where(_logins.c.id.in_(select(func.max(_logins.c.id)).where(_has_ended).group_by(_logins.c.machine)))
    .order_by(_logins.c.machine)
)
_granted = (
    select(_logins.c.machine, func.max(_logins.c.id).label("id"))
    .where(_logins.c.outcome == SyntheticOutcome.GRANTED.value)
    .group_by(_logins.c.machine)
    .subquery()
)
# Since when and how often it has failed after the last success, by machine.
_FAILING = Prepared(
    select(_logins.c.machine, func.min(_logins.c.at), func.count())
    .outerjoin(_granted, _granted.c.machine == _logins.c.machine)
    .where(_has_ended, or_(_granted.c.id.is_(None), _logins.c.id > _granted.c.id))
    .group_by(_logins.c.machine)
)


@dataclass(frozen=True, slots=True)
class MachineState:
    """The latest synthetic login of a machine, and since when and how often in a row it has failed."""

    machine: str
    at: datetime
    result: SyntheticResult
    failing_since: datetime | None
    failures: int

    @property
    def is_failing(self) -> bool:
        """Tells whether logins are to be taken for broken."""
        return self.failures >= needed_failures(self.result.outcome)

    def is_overdue(self, now: datetime) -> bool:
        """Tells whether the latest one is so old that it says nothing about the present."""
        return now - self.at > OVERDUE


def needed_failures(outcome: SyntheticOutcome) -> int:
    """Returns how many failures in a row are told; a door that stands open is told at once."""
    return 1 if outcome is SyntheticOutcome.WRONG_GRANTED else TWICE


def begin(session: Session, machine: str, username: str, password_hash: str, *, now: datetime) -> int:
    """Opens the account of a synthetic login, and closes those of killed runs; returns its id."""
    session.execute(
        update(SyntheticLogin)
        .where(SyntheticLogin.username.is_not(None), SyntheticLogin.at <= now - LIFETIME)
        .values(username=None, password_hash=None),
        execution_options=UNSYNCHRONISED,
    )
    row = SyntheticLogin(machine=machine, at=now, username=username, password_hash=password_hash)
    session.add(row)
    session.flush()
    return row.id


def finish(session: Session, login_id: int, result: SyntheticResult) -> None:
    """Closes the account, and keeps what came of the login."""
    session.execute(
        update(SyntheticLogin)
        .where(SyntheticLogin.id == login_id)
        .values(
            username=None,
            password_hash=None,
            outcome=result.outcome.value,
            detail=result.detail,
            milliseconds=result.milliseconds,
        ),
        execution_options=UNSYNCHRONISED,
    )


def machine_states(connection: Connection, *, now: datetime) -> list[MachineState]:
    """Returns how things are on each machine that tries logins, by name."""
    ended = {"ended_before": now - LIFETIME}
    failing = {machine: (since, failures) for machine, since, failures in _FAILING.all(connection, **ended)}
    return [
        MachineState(
            machine,
            at,
            SyntheticResult(
                SyntheticOutcome.LOST if outcome is None else SyntheticOutcome(outcome), detail, milliseconds
            ),
            *failing.get(machine, (None, 0)),
        )
        for machine, at, outcome, detail, milliseconds in _LATEST.all(connection, **ended)
    ]


def latest(connection: Connection, *, now: datetime) -> MachineState | None:
    """Returns the state of the machine on which things are worst: for the metrics, which know one value.

    A failing one before others, then the oldest; None where no login was ever tried.
    """
    states = machine_states(connection, now=now)
    return min(states, key=lambda state: (state.result.is_granted, state.at), default=None)


def purge(session: Session, *, now: datetime) -> None:
    """Deletes what is older than a week."""
    query = delete(SyntheticLogin).where(SyntheticLogin.at < now - KEPT)
    session.execute(query, execution_options=UNSYNCHRONISED)
