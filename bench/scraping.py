"""What the question of a Prometheus costs, and what logins notice of one each second."""

import asyncio
import contextlib
import http.client
import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select

from authbridge.revocations.feed import KEPT
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt, Organiser, ProsodyNode, Revocation, RevocationFeed
from bench import runs
from bench.environment import CHEAP, Environment
from bench.figures import Figures, ratio_of_medians
from bench.pages import ATTEMPTS, attempts_of_a_week
from bench.peers import CROWD, HostedService
from bench.proc import processor_time, until_idle
from bench.table import Row

_ORGANISERS = 100_000
_REVOCATIONS = 5_000
_NODES, _MEETINGS = 3, 200  # meetings on each
_ASKED = 200
_ALLOWED = 0.005  # seconds
_ROUNDS, _SECONDS = 20, 3.0
_EVERY = 1.0  # seconds between two scrapes
_RATIO = 1.02


async def measure(_scene: Environment) -> list[Row]:
    """A service of its own with the database of a large county, asked directly."""
    service = HostedService.of("metrics", CHEAP)
    service.create_database()
    credentials = await asyncio.to_thread(service.issue_many, _ORGANISERS)
    await asyncio.to_thread(_populate, service)
    service.start()
    try:
        await until_idle(service.process.pid)
        before = processor_time(service.process.pid)
        times = await asyncio.to_thread(_ask_often, service.port, "/metrics")
        spent = (processor_time(service.process.pid) - before) / _ASKED
        health = await asyncio.to_thread(_ask_often, service.port, "/healthz")
        crowd = credentials[:CROWD]
        runs.require(await runs.run(runs.at_service(service, crowd, at_once=1)), "granted")
        logins: dict[bool, list[float]] = {True: [], False: []}
        source = random.Random(1)  # noqa: S311 - no secret
        for _ in range(_ROUNDS):
            for is_scraped in source.sample([True, False], k=2):
                async with _scraped(service.port) if is_scraped else contextlib.nullcontext():
                    ended = await runs.run(runs.at_service(service, crowd, at_once=1, seconds=_SECONDS))
                runs.require(ended, "granted")
                logins[is_scraped] += [login.seconds for login in ended]
    finally:
        service.stop()
    ratio, low, high = ratio_of_medians(logins[True], logins[False])
    scrapes = Figures.of(times)
    return [
        Row(
            f"scrape: {_ORGANISERS:,} organisers, {ATTEMPTS:,} logins",
            "",
            scrapes,
            f"{spent * 1000:.2f} ms of the service's processor time; "
            f"×{scrapes.p50 / Figures.of(health).p50:.2f} /healthz",
            target=f"p95 ≤ {_ALLOWED * 1000:.0f}",
            met=scrapes.p95 is not None and scrapes.p95 <= _ALLOWED,
        ),
        Row("login: remembered, not scraped", "", Figures.of(logins[False])),
        Row(
            "login: remembered, scraped each second",
            "",
            Figures.of(logins[True]),
            f"p50 ×{ratio:.3f} (×{low:.3f} to ×{high:.3f}) of not scraped",
            f"p50 ≤ ×{_RATIO}",
            met=ratio <= _RATIO,
        ),
    ]


def _ask_often(port: int, path: str) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        times = []
        for _ in range(_ASKED):
            started = time.perf_counter()
            _ask(connection, path)
            times.append(time.perf_counter() - started)
            time.sleep(0.05)  # what is asked again at once finds everything in the processor's caches
        return times


def _ask(connection: http.client.HTTPConnection, path: str) -> None:
    connection.request("GET", path)
    answer = connection.getresponse().read()
    if path == "/metrics" and b"authbridge_up_storage 1.0" not in answer:
        message = "a scrape of the benchmark had no database"
        raise RuntimeError(message)


@contextlib.asynccontextmanager
async def _scraped(port: int) -> AsyncIterator[None]:
    """Lets a Prometheus ask while the block runs."""

    async def scrape() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        with contextlib.closing(connection):
            while True:
                await asyncio.to_thread(_ask, connection, "/metrics")
                await asyncio.sleep(_EVERY)

    task = asyncio.create_task(scrape())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _populate(service: HostedService) -> None:
    now = datetime.now(UTC)
    database = Database(service.database_url)
    with database.write_session() as session:
        organisers = session.execute(select(Organiser.id, Organiser.username)).all()
        session.execute(insert(LoginAttempt), list(attempts_of_a_week([row.id for row in organisers], now)))
        feed = session.scalars(select(RevocationFeed)).one()
        session.add_all(
            Revocation(
                id=feed.last_id + number,
                username=organisers[number].username,
                action="suspend",
                at=now - KEPT + number * timedelta(minutes=1),
            )
            for number in range(1, _REVOCATIONS + 1)
        )
        feed.last_id += _REVOCATIONS
        session.add_all(
            ProsodyNode(
                node=f"meet-{number}",
                cursor=feed.last_id - number,  # one of them is done, the others are behind
                last_seen_at=now,
                meetings={organiser.username: 1 for organiser in organisers[:_MEETINGS]},
            )
            for number in range(_NODES)
        )
    database.engine.dispose()
