"""The periods that the page names are those after which rows are really gone."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Date, func, select, true
from sqlalchemy import inspect as inspect_row
from sqlalchemy.orm import Session

from authbridge import retention
from authbridge.config import Config
from authbridge.data_protection.descriptions import KeptFor, beginning_of
from authbridge.data_protection.inventory import INVENTORY
from authbridge.data_protection.live import RecordState, record_state
from authbridge.readiness import PURGE_OVERDUE
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AuditEvent,
    Base,
    Hold,
    LoginAttempt,
    MisuseReport,
    Organiser,
    School,
    Staff,
    StaffSession,
    StoredDeletionRecord,
    table_of,
)
from tests.support.fakes import FakeClock
from tests.support.filled_rows import fill
from tests.support.panel.staffed_panel import make_config

PROMISES = [(each.model, promise) for each in INVENTORY for promise in each.promises]


@dataclass(frozen=True, slots=True)
class Aged:
    """A row that is older than promised, or a moment younger."""

    model: type[Base]
    promise: KeptFor
    key: tuple[object, ...]
    is_too_old: bool


@pytest.fixture(name="config")
def make_settings(tmp_path: Path) -> Config:
    """Settings with another retention than the usual one."""
    return make_config("sqlite:///x.db", tmp_path, {"AUTHBRIDGE_RETENTION_DAYS": "12"})


def add_aged_rows(session: Session, config: Config, now: datetime) -> Iterator[Aged]:
    """Adds two rows for each promise."""
    for model, promise in PROMISES:
        is_day = isinstance(promise.since.type, Date)
        moment = timedelta(days=2) if is_day else timedelta(minutes=1)
        for is_too_old, age in ((True, PURGE_OVERDUE + moment), (False, -moment)):
            at = beginning_of(promise.period(config), now) - age
            values: dict[str, object] = {promise.since.key: at.date() if is_day else at}
            row = fill(model, at, **_required(session, model), **_telling(model, promise, now), **values)
            session.add(row)
            session.flush()
            yield Aged(model, promise, inspect_row(row).identity, is_too_old)


def _required(session: Session, model: type[Base]) -> dict[str, object]:
    """Returns what such a row must refer to: a school, an organiser or a member of staff of its own."""
    values: dict[str, object] = {}
    for name, owner in (("school_id", School), ("staff_id", Staff)):
        if name in table_of(model).columns:
            row = fill(owner)
            session.add(row)
            session.flush()
            values[name] = row.id
    if model is Hold:
        school = fill(School)
        session.add(school)
        session.flush()
        organiser = fill(Organiser, school_id=school.id)
        session.add(organiser)
        session.flush()
        values["organiser_id"] = organiser.id
    return values


def _telling(model: type[Base], promise: KeptFor, now: datetime) -> dict[str, object]:
    """Returns what makes the row one of those that the promise is about, and of no other."""
    if model is StaffSession:
        return {"seen_at": now}  # else it goes earlier
    if model is StoredDeletionRecord:
        return {"tables": [], "logs": []}
    if model is AuditEvent and promise.held is not None:
        return {"action": "network:locked"}
    if model is MisuseReport and promise.held is not None:
        return {"closed_at": None, "actor": "staff:anna"}
    return {}


def is_held(session: Session, aged: Aged) -> bool:
    """Tells whether the row still holds what is promised to go."""
    condition = true() if aged.promise.held is None else aged.promise.held
    keys = table_of(aged.model).primary_key.columns
    is_it = [column == value for column, value in zip(keys, aged.key, strict=True)]
    return session.scalar(select(func.count()).select_from(aged.model).where(*is_it, condition)) == 1


def overdue(state: RecordState) -> set[type[Base]]:
    """Returns the tables that hold something older than promised."""
    return {each.described.model for each in state.tables if each.is_overdue}


def test_what_is_promised_is_done(database: Database, config: Config) -> None:
    """Of two rows beside each limit one goes; until then, the page calls its table overdue."""
    clock = FakeClock()
    with database.write_session() as session:
        rows = list(add_aged_rows(session, config, clock()))
        state = record_state(session, config, now=clock())
    assert overdue(state) == {model for model, _ in PROMISES}
    assert (state.purged_at, state.purge_is_overdue) == (None, True)

    retention.purge(database, clock=clock, retention=timedelta(days=12), limits=config.limits)

    with database.read_session() as session:
        for aged in rows:
            assert is_held(session, aged) != aged.is_too_old, (
                aged.model,
                aged.promise.words,
                aged.is_too_old,
            )
        state = record_state(session, config, now=clock())
        (left,) = session.scalars(select(LoginAttempt.at))
    assert overdue(state) == set()
    assert (state.purged_at, state.purge_is_overdue) == (clock(), False)
    shown = next(each for each in state.tables if each.described.model is LoginAttempt)
    assert shown.oldest == left


def test_each_promise_names_what_keeps_it() -> None:
    """It is one of the functions that the service calls every hour."""
    called = inspect.getsource(retention.purge)
    for model, promise in PROMISES:
        name = promise.purge.__name__
        modules = [alias for alias, value in vars(retention).items() if _has(value, name, promise.purge)]
        assert any(f"{alias}.{name}" in called for alias in modules), model


def _has(module: object, name: str, purge: object) -> bool:
    return getattr(module, name, None) is purge


def test_the_record_says_when_deletion_has_stopped(database: Database, config: Config) -> None:
    """After two hours without it, on the page as in the monitoring."""
    clock = FakeClock()
    retention.purge(database, clock=clock, retention=timedelta(days=12), limits=config.limits)
    for seconds, is_overdue in ((7200, False), (1, True)):
        clock.advance(seconds=seconds)
        with database.read_session() as session:
            assert record_state(session, config, now=clock()).purge_is_overdue == is_overdue
