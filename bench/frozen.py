"""How soon logins are told that the service is frozen, and how soon it is used again once it goes on."""

import asyncio
import signal
import time

from authbridge.schools.commands.organisers import IssuedCredential
from bench.environment import CHEAP, Environment
from bench.figures import Figures
from bench.one_login import time_login
from bench.peers import HostedProsody, HostedService
from bench.table import Row

_FREEZE = 20.0  # seconds
_RUNS = 3
_PACE, _QUICK_PACE = 0.5, 0.02  # seconds between two logins: while it is frozen, and afterwards
_TOLD, _BACK = 3.5, 0.5  # seconds
_LATER = "temporary-auth-failure"


async def measure(environment: Environment) -> list[Row]:
    """The service is stopped (SIGSTOP) while somebody logs in every half second."""
    service = environment.services[CHEAP]
    rows = []
    for version, prosody in environment.prosodies.items():
        told, back = [], []
        for credential in service.issue(_RUNS):
            told += await _frozen(prosody, service, credential)
            back.append(await _until_granted(prosody, service, credential))
        rows += [
            Row(
                f"frozen: told to try later, service frozen for {_FREEZE:.0f} s",
                version,
                Figures.of(told),
                target=f"max ≤ {_TOLD * 1000:.0f}",
                met=max(told) <= _TOLD,
            ),
            Row(
                "frozen: from SIGCONT to the first granted login",
                version,
                Figures.of(back),
                target=f"max ≤ {_BACK * 1000:.0f}",
                met=max(back) <= _BACK,
            ),
        ]
    return rows


async def _frozen(
    prosody: HostedProsody, service: HostedService, credential: IssuedCredential
) -> list[float]:
    """The seconds that each login had to wait for its answer; the service goes on at the end."""
    await time_login(prosody, service.host, credential)  # is remembered
    service.process.signal(signal.SIGSTOP)
    waiting = []
    for _ in range(int(_FREEZE / _PACE)):
        waiting.append(asyncio.ensure_future(time_login(prosody, service.host, credential)))
        await asyncio.sleep(_PACE)
    ended = await asyncio.gather(*waiting)
    if others := {outcome.condition for _, outcome in ended} - {_LATER}:
        message = f"a frozen service answered: {others}"
        raise RuntimeError(message)
    service.process.signal(signal.SIGCONT)
    return [seconds for seconds, _ in ended]


async def _until_granted(
    prosody: HostedProsody, service: HostedService, credential: IssuedCredential
) -> float:
    started = time.perf_counter()
    condition = ""
    while condition != "success":
        await asyncio.sleep(_QUICK_PACE)
        _, outcome = await time_login(prosody, service.host, credential)
        condition = outcome.condition
    return time.perf_counter() - started
