"""Renders the table of OWASP ASVS 5.0.0, level 2: ``asvs.toml`` in, a page to read and print out."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from workbench.papers import PAPERS, render

_CHAPTERS = {
    1: "Encoding and sanitization",
    2: "Validation and business logic",
    3: "Web frontend",
    4: "API and web service",
    5: "Files",
    6: "Authentication",
    7: "Sessions",
    8: "Authorization",
    9: "Self-contained tokens",
    10: "OAuth and OpenID Connect",
    11: "Cryptography",
    12: "Secure communication",
    13: "Configuration",
    14: "Data protection",
    15: "Secure coding and architecture",
    16: "Logging and error handling",
    17: "WebRTC",
}


class State(StrEnum):
    """How a requirement stands."""

    MET = "met"
    DEVIATION = "deviation"
    OPEN = "open"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of the table; ``where`` holds ``file:word``, ``tests`` hold ``file::name``."""

    number: str
    level: int
    words: str
    state: State
    where: tuple[str, ...]
    tests: tuple[str, ...]
    note: str

    @property
    def chapter(self) -> int:
        """Returns the number of its chapter."""
        return int(self.number.partition(".")[0])


def read_requirements() -> tuple[Requirement, ...]:
    """Returns the table in the order of the file."""
    table = tomllib.loads((PAPERS / "asvs.toml").read_text(encoding="utf-8"))
    return tuple(_requirement(number, row) for number, row in table.items())


def _requirement(number: str, row: Mapping[str, Any]) -> Requirement:
    known = {"level", "requirement", "state", "where", "tests", "note"}
    if strange := row.keys() - known:
        raise ValueError(f"{number} has {', '.join(strange)}")
    return Requirement(
        number,
        row["level"],
        row["requirement"],
        State(row["state"]),
        tuple(row.get("where", ())),
        tuple(row.get("tests", ())),
        row.get("note", ""),
    )


def render_asvs() -> str:
    """Returns the page."""
    requirements = read_requirements()
    return render(
        "asvs.md", requirements=requirements, chapters=_CHAPTERS, counts=tuple(_counts(requirements))
    )


def _counts(requirements: tuple[Requirement, ...]) -> Iterator[tuple[str, int, int]]:
    """Yields each state with the numbers of levels 1 and 2, and all of them."""
    counts = Counter((each.state, each.level) for each in requirements)
    for state in State:
        yield state, counts[state, 1], counts[state, 2]
    levels = Counter(each.level for each in requirements)
    yield "all", levels[1], levels[2]
