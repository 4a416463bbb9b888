"""What programs that root asks may do to root: nothing with the terminal, and no harm by what they answer."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from authbridge.machine.files import Machine
from workbench import ROOT

# A program that has root's terminal types there what root's shell does next (TIOCSTI).
_PROBE = """
import fcntl, pathlib, termios
said = ["asked"]
for place in ("/dev/tty", 0, 1, 2):
    try:
        with open(place, "rb", closefd=isinstance(place, str)) as terminal:
            fcntl.ioctl(terminal, termios.TIOCSTI, b"x")
        said.append(f"reaches the terminal by {place}")
    except OSError:
        pass
pathlib.Path(__file__).with_name("said").write_text("\\n".join(said))
"""
_DOCTOR = "Machine().run(f'{folder}/.venv/bin/python')"
_INSTALLER = "System(Machine()).compile(folder)"


def _ask(*command: str, patience: float = 20.0, text: str | None = None) -> str:
    answer = Machine().run(*command, patience=patience, text=text)
    assert answer is not None
    return answer.output


@pytest.mark.parametrize("asked", [_DOCTOR, _INSTALLER], ids=["doctor", "installer"])
def test_a_program_has_no_hold_of_the_terminal(asked: str, tmp_path: Path) -> None:
    """One that runs as another user could command root's shell there."""
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!{sys.executable}\n{_PROBE}", encoding="utf-8")
    python.chmod(0o755)
    program = (
        "from pathlib import Path\n"
        "from authbridge.installation.system import System\n"
        "from authbridge.machine.files import Machine\n"
        f"folder = Path({str(tmp_path)!r})\n{asked}\n"
    )
    on_a_terminal = f"import pty; pty.spawn([{sys.executable!r}, '-c', {program!r}])"
    subprocess.run([sys.executable, "-c", on_a_terminal], check=True, cwd=ROOT, capture_output=True)  # noqa: S603
    assert (python.with_name("said")).read_text(encoding="utf-8") == "asked"


def test_what_is_asked_arrives_and_so_does_the_answer() -> None:
    """Also more than a pipe holds, and what is no UTF-8."""
    assert _ask("cat", text="x" * 1_000_000) == "x" * 1_000_000
    assert _ask("printf", r"\377") == "�"


def test_an_endless_answer_is_none() -> None:
    """A program of another user must not fill the memory of root's."""
    started = time.monotonic()
    assert Machine().run("cat", "/dev/zero") is None
    assert time.monotonic() - started < 20


def test_who_holds_the_answer_open_is_not_waited_for() -> None:
    """The limit of time holds for what a program leaves running, too."""
    started = time.monotonic()
    assert Machine().run("sh", "-c", "sleep 30 & echo said", patience=1.0) is None
    assert time.monotonic() - started < 20


def test_a_program_that_is_missing_has_no_answer() -> None:
    """As one that does not end."""
    assert Machine().run("no-such-program") is None
    assert Machine().run("sleep", "30", patience=0.2) is None
