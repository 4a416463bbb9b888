"""Packs findings for somebody elsewhere: without their fixes, in a form that can be translated."""

import json
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from authbridge.errors import AuthBridgeError
from authbridge.machine.findings import Finding, Level, Remark

_MOST_CHARACTERS = 200_000  # of the findings about the service; there are less than ten
_MOST_OF_ONE = 4_000  # characters of one sentence or line
_PLACE = re.compile(r"%\(\w+\)s|%%")

Packed = dict[str, Any]  # one finding as JSON


class ReportError(AuthBridgeError):
    """Raised when what another user has found cannot be used."""


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


def read_untrusted(text: str, known: Container[str]) -> list[ReportedFinding]:
    """Returns findings that another user has written, who may want to harm the reader.

    ``known`` are the ids that they may have.

    Raises:
        ReportError: It is no list of such findings, or something in it is too long.
    """
    if len(text) > _MOST_CHARACTERS:
        raise ReportError("It is too long.")
    try:
        findings = [unpack(packed) for packed in json.loads(text)]
        is_sound = all(finding.id in known and _is_sound(finding) for finding in findings)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ReportError("It is no list of findings.") from error
    if not is_sound:
        raise ReportError("It has a finding that is not known here, or one that is too long.")
    return findings


def _is_sound(finding: ReportedFinding) -> bool:
    remarks = [remark for remark in (finding.what, finding.why) if remark is not None]
    # A place such as %(name)999999999s would fill the memory.
    if any(remark.values and "%" in _PLACE.sub("", remark.sentence) for remark in remarks):
        return False
    texts = [finding.where, finding.line, *map(str, remarks)]
    return all(isinstance(each, str) and len(each) <= _MOST_OF_ONE for each in texts)


def _pack_remark(remark: Remark) -> Packed:
    return {
        "sentence": remark.sentence,
        "values": {name: str(value) for name, value in remark.values.items()},
    }


def _unpack_remark(packed: Mapping[str, Any]) -> Remark:
    sentence, values = packed["sentence"], packed["values"]
    return Remark(sentence, **values)
