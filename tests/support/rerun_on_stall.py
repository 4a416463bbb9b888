"""Repeats a test that failed while the machine did not run; what fails on a machine that ran has failed."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pytest
from _pytest.outcomes import TEST_OUTCOME
from _pytest.runner import runtestprotocol

_MOST = 3  # times that a test is repeated

_REPEATED = "repeated"  # an outcome like "passed" and "failed"


class Witness(Protocol):
    """Who saw whether the machine ran; :class:`tests.support.machine_monitor.Witness` has."""

    def begin(self) -> float:
        """The moment from which on it watches."""

    def stall_since(self, began: float) -> str:
        """What kept the machine from running since then, in words; none if it ran."""

    def await_calm(self) -> None:
        """Returns when the machine runs again, or when there is no use in waiting."""

    def stop(self) -> None:
        """Ends it."""


class Repetition:
    """A plugin of pytest's for the tests in ``folders``."""

    def __init__(self, witness: Witness, folders: Sequence[Path]) -> None:
        self._witness = witness
        self._folders = folders

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Runs the test, and again where that did not count."""
        if not any(item.path.is_relative_to(folder) for folder in self._folders):
            return None
        for number in range(_MOST + 1):
            began = self._witness.begin()
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
            failed = [report for report in reports if report.failed]
            stall = self._witness.stall_since(began) if failed and number < _MOST else ""
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
            self._witness.await_calm()
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, object] | None:
        """Neither passed nor failed."""
        if report.outcome != _REPEATED:
            return None
        return _REPEATED, "R", (_REPEATED.upper(), {"yellow": True})

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Which tests were repeated, and why."""
        reports = terminalreporter.getreports(_REPEATED)
        if reports:
            terminalreporter.section("repeated, for the machine stood still", yellow=True)
        for report in reports:
            terminalreporter.line(
                f"{report.nodeid} ({report.when}): {dict(report.user_properties)[_REPEATED]}"
            )
            terminalreporter.line(f"    {_complaint_of(report)}")

    def pytest_unconfigure(self) -> None:
        """The end."""
        self._witness.stop()


def _complaint_of(report: pytest.TestReport) -> str:
    """What it failed with; the rest would be read as a failure."""
    lines = report.longreprtext.splitlines()
    return next((line for line in lines if line.startswith("E ")), lines[-1] if lines else "")


def _end_fixtures(session: pytest.Session) -> None:
    """Also those of modules and of the session: a browser that stood still too long is of no more use."""
    with contextlib.suppress(*TEST_OUTCOME):  # what does not end well belongs to what is repeated
        session._setupstate.teardown_exact(None)  # noqa: SLF001 - there is no other way
