"""SECURITY.md says for how long a version is supported, and how soon a hole is mended."""

import re
from pathlib import Path

from workbench import ROOT

POLICY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
SEVERITIES = ("critical", "high", "medium", "low")


def test_the_policy_has_its_numbers() -> None:
    """Each severity has a day by which it is mended; the worse, the sooner."""
    days = [
        int(re.search(rf"^\| {severity} .*\| (\d+) days \| \d+ days \|$", POLICY, re.MULTILINE)[1])  # type: ignore[index]
        for severity in SEVERITIES
    ]
    assert days == sorted(days)
    assert "for six months" in POLICY


def test_what_the_papers_link_to_is_there() -> None:
    """Each link to a file, in all of them and in the policy."""
    for page in [ROOT / "SECURITY.md", *(ROOT / "deploy/papers").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / Path(link)).exists(), f"{page.name}: {link}"
