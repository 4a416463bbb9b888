"""The PostgreSQL server of the tests outlives other test runs of the same user."""

import subprocess
import sys
from pathlib import Path

import psycopg

from workbench.postgres import Postgres


def test_another_test_run_does_not_lock_the_server_out(postgres: Postgres, tmp_path: Path) -> None:
    """At its start pytest closes its temporary folder to other users: PostgreSQL would read no file."""
    test = tmp_path / "test_beside.py"
    test.write_text("def test_folder(tmp_path):\n    assert tmp_path.is_dir()\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(test),
    ]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command line
    with psycopg.connect(postgres.create_database(), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
