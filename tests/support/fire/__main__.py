"""Checks a history that was kept: ``python -m tests.support.fire FILE``, packed with xz or not."""

import lzma
import sys
from pathlib import Path

from tests.support.fire.checker import check
from tests.support.fire.history import read

if __name__ == "__main__":
    packed = Path(sys.argv[1])
    content = packed.read_bytes()
    text = (lzma.decompress(content) if packed.suffix == ".xz" else content).decode()
    found = check(read(text.splitlines()))
    for violation in found:
        print(violation)  # noqa: T201 - a program for the terminal
    sys.exit(1 if found else 0)
