"""How things are on each machine, as the panel, the doctor and the metrics read it."""

from datetime import timedelta

from authbridge.storage.database import Database
from authbridge.synthetic_login import records
from authbridge.synthetic_login.outcomes import SyntheticOutcome, SyntheticResult
from authbridge.synthetic_login.records import MachineState
from tests.support.fakes import MORNING
from tests.support.synthetic_logins import add_synthetic_logins

WELL, AWAY = SyntheticOutcome.GRANTED, SyntheticOutcome.UNREACHABLE
FIVE_MINUTES = timedelta(minutes=5)


def states(database: Database) -> list[MachineState]:
    """The states in the morning."""
    with database.read_connection() as connection:
        return records.machine_states(connection, now=MORNING)


def latest(database: Database) -> MachineState | None:
    """The one that the metrics have."""
    with database.read_connection() as connection:
        return records.latest(connection, now=MORNING)


def test_a_failure_lasts_since_the_last_success(database: Database) -> None:
    """Earlier outages do not count, nor do those of another machine."""
    add_synthetic_logins(database, AWAY, WELL, AWAY, AWAY, machine="a")
    add_synthetic_logins(database, AWAY, WELL, machine="b")

    failing, well = states(database)

    assert (failing.machine, failing.failures, failing.is_failing) == ("a", 2, True)
    assert failing.failing_since == MORNING - FIVE_MINUTES
    assert (well.machine, well.failures, well.failing_since) == ("b", 0, None)
    assert latest(database) == failing


def test_a_run_that_was_killed_is_a_failure_after_its_time(database: Database) -> None:
    """While it may still go on, the one before it counts."""
    add_synthetic_logins(database, WELL, last_at=MORNING - FIVE_MINUTES)
    with database.write_session() as session:
        records.begin(session, "meet-1", "~synthetic-x", "$2b$04$x", now=MORNING - timedelta(minutes=1))
    (state,) = states(database)
    assert state.result.outcome is WELL

    with database.read_connection() as connection:
        (state,) = records.machine_states(connection, now=MORNING + timedelta(minutes=2))
    assert (state.result.outcome, state.failures) == (SyntheticOutcome.LOST, 1)


def test_the_metrics_have_the_machine_on_which_it_is_worst(database: Database) -> None:
    """One that fails before one that is late, and none where nothing was tried."""
    assert latest(database) is None
    add_synthetic_logins(database, WELL, machine="late", last_at=MORNING - timedelta(hours=1))
    add_synthetic_logins(database, WELL, machine="well")
    found = latest(database)
    assert found is not None
    assert (found.machine, found.is_overdue(MORNING)) == ("late", True)

    add_synthetic_logins(database, AWAY, machine="fails")
    found = latest(database)
    assert found is not None
    assert found.machine == "fails"


def test_what_was_answered_is_kept(database: Database) -> None:
    """For the doctor, who tells the administrator."""
    with database.write_session() as session:
        login_id = records.begin(session, "meet-1", "~synthetic-x", "$2b$04$x", now=MORNING)
        records.finish(session, login_id, SyntheticResult(SyntheticOutcome.HTTP_STATUS, "502"))

    (state,) = states(database)

    assert state.result == SyntheticResult(SyntheticOutcome.HTTP_STATUS, "502")
