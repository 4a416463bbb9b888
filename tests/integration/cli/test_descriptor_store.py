"""How the password cache's memory comes out of the supervisor's store, and into it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from authbridge.cli.cache_handover import hand_over
from authbridge.cli.descriptor_store import DescriptorStore
from authbridge.login.cache_memfd import DESCRIPTOR, NAME, fault_of_memfd
from authbridge.login.cache_memory import Layout
from workbench import ROOT

LAYOUT = Layout(right=10, wrong=10)

# Passes descriptors as systemd does, takes one out, and tells what is left.  A file's content is its name.
_TAKE = """
import fcntl, json, os, sys
from authbridge.cli.descriptor_store import DescriptorStore

names, pid = sys.argv[1], sys.argv[2] or str(os.getpid())
for place, name in enumerate(filter(None, names.split(":")), 3):
    memfd = os.memfd_create(name)
    os.write(memfd, name.encode())
    passed = fcntl.fcntl(memfd, fcntl.F_DUPFD, 100 + place)
    os.close(memfd)
for place, name in enumerate(filter(None, names.split(":"))):
    os.dup2(100 + 3 + place, 3 + place)
    os.close(100 + 3 + place)
environ = {"LISTEN_PID": pid, "LISTEN_FDS": str(len(names.split(":"))), "LISTEN_FDNAMES": names}
taken = DescriptorStore(environ).take("password-cache")

def content(descriptor):
    try:
        return os.pread(descriptor, 100, 0).decode()
    except OSError:
        return None

print(json.dumps({
    "taken": taken and content(taken),
    "inherited": taken and os.get_inheritable(taken),
    "passed": [content(3 + place) for place in range(int(environ["LISTEN_FDS"]))],
    "inheritable": [os.get_inheritable(3 + place) for place in range(int(environ["LISTEN_FDS"]))],
    "next": content(3 + int(environ["LISTEN_FDS"])) if taken != 3 + int(environ["LISTEN_FDS"]) else None,
    "names": environ["LISTEN_FDNAMES"],
}))
"""


@pytest.mark.parametrize(
    ("names", "left"),
    [
        pytest.param("api:password-cache", ["api"], id="after the socket, as systemd has it"),
        pytest.param("password-cache:api", ["api"], id="before the socket"),
        pytest.param("one:password-cache:two", ["one", "two"], id="between two sockets"),
        pytest.param("password-cache", [], id="alone"),
    ],
)
def test_it_is_taken_out_of_those_that_are_passed(names: str, left: list[str]) -> None:
    """What is left is together, and inherited: each of them is a socket for gunicorn."""
    assert _take(names) == {
        "taken": "password-cache",
        "inherited": False,
        "passed": left,
        "inheritable": [True] * len(left),
        "next": None,
        "names": ":".join(left),
    }


@pytest.mark.parametrize(
    ("names", "pid"),
    [("api:other", ""), ("api", ""), ("api:password-cache", "1")],
    ids=["other", "none", "foreign"],
)
def test_where_there_is_none_nothing_is_touched(names: str, pid: str) -> None:
    """Nor where the descriptors were passed to another process."""
    seen = _take(names, pid)

    assert seen["taken"] is None
    assert seen["passed"] == names.split(":")
    assert seen["names"] == names


def _take(names: str, pid: str = "") -> dict[str, object]:
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", _TAKE, names, pid], cwd=ROOT, capture_output=True, text=True, check=True
    )
    seen: dict[str, object] = json.loads(done.stdout)
    return seen


@pytest.fixture(name="supervisor", params=["path", "abstract"])
def listen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    """The socket of a supervisor, with a name in a folder or in Linux's abstract namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify") if request.param == "path" else "")
        supervisor.setblocking(False)  # noqa: FBT003 - as the socket has it
        yield supervisor


def _address(supervisor: socket.socket) -> str:
    name = supervisor.getsockname()
    return name if isinstance(name, str) else "@" + name[1:].decode()


def test_a_new_memory_is_stored(supervisor: socket.socket, capsys: pytest.CaptureFixture[str]) -> None:
    """The supervisor gets the very memfd that the service uses, after its room was emptied."""
    environ = {"NOTIFY_SOCKET": _address(supervisor)}
    hand_over(environ, LAYOUT)
    assert supervisor.recv(1000) == b"FDSTOREREMOVE=1\nFDNAME=password-cache"
    words, descriptors, _, _ = socket.recv_fds(supervisor, 1000, 4)

    used = int(environ[DESCRIPTOR])
    assert words == b"FDSTORE=1\nFDNAME=password-cache"
    assert [os.fstat(each).st_ino for each in descriptors] == [os.fstat(used).st_ino]
    assert os.get_inheritable(used)
    assert fault_of_memfd(used, LAYOUT) is None
    assert capsys.readouterr().err == ""
    for each in (used, *descriptors):
        os.close(each)


def test_a_supervisor_that_does_not_listen_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The service starts, and has the memory as long as it lives itself."""
    environ = {"NOTIFY_SOCKET": str(tmp_path / "nobody")}
    hand_over(environ, LAYOUT)

    assert fault_of_memfd(int(environ[DESCRIPTOR]), LAYOUT) is None
    assert capsys.readouterr().err.count("\n") == 1
    os.close(int(environ[DESCRIPTOR]))


def test_without_a_supervisor_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The memory is gunicorn's then, so that a worker that dies alone is warm again."""
    environ: dict[str, str] = {}
    hand_over(environ, LAYOUT)

    assert fault_of_memfd(int(environ[DESCRIPTOR]), LAYOUT) is None
    assert capsys.readouterr().err == ""
    os.close(int(environ[DESCRIPTOR]))


def test_a_system_without_memfd_is_told_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sandbox may forbid it; then each process that answers begins empty."""

    def forbid(_name: str, _flags: int) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "memfd_create", forbid)
    environ = {DESCRIPTOR: "7"}
    hand_over(environ, LAYOUT)

    assert DESCRIPTOR not in environ
    assert capsys.readouterr().err.splitlines() == [
        "WARNING password cache: ends with the process that answers: Operation not permitted"
    ]


def test_an_odd_stored_one_is_replaced(
    supervisor: socket.socket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as one that was made for other limits: one line, and the supervisor has the new one."""
    stored = os.memfd_create("odd")
    monkeypatch.setattr(DescriptorStore, "take", lambda _store, _name: stored)
    environ = {"NOTIFY_SOCKET": _address(supervisor)}
    hand_over(environ, LAYOUT)
    assert supervisor.recv(1000) == f"FDSTOREREMOVE=1\nFDNAME={NAME}".encode()
    _, descriptors, _, _ = socket.recv_fds(supervisor, 1000, 4)

    assert capsys.readouterr().err.startswith("WARNING password cache: discarded: its seals are ")
    assert fault_of_memfd(int(environ[DESCRIPTOR]), LAYOUT) is None
    for each in (int(environ[DESCRIPTOR]), *descriptors):
        os.close(each)
