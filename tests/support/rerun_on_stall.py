"""Repeats a failed test of real time if the machine stood still meanwhile; other failures count at once."""

import contextlib
from typing import Protocol

import pytest
from _pytest.outcomes import TEST_OUTCOME
from _pytest.runner import runtestprotocol

MARKER = "realtime"

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
    """A plugin of pytest's for the tests that are marked ``realtime``."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Runs a test of real time, and again if it failed during a stall."""
        if item.get_closest_marker(MARKER) is None:
            return None
        for number in range(_MOST + 1):
            began = self._monitor.begin()
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
            failed = [report for report in reports if report.failed]
            stall = self._monitor.stall_since(began) if failed and number < _MOST else ""
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
            self._monitor.await_calm()
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
        """Stops the monitor."""
        self._monitor.stop()


def _complaint_of(report: pytest.TestReport) -> str:
    """Returns the line with which it failed; the rest would be read as a failure."""
    lines = report.longreprtext.splitlines()
    return next((line for line in lines if line.startswith("E ")), lines[-1] if lines else "")


def _end_fixtures(session: pytest.Session) -> None:
    """Ends the fixtures of the module and the session too: a browser that stood still is of no more use."""
    with contextlib.suppress(*TEST_OUTCOME):  # a fixture that does not end well belongs to the failed run
        session._setupstate.teardown_exact(None)  # noqa: SLF001 - there is no other way
