"""Says how the service is doing, as Prometheus reads it: numbers without names, addresses or schools.

What happens at logins is counted when it happens (:mod:`authbridge.login.meter`); the state of deletion,
backup and meeting servers is read from the database when somebody asks.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from authbridge import __version__, deletion_records
from authbridge.errors import StorageError
from authbridge.login import journal
from authbridge.login.authenticate import LoginServices
from authbridge.readiness import Readiness
from authbridge.revocations import status
from authbridge.storage import job_runs
from authbridge.synthetic_login import records as synthetic_logins

_JOBS = ("purge", job_runs.BACKUP)

SinceBoot = Callable[[], float]
"""Tells the seconds since the machine was started, by a clock that nobody can set."""


@dataclass(frozen=True, slots=True)
class Exposition:
    """All metrics in a form that Prometheus reads; ``content_type`` says in which."""

    content_type: str
    content: bytes


class Metrics:
    """The metrics of one service process."""

    def __init__(self, services: LoginServices, readiness: Readiness, since_boot: SinceBoot) -> None:
        # The library's global registry would add what this process imports and allocates.
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(services.meter)
        self._registry.register(_State(services, readiness, since_boot))

    def exposition(self, accept: str) -> Exposition:
        """Returns all metrics in a form that the Accept header names."""
        encode, content_type = choose_encoder(accept)
        return Exposition(content_type, encode(self._registry))


class _State(Collector):
    """The state of the queue and the database at the moment of the question."""

    def __init__(self, services: LoginServices, readiness: Readiness, since_boot: SinceBoot) -> None:
        self._services = services
        self._readiness = readiness
        self._since_boot = since_boot
        self._boot = self._moment_of_boot(services.clock())

    def _moment_of_boot(self, now: datetime) -> datetime:
        """Returns when the machine was started; it changes only if somebody sets the clock."""
        return now - timedelta(seconds=self._since_boot())

    def collect(self) -> Iterator[Metric]:
        database = self._services.database
        about = GaugeMetricFamily(
            "authbridge_info",
            "Version of the program and kind of its database.",
            labels=["version", "database"],
        )
        about.add_metric([__version__, "sqlite" if database.is_sqlite else "postgresql"], 1)
        yield about
        yield _gauge(
            "hashing_queue_waiting", "Logins that wait for a hash.", self._services.hashing_queue.waiting
        )
        now = self._services.clock()
        yield _gauge(
            "clock_change_seconds",
            "By how much the clock was set since the service began; negative: back.",
            (self._moment_of_boot(now) - self._boot).total_seconds(),
        )
        try:
            with database.read_connection() as connection:
                of_database = list(_of_database(connection, now))
            is_up = self._readiness.report(now=now).words["storage"] == "ok"
        except StorageError:
            of_database, is_up = [], False
        yield _gauge("up_storage", "Whether the database answers and can be written.", is_up)
        yield from of_database
        yield from self._disk()

    def _disk(self) -> Iterable[Metric]:
        try:
            free = self._services.database.free_bytes()
        except OSError:
            return
        if free is not None:
            yield _gauge("disk_free_bytes", "Room left where the database lies.", free)


def _of_database(connection: Connection, now: datetime) -> Iterator[Metric]:
    oldest = journal.oldest_attempt(connection, now=now)
    if oldest is not None:
        yield _age("oldest_attempt", "Age of the oldest login in the journal that is not held.", oldest, now)
    runs = job_runs.last_runs(connection)
    for job in _JOBS:
        if job in runs:
            yield _age(job, f"Time since the last {job} that succeeded.", runs[job], now)
    record = deletion_records.latest_overdue(connection)
    if record is not None:
        made_at, overdue = record
        yield _age("deletion_record", "Age of the latest record of what is left at night.", made_at, now)
        yield _gauge("overdue_tables", "Tables that had older rows then than may be.", overdue)
    yield from _of_synthetic_login(connection, now)
    yield from _of_nodes(connection, now)


def _of_synthetic_login(connection: Connection, now: datetime) -> Iterator[Metric]:
    state = synthetic_logins.latest(connection, now=now)
    if state is None:
        return
    is_granted, took = state.result.is_granted, state.result.milliseconds
    yield _gauge("synthetic_login_success", "Whether the latest synthetic login succeeded.", is_granted)
    at = state.at.timestamp()
    yield _gauge("synthetic_login_timestamp_seconds", "Moment of the latest synthetic login.", at)
    if took is not None:
        yield _gauge("synthetic_login_duration_seconds", "Time that its right password took.", took / 1000)


def _of_nodes(connection: Connection, now: datetime) -> Iterable[Metric]:
    silence, waiting, waiting_for, meetings = (
        GaugeMetricFamily(f"authbridge_node_{name}", words, labels=["node"])
        for name, words in (
            ("silence_seconds", "Time since the meeting server last asked for revocations."),
            ("waiting_revocations", "Revocations that the meeting server has not carried out."),
            ("oldest_waiting_revocation_age_seconds", "Age of the oldest of them; 0 if there is none."),
            ("meetings", "Meetings that run on the meeting server."),
        )
    )
    for node in status.progress(connection, now=now):
        silence.add_metric([node.node], _seconds(node.last_seen_at, now))
        waiting.add_metric([node.node], node.waiting)
        waiting_for.add_metric([node.node], _seconds(node.waiting_since or now, now))
        if now - node.last_seen_at <= status.LATE:  # else nobody knows
            meetings.add_metric([node.node], node.meetings)
    return silence, waiting, waiting_for, meetings


def _age(name: str, words: str, at: datetime, now: datetime) -> Metric:
    return _gauge(f"{name}_age_seconds", words, _seconds(at, now))


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"authbridge_{name}", words, value=value)


def _seconds(at: datetime, now: datetime) -> float:
    return (now - at).total_seconds()
