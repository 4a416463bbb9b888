"""What is shown of a failed test: what the programs that ran said last."""

import subprocess
import sys
from pathlib import Path

from workbench import ROOT

_CONFTEST = """
from tests.support import logs_at_failure


def pytest_configure(config):
    config.pluginmanager.register(logs_at_failure)
"""

_TESTS = """
from workbench.processes import Process


def start(folder, name):
    own = folder / f"{name}.own"
    script = f"echo said by {name}; echo written by {name} > {own}; exec sleep 60"
    process = Process(["sh", "-c", script], log=folder / f"{name}.log", own_log=own)
    process.start()
    process.await_ready(lambda: own.exists() and own.read_text() != "")
    return process


def test_that_fails(tmp_path):
    start(tmp_path, "former").kill()
    global left
    left = start(tmp_path, "present")
    assert False


def test_that_passes():
    left.kill()
"""


def test_a_failure_shows_the_ends_of_the_logs_of_what_runs(tmp_path: Path) -> None:
    """Its output and the log that it writes itself; of what has ended, nothing."""
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "test_stories.py").write_text(_TESTS)
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", tmp_path],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 1 passed" in done.stdout
    logs = done.stdout.partition("--- end of")[2]
    assert "said by present" in logs
    assert "written by present" in logs
    assert "by former" not in logs
