"""The commands of the incident steps exist: nobody looks them up while it burns."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from authbridge.cli import main
from workbench.papers import PAPERS

PAPER = (PAPERS / "incidents.md").read_text(encoding="utf-8")
VALUES = {"NAME": "anna", "CODE": "ohg", "DATE": "2028-07-31", "ID": "1"}


def commands() -> Iterator[str]:
    """Yields each command line of ours: those in the blocks and those within a sentence."""
    yield from re.findall(r"^ *(authbridge .+)$", PAPER, re.MULTILINE)
    yield from re.findall(r"`(authbridge [^`]+)`", PAPER)


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_each_command_is_understood(line: str) -> None:
    """The command, its options and its arguments, down to the reason for a suspension."""
    words = [VALUES.get(word, word) for word in shlex.split(line)[1:]]
    command: click.Command = main
    if words == ["--help"]:
        return
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, line
        command, words = found, words[1:]
    command.make_context(line, words)


def test_there_are_commands_for_each_incident() -> None:
    """None of the steps is without one."""
    for part in PAPER.split("\n## ")[1:]:
        assert "```sh" in part, part.splitlines()[0]
