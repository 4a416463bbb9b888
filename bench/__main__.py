"""``python -m bench [PART …]``: what is promised about time, measured beside its peers in one run."""

import argparse
import asyncio
import contextlib
import gc
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Callable

from bench import (
    attack,
    bell,
    bystander,
    capacity,
    collector,
    environment,
    equal_times,
    frozen,
    logins_under_attack,
    meeting_rules,
    meetings,
    memory,
    one_login,
    pages,
    processor_time,
    scraping,
)
from bench.environment import Environment
from bench.peers import FOLDER
from bench.table import Row, render
from workbench.processes import StartError

_PARTS: dict[str, tuple[str, Callable[[Environment], Awaitable[list[Row]]]]] = {
    "login": ("One login", one_login.measure),
    "refused": ("Unknown name and wrong password", equal_times.measure),
    "bell": ("The school bell", bell.measure),
    "capacity": ("Logins a second", capacity.measure),
    "processor": ("Prosody's processor time", processor_time.measure),
    "collector": ("Prosody's garbage collector", collector.measure),
    "ping": ("A bystander's ping", bystander.measure),
    "frozen": ("A frozen service", frozen.measure),
    "attack": ("Guessing without end", attack.measure),
    "honest": ("Honest organisers beside a guesser", logins_under_attack.measure),
    "meetings": ("From the click to the last one in the meeting", meetings.measure),
    "rules": ("The rules of the meeting", meeting_rules.measure),
    "metrics": ("Metrics for Prometheus", scraping.measure),
    "memory": ("Memory", memory.measure),
    "pages": ("Pages of the panel", pages.measure),
}


def main() -> int:
    """Runs the benchmarks; the exit code is 1 if a target is missed."""
    parts = _read_parts()
    shutil.rmtree(FOLDER, ignore_errors=True)
    started, load = time.perf_counter(), os.getloadavg()[0]
    try:
        with contextlib.ExitStack() as running:
            everything = environment.start(running)
            gc.freeze()
            rows = asyncio.run(_measure(parts, everything))
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


async def _measure(parts: list[str], everything: Environment) -> list[Row]:
    rows = []
    for part, (title, measure) in _PARTS.items():
        if part in parts:
            print(f"{title} …", flush=True)
            rows += await measure(everything)
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
