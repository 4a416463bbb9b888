"""``authbridge backup``: a file that is whole and its owner's alone, or none."""

import os
import resource
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest
from click.testing import CliRunner, Result

from authbridge.backup import files
from authbridge.cli import main
from authbridge.cli.operator import Operator
from authbridge.storage import job_runs
from authbridge.storage.database import Database
from tests.http.cli.killing import die_at_step
from tests.http.cli.machine import environ_of
from tests.support.backups import opened
from tests.support.factories import make_organiser, make_school
from tests.support.fakes import FakeClock
from tests.support.forked_command import Ended, Hook, do_nothing, start_forked

KEY = pyrage.x25519.Identity.generate()


@pytest.fixture(name="environ")
def make_environ(database: Database, database_url: str, tmp_path: Path) -> Mapping[str, str]:
    """A machine with a school and an account."""
    (tmp_path / "secret").write_text("s" * 64)
    make_school(database)
    make_organiser(database)
    return environ_of(tmp_path) | {"AUTHBRIDGE_DATABASE_URL": database_url}


def run(environ: Mapping[str, str], *arguments: str, clock: FakeClock | None = None) -> Result:
    """Runs the command in this process."""
    operator = Operator(environ, clock=clock or FakeClock(datetime.now(UTC)))
    return CliRunner().invoke(main, ["backup", *arguments], obj=operator)


def run_forked(environ: Mapping[str, str], *arguments: str, hook: Hook = do_nothing) -> Ended:
    """Runs the command in a process of its own; its output goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    ended = start_forked(environ, "backup", *arguments, stdout=nowhere, hook=hook).wait()
    os.close(nowhere)
    return ended


def accounts_in(path: Path) -> int:
    """Returns how many accounts a backup has."""
    content = files.decrypt(path.read_bytes(), str(KEY))
    with opened(content) as backup, backup.read_connection() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM organisers").scalar_one())


def test_a_backup_is_its_owners_alone(environ: Mapping[str, str], tmp_path: Path) -> None:
    """The hashes in it are nobody else's business; a second one does not overwrite it."""
    file = tmp_path / "kept.db"
    former = os.umask(0)

    result = run(environ, str(file))
    os.umask(former)

    assert result.exit_code == 0, result.output
    assert "1 schools, 1 accounts" in result.output
    assert "not encrypted" in result.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert accounts_in(file) == 1
    assert run(environ, str(file)).exit_code == 1
    assert accounts_in(file) == 1


def test_a_backup_goes_to_standard_output(environ: Mapping[str, str], tmp_path: Path) -> None:
    """To a file that root alone can read; a full disk is a failure, and no backup is noted."""
    result = run(environ, "-")
    (tmp_path / "kept.db").write_bytes(result.stdout_bytes)
    assert accounts_in(tmp_path / "kept.db") == 1

    full = os.open("/dev/full", os.O_WRONLY)
    ended = start_forked(environ, "backup", "-", stdout=full).wait()
    os.close(full)
    assert (ended.code, "No space left on device" in ended.stderr) == (1, True)


def test_a_backup_for_the_owner_of_a_key(environ: Mapping[str, str], tmp_path: Path) -> None:
    """Nobody else reads it, by the option as by the setting; and no plain word of it is on the disk."""
    with_setting = {**environ, "AUTHBRIDGE_BACKUP_RECIPIENT": str(KEY.to_public())}
    for number, result in enumerate(
        (
            run(environ, str(tmp_path / "0.age"), "--recipient", str(KEY.to_public())),
            run(with_setting, str(tmp_path / "1.age")),
        )
    ):
        file = tmp_path / f"{number}.age"
        assert result.exit_code == 0, result.output
        assert f"encrypted to {KEY.to_public()}" in result.output
        assert b"Otto-Hahn" not in file.read_bytes()
        assert accounts_in(file) == 1
        with pytest.raises(files.BackupError, match="cannot be decrypted"):
            files.decrypt(file.read_bytes(), str(pyrage.x25519.Identity.generate()))


@pytest.mark.parametrize(
    "key", ["age1nonsense", "ssh-ed25519 AAAA", str(KEY)], ids=["no key", "ssh", "private"]
)
def test_a_wrong_key_writes_nothing(environ: Mapping[str, str], tmp_path: Path, key: str) -> None:
    """As an option and as a setting; a private one, given by mistake, is not repeated."""
    file = tmp_path / "kept.db"
    by_option = run(environ, str(file), "--recipient", key)
    by_setting = run({**environ, "AUTHBRIDGE_BACKUP_RECIPIENT": key}, str(file))
    assert (by_option.exit_code, by_setting.exit_code) == (1, 3)
    assert "AGE-SECRET" not in by_option.output + by_setting.output
    assert not file.exists()


def test_the_daily_backups_are_kept_for_a_week(
    environ: Mapping[str, str], database: Database, tmp_path: Path
) -> None:
    """Those that are older are deleted, whether or not a new one can be written; other files stay."""
    folder = tmp_path / "backups"
    clock = FakeClock(datetime.now(UTC))
    for _ in range(10):
        assert run(environ, clock=clock).exit_code == 0
        clock.advance(days=1, minutes=5)
    (folder / "mine.db").write_text("x")

    names = sorted(path.name for path in folder.glob("authbridge-*.db"))
    assert len(names) == 7
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with database.read_session() as session:
        last = job_runs.last_done(session, job_runs.BACKUP)
    assert last == clock() - timedelta(days=1, minutes=5)

    clock.advance(days=8)
    unreachable = {**environ, "AUTHBRIDGE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    assert run(unreachable, clock=clock).exit_code == 4
    assert [path.name for path in folder.iterdir()] == ["mine.db"]


def test_a_full_disk_leaves_no_half_backup(environ: Mapping[str, str], tmp_path: Path) -> None:
    """The sentence names the file; nothing of it stays, and the database is as before."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    ended = run_forked(environ, str(tmp_path / "kept.db"), hook=limit)

    assert ended.code == 1, ended.stderr
    assert "kept.db cannot be written: File too large." in ended.stderr
    assert list(tmp_path.glob("*kept.db*")) == []


def test_killed_at_each_step_there_is_a_whole_backup_or_none(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    """Then the same command does all, and what was left of the others is gone."""
    folder = tmp_path / "backups"
    for number in range(1, 60):
        ended = run_forked(environ, hook=die_at_step(number, folder))
        for file in folder.glob("authbridge-*"):
            assert accounts_in(file) == 1
        if ended.code == 0:
            break
        assert ended.code == -9, ended.stderr
    assert ended.code == 0
    assert number > 4
    assert not list(folder.glob(".*")), "no half file is left"
