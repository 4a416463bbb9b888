"""Every command on a full disk, into a closed pipe, in a Latin-1 locale, and killed right after its commit.

A failure to print is no failure of what was done, and no password is lost.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
import pytest

from authbridge.cli import main
from tests.http.cli.machine import Machine, before_each_word, die, die_after_commit
from workbench import ROOT

PATIENCE = 60  # seconds; a test that needs them has failed

# The commands that become the service; they write nothing.
SERVICES = {("serve",), ("panel",), ("page", "serve")}
# Its exit code tells of the machine; see test_doctor.py.
PROBES = {("doctor",)}
# They change files of Prosody and nginx; see test_page_switch.py.
SWITCHES = {("page", "on"), ("page", "off")}
# After it the database is another one; see test_moving.py.
MOVES = {("db", "copy")}

# At least one example for each other command.  Names hold what Latin-1 lacks.
EXAMPLES = [
    ("db", "upgrade"),
    ("db", "downgrade", "--yes"),
    ("school", "add", "neu", "Łódź „Nord“"),
    ("school", "set", "ohg", "--name", "Gżegżółka"),
    ("school", "import", "schools.csv"),
    ("school", "list"),
    ("school", "list", "--json"),
    ("school", "show", "ohg"),
    ("organiser", "issue", "ohg", "--count", "2"),
    ("organiser", "import", "import.csv"),
    ("import-prosody", "prosody/", "--host", "meet.test", "--school", "ohg"),
    ("import-prosody", "prosody/", "--host", "meet.test", "--school", "ohg", "--json"),
    ("organiser", "list"),
    ("organiser", "show", "frau.a", "--json"),
    ("organiser", "export", "frau.a"),
    ("organiser", "reset", "frau.a"),
    ("organiser", "expire", "frau.a"),
    ("organiser", "expire-not-come", "ohg", "--after", "2999-07-31"),
    ("organiser", "end-sessions", "frau.a"),
    ("staff", "add", "berta", "--role", "clerk"),
    ("staff", "reset", "anna"),
    ("staff", "reseal", "--yes"),
    ("staff", "list"),
    ("report", "list"),
    ("suspend", "organiser", "frau.a", "--reason", "other"),
    ("suspend", "school", "ohg", "--reason", "other"),
    ("reinstate", "organiser", "frau.b"),
    ("reinstate", "school", "alt"),
    ("lockout", "list"),
    ("lockout", "clear", "frau.a"),
    ("node", "list"),
    ("hold", "list"),
    ("hold", "end", "1"),
    ("node", "forget", "prosody-1"),
    ("prosody-config", "--host", "meet.test"),
    ("jitsi-words", "--language", "de"),
    ("simulate",),
    ("synthetic-login",),
    ("purge",),
    ("backup",),
    ("restore", "backup.db", "--check"),
    ("restore", "backup.db"),
]
SAID_INSTEAD = {
    "organiser export": "The audit notes that",
    "import-prosody prosody/": "Taken over: 1.",
}  # where standard output has no words
ONCE = {"organiser issue", "organiser reset", "staff add", "staff reset"}  # they show a secret


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of each command in click's tree."""
    if not isinstance(group, click.Group):
        yield path
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from commands(command, (*path, name))


def test_every_command_has_an_example_here() -> None:
    """A new command is in the table below, or this fails."""
    known = set(commands(main))
    shown = {path for path in known for example in EXAMPLES if example[: len(path)] == path}

    assert known - shown == SERVICES | PROBES | SWITCHES | MOVES


def in_latin_1(shown: bytes) -> bytes:
    """What a Latin-1 screen shows of a UTF-8 text."""
    marks = str.maketrans("“”„", '"""')
    return shown.decode().translate(marks).encode("iso-8859-1", "backslashreplace")


def without_clock(shown: bytes) -> bytes:
    """The output less the time of day, which an export or a backup of a later second has otherwise."""
    return re.sub(rb"T\d\d:?\d\d:?\d\d[^\"\s]*", b"", shown)


