"""Keeps the latest report of each machine for the panel: findings, in a form that can be translated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from authbridge.machine.findings import Finding, Level, Remark
from authbridge.storage.models import MachineReport, table_of
from authbridge.storage.statements import UNSYNCHRONISED, upsert

KEPT = timedelta(days=30)
"""After its last report nothing is known of a machine any more."""

OVERDUE = timedelta(days=2)  # a timer examines each machine every day

Packed = dict[str, Any]  # one finding as JSON

_KEEP = upsert(table_of(MachineReport), key=("machine",), changed=("examined_at", "findings"))


@dataclass(frozen=True, slots=True)
class Report:
    """What was found on a machine, worst first."""

    machine: str
    examined_at: datetime
    findings: Sequence["ReportedFinding"]

    def count(self, level: Level) -> int:
        """Returns how many findings are of that level."""
        return sum(finding.level is level for finding in self.findings)


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """A finding as it is shown; ``is_mendable``: ``authbridge doctor --fix`` mends it."""

    id: str
    level: Level
    what: Remark
    why: Remark | None
    where: str
    line: str
    is_mendable: bool

    @classmethod
    def of(cls, finding: Finding) -> "ReportedFinding":
        """Returns the finding without its fix."""
        return cls(
            finding.id,
            finding.level,
            finding.what,
            finding.why,
            finding.where,
            finding.line,
            finding.fix is not None,
        )


def worst_first(findings: Iterable[ReportedFinding]) -> list[ReportedFinding]:
    """Returns them by level, and within a level as they came."""
    return sorted(findings, key=lambda finding: -finding.level.rank)


def pack(finding: ReportedFinding) -> Packed:
    """Returns a finding as JSON; its sentences apart from their values, so that they can be translated."""
    return {
        "id": finding.id,
        "level": finding.level,
        "what": _pack_remark(finding.what),
        "why": finding.why and _pack_remark(finding.why),
        "where": finding.where,
        "line": finding.line,
        "is_mendable": finding.is_mendable,
    }


def unpack(packed: Packed) -> ReportedFinding:
    """Returns the finding that :func:`pack` packed."""
    return ReportedFinding(
        packed["id"],
        Level(packed["level"]),
        _unpack_remark(packed["what"]),
        packed["why"] and _unpack_remark(packed["why"]),
        packed["where"],
        packed["line"],
        packed["is_mendable"],
    )


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


def _pack_remark(remark: Remark) -> Packed:
    return {
        "sentence": remark.sentence,
        "values": {name: str(value) for name, value in remark.values.items()},
    }


def _unpack_remark(packed: Mapping[str, Any]) -> Remark:
    sentence, values = packed["sentence"], packed["values"]
    return Remark(sentence, **values)
