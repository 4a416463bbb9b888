"""The machine on which the benchmarks run: facts that stand beside each result that is kept."""

import os
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from workbench import ROOT
from workbench.postgres import newest_version


def facts() -> Mapping[str, str]:
    """Returns what the machine and the program are, by a short name; nothing that names the machine."""
    distribution = _first("/etc/os-release", "PRETTY_NAME", "=").strip('"')
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "processor": f"{os.cpu_count()} cores, {_first('/proc/cpuinfo', 'model name') or platform.machine()}",
        "memory": f"{int(_first('/proc/meminfo', 'MemTotal').split()[0]) / 1e6:.0f} GB",
        "system": f"{distribution}, Linux {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "PostgreSQL": newest_version(),
    }


def _first(file: str, name: str, sign: str = ":") -> str:
    lines = (line.partition(sign) for line in Path(file).read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "")


def _commit() -> str:
    """The commit that is checked out, with a plus sign if files of it have changed."""
    git = shutil.which("git")
    if git is None:
        return "unknown"

    def ask(*words: str) -> str:
        done = subprocess.run([git, *words], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
        return done.stdout.strip()

    return ask("rev-parse", "--short", "HEAD") + "+" * bool(ask("status", "--porcelain", "-uno"))
