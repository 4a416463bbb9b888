"""Results that are kept in the repository, as a page for people and as raw data for programs."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.table import Row
from workbench import ROOT

FOLDER = ROOT / "bench" / "results"


def keep(command: str, name: str, text: str, rows: Sequence[Row], facts: Mapping[str, str]) -> Path:
    """Writes ``DATE-NAME.txt`` and ``DATE-NAME.json``, and returns the path of the first.

    ``command`` is how to repeat the run, ``text`` its output.
    """
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{facts['date']}-{name}.txt"
    head = "\n".join(f"{key}: {value}" for key, value in facts.items())
    file.write_text(f"Repeat: {command}\n{head}\n\n{text}\n")
    raw = {"repeat": command, "machine": facts, "rows": [dataclasses.asdict(row) for row in rows]}
    file.with_suffix(".json").write_text(json.dumps(raw, indent=1, ensure_ascii=False) + "\n")
    return file