@pytest.fixture(name="_quick_simulation")
def make_quick_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulation of no days: they take seconds."""
    monkeypatch.setattr("authbridge.cli.simulating.simulate", lambda _limits: [])


each_example = pytest.mark.parametrize("example", EXAMPLES, ids=" ".join)


@pytest.mark.usefixtures("_quick_simulation")
@each_example
def test_no_fault_of_the_output_looks_like_a_failure_of_the_command(
    machine: Machine, template: Path, example: tuple[str, ...]
) -> None:
    """Exit code 1: nothing was done. 5: everything was, and standard error says it instead."""
    before = machine.state()
    well, shown = machine.run(*example, hook=partial(before_each_word, machine.require_free))
    done = machine.state()
    shows_once = " ".join(example[:2]) in ONCE
    assert well.code == 0, well.stderr

    for run_badly, reason in (
        (machine.run_into_full_disk, "No space left on device."),
        (machine.run_into_closed_pipe, "its reader has gone."),
    ):
        machine.replace_database(template)
        ended = run_badly(*example)
        assert "Traceback" not in ended.stderr
        if ended.code == 5:
            assert machine.state() == done
            words = SAID_INSTEAD.get(" ".join(example[:2]), shown.decode().partition("\n")[0])
            assert words in ended.stderr
            assert ended.stderr.endswith(f"That stands; only the output could not be written: {reason}\n")
        else:
            assert ended.code == 1
            assert machine.state() == before
            assert shows_once or done == before, "what is done is not called a failure"
            assert ("Nothing was issued" in ended.stderr) == shows_once
            is_told = shows_once or not reason.startswith("its reader")  # who has read enough of a list
            assert ended.stderr.endswith(f"{reason}\n" if is_told else "")

    machine.replace_database(template)
    ended, latin = machine.run(*example, encoding="iso-8859-1")
    assert (ended.code, machine.state()) == (0, done), ended.stderr
    if not shows_once:
        is_json = shown[:1] in {b"{", b"["}
        expected = shown if is_json else in_latin_1(shown)
        assert without_clock(latin) == without_clock(expected), "JSON is UTF-8 in every locale"

    die_instead_of_words = partial(before_each_word, die, complaints_too=False)
    hook = die_after_commit if shows_once else die_instead_of_words
    machine.replace_database(template)
    ended, left = machine.run(*example, hook=hook)
    assert (ended.code, machine.state()) == (-signal.SIGKILL, done)
    assert bool(left) == shows_once, "what is shown once is written before"


def run_outside(machine: Machine, words: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a line of the shell, in which ``authbridge`` is a new Python."""
    return subprocess.run(  # noqa: S602 - our own words
        f'authbridge() {{ {sys.executable} -m authbridge "$@"; }}; {words}',
        shell=True,
        cwd=ROOT,
        env=os.environ | machine.environ | environ,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize(
    ("redirection", "said"),
    [
        pytest.param(">&-", b"only the output could not be written: it is closed.", id="closed"),
        pytest.param(">/dev/full 2>&1", b"", id="both on a full disk"),
    ],
)
def test_the_exit_code_says_that_it_is_done(machine: Machine, redirection: str, said: bytes) -> None:
    """To a script too, where nobody can be told; and no database is opened in place of a closed output."""
    ended = run_outside(machine, f"authbridge suspend organiser frau.a --reason other {redirection}")

    assert ended.returncode == 5
    assert said in ended.stderr
    assert machine.state()[-1] == ("organiser:suspend",)


def test_a_closed_input_holds_nothing(machine: Machine) -> None:
    """As an empty file; and no database is opened in its place."""
    ended = run_outside(machine, "authbridge organiser import - <&-")

    assert ended.returncode == 1
    assert b"The file is empty" in ended.stderr


@pytest.mark.skipif(shutil.which("localedef") is None, reason="Debian's package “locales” is not installed")
def test_a_locale_without_quotation_marks(machine: Machine) -> None:
    """The locale ``de_DE`` itself, made by localedef, and not what Python calls ISO-8859-1."""
    locale = machine.folder / "de_DE"
    subprocess.run(  # noqa: S603 - our own words
        ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(locale)],  # noqa: S607
        check=True,
        timeout=PATIENCE,
    )

    add = r"authbridge school add neu $(printf 'M\374hle')"  # as such a keyboard types ü
    ended = run_outside(
        machine, f"{add}; authbridge school show ohg --json", LC_ALL="de_DE", LOCPATH=str(machine.folder)
    )

    first, _, document = ended.stdout.partition(b"\n")
    assert first == b'School "neu" added: M\xfchle.'
    assert json.loads(document)["name"] == "Szkoła „Łódź“"
    assert ended.stderr == b""
