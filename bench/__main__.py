"""``python -m bench [PART …]``: what is promised about time, measured beside its peers in one run."""

import argparse
import asyncio
import contextlib
import gc
import os
import shutil
import sys
import time
from collections.abc import Mapping

from bench import bystander, equal_times, one_login
from bench.peers import COSTS, FOLDER, VERSIONS, HostedService, SlowService, Stage
from bench.table import Row, render
from workbench.processes import StartError

_PARTS = ("login", "refused", "ping")


def main() -> int:
    """Runs the benchmarks; the exit code is 1 if a target is missed."""
    parts = _read_parts()
    shutil.rmtree(FOLDER, ignore_errors=True)
    started, load = time.perf_counter(), os.getloadavg()[0]
    services = {cost: HostedService.of_cost(cost) for cost in COSTS}
    try:
        with contextlib.ExitStack() as running:
            stages = _start(services, running)
            gc.freeze()
            rows = asyncio.run(_measure(parts, stages, services))
    except StartError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(f"\n{render(rows)}\n")
    print(
        f"Times in ms; {os.cpu_count()} cores; load {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the "
        f"end; {time.perf_counter() - started:.0f} s."
    )
    missed = sum(row.met is False for row in rows)
    print("All targets are met." if not missed else f"{missed} target(s) missed.")
    return 1 if missed else 0


def _start(services: Mapping[int, HostedService], running: contextlib.ExitStack) -> dict[str, Stage]:
    slow = SlowService()
    running.callback(slow.stop)
    slow.start()
    for service in services.values():
        service.create_database()
        running.callback(service.stop)
        service.start()
    stages = {version: Stage.of(version, services.values(), slow) for version in VERSIONS}
    for stage in stages.values():
        running.callback(stage.stop)
        stage.start()
    return stages


async def _measure(
    parts: list[str], stages: Mapping[str, Stage], services: Mapping[int, HostedService]
) -> list[Row]:
    rows = []
    if "login" in parts:
        print("One login …", flush=True)
        rows += await one_login.measure(stages, services)
    if "refused" in parts:
        print("Unknown name and wrong password …", flush=True)
        rows += await equal_times.measure(stages, services)
    if "ping" in parts:
        print("A bystander's ping …", flush=True)
        rows += await bystander.measure(stages)
    return rows


def _read_parts() -> list[str]:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("part", nargs="*", help=f"of {', '.join(_PARTS)}; all if none is named")
    parts: list[str] = parser.parse_args().part
    if unknown := set(parts) - set(_PARTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return parts or list(_PARTS)


if __name__ == "__main__":
    sys.exit(main())
