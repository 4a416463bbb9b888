"""Passwords and codes that are shown once: written before they count, so that no fault loses them."""

import csv
import errno
import json
import os
import select
import signal
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from tests.http.cli.machine import Machine, die, die_after_commit
from tests.http.conftest import Run
from tests.support.forked_command import Running


@pytest.mark.parametrize("example", [("organiser", "issue", "ohg"), ("organiser", "reset", "frau.a")])
def test_a_killed_command_leaves_the_passwords_that_count(machine: Machine, example: tuple[str, ...]) -> None:
    """Killed after the commit, at once: they are on the disk, in the shell's file or in FILE.part."""
    ended, left = machine.run(*example, hook=die_after_commit)
    (row,) = csv.DictReader(left.decode().splitlines())
    assert ended.code == -signal.SIGKILL
    assert machine.accepts(row["username"], row["password"])

    target = machine.folder / "letters.csv"
    machine.run(*example, "--output", str(target), hook=die_after_commit)
    part = machine.folder / "letters.csv.part"
    (row,) = csv.DictReader(part.read_text().splitlines())
    assert machine.accepts(row["username"], row["password"])
    assert target.read_bytes() == b"", "no sheet without its receipt"

    again, _ = machine.run(*example, "--output", str(target))
    assert again.code == 1
    assert "letters.csv.part was left by a command that was cut off" in again.stderr


def test_a_command_that_is_killed_before_its_commit_gives_no_receipt(machine: Machine) -> None:
    """The sheet is void; it names nobody who can log in, and standard error does not say "Issued"."""
    before = machine.state()
    hook = partial(event.listen, Session, "before_commit", lambda _session: die())

    ended, left = machine.run("organiser", "reset", "frau.a", hook=hook)

    assert machine.state() == before
    (row,) = csv.DictReader(left.decode().splitlines())
    assert not machine.accepts("frau.a", row["password"])
    assert machine.accepts("frau.a", "Geheim 1")
    assert "Issued" not in ended.stderr


def issue_into_pipe(machine: Machine) -> tuple[Running, int]:
    """An order whose password waits in a pipe; returns the command and the pipe's other end."""
    reader, writer = os.pipe()
    running = machine.start("organiser", "issue", "ohg", stdout=writer, unread=reader)
    os.close(writer)
    select.select([reader], [], [])  # the password is in the pipe, and nobody takes it
    return running, reader


def test_a_pager_that_is_left_open_keeps_no_login_waiting(machine: Machine) -> None:
    """Nothing counts and nothing is locked until somebody has read it."""
    before = machine.state()
    running, reader = issue_into_pipe(machine)

    machine.require_free()
    assert machine.state() == before

    (row,) = csv.DictReader(os.read(reader, 4096).decode().splitlines())
    ended = running.wait()
    os.close(reader)
    assert ended.code == 0
    assert "Issued: 1. " in ended.stderr
    assert machine.accepts(row["username"], row["password"])


@pytest.mark.parametrize("is_killed", [True, False], ids=["printer killed", "Ctrl-C"])
def test_a_password_that_nobody_takes_is_not_issued(machine: Machine, *, is_killed: bool) -> None:
    """A printer is killed with the password still in the pipe, or the administrator stops waiting for it."""
    before = machine.state()
    running, reader = issue_into_pipe(machine)

    if is_killed:
        os.close(reader)
    else:
        os.kill(running.pid, signal.SIGINT)
    ended = running.wait()

    assert (ended.code, machine.state()) == (1, before)
    assert "Nothing was issued" in ended.stderr
    assert ("its reader has gone." if is_killed else "Aborted!") in ended.stderr
    if not is_killed:
        os.close(reader)


def test_ctrl_c_at_the_commit_is_too_late(machine: Machine) -> None:
    """It would look like a failure of what is done."""

    def hook() -> None:
        event.listen(Session, "before_commit", lambda _session: os.kill(os.getpid(), signal.SIGINT))

    ended, left = machine.run("organiser", "reset", "frau.a", hook=hook)

    (row,) = csv.DictReader(left.decode().splitlines())
    assert ended.code == 0
    assert machine.accepts("frau.a", row["password"])


@pytest.mark.usefixtures("school")
def test_a_file_on_a_full_disk_issues_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk says so when the file is to be safe there; no file is left, and the next try can go on."""
    target = tmp_path / "letters"

    def refuse(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        result = run("organiser", "issue", "ohg", "--output", str(target), code=1)

    assert "Nothing was issued" in result.stderr
    assert "No space left on device" in result.stderr
    assert json.loads(run("organiser", "list", "--json").stdout) == []
    assert not list(tmp_path.glob("letters*"))


@pytest.mark.parametrize(
    ("change", "code", "said", "left"),
    [
        pytest.param(
            "UPDATE schools SET quota = 0",
            1,
            "Nothing was issued; what was written is void.",
            0,
            id="the quota is gone",
        ),
        pytest.param(
            "DROP TABLE organisers", 4, "It is not certain whether this was issued.", 2, id="an outage"
        ),
    ],
)
def test_a_sheet_that_is_written_and_then_not_committed(
    machine: Machine, change: str, code: int, said: str, left: int
) -> None:
    """It is taken back if it is void for certain, and kept if the database may have it; both are said."""
    sheet = machine.folder / "sheet.csv"
    sheet.write_text("what was there\n")
    fsync = os.fsync

    def be_too_late(fd: Any) -> None:  # noqa: ANN401 - as Python has it
        fsync(fd)
        with closing(sqlite3.connect(machine.file)) as other:
            other.execute(change)
            other.commit()

    def hook() -> None:
        os.fsync = be_too_late  # in a process of its own

    with sheet.open("ab") as file:
        ended = machine.start("organiser", "issue", "ohg", stdout=file.fileno(), hook=hook).wait()

    assert ended.code == code
    assert said in ended.stderr
    first, *rest = sheet.read_text().splitlines()
    assert (first, len(rest)) == ("what was there", left)


def test_a_file_that_cannot_be_given_its_name_is_named(machine: Machine) -> None:
    """Its passwords count; standard error says where they are."""
    target = machine.folder / "letters.csv"

    def stand_in_the_way(_session: Session) -> None:
        target.unlink()
        target.mkdir()

    hook = partial(event.listen, Session, "after_commit", stand_in_the_way)
    ended, _ = machine.run("organiser", "reset", "frau.a", "--output", str(target), hook=hook)

    (row,) = csv.DictReader((machine.folder / "letters.csv.part").read_text().splitlines())
    assert ended.code == 5
    assert f"The passwords stand in {target}.part, which could not be renamed." in ended.stderr
    assert machine.accepts("frau.a", row["password"])
