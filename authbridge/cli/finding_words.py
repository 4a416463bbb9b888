"""Says the findings of the doctor, and what became of our changes, on a terminal."""

import textwrap
from collections.abc import Iterator

from authbridge.machine.ledger import Undone
from authbridge.machine.reported_findings import ReportedFinding

_WIDTH = 100  # characters
_INDENT = "    "


def in_words(finding: ReportedFinding) -> Iterator[str]:
    """Yields the lines that say a finding: its id, what, why, where, the exact line, and a blank one."""
    yield f"[{finding.level}] {finding.id}"
    yield from _wrap(str(finding.what))
    if finding.why is not None:
        yield from _wrap(str(finding.why))
    if finding.where:
        yield f"    {finding.where}"
    for line in finding.line.splitlines():
        yield f"        {line}"
    if finding.is_mendable:
        yield "    authbridge doctor --fix mends it."
    yield ""


def _wrap(sentence: str) -> list[str]:
    return textwrap.wrap(
        sentence,
        _WIDTH,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def undone_in_words(undone: Undone) -> str:
    """Returns what became of a file when a change of ours was taken back."""
    if undone.copy is not None:
        return f"{undone.name} was changed since, in our lines: it is left as it is. Before us: {undone.copy}"
    if undone.is_restored:
        return f"{undone.name} is as before."
    return f"{undone.name} was changed since: our lines are out of it, the others stay."
