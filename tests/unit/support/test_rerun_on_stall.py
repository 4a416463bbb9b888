"""What pytest does with failures: those on a machine that ran count, those during a stall are repeated."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import ROOT

_CONFTEST = """
from pathlib import Path

import pytest

from tests.support.rerun_on_stall import RerunOnStall

SEEN = Path(__file__).with_name("seen")


class Monitor:
    def begin(self):
        return 0.0

    def stall_since(self, began):
        return SEEN.read_text()

    def await_calm(self):
        note("await calm")

    def stop(self):
        note("stop")


class Awake(Monitor):
    def stall_since(self, began):
        return ""


def note(words):
    with Path(__file__).with_name("notes").open("a") as notes:
        notes.write(words + "\\n")


def pytest_configure(config):
    config.pluginmanager.register(RerunOnStall({"realtime": Monitor(), "programs": Awake()}))


@pytest.fixture(scope="session")
def host():
    note("start host")
    yield
    note("stop host")


@pytest.fixture(scope="module")
def office(host):
    with Path(__file__).with_name("times").open("a+") as times:
        times.write("x")
        times.seek(0)
        number = len(times.read())
    note(f"start office {number}")
    yield number
    note(f"stop office {number}")
    assert number != 3
"""

_MARK = "import pytest\npytestmark = pytest.mark.realtime\n"
_FAILING = "def test_it(office):\n    assert office > {number}\n"


@pytest.fixture(name="folder")
def write_conftest(tmp_path: Path) -> Path:
    """Writes a conftest with a monitor that says what stands in a file."""
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n  realtime\n  programs\naddopts = --strict-markers\n"
    )
    return tmp_path


def run(folder: Path, *, stall: str, test: str, mark: str = _MARK) -> tuple[str, list[str]]:
    """The last line of what pytest says, with all that it says of repetitions before; and the notes."""
    (folder / "seen").write_text(stall)
    (folder / "test_one.py").write_text(mark + test)
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "-rA", str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    [summary] = re.findall(r"=+ (.*) in [0-9.]+s.* =+\n$", done.stdout)
    _, _, repeated = done.stdout.partition("repeated, because the machine stood still")
    return f"{summary}{repeated}", (folder / "notes").read_text().splitlines()


def test_on_a_machine_that_ran_a_failure_counts(folder: Path) -> None:
    """At once; nothing is done twice."""
    said, notes = run(folder, stall="", test=_FAILING.format(number=1))

    assert said == "1 failed"
    assert notes == ["start host", "start office 1", "stop office 1", "stop host", "stop", "stop"]


def test_during_a_stall_it_is_repeated_with_everything_anew(folder: Path) -> None:
    """Fixtures of the module and of the session too; and it is told with the reason."""
    said, notes = run(folder, stall="the host slept", test=_FAILING.format(number=1))

    assert said.startswith("1 passed, 1 repeated")
    assert "test_one.py::test_it (call): the host slept\n    E       assert 1 > 1\n" in said
    assert notes == [
        *("start host", "start office 1", "stop office 1", "stop host", "await calm"),
        *("start host", "start office 2", "stop office 2", "stop host", "stop", "stop"),
    ]


def test_what_always_fails_fails_in_the_end(folder: Path) -> None:
    """After three repetitions, however long the stall; an end that fails too is part of what is repeated."""
    said, notes = run(folder, stall="the host slept", test=_FAILING.format(number=9))

    assert said.startswith("1 failed, 4 repeated")
    assert notes.count("await calm") == 3


def test_a_fixture_that_did_not_start_is_started_anew(folder: Path) -> None:
    """Were its failure remembered, each test of the session would fail by it."""
    test = """
        @pytest.fixture(scope="module")
        def place(office):
            assert office > 1
            return office

        def test_one(place):
            assert place == 2

        def test_two(place):
            assert place == 2
    """.replace("\n        ", "\n")
    said, _ = run(folder, stall="the host slept", test=test)

    assert said.startswith("2 passed, 1 repeated")
    assert "test_one (setup): the host slept" in said


def test_nothing_else_is_repeated(folder: Path) -> None:
    """A test that promises nothing in real time fails, however long the machine stood still."""
    said, notes = run(folder, stall="the host slept", test=_FAILING.format(number=1), mark="")

    assert said == "1 failed"
    assert "await calm" not in notes


@pytest.mark.parametrize(("marks", "repeated"), [("programs", False), ("programs, realtime", True)])
def test_each_marker_has_a_monitor_of_its_own(folder: Path, marks: str, *, repeated: bool) -> None:
    """What is a stall to one is none to the other; of two markers the first counts."""
    marked = ", ".join(f"pytest.mark.{each}" for each in marks.split(", "))
    mark = f"import pytest\npytestmark = [{marked}]\n"
    said, _ = run(folder, stall="the host slept", test=_FAILING.format(number=1), mark=mark)

    assert ("1 repeated" in said) is repeated
