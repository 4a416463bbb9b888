"""Whether logins work is a metric, where a synthetic login is tried."""

from datetime import timedelta

from sqlalchemy import delete

from authbridge.storage.models import SyntheticLogin
from authbridge.synthetic_login import records
from authbridge.synthetic_login.outcomes import SyntheticOutcome, SyntheticResult
from tests.integration.monitoring.conftest import Installation
from tests.support.synthetic_logins import add_synthetic_logins


def told(installation: Installation) -> dict[str, float]:
    """The metrics of the synthetic login, without their prefix."""
    prefix = "authbridge_synthetic_login_"
    lines = [line.split() for line in installation.scrape().splitlines() if line.startswith(prefix)]
    return {name.removeprefix(prefix): float(value) for name, value in lines}


def test_the_latest_synthetic_login_is_told(installation: Installation) -> None:
    """Whether it succeeded, when, and how long it took; nothing where none was ever tried."""
    with installation.database.write_session() as session:
        session.execute(delete(SyntheticLogin))
    assert told(installation) == {}

    now = installation.clock()
    with installation.database.write_session() as session:
        login_id = records.begin(session, "meet-1", "~synthetic-x", "$2b$04$x", now=now)
        granted = SyntheticResult(SyntheticOutcome.GRANTED, milliseconds=60)
        records.finish(session, login_id, granted)
    well = {"success": 1.0, "timestamp_seconds": now.timestamp(), "duration_seconds": 0.06}
    assert told(installation) == well

    installation.clock.advance(minutes=5)
    add_synthetic_logins(
        installation.database, SyntheticOutcome.UNREACHABLE, last_at=now + timedelta(minutes=5)
    )
    failed = {"success": 0.0, "timestamp_seconds": well["timestamp_seconds"] + 300}
    assert told(installation) == failed
