"""One run from the first login to the verdict, with faults drawn by a seed."""

import asyncio
import contextlib
import dataclasses
import random
from collections.abc import Sequence

from tests.support.fire.clients import Run
from tests.support.fire.faults import some, troubles_of
from tests.support.fire.history import Calm, Fault, History, Verdict
from tests.support.fire.troubles import Trouble
from tests.support.fire.world import Holder, World
from workbench.processes import PATIENCE
from workbench.prosody import Prosody

_CLIENTS = 6
_READ = 1.0  # seconds in which everybody reads that a session has ended
_AUDITED = 3  # accounts in each calm, over each Prosody
_AGAIN = 0.5  # seconds until somebody who was told to wait tries once more


async def put_under_fire(world: World, history: History, seed: int, seconds: float) -> None:
    """Lets clients and staff work that long while faults come and go, and writes down what was seen."""
    run = Run(world, random.Random(seed), history)  # noqa: S311 - repeatable, no secret
    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(_CLIENTS):
                workers.create_task(run.keep_logging_in())
            for school, clerk in world.clerks.items():
                workers.create_task(run.keep_changing(clerk, school))
            await _keep_breaking(run, seed, seconds)
            run.is_over = True
        await _calm(run)
    finally:
        await run.end_sessions()


async def _keep_breaking(run: Run, seed: int, seconds: float) -> None:
    faults = random.Random(seed + 1)  # noqa: S311 - drawn apart, so that the same seed makes the same faults
    troubles = troubles_of(run.world)
    await _calm(run)
    while run.now() < seconds:
        await asyncio.sleep(faults.uniform(0.5, 2))
        await _break(run, some(troubles, faults), faults)
        await _calm(run)


async def _break(run: Run, troubles: Sequence[Trouble], faults: random.Random) -> None:
    """Makes these faults at once, and mends them."""
    began = run.now()
    lasting = max(faults.uniform(0.2, each.longest) for each in troubles)
    try:
        with contextlib.ExitStack() as broken:
            for each in troubles:
                await asyncio.to_thread(broken.enter_context, each.cause())
            await asyncio.sleep(lasting)
            await asyncio.to_thread(broken.close)
        await asyncio.to_thread(run.world.heal)
    finally:
        for each in troubles:
            run.history.add(Fault(each.what, began, run.now(), each.node))


async def _calm(run: Run) -> None:
    """Waits until every Prosody has all news; then everybody who logs in must be told something."""
    began = run.now()
    await asyncio.to_thread(run.world.end_canary_sessions)
    await asyncio.to_thread(run.world.await_carried_out)
    await asyncio.sleep(_READ)
    run.history.add(Calm(began, run.now()))
    for prosody in run.world.prosodys:
        for holder in run.chance.sample(list(run.world.holders), _AUDITED):
            await _until_told(run, holder, prosody)
    run.history.add(run.world.memory(run.now()))


async def _until_told(run: Run, holder: Holder, prosody: Prosody) -> None:
    """Tries again as long as the answer is to try again, which must end while nothing is broken."""
    deadline = run.now() + PATIENCE
    while True:
        login = await run.log_in(holder, prosody, *holder.known)
        if login.verdict not in {Verdict.UNAVAILABLE, Verdict.NOTHING}:
            return
        if run.now() > deadline:
            run.history.add(dataclasses.replace(login, is_calm=True))
            return
        await asyncio.sleep(_AGAIN)
