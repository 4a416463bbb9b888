"""``python -m bench.size_table``: writes the table of ``deploy/SIZES.md`` anew from the newest kept results.

The results are those of ``python -m bench --keep sizes``.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

from bench.results import FOLDER
from workbench import ROOT

PAGE = ROOT / "deploy" / "SIZES.md"
_COUNTS = (1, 3)  # of Prosodys
_BEGIN, _END = "<!-- from bench/results -->\n", "<!-- end -->\n"

_HEAD = (
    "organisers",
    "database",
    *(
        f"{words}, {count} Prosody{'s' * (count > 1)}"
        for words in ("login p50 / p99 ms", "bell p50 / max ms", "logins/s")
        for count in _COUNTS
    ),
    "click to notice ms",
    "slowest page ms",
    "night s",
    "backup s",
    "on disk MB",
    "memory MB, service / panel",
)

_Row = Mapping[str, Any]  # of the raw data, as bench.table.Row has it


def newest() -> Path:
    """Returns the newest results.

    Raises:
        FileNotFoundError: There are none.
    """
    kept = sorted(FOLDER.glob("*-sizes.json"))
    if not kept:
        message = "no results are kept: python -m bench --keep sizes"
        raise FileNotFoundError(message)
    return kept[-1]


def table_of(results: Path) -> str:
    """Returns the table, and a sentence about the run, in Markdown."""
    kept = json.loads(results.read_text())
    rows = [row for row in kept["rows"] if "setup" in row["data"]]
    setups = dict.fromkeys((row["data"]["organisers"], row["data"]["setup"]) for row in rows)
    lines = [
        _HEAD,
        ["---"] * len(_HEAD),
        *(list(_cells(rows, *each)) for each in sorted(setups, key=itemgetter(0))),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + f"\n{_words_of(kept, results)}\n"


def page_with(table: str) -> str:
    """Returns the text of the page with that table in it."""
    before, _, rest = PAGE.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table}{_END}{after}"


def _cells(rows: Iterable[_Row], organisers: int, setup: str) -> Iterator[str]:
    found = {
        (row["data"]["what"], row["data"]["prosodys"]): row
        for row in rows
        if (row["data"]["organisers"], row["data"]["setup"]) == (organisers, setup)
    }

    def figure(what: str, name: str, prosodys: int = 0, digits: int = 0) -> str:
        """A time in milliseconds, or what a program reads; a dash where it was not measured."""
        row = found.get((what, prosodys))
        if row is None:
            return "–"
        if name in row["data"]:
            return f"{row['data'][name]:,.{digits}f}"
        seconds = (row["figures"] or {}).get(name)
        return "–" if seconds is None else f"{seconds * 1000:.{digits}f}"

    yield f"{organisers:,}"
    yield setup
    for count in _COUNTS:
        yield f"{figure('login', 'p50', count, 1)} / {figure('login', 'p99', count)}"
    for count in _COUNTS:
        yield f"{figure('bell', 'p50', count, 1)} / {figure('bell', 'longest', count)}"
    for count in _COUNTS:
        yield figure("saturation", "rate", count)
    yield figure("click", "p50", _COUNTS[-1])
    yield figure("page", "p50")
    yield figure("database", "night s", digits=1)
    yield figure("database", "backup s", digits=1)
    yield figure("database", "database MB", digits=1)
    yield (
        "–"
        if ("memory", 0) not in found
        else (f"{figure('memory', 'service MB')} / {figure('memory', 'panel MB')}")
    )


def _words_of(kept: Mapping[str, Any], results: Path) -> str:
    machine = kept["machine"]
    hashes = [
        f"{row['data']['rate']:.1f} at cost {row['data']['cost']}"
        for row in kept["rows"]
        if row["data"].get("what") == "bcrypt"
    ]
    moves = [
        f"{row['data']['db copy s']:.0f} s for {row['data']['organisers']:,}"
        for row in kept["rows"]
        if "db copy s" in row["data"]
    ]
    busy = (
        " That is more than it has cores: only compare the setups with each other."
        if float(machine["load"].split()[0]) > int(machine["processor"].split()[0])
        else ""
    )
    return (
        f"One run of {machine['date']}: {machine['processor']}, {machine['memory']}, {machine['system']}, "
        f"PostgreSQL {machine['PostgreSQL']}; everything on this one machine, which had a load of "
        f"{machine['load']}.{busy} bcrypt alone: {' and '.join(hashes)} a second, all cores together. "
        f"`db copy`: {', '.join(moves)} organisers. "
        f"All figures: [{results.name}](../bench/results/{results.name})."
    )


if __name__ == "__main__":
    PAGE.write_text(page_with(table_of(newest())))
