"""The week of one organiser as their page shows it: why it does not work, the picture, the table, waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from admin.panel import current_panel, now, today
from admin.status.lockout_rows import LockoutRow, lockout_rows
from admin.status.login_diagnosis import Explanation, explain
from admin.status.login_strip import HEIGHT, WIDTH, StripDay, StripRow, strip_days, strip_rows
from authbridge.login.lockouts import lockouts_of
from authbridge.schools.diagnosing import login_week_of
from authbridge.schools.history import SuspensionRow, suspension_rows
from authbridge.schools.organiser_rows import organiser_row
from authbridge.storage.models import Organiser


@dataclass(frozen=True, slots=True)
class ShownWeek:
    """Everything about the logins of one organiser; ``width`` and ``height`` are of a day in the picture."""

    why: Explanation
    days: list[StripDay]
    rows: list[StripRow]
    lockouts: list[LockoutRow]
    width: int = WIDTH
    height: int = HEIGHT


def end_of_retention() -> datetime:
    """Returns the moment before which no login is shown, even if its deletion is late."""
    return now() - timedelta(days=current_panel().config.retention_days)


def read_login_week(organiser: Organiser, history: Sequence[SuspensionRow]) -> ShownWeek:
    """Reads the week of an organiser; ``history`` has their suspensions."""
    panel = current_panel()
    with panel.database.read_session() as session:
        lockouts = lockouts_of(session, organiser, panel.keyed_hashes, now=now(), limits=panel.limits)
        week = login_week_of(
            session, organiser, lockouts, panel.keyed_hashes, since=end_of_retention(), today=today()
        )
        suspensions = [*history, *suspension_rows(session, organiser.school, now=now())]
    waits = lockout_rows(lockouts)
    return ShownWeek(
        why=explain(week, organiser_row(organiser, today()), waits),
        days=strip_days(week.attempts, suspensions),
        rows=strip_rows(week.attempts, suspensions),
        lockouts=waits,
    )
