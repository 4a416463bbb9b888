"""Crowds as the benchmarks send them, and what came of them."""

import asyncio
import contextlib
import dataclasses
import itertools
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence

from authbridge.schools.commands.organisers import IssuedCredential
from bench.figures import Figures
from bench.load_generator import Ended, Plan
from bench.peers import FOLDER, HostedService
from workbench import ROOT
from workbench.prosody import Prosody

_numbers = itertools.count(1)


async def run(plan: Plan) -> list[Ended]:
    """Sends the crowd and returns when all of its logins ended, in the order in which they did."""
    async with meanwhile(plan, to_the_end=True) as ended:
        pass
    return ended


@contextlib.asynccontextmanager
async def meanwhile(plan: Plan, *, to_the_end: bool = False) -> AsyncIterator[list[Ended]]:
    """A crowd that logs in while the block runs; the list is filled when it is left."""
    file = FOLDER / f"crowd-{next(_numbers)}.json"
    file.write_text(json.dumps(dataclasses.asdict(plan)))
    ended: list[Ended] = []
    with (FOLDER / "crowd.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.load_generator", str(file)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
        )
    # While it writes its results nobody must wait for it, so they are read from the start.
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    output = asyncio.create_task(process.stdout.read())
    try:
        yield ended
        if to_the_end:
            await output
    finally:
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        process.stdin.close()  # ends it
        text = await output
        await process.wait()
        file.unlink()
    if process.returncode != 0:
        message = f"a crowd failed, see {FOLDER / 'crowd.log'}"
        raise RuntimeError(message)
    ended.extend(Ended(*fields) for fields in json.loads(text))


def evenly(count: int, seconds: float, *, period: float = 0, until: float = 0) -> list[float]:
    """Moments evenly spread over ``seconds``, again each ``period`` as long as it begins before ``until``."""
    starts = [number * seconds / count for number in range(count)]
    rounds = max(1, round(until / period)) if period else 1
    return [number * period + start for number in range(rounds) for start in starts]


def at_prosody(
    prosody: Prosody,
    host: str,
    credentials: Iterable[IssuedCredential],
    *,
    starts: Sequence[float] = (),
    at_once: int = 0,
    seconds: float = 0,
) -> Plan:
    """Logins over TCP at that host of Prosody."""
    return Plan(
        port=prosody.c2s_port,
        host=host,
        credentials=_pairs(credentials),
        starts=list(starts),
        at_once=at_once,
        seconds=seconds,
    )


def in_browsers(
    prosody: Prosody,
    host: str,
    credentials: Iterable[IssuedCredential],
    *,
    starts: Sequence[float],
    ip: str,
) -> Plan:
    """Logins over WebSocket at that host of Prosody, all from one address."""
    return Plan(
        port=prosody.http_port,
        host=host,
        credentials=_pairs(credentials),
        starts=list(starts),
        ip=ip,
        is_browser=True,
    )


def at_service(
    service: HostedService,
    credentials: Iterable[IssuedCredential],
    *,
    starts: Sequence[float] = (),
    at_once: int = 0,
    seconds: float = 0,
    ip: str | None = None,
) -> Plan:
    """The questions of a Prosody, without a Prosody."""
    return Plan(
        port=service.port,
        host=service.host,
        credentials=_pairs(credentials),
        starts=list(starts),
        at_once=at_once,
        seconds=seconds,
        token=service.token_file.read_text(),
        ip=ip,
    )


def require(ended: Iterable[Ended], *conditions: str) -> None:
    """Raises :class:`RuntimeError` if a login of a peer, or of a preparation, ended in another way."""
    if others := {login.condition for login in ended} - set(conditions):
        message = f"logins of the benchmark ended with {', '.join(sorted(others))}"
        raise RuntimeError(message)


def figures_of(ended: Iterable[Ended], *conditions: str) -> Figures | None:
    """The times of the logins that ended so; None if none did."""
    times = [login.seconds for login in ended if not conditions or login.condition in conditions]
    return Figures.of(times) if times else None


def counts(ended: Iterable[Ended]) -> str:
    """How many ended how, in words."""
    counted = Counter(login.condition for login in ended)
    return ", ".join(f"{count} {condition}" for condition, count in counted.most_common())


def within(ended: Iterable[Ended], seconds: float) -> int:
    """How many had ended so many seconds after the first might begin."""
    return sum(login.began + login.seconds <= seconds for login in ended)


def _pairs(credentials: Iterable[IssuedCredential]) -> list[tuple[str, str]]:
    return [(credential.username, credential.password) for credential in credentials]
