"""The one table that a run prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.figures import Figures

_HEADING = ("", "Prosody", "n", "p50", "p95", "p99", "p99.9", "max", "beside", "target", "")
_LEFT = {0, 1, 8, 9, 10}  # columns of words; the others hold numbers


@dataclass(frozen=True, slots=True)
class Row:
    """One line; ``figures`` is None for what is no time, ``met`` where there is nothing to reach.

    ``data`` is for programs that read the results: what was measured, and figures that are in words here.
    """

    title: str
    prosody: str
    figures: Figures | None
    beside: str = ""
    target: str = ""
    met: bool | None = None
    data: Mapping[str, str | float] = field(default_factory=dict)


def render(rows: Sequence[Row]) -> str:
    """The table as text, times in milliseconds."""
    cells = [_HEADING, *map(_cells_of, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADING))]
    lines = ["  ".join(_aligned(line, widths)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _cells_of(row: Row) -> tuple[str, ...]:
    verdict = {None: "", True: "met", False: "MISSED"}[row.met]
    return (row.title, row.prosody, *_numbers_of(row.figures), row.beside, row.target, verdict)


def _numbers_of(figures: Figures | None) -> tuple[str, ...]:
    if figures is None:
        return ("",) * 6
    times = (figures.p50, figures.p95, figures.p99, figures.p999, figures.longest)
    return (str(figures.count), *map(milliseconds, times))


def milliseconds(seconds: float | None) -> str:
    """Two digits after the point; nothing for None."""
    return "" if seconds is None else f"{seconds * 1000:.2f}"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        cell.ljust(width) if column in _LEFT else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
