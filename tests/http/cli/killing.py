"""Kills a command, which is a fork, at a step of what it does with files."""

import os
import sys
from itertools import count
from pathlib import Path
from typing import Any

from tests.http.cli.machine import die
from tests.support.forked_command import Hook

_STEPS = {"open", "os.rename", "os.mkdir", "os.remove", "os.chmod"}  # as Python's audit calls them


def die_at_step(number: int, folder: Path) -> Hook:
    """Lets a fork be killed before its step of that number (from 1) with files below the folder."""
    steps = count(1)
    sync = os.fsync

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _STEPS and str(folder) in str(arguments[0]):
            step()

    def step() -> None:
        if next(steps) == number:
            die()

    def sync_as_step(fd: Any) -> None:  # noqa: ANN401 - as os.fsync has it
        step()
        sync(fd)

    def hook() -> None:
        sys.addaudithook(look)
        os.fsync = sync_as_step

    return hook
