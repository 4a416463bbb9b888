"""How much memory the service takes once it remembers as many credentials as it may."""

import asyncio

from bench import runs
from bench.environment import CHEAP, Environment
from bench.peers import HostedService
from bench.proc import resident
from bench.table import Row
from workbench.processes import children_of

_REMEMBERED = 50_000
_AT_ONCE = 4
_ALLOWED = 120.0  # MB, resident, gunicorn's master and its worker


async def measure(_scene: Environment) -> list[Row]:
    """A service of its own, asked directly: what Prosody needs is not measured here."""
    service = HostedService.of("memory", CHEAP)
    service.create_database()
    credentials = await asyncio.to_thread(service.issue_many, _REMEMBERED)
    service.start()
    try:
        runs.require(await runs.run(runs.at_service(service, credentials[:1], at_once=1)), "granted")
        before = sum(_resident(service.process.pid).values())
        plan = runs.at_service(service, credentials, at_once=_AT_ONCE)
        ended = await runs.run(plan)
        runs.require(ended, "granted")
        after = _resident(service.process.pid)
    finally:
        service.stop()
    parts = " + ".join(f"{words} {megabytes:.1f}" for words, megabytes in after.items())
    return [
        Row(
            f"memory: the service, {_REMEMBERED:,} remembered",
            "",
            runs.figures_of(ended),
            f"{sum(after.values()):.1f} MB resident = {parts}; {before:.1f} after one login",
            f"≤ {_ALLOWED:.0f} MB",
            met=sum(after.values()) <= _ALLOWED,
        )
    ]


def _resident(master: int) -> dict[str, float]:
    """Megabytes of the master and of its workers; what they share is counted in each of them."""
    return {"master": resident(master), "worker": sum(map(resident, children_of(master)))}
