"""Shows with a failed test what the programs that ran said last: where it fails, nobody may look again."""

from collections import deque
from collections.abc import Generator
from pathlib import Path

import pytest

from workbench.processes import Process

_LINES = 30  # of each log


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the ends of their logs to the report of a failed test."""
    report = yield
    if report.failed:
        logs = [log for each in Process.running() for log in (each.log, each.own_log) if log is not None]
        report.sections += [(f"end of {log.name}", _end_of(log)) for log in logs if log.is_file()]
    return report


def _end_of(log: Path) -> str:
    with log.open(errors="replace") as lines:
        return "".join(deque(lines, maxlen=_LINES))
