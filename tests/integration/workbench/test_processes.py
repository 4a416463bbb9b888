"""What the tests start ends with them, however they end."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workbench import ROOT
from workbench.processes import PATIENCE, is_listening

# Started as the tests do, by a thread that ends before the rest.
_RUN = """
import sys, threading, time
from pathlib import Path
from workbench.postgres import Postgres
postgres = Postgres(Path(sys.argv[1]))
starting = threading.Thread(target=postgres.start)
starting.start()
starting.join()
print(postgres.create_database(), flush=True)
time.sleep(3600)
"""


def test_a_killed_run_leaves_no_server(tmp_path: Path) -> None:
    """PostgreSQL, which runs as another user, outlives the thread that started it and not the process."""
    with (
        tempfile.TemporaryDirectory(prefix="postgres-of-tests-") as folder,
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(  # noqa: S603 - our own arguments
            [sys.executable, "-c", _RUN, folder], cwd=ROOT, stdout=subprocess.PIPE, stderr=log
        ) as run,
    ):
        assert run.stdout is not None
        address = run.stdout.readline().decode()
        port = int(address.rpartition(":")[2].partition("/")[0])
        assert is_listening(port)

        run.kill()

        deadline = time.monotonic() + PATIENCE
        while is_listening(port):
            assert time.monotonic() < deadline
            time.sleep(0.02)
