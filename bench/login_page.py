"""A login through the login page beside one through Prosody's own door: what an organiser waits for."""

import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence

from authbridge.schools.commands.organisers import IssuedCredential
from bench.environment import USUAL, Environment
from bench.figures import Figures, ratio_of_medians
from bench.peers import HostedProsody, HostedService
from bench.table import Row
from workbench.page import LoginPage
from workbench.prosody import external
from workbench.xmpp import Client, Outcome
from workbench.xmpp_http import WebSocketTransport

ROUNDS, BLOCK, WARM_UP = 4, 40, 5
_ALLOWED = 1.3
_PLAIN, _PAGE = "Prosody", "page"

_Door = Callable[[HostedProsody, IssuedCredential], Awaitable[float]]


async def measure(environment: Environment) -> list[Row]:
    """Both doors in turn, at a service of their own: each password first hashed, then remembered."""
    service = HostedService.of("doors", USUAL)
    service.create_database()
    service.start()
    page = LoginPage(service)
    page.start()
    options = external(service.url, service.token_file, external_auth_page=True)
    prosodies = {
        version: HostedProsody.of(version, {service.host: options}, name="prosody-doors")
        for version in environment.prosodies
    }
    try:
        for prosody in prosodies.values():
            prosody.start()
        rows = []
        for version, prosody in prosodies.items():
            rows += await _compare(version, prosody, service, page)
        return rows
    finally:
        for prosody in prosodies.values():
            prosody.stop()
        page.stop()
        service.stop()


async def _compare(
    version: str, prosody: HostedProsody, service: HostedService, page: LoginPage
) -> list[Row]:
    host = service.host

    async def through_prosody(prosody: HostedProsody, credential: IssuedCredential) -> float:
        started = time.perf_counter()
        async with Client(WebSocketTransport(prosody.http_port, host), host) as client:
            return _granted(started, await client.login(credential.username, credential.password))

    async def through_page(prosody: HostedProsody, credential: IssuedCredential) -> float:
        started = time.perf_counter()
        token = page.log_in(credential.username, credential.password)
        query = f"token={token}"
        async with Client(WebSocketTransport(prosody.http_port, host, query=query), host) as client:
            return _granted(started, await client.login_anonymously())

    doors: dict[str, _Door] = {_PLAIN: through_prosody, _PAGE: through_page}
    credentials = list(service.issue(len(doors) * ROUNDS * (BLOCK + WARM_UP)))
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for kind in ("first", "remembered"):
        await _take_turns(prosody, doors, iter(credentials), times, kind)
    return [
        row
        for kind in ("first", "remembered")
        for row in _rows(kind, version, times[kind, _PAGE], times[kind, _PLAIN])
    ]


async def _take_turns(
    prosody: HostedProsody,
    doors: dict[str, _Door],
    credentials: Iterator[IssuedCredential],
    times: dict[tuple[str, str], list[float]],
    kind: str,
) -> None:
    source = random.Random(1)  # noqa: S311 - no secret
    for _ in range(ROUNDS):
        for name in source.sample(list(doors), k=len(doors)):
            block = [await doors[name](prosody, next(credentials)) for _ in range(BLOCK + WARM_UP)]
            times[kind, name] += block[WARM_UP:]


def _granted(started: float, outcome: Outcome) -> float:
    seconds = time.perf_counter() - started
    if outcome.condition != "success":
        message = f"a login of the benchmark was told {outcome.condition}"
        raise RuntimeError(message)
    return seconds


def _rows(kind: str, version: str, page: Sequence[float], prosody: Sequence[float]) -> Iterator[Row]:
    ratio, low, high = ratio_of_medians(page, prosody)
    yield Row(f"login: {kind}, WebSocket", version, Figures.of(prosody))
    yield Row(
        f"login: {kind}, page and token",
        version,
        Figures.of(page),
        f"p50 ×{ratio:.2f} (×{low:.2f} to ×{high:.2f}) of WebSocket",
        f"p50 ≤ ×{_ALLOWED}",
        met=ratio <= _ALLOWED,
    )
