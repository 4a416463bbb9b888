"""The command line runs as the service's own user, who does not get hold of root's terminal."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench import ROOT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")

# The terminal of a process's session (proc_pid_stat(5)): into no other can it type (TIOCSTI).
_TERMINAL = "cut -d' ' -f7 /proc/$$/stat"


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    """A folder with the command line, whose program and user are stand-ins."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        text = (ROOT / "deploy/authbridge").read_text(encoding="utf-8")
        text = text.replace("/etc/authbridge/authbridge.env", f"{folder}/env").replace(
            "/opt/authbridge/.venv/bin/python", f"{folder}/python"
        )
        (folder / "authbridge").write_text(text.replace("-u authbridge", "-u nobody"), encoding="utf-8")
        (folder / "env").touch()
        (folder / "python").write_text(f"#!/bin/sh\n{_TERMINAL} >{folder}/said; exit 7\n", encoding="utf-8")
        (folder / "python").chmod(0o755)
        yield folder


@pytest.mark.parametrize("redirection", ["", ">/dev/null", "</dev/null", "| cat", "2>/dev/null"])
def test_root_s_terminal_is_out_of_reach(folder: Path, redirection: str) -> None:
    """Another process of that user could command root's shell by it."""
    line = (
        f"{_TERMINAL} >{folder}/own; sh {folder}/authbridge school list {redirection}; echo $? >{folder}/code"
    )
    on_a_terminal = f"import pty; pty.spawn(['sh', '-c', {line!r}])"
    subprocess.run([sys.executable, "-c", on_a_terminal], check=True, capture_output=True)  # noqa: S603
    own, said, code = (int((folder / name).read_text()) for name in ("own", "said", "code"))
    assert own not in {0, said}
    assert code == (0 if "|" in redirection else 7)


@pytest.mark.parametrize(
    ("arguments", "user"),
    [
        pytest.param(("page", "on", "meet.example.org"), 0, id="it changes files of Prosody"),
        pytest.param(("page", "off"), 0, id="likewise"),
        pytest.param(("page", "serve"), 65534, id="a service"),
        pytest.param(("page",), 65534, id="no command"),
        pytest.param(("doctor", "--all"), 0, id="it reads files of Prosody"),
        pytest.param(("school", "list"), 65534, id="the database is the service's"),
    ],
)
def test_root_does_what_root_alone_may(folder: Path, arguments: tuple[str, ...], user: int) -> None:
    """All else is done as the service's user."""
    (folder / "python").write_text(f"#!/bin/sh\nid -u >{folder}/said\n", encoding="utf-8")
    subprocess.run(["sh", folder / "authbridge", *arguments], check=True, capture_output=True)  # noqa: S603, S607
    assert int((folder / "said").read_text()) == user
