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
from dataclasses import dataclass

from bench import (
    attack,
    bell,
    bystander,
    capacity,
    collector,
    environment,
    equal_times,
    frozen,
    login_page,
    logins_under_attack,
    machine,
    meeting_rules,
    meetings,
    memory,
    one_login,
    pages,
    processor_time,
    results,
    scraping,
    sizes,
)
from bench.environment import Environment
from bench.peers import FOLDER
from bench.table import Row, render
from workbench.processes import StartError

_PARTS: dict[str, tuple[str, Callable[[Environment], Awaitable[list[Row]]]]] = {
    "login": ("One login", one_login.measure),
    "page": ("The login page", login_page.measure),
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
_SIZES = "sizes"  # runs only if it is named, and starts what it needs by itself


@dataclass(frozen=True, slots=True)
class _Options:
    parts: list[str]
    short: bool
    keep: bool


def main() -> int:
    """Runs the benchmarks; the exit code is 1 if a target is missed."""
    options = _read_options()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    started, load = time.perf_counter(), os.getloadavg()[0]
    facts = machine.facts()
    try:
        rows = _measure_all(options)
    except StartError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    missed = sum(row.met is False for row in rows)
    loads = f"{load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end"
    text = (
        f"{render(rows)}\n\n"
        f"Times in ms; {os.cpu_count()} cores; load {loads}; {time.perf_counter() - started:.0f} s.\n"
        + ("All targets are met." if not missed else f"{missed} target(s) missed.")
    )
    print(f"\n{text}")
    if options.keep:
        command = f"python -m bench --keep {' '.join(options.parts)}{' --short' * options.short}"
        print(results.keep(command, "-".join(options.parts), text, rows, {**facts, "load": loads}))
    return 1 if missed else 0


def _measure_all(options: _Options) -> list[Row]:
    rows: list[Row] = []
    if set(options.parts) & set(_PARTS):
        with contextlib.ExitStack() as running:
            everything = environment.start(running)
            gc.freeze()
            rows += asyncio.run(_measure(options.parts, everything))
    if _SIZES in options.parts:
        print("Sizes …", flush=True)
        rows += asyncio.run(sizes.measure(sizes.SHORT_SCALE if options.short else sizes.USUAL_SCALE))
    return rows


async def _measure(parts: list[str], everything: Environment) -> list[Row]:
    rows = []
    for part, (title, measure) in _PARTS.items():
        if part in parts:
            print(f"{title} …", flush=True)
            rows += await measure(everything)
    return rows


def _read_options() -> _Options:
    parser = argparse.ArgumentParser(prog="bench")
    known = [*_PARTS, _SIZES]
    parser.add_argument(
        "part", nargs="*", help=f"of {', '.join(known)}; all but {_SIZES} if none is named", metavar="PART"
    )
    parser.add_argument("--short", action="store_true", help=f"{_SIZES} in two minutes, to see that it works")
    parser.add_argument("--keep", action="store_true", help="also write the results to bench/results")
    arguments = parser.parse_args()
    if unknown := set(arguments.part) - set(known):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if arguments.short and arguments.part != [_SIZES]:
        parser.error(f"--short is for {_SIZES} alone")
    if arguments.keep and not arguments.part:
        parser.error("--keep needs the names of the parts")
    return _Options(arguments.part or list(_PARTS), arguments.short, arguments.keep)


if __name__ == "__main__":
    sys.exit(main())
