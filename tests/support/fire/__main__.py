"""Checks a history that was kept: ``python -m tests.support.fire FILE``, packed with xz or not."""

import sys
from pathlib import Path

from tests.support.fire.checker import check
from tests.support.fire.report import read_kept

if __name__ == "__main__":
    found = check(read_kept(Path(sys.argv[1])))
    for violation in found:
        print(violation)  # noqa: T201 - a program for the terminal
    sys.exit(1 if found else 0)
