"""The rules of the meeting as tests switch them on, and the sentences that people read."""

import json

import pytest

from workbench import ROOT

_CONTRACT = json.loads((ROOT / "tests/contract.json").read_text())["meeting_rules"]

RULES: list[str] = _CONTRACT["ids"]
WORDS: dict[str, str] = _CONTRACT["sentences"]

GRACE = 0.8  # seconds; 45 in production


def rules_with(name: str) -> dict[str, object]:
    """Returns the options by which that rule alone is on; all of them for "all", none for "none"."""
    return {f"meeting_rules_{rule}": name in {"all", rule} for rule in RULES}


def by(*rules: str) -> pytest.MarkDecorator:
    """Marks a test that runs with those sets of rules; beside all, a rule alone is for ``make soak``."""
    alone = [pytest.param(each, marks=pytest.mark.soak) for each in rules if each != "all"]
    sets = [*alone, "all"] if "all" in rules else rules
    return pytest.mark.parametrize("ruled", sets, indirect=True)
