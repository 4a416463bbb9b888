"""What one login costs, from the TCP connection to ``<success/>``, beside others on the same Prosody."""

import random
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

import bcrypt

from authbridge.schools.commands.organisers import IssuedCredential
from bench.environment import CHEAP, USUAL, Environment
from bench.figures import Figures
from bench.peers import ACCEPTING, HASHED, MEMBER, HostedProsody
from bench.table import Row
from workbench.xmpp import Client, Outcome, TcpTransport

ROUNDS = {CHEAP: 600, USUAL: 200}  # by bcrypt's cost
WARM_UP, BLOCK = 10, 50
_ALLOWED = 0.0015  # seconds over the accepting provider and bcrypt

_OURS = {
    f"bcrypt cost {CHEAP}": f"ours {CHEAP}",
    f"bcrypt cost {CHEAP}, PostgreSQL": "ours PostgreSQL",
    f"bcrypt cost {USUAL}": f"ours {USUAL}",
}

Times = dict[tuple[str, str], list[float]]  # by Prosody's version and the peer's name
_Task = Callable[[], Awaitable[float]]


async def time_login(
    prosody: HostedProsody, host: str, credential: IssuedCredential
) -> tuple[float, Outcome]:
    """Seconds from the first packet to the outcome, and the outcome."""
    started = time.perf_counter()
    async with Client(TcpTransport(prosody.c2s_port, host), host) as client:
        outcome = await client.login(credential.username, credential.password)
        return time.perf_counter() - started, outcome


async def measure(environment: Environment) -> list[Row]:
    """First what takes a few milliseconds, all in turn, then what takes many: a pause cools the processor."""
    times: Times = defaultdict(list)
    for cost, rounds in ROUNDS.items():
        services = {f"ours {cost}": environment.services[cost]}
        if cost == CHEAP:
            services["ours PostgreSQL"] = environment.on_postgres
        pools = {
            name: (
                service.host,
                service.issue(rounds // BLOCK * (WARM_UP + BLOCK) * len(environment.prosodies)),
            )
            for name, service in services.items()
        }
        if cost == USUAL:
            count = rounds // BLOCK * (WARM_UP + BLOCK) * len(environment.prosodies)
            service = environment.services[cost]
            pools |= {
                name: (service.host, service.take_over(count, as_key=as_key))
                for name, as_key in (("first", True), ("later", False))
            }
        tasks = _tasks(environment.prosodies, pools) | {("", f"bcrypt {cost}"): _bcrypt(cost)}
        if cost == CHEAP:
            tasks |= _peer_tasks(environment.prosodies)
        await _take_turns(tasks, rounds, times)
    return _rows(times, environment.prosodies)


async def _take_turns(tasks: Mapping[tuple[str, str], _Task], rounds: int, times: Times) -> None:
    """In blocks, so that nobody pays for caches that another filled; their order is drawn anew each time."""
    source = random.Random(1)  # noqa: S311 - no secret
    for _ in range(rounds // BLOCK):
        for key in source.sample(list(tasks), k=len(tasks)):
            block = [await tasks[key]() for _ in range(WARM_UP + BLOCK)]
            times[key].extend(block[WARM_UP:])


def _tasks(
    prosodies: Mapping[str, HostedProsody], pools: Mapping[str, tuple[str, Iterator[IssuedCredential]]]
) -> dict[tuple[str, str], _Task]:
    return {
        (version, name): _fresh(prosody, host, pool)
        for version, prosody in prosodies.items()
        for name, (host, pool) in pools.items()
    }


def _peer_tasks(prosodies: Mapping[str, HostedProsody]) -> dict[tuple[str, str], _Task]:
    peers = {"accepting": ACCEPTING, "hashed": HASHED}
    return {
        (version, name): _same(prosody, host)
        for version, prosody in prosodies.items()
        for name, host in peers.items()
    }


def _same(prosody: HostedProsody, host: str) -> _Task:
    async def run() -> float:
        return _granted(*await time_login(prosody, host, MEMBER))

    return run


def _fresh(prosody: HostedProsody, host: str, pool: Iterator[IssuedCredential]) -> _Task:
    async def run() -> float:
        return _granted(*await time_login(prosody, host, next(pool)))

    return run


def _granted(seconds: float, outcome: Outcome) -> float:
    if outcome.condition != "success":
        message = f"a login of the benchmark was told {outcome.condition}"
        raise RuntimeError(message)
    return seconds


def _bcrypt(cost: int) -> _Task:
    password = MEMBER.password.encode()
    stored = bcrypt.hashpw(password, bcrypt.gensalt(cost))

    async def run() -> float:
        started = time.perf_counter()
        bcrypt.checkpw(password, stored)
        return time.perf_counter() - started

    return run


def _rows(times: Times, versions: Iterable[str]) -> list[Row]:
    medians = {key: statistics.median(sample) for key, sample in times.items()}
    rows = []
    for version in versions:
        accepting, hashed = medians[version, "accepting"], medians[version, "hashed"]
        rows.append(_row("login: accepting provider", version, times[version, "accepting"]))
        rows.append(_row("login: internal_hashed", version, times[version, "hashed"], accepting))
        for title, name in _OURS.items():
            rows.append(_row(f"login: ours, {title}", version, times[version, name], accepting, hashed))
        title = f"bcrypt cost {USUAL}"
        rows.append(_row(f"login: taken over, later, {title}", version, times[version, "later"]))
        rows.append(_first_row(f"login: taken over, first, {title}", version, times))
        rest = medians[version, f"ours {CHEAP}"] - medians["", f"bcrypt {CHEAP}"] - accepting
        rows.append(_rest_row(f"cost {CHEAP}", version, rest, promised=True))
        rest = medians[version, "ours PostgreSQL"] - medians["", f"bcrypt {CHEAP}"] - accepting
        rows.append(_rest_row(f"cost {CHEAP}, PostgreSQL", version, rest, promised=False))
    rows.extend(_bcrypt_row(cost, times["", f"bcrypt {cost}"], medians, versions) for cost in ROUNDS)
    return rows


def _first_row(title: str, version: str, times: Times) -> Row:
    figures = Figures.of(times[version, "first"])
    beside = [
        f"×{figures.p50 / statistics.median(times[key]):.2f} {name}"
        for key, name in (((version, "later"), "later"), (("", f"bcrypt {USUAL}"), "bcrypt alone"))
    ]
    return Row(title, version, figures, ", ".join(beside))


def _rest_row(what: str, version: str, rest: float, *, promised: bool) -> Row:
    return Row(
        f"login: ours, {what}, less bcrypt and accepting",
        version,
        Figures(count=ROUNDS[CHEAP], p50=rest),
        target="p50 ≤ 1.5" if promised else "",
        met=rest <= _ALLOWED if promised else None,
    )


def _row(
    title: str,
    version: str,
    sample: list[float],
    accepting: float | None = None,
    hashed: float | None = None,
) -> Row:
    figures = Figures.of(sample)
    beside = [
        f"×{figures.p50 / other:.2f} {name}"
        for name, other in (("accepting", accepting), ("hashed", hashed))
        if other is not None
    ]
    return Row(title, version, figures, ", ".join(beside))


def _bcrypt_row(
    cost: int, sample: list[float], medians: Mapping[tuple[str, str], float], versions: Iterable[str]
) -> Row:
    figures = Figures.of(sample)
    shares = [f"{figures.p50 / medians[version, f'ours {cost}']:.0%}" for version in versions]
    return Row(f"bcrypt alone, cost {cost}", "", figures, f"{' and '.join(shares)} of ours")
