"""Repeats a failed test that needs a running machine if that stood still; other failures count at once."""

import contextlib
from collections.abc import Mapping
from typing import Protocol

import pytest
from _pytest.outcomes import TEST_OUTCOME
from _pytest.runner import runtestprotocol

_MOST = 3  # times that a test is repeated

_REPEATED = "repeated"  # an outcome like "passed" and "failed"


class Monitor(Protocol):
    """Tells whether the machine ran; :class:`tests.support.machine_monitor.MachineMonitor` does."""

    def begin(self) -> float:
        """Starts to watch, unless it does so already; returns the present moment of ``time.monotonic``."""

    def stall_since(self, began: float) -> str:
        """Returns what kept the machine from running since that moment, in words; "" if it ran."""

    def await_calm(self) -> None:
        """Returns when the machine runs again, or when waiting longer is of no use."""

    def stop(self) -> None:
        """Stops watching."""


class RerunOnStall:
    """A plugin of pytest's; by its marker, each monitor judges the tests that have it, the first one wins."""

    def __init__(self, monitors: Mapping[str, Monitor]) -> None:
        self._monitors = monitors

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Runs a test that has one of the markers, and again if it failed during a stall."""
        marked = (each for name, each in self._monitors.items() if item.get_closest_marker(name) is not None)
        monitor = next(marked, None)
        if monitor is None:
            return None
        for number in range(_MOST + 1):
            began = monitor.begin()
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
            failed = [report for report in reports if report.failed]
            stall = monitor.stall_since(began) if failed and number < _MOST else ""
            if stall:
                for report in failed:
                    report.outcome = _REPEATED  # type: ignore[assignment]  # pytest knows its own only
                    report.user_properties.append((_REPEATED, stall))
            for report in failed if stall else reports:
                item.ihook.pytest_runtest_logreport(report=report)
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            if not stall:
                break
            _end_fixtures(item.session)
            monitor.await_calm()
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, object] | None:
        """Counts a repeated test neither as passed nor as failed."""
        if report.outcome != _REPEATED:
            return None
        return _REPEATED, "R", (_REPEATED.upper(), {"yellow": True})

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Lists the repeated tests, each with the reason."""
        reports = terminalreporter.getreports(_REPEATED)
        if reports:
            terminalreporter.section("repeated, because the machine stood still", yellow=True)
        for report in reports:
            terminalreporter.line(
                f"{report.nodeid} ({report.when}): {dict(report.user_properties)[_REPEATED]}"
            )
            terminalreporter.line(f"    {_complaint_of(report)}")

    def pytest_unconfigure(self) -> None:
        """Stops the monitors."""
        for monitor in self._monitors.values():
            monitor.stop()


def _complaint_of(report: pytest.TestReport) -> str:
    """Returns the line with which it failed; the rest would be read as a failure."""
    lines = report.longreprtext.splitlines()
    return next((line for line in lines if line.startswith("E ")), lines[-1] if lines else "")


def _end_fixtures(session: pytest.Session) -> None:
    """Ends the fixtures of the module and the session too: a browser that stood still is of no more use."""
    with contextlib.suppress(*TEST_OUTCOME):  # a fixture that does not end well belongs to the failed run
        session._setupstate.teardown_exact(None)  # noqa: SLF001 - there is no other way
