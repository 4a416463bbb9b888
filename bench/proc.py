"""What the kernel says about a process: processor time and memory."""

import os
from pathlib import Path

from workbench.processes import children_of

_TICK = 1 / os.sysconf("SC_CLK_TCK")


def processor_time(pid: int) -> float:
    """Returns the seconds of a processor that the process and its children have used up so far."""
    return sum(map(_own_time, [pid, *children_of(pid)]))


def resident(pid: int) -> float:
    """Returns its resident memory in MB, without that of its children."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _own_time(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK
