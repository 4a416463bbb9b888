"""How long somebody else's ping takes on a Prosody where 50 logins wait for a slow service."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import storm
from bench.figures import Figures
from bench.peers import ACCEPTING, FOLDER, MEMBER, SLOW, Stage
from bench.table import Row
from workbench import ROOT
from workbench.xmpp import Client, TcpTransport, Transport
from workbench.xmpp_http import BoshTransport, WebSocketTransport

TRANSPORTS = ("TCP", "BOSH", "WebSocket")
_ENDINGS = {SLOW: "not-authorized", ACCEPTING: "success"}  # by host: how each of its logins ends
_PACE = 0.01  # seconds
_P99, _P999, _FACTOR = 0.008, 0.025, 2.0  # seconds, seconds, times the accepting provider's


@dataclass(frozen=True, slots=True)
class Weather:
    """How the logins come; the storms of the two hosts take turns, so that noise hits both alike."""

    words: str
    batch: int
    settles: float  # seconds, until as many logins wait as ever will
    slices: int
    pings: int  # a slice
    promised: bool


_WEATHERS = (
    Weather("50 at any time", batch=1, settles=2.5, slices=2, pings=1510, promised=True),
    Weather("50 at once", batch=storm.LOGINS, settles=1.0, slices=1, pings=1010, promised=False),
)

Times = dict[tuple[str, str, str], list[float]]  # by version, host of the storm, transport


async def measure(stages: Mapping[str, Stage]) -> list[Row]:
    """Three bystanders, one on each transport, beside one storm after the other."""
    rows = []
    for weather in _WEATHERS:
        times: Times = defaultdict(list)
        for _ in range(weather.slices):
            for version, stage in stages.items():
                for host in _ENDINGS:
                    for transport, sample in (await _slice(stage, host, weather)).items():
                        times[version, host, transport] += sample
        for version in stages:
            for transport in TRANSPORTS:
                rows += _rows(times, version, transport, weather)
    return rows


async def _slice(stage: Stage, host: str, weather: Weather) -> dict[str, list[float]]:
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(_client(stage, name)) for name in TRANSPORTS]
        for client in clients:
            await client.login(MEMBER.username, MEMBER.password)
            await client.bind()
        with _storm(stage, host, weather.batch, FOLDER / "storm.log"):
            await asyncio.sleep(weather.settles)
            samples = await asyncio.gather(*(_pings(client, weather.pings) for client in clients))
    return dict(zip(TRANSPORTS, samples, strict=True))


def _client(stage: Stage, name: str) -> Client:
    transport: Transport
    match name:
        case "TCP":
            transport = TcpTransport(stage.c2s_port, ACCEPTING)
        case "BOSH":
            transport = BoshTransport(stage.http_port, ACCEPTING)
        case _:
            transport = WebSocketTransport(stage.http_port, ACCEPTING)
    return Client(transport, ACCEPTING)


@contextlib.contextmanager
def _storm(stage: Stage, host: str, batch: int, log: Path) -> Iterator[None]:
    arguments = [str(stage.c2s_port), host, _ENDINGS[host], str(batch)]
    command = [sys.executable, "-m", "bench.storm", *arguments]
    with (
        log.open("a") as output,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=ROOT) as process,  # noqa: S603 - our own program
    ):
        yield
        process.communicate()  # closes its input, which ends it
    if process.returncode != 0:
        message = f"logins of the storm at {host} did not end with {_ENDINGS[host]}, see {log}"
        raise RuntimeError(message)


async def _pings(client: Client, count: int) -> list[float]:
    """One ping per tick; one that is late because the one before took long counts from its tick."""
    sample = []
    tick = time.perf_counter()
    for _ in range(count):
        tick += _PACE
        delay = tick - time.perf_counter()
        await asyncio.sleep(max(0, delay))
        started = tick if delay < 0 else time.perf_counter()
        await client.ping()
        sample.append(time.perf_counter() - started)
    return sample


def _rows(times: Times, version: str, transport: str, weather: Weather) -> list[Row]:
    peer = Figures.of(times[version, ACCEPTING, transport])
    ours = Figures.of(times[version, SLOW, transport])
    p99, p999 = _both(ours.p99, peer.p99), _both(ours.p999, peer.p999)
    met = p99[0] <= max(_P99, _FACTOR * p99[1]) and p999[0] <= max(_P999, _FACTOR * p999[1])
    return [
        Row(f"ping, {transport}; logins accepted, {weather.words}", version, peer),
        Row(
            f"ping, {transport}; logins waiting, {weather.words}",
            version,
            ours,
            f"p99 ×{p99[0] / p99[1]:.2f}, p99.9 ×{p999[0] / p999[1]:.2f} accepted",
            "p99 ≤ 8, p99.9 ≤ 25, or ×2" if weather.promised else "",
            met=met if weather.promised else None,
        ),
    ]


def _both(ours: float | None, peer: float | None) -> tuple[float, float]:
    if ours is None or peer is None:
        message = "too few pings for a 99.9th percentile"
        raise ValueError(message)
    return ours, peer
