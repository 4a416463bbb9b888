"""Packs findings for somebody elsewhere: without their fixes, in a form that can be translated."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from authbridge.machine.findings import Finding, Level, Remark

Packed = dict[str, Any]  # one finding as JSON


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


def _pack_remark(remark: Remark) -> Packed:
    return {
        "sentence": remark.sentence,
        "values": {name: str(value) for name, value in remark.values.items()},
    }


def _unpack_remark(packed: Mapping[str, Any]) -> Remark:
    sentence, values = packed["sentence"], packed["values"]
    return Remark(sentence, **values)
