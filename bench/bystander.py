"""How long somebody else's ping takes on a Prosody where 50 logins wait for a slow service."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.figures import Figures
from bench.peers import ACCEPTING, FOLDER, MEMBER, SLOW, Stage
from bench.table import Row
from workbench import ROOT
from workbench.xmpp import Client, TcpTransport, Transport
from workbench.xmpp_http import BoshTransport, WebSocketTransport

TRANSPORTS = ("TCP", "BOSH", "WebSocket")
_STORMS = {SLOW: "not-authorized", ACCEPTING: "success"}  # by host: how each of its logins ends
_SLICES, _PINGS = 3, 1010  # the storms take turns, so that noise hits both alike
_PACE = 0.01  # seconds
_P99, _P999, _FACTOR = 0.008, 0.025, 2.0  # seconds, seconds, times the accepting provider's

Times = dict[tuple[str, str, str], list[float]]  # by version, host of the storm, transport


async def measure(stages: Mapping[str, Stage]) -> list[Row]:
    """Three bystanders, one on each transport, beside one storm after the other."""
    times: Times = defaultdict(list)
    for _ in range(_SLICES):
        for version, stage in stages.items():
            for host, expected in _STORMS.items():
                slices = await _slice(stage, host, expected)
                for transport, sample in slices.items():
                    times[version, host, transport] += sample
    return [row for version in stages for transport in TRANSPORTS for row in _rows(times, version, transport)]


async def _slice(stage: Stage, host: str, expected: str) -> dict[str, list[float]]:
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(_client(stage, name)) for name in TRANSPORTS]
        for client in clients:
            await client.login(MEMBER.username, MEMBER.password)
            await client.bind()
        with _storm(stage, host, expected, FOLDER / "storm.log"):
            await asyncio.sleep(1)  # Python starts, the first 50 arrive
            samples = await asyncio.gather(*map(_pings, clients))
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
def _storm(stage: Stage, host: str, expected: str, log: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "bench.storm", str(stage.c2s_port), host, expected]
    with (
        log.open("a") as output,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=ROOT) as process,  # noqa: S603 - our own program
    ):
        yield
        process.communicate()  # closes its input, which ends it
    if process.returncode != 0:
        message = f"logins of the storm did not end with {expected}, see {log}"
        raise RuntimeError(message)


async def _pings(client: Client) -> list[float]:
    """One ping per tick; one that is late because the one before took long counts from its tick."""
    sample = []
    tick = time.perf_counter()
    for _ in range(_PINGS):
        tick += _PACE
        delay = tick - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
            tick_or_now = time.perf_counter()
        else:
            tick_or_now = tick
        await client.ping()
        sample.append(time.perf_counter() - tick_or_now)
    return sample


def _rows(times: Times, version: str, transport: str) -> list[Row]:
    peer = Figures.of(times[version, ACCEPTING, transport])
    ours = Figures.of(times[version, SLOW, transport])
    p99, p999 = _both(ours.p99, peer.p99), _both(ours.p999, peer.p999)
    return [
        Row(f"ping, {transport}: 50 logins each 2 s, accepted", version, peer),
        Row(
            f"ping, {transport}: 50 logins wait for a slow service",
            version,
            ours,
            f"p99 ×{p99[0] / p99[1]:.2f}, p99.9 ×{p999[0] / p999[1]:.2f} accepting",
            "p99 ≤ 8, p99.9 ≤ 25, or ×2",
            met=p99[0] <= max(_P99, _FACTOR * p99[1]) and p999[0] <= max(_P999, _FACTOR * p999[1]),
        ),
    ]


def _both(ours: float | None, peer: float | None) -> tuple[float, float]:
    if ours is None or peer is None:
        message = "too few pings for a 99.9th percentile"
        raise ValueError(message)
    return ours, peer
