"""Real parts on loopback, started and stopped as one: for ``make run``, the tests and the benchmarks."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache"
