"""The memory of the password cache in a real memfd, among real processes, one of which is killed."""

import contextlib
import fcntl
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from authbridge.login import cache_memfd
from authbridge.login.cache_memfd import DESCRIPTOR, fault_of_memfd, make_memfd, open_memory
from authbridge.login.cache_memory import CacheMemory, Layout
from workbench.processes import PATIENCE

LAYOUT = Layout(right=1000, wrong=10)
KEY, OTHER_KEY = b"k" * 32, b"o" * 32

# Writes 1,000 entries and says after each that it is done; the parent kills it in between.
_WRITER = """
import os, sys
from authbridge.login.cache_memfd import open_memory
from authbridge.login.cache_memory import Layout

memory = open_memory(os.environ, Layout(right=1000, wrong=10))
for number in range(1000):
    memory.right.write(number, number.to_bytes(32, "big"), float(number))
    os.write(1, b".")
"""

# Opens the memory, says so, and keeps it.
_HOLDER = """
import os, sys
from authbridge.login.cache_memfd import open_memory
from authbridge.login.cache_memory import Layout

memory = open_memory(os.environ, Layout(right=1000, wrong=10))
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture(name="memfd")
def open_memfd() -> Iterator[int]:
    """A new memfd for that layout."""
    memfd = make_memfd(LAYOUT)
    yield memfd
    os.close(memfd)


def environ_of(memfd: int) -> dict[str, str]:
    """The environment of a process that is handed it."""
    return {**os.environ, DESCRIPTOR: str(memfd)}


@contextlib.contextmanager
def child(program: str, memfd: int) -> "Iterator[subprocess.Popen[bytes]]":
    """Another process that is handed the memfd; it has ended afterwards."""
    process = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", program],
        env=environ_of(memfd),
        pass_fds=[memfd],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def numbers(memory: CacheMemory) -> set[int]:
    """Which of the writer's entries are there, each as it was written."""
    found = set()
    for entry in memory.right.entries():
        assert entry.cache_key == entry.slot.to_bytes(32, "big")
        assert entry.used == float(entry.slot)
        found.add(entry.slot)
    return found


def test_its_size_is_fixed(memfd: int) -> None:
    """Nobody can cut it short under a process that has it mapped, which would end it with SIGBUS."""
    for size in (0, LAYOUT.size - 1, LAYOUT.size + 1):
        with pytest.raises(PermissionError):
            os.ftruncate(memfd, size)
    with pytest.raises(PermissionError):
        fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    assert fault_of_memfd(memfd, LAYOUT) is None


def _unsealed(size: int) -> int:
    memfd = os.memfd_create("odd", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(memfd, size)
    return memfd


def _in_a_file() -> int:
    with tempfile.TemporaryFile() as file:
        file.truncate(LAYOUT.size)
        return os.dup(file.fileno())


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        pytest.param(lambda: make_memfd(Layout(999, 10)), f"bytes instead of {LAYOUT.size}", id="cut short"),
        pytest.param(lambda: make_memfd(Layout(1001, 10)), f"bytes instead of {LAYOUT.size}", id="longer"),
        pytest.param(lambda: _unsealed(LAYOUT.size), "its seals are 0x", id="not sealed"),
        pytest.param(_in_a_file, "it is no memfd", id="a file"),
    ],
)
def test_an_odd_one_is_left_alone(
    make: Callable[[], int], fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The cache begins empty in memory of its own; one line of the log says why."""
    memfd = make()
    before = os.pread(memfd, 1 << 20, 0)

    memory = open_memory(environ_of(memfd), LAYOUT)
    memory.right.write(0, KEY, 1.0)

    assert fault in (fault_of_memfd(memfd, LAYOUT) or "")
    assert [fault in line for line in caplog.messages] == [True]
    assert os.pread(memfd, 1 << 20, 0) == before
    os.close(memfd)


@pytest.mark.parametrize("words", ["-1", "three", "99999"])
def test_a_descriptor_that_is_none_is_told(words: str, caplog: pytest.LogCaptureFixture) -> None:
    """The service starts all the same."""
    memory = open_memory({DESCRIPTOR: words}, LAYOUT)

    assert list(memory.right.entries()) == []
    assert len(caplog.messages) == 1


def test_without_one_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """As without a supervisor: each process has a key of its own."""
    memories = [open_memory({}, LAYOUT) for _ in range(2)]

    assert memories[0].key != memories[1].key
    assert caplog.messages == []


def test_a_scribbled_one_is_wiped_with_one_line(memfd: int, caplog: pytest.LogCaptureFixture) -> None:
    """The line has neither key nor entries."""
    memory = open_memory(environ_of(memfd), LAYOUT)
    memory.right.write(5, KEY, 1.0)
    os.pwrite(memfd, b"scribble", 20)

    resumed = open_memory(environ_of(memfd), LAYOUT)

    assert list(resumed.right.entries()) == []
    assert caplog.messages == ["password cache: discarded: its header is damaged"]
    content = os.pread(memfd, LAYOUT.size, 0)
    assert KEY not in content
    assert memory.key not in content
    assert resumed.key in content


def test_a_kill_at_any_moment_leaves_it_whole(memfd: int, caplog: pytest.LogCaptureFixture) -> None:
    """25 times: what the writer had finished is there, and at most one entry more, which is whole."""
    source = random.Random(1)  # noqa: S311 - no secret
    for _ in range(25):
        os.pwrite(memfd, bytes(LAYOUT.size), 0)
        wanted = source.randrange(1, 1000)
        with child(_WRITER, memfd) as writer:
            assert writer.stdout is not None
            done = len(writer.stdout.read(wanted))
            writer.send_signal(signal.SIGKILL)
            done += len(writer.stdout.read())

        found = numbers(open_memory(environ_of(memfd), LAYOUT))
        assert found in (set(range(done)), set(range(done + 1)))
        _release(memfd)
    assert caplog.messages == []


def _release(memfd: int) -> None:
    """Ends this process's claim, as its end would."""
    fcntl.lockf(memfd, fcntl.LOCK_UN)


def test_two_processes_never_use_it(
    memfd: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The second one begins empty; the next one after the first has died has what the first one wrote."""
    monkeypatch.setattr(cache_memfd, "_PATIENCE", 0.1)
    with child(_HOLDER, memfd) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        open_memory(environ_of(memfd), LAYOUT).right.write(0, OTHER_KEY, 1.0)
        assert caplog.messages[-1].endswith("another process uses it")
        assert OTHER_KEY not in os.pread(memfd, LAYOUT.size, 0)
        holder.kill()
        holder.wait(PATIENCE)

        open_memory(environ_of(memfd), LAYOUT).right.write(0, KEY, 1.0)
        assert KEY in os.pread(memfd, LAYOUT.size, 0)
    assert len(caplog.messages) == 1


def test_no_dump_and_no_swap_holds_it(memfd: int, caplog: pytest.LogCaptureFixture) -> None:
    """The kernel's own word: dd, do not dump; lo, locked; and no child inherits it."""
    caplog.set_level(logging.INFO)
    memory = open_memory(environ_of(memfd), LAYOUT)
    mappings = Path("/proc/self/smaps").read_text().split("\n")
    begin = next(number for number, line in enumerate(mappings) if "/memfd:password-cache" in line)
    flags = next(line for line in mappings[begin:] if line.startswith("VmFlags")).split()

    assert memory.right.capacity == LAYOUT.right
    assert {"dd", "lo"} <= set(flags)
    assert os.get_inheritable(memfd) is False
    assert caplog.messages == []
