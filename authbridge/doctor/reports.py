"""Keeps the latest report of each machine for the panel: findings, in a form that can be translated."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from authbridge.machine.findings import Level
from authbridge.machine.reported_findings import ReportedFinding, pack, unpack
from authbridge.storage.models import MachineReport, table_of
from authbridge.storage.statements import UNSYNCHRONISED, upsert

KEPT = timedelta(days=30)
"""After its last report nothing is known of a machine any more."""

OVERDUE = timedelta(days=2)  # a timer examines each machine every day

IN_DATABASE = (
    "storage",
    "purge",
    "standby",
    "deletion-record",
    "database-log",
    "backup",
    "prosody-servers",
    "synthetic-login",
    "staff",
    "secret-key",
    "taken-over",
    "alarms",
)
FINDINGS_OF_SERVICE = ("database", *IN_DATABASE)
"""The ids of what the service's own user finds."""

_KEEP = upsert(table_of(MachineReport), key=("machine",), changed=("examined_at", "findings"))


@dataclass(frozen=True, slots=True)
class Report:
    """What was found on a machine, worst first."""

    machine: str
    examined_at: datetime
    findings: Sequence[ReportedFinding]

    def count(self, level: Level) -> int:
        """Returns how many findings are of that level."""
        return sum(finding.level is level for finding in self.findings)


def keep(session: Session, report: Report) -> None:
    """Keeps a report in the place of the machine's former one."""
    findings = [pack(finding) for finding in report.findings]
    values = {"machine": report.machine, "examined_at": report.examined_at, "findings": findings}
    session.execute(_KEEP, values)


def kept_reports(session: Session) -> list[Report]:
    """Returns the latest report of each machine, by name."""
    rows = session.scalars(select(MachineReport).order_by(MachineReport.machine))
    return [Report(row.machine, row.examined_at, [*map(unpack, row.findings)]) for row in rows]


def purge(session: Session, *, now: datetime) -> None:
    """Deletes the reports of machines that were not examined for a month."""
    query = delete(MachineReport).where(MachineReport.examined_at < now - KEPT)
    session.execute(query, execution_options=UNSYNCHRONISED)
