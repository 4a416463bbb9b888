"""``make run`` as a stranger meets it: a proven login, and nothing left after Ctrl-C."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench import CACHE, ROOT
from workbench.processes import PATIENCE, free_port, is_listening


@pytest.fixture(name="ports")
def choose_ports() -> Iterator[dict[str, int]]:
    """Ports that no other demo uses; its folder is removed afterwards."""
    ports = {name: free_port() for name in ("API_PORT", "PANEL_PORT", "PAGE_PORT", "XMPP_PORT", "HTTP_PORT")}
    yield ports
    folder = CACHE / f"demo-{ports['API_PORT']}"
    subprocess.run(["rm", "-rf", str(folder)], check=True)  # noqa: S603, S607


@contextlib.contextmanager
def running(ports: dict[str, int]) -> "Iterator[subprocess.Popen[str]]":
    """``make run`` in a process group of its own, as in a terminal; it has ended afterwards."""
    demo = subprocess.Popen(  # noqa: S603 - our own words
        ["make", "run", *(f"{name}={port}" for name, port in ports.items())],  # noqa: S607
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with demo:
        try:
            yield demo
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(demo.pid, signal.SIGTERM)
            demo.communicate(timeout=PATIENCE)


def read_until(demo: "subprocess.Popen[str]", words: str) -> str:
    """Its output up to the line with those words."""
    assert demo.stdout is not None
    text = ""
    deadline = time.monotonic() + PATIENCE
    while words not in text:
        line = demo.stdout.readline()
        assert line, text
        assert time.monotonic() < deadline, text
        text += line
    return text


def descendants_in(folder: Path) -> list[str]:
    """The command lines of processes that work in that folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - names are all we need
        try:
            words = Path("/proc", pid, "cmdline").read_bytes() + Path("/proc", pid, "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if str(folder).encode() in words:
            found.append(words.split(b"\0")[0].decode())
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.soak)])
def test_it_proves_a_login_and_leaves_nothing_behind(ports: dict[str, int], number: signal.Signals) -> None:
    """It says that all is well only after a real login; Ctrl-C ends every process and frees every port."""
    with running(ports) as demo:
        text = read_until(demo, "Ctrl-C ends all of it.")
        folder = CACHE / f"demo-{ports['API_PORT']}"

        assert "All is well" in text
        assert "account-disabled" in text
        assert f"http://127.0.0.1:{ports['PANEL_PORT']}/" in text
        assert f"http://127.0.0.1:{ports['PAGE_PORT']}/_authbridge/auth?state=" in text
        assert is_listening(ports["PANEL_PORT"])
        assert "granted" in (folder / "prosody" / "prosody.log").read_text()
        assert len(descendants_in(folder)) >= 6

        os.killpg(demo.pid, number)
        demo.communicate(timeout=PATIENCE)

    assert descendants_in(folder) == []
    assert not any(is_listening(port) for port in ports.values())


def test_a_taken_port_is_told_with_the_way_out(ports: dict[str, int]) -> None:
    """The sentence names the port and the words to choose another."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", ports["XMPP_PORT"]))
        holder.listen()
        with running(ports) as demo:
            text, _ = demo.communicate(timeout=PATIENCE)

    assert demo.returncode != 0
    assert f"Port {ports['XMPP_PORT']} is taken" in text
    assert f"make run XMPP_PORT={ports['XMPP_PORT'] + 1000}" in text
    assert "Traceback" not in text
