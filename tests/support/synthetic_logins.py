"""Runs ``authbridge synthetic-login`` as its timer does, and reads what was kept of it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta

from authbridge.clock import utc_now
from authbridge.storage.database import Database
from authbridge.storage.models import SyntheticLogin
from authbridge.synthetic_login.outcomes import SyntheticOutcome
from authbridge.synthetic_login.records import MachineState, machine_states
from tests.support.fakes import MORNING
from workbench import ROOT
from workbench.processes import PATIENCE
from workbench.service import Service


@dataclass(frozen=True, slots=True)
class Ended:
    """How the command ended, and what it said."""

    code: int
    said: str
    complained: str


def try_login(service: Service, url: str, *arguments: str, **settings: str) -> Ended:
    """Runs the command with the settings of that service, and more of them without the prefix."""
    more = {f"AUTHBRIDGE_{name}": value for name, value in settings.items()}
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "authbridge", "synthetic-login", *arguments],
        env={**os.environ, **service.environ, "AUTHBRIDGE_SYNTHETIC_LOGIN_URL": url, **more},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return Ended(done.returncode, done.stdout.strip(), done.stderr.strip())


def add_synthetic_logins(
    database: Database,
    *outcomes: SyntheticOutcome,
    machine: str = "meet-1",
    last_at: datetime = MORNING,
) -> None:
    """Writes what came of the latest synthetic logins of a machine, five minutes apart."""
    with database.write_session() as session:
        for number, outcome in enumerate(outcomes, start=1 - len(outcomes)):
            at = last_at + number * timedelta(minutes=5)
            session.add(SyntheticLogin(machine=machine, at=at, outcome=outcome.value, detail=""))


def state_of(service: Service) -> MachineState:
    """Returns how things are on the only machine."""
    database = Database(service.database_url)
    with database.read_connection() as connection:
        (state,) = machine_states(connection, now=utc_now())
    database.engine.dispose()
    return state
