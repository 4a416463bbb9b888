"""The kernel keeps the memory of a process with passwords out of dumps and swap."""

import subprocess
import sys

_ASK = """
import ctypes, resource
from authbridge.login.process_memory import forbid_dumps

forbid_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3))  # PR_GET_DUMPABLE
"""


def test_a_process_that_forbids_dumps_is_not_dumpable() -> None:
    """No core of it is written, and none is piped to a program."""
    done = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True)  # noqa: S603 - our own words

    assert done.stdout.split("\n")[0] == "(0, 0) 0"
