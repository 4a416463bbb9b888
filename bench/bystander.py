"""How long somebody else's ping takes on a Prosody, whatever goes on there."""

import asyncio
import contextlib
import time
from collections import defaultdict

from bench import background_loads, runs
from bench.background_loads import BackgroundLoad, Case
from bench.environment import Environment
from bench.figures import Figures
from bench.load_generator import Ended
from bench.peers import ACCEPTING, MEMBER, HostedProsody
from bench.table import Row
from workbench.xmpp import Client, TcpTransport, Transport
from workbench.xmpp_http import BoshTransport, WebSocketTransport

TRANSPORTS = ("TCP", "BOSH", "WebSocket")
_PACE = 0.01  # seconds
_P99, _P999, _FACTOR = 0.008, 0.025, 2.0  # seconds, seconds, times the accepting provider's

Times = dict[tuple[str, str], list[float]]  # by version and the words of the case


async def measure(environment: Environment) -> list[Row]:
    """Three bystanders, one on each transport; the cases of a background take turns."""
    rows = []
    for background in background_loads.of(environment, await environment.remembered()):
        times: Times = defaultdict(list)
        ended: dict[str, list[Ended]] = defaultdict(list)
        for turn in range(max(case.slices for case in background.cases)):
            for version in background.versions:
                for case in background.cases:
                    if version in case.versions and turn < case.slices:
                        sample, logins = await _slice(environment.prosodies[version], case, background)
                        times[version, case.words] += sample
                        ended[case.words] += logins
        for version in background.versions:
            rows += _rows(times, ended, version, background)
    return rows


async def _slice(
    prosody: HostedProsody, case: Case, background: BackgroundLoad
) -> tuple[list[float], list[Ended]]:
    plan = case.plan(prosody)
    count = background.pings // case.slices // len(TRANSPORTS)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(case.trouble())
        clients = [await stack.enter_async_context(_client(prosody, name)) for name in TRANSPORTS]
        for client in clients:
            await client.login(MEMBER.username, MEMBER.password)
            await client.bind()
        async with runs.meanwhile(plan) as ended:
            await asyncio.sleep(background.settles)
            samples = await asyncio.gather(*(_pings(client, count) for client in clients))
    return [seconds for sample in samples for seconds in sample], ended


def _client(prosody: HostedProsody, name: str) -> Client:
    transport: Transport
    match name:
        case "TCP":
            transport = TcpTransport(prosody.c2s_port, ACCEPTING)
        case "BOSH":
            transport = BoshTransport(prosody.http_port, ACCEPTING)
        case _:
            transport = WebSocketTransport(prosody.http_port, ACCEPTING)
    return Client(transport, ACCEPTING)


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


def _rows(times: Times, ended: dict[str, list[Ended]], version: str, background: BackgroundLoad) -> list[Row]:
    accepted, *others = (case for case in background.cases if version in case.versions)
    peer = Figures.of(times[version, accepted.words])
    runs.require(ended[accepted.words], *accepted.conditions)
    return [
        Row(f"ping; {accepted.words}", version, peer),
        *(_row(case, version, times, peer, ended[case.words], background) for case in others),
    ]


def _row(
    case: Case, version: str, times: Times, peer: Figures, ended: list[Ended], background: BackgroundLoad
) -> Row:
    ours = Figures.of(times[version, case.words])
    p99, p999 = _both(ours.p99, peer.p99), _both(ours.p999, peer.p999)
    met = p99[0] <= max(_P99, _FACTOR * p99[1]) and p999[0] <= max(_P999, _FACTOR * p999[1])
    as_expected = {login.condition for login in ended} <= set(case.conditions)
    return Row(
        f"ping; {case.words}",
        version,
        ours,
        f"p99 ×{p99[0] / p99[1]:.2f}, p99.9 ×{p999[0] / p999[1]:.2f} accepted; {runs.counts(ended)}",
        "p99 ≤ 8, p99.9 ≤ 25, or ×2" if background.promised else "",
        met=met and as_expected if background.promised else None,
    )


def _both(ours: float | None, peer: float | None) -> tuple[float, float]:
    if ours is None or peer is None:
        message = "too few pings for a 99.9th percentile"
        raise ValueError(message)
    return ours, peer
