"""What the doctor found on each server when it last looked, in the reader's language."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from admin.panel import current_panel, now
from authbridge.doctor.reports import OVERDUE, Report, kept_reports
from authbridge.machine.findings import Level, Remark
from authbridge.machine.reported_findings import ReportedFinding


@dataclass(frozen=True, slots=True)
class FindingCard:
    """A finding as it is shown; ``finding`` holds what no language changes."""

    finding: ReportedFinding
    what: str
    why: str | None


@dataclass(frozen=True, slots=True)
class ServerCheck:
    """The findings of one server: what is to be mended, worst first, then what is well."""

    machine: str
    examined_at: datetime
    is_overdue: bool
    to_mend: Sequence[FindingCard]
    well: Sequence[FindingCard]
    errors: int
    warnings: int
    is_mendable: bool


def server_checks() -> list[ServerCheck]:
    """Returns the check of each server, by name; empty where none was ever made."""
    with current_panel().database.read_session() as session:
        return [_check(report) for report in kept_reports(session)]


def cards(findings: Iterable[ReportedFinding]) -> list[FindingCard]:
    """Returns the findings as they are shown."""
    return [
        FindingCard(each, _in_words(each.what), _in_words(each.why) if each.why else None)
        for each in findings
    ]


def _check(report: Report) -> ServerCheck:
    shown = cards(report.findings)
    return ServerCheck(
        machine=report.machine,
        examined_at=report.examined_at,
        is_overdue=now() - report.examined_at > OVERDUE,
        to_mend=[card for card in shown if card.finding.level is not Level.OK],
        well=[card for card in shown if card.finding.level is Level.OK],
        errors=report.count(Level.ERROR),
        warnings=report.count(Level.WARNING),
        is_mendable=any(each.is_mendable for each in report.findings),
    )


def _in_words(remark: Remark) -> str:
    return str(_(remark.sentence, **remark.values))
