"""The log inventory has every table, every log that the doctor knows, and only findings that there are."""

import re
from pathlib import Path

from authbridge.data_protection.inventory import INVENTORY, description_of
from authbridge.doctor.reports import FINDINGS_OF_SERVICE
from authbridge.machine.examination import examine
from authbridge.machine.files import Machine
from authbridge.machine.setup import Setup
from authbridge.machine.written_logs import WRITTEN
from authbridge.storage.models import LoginAttempt, MonthlyTotal, Staff
from tests.support.jitsi_machine import lay_out
from workbench.papers import PAPERS
from workbench.papers.logs import level_of, render_logs

PAPER = (PAPERS / "logs.md").read_text(encoding="utf-8")


def watched() -> set[str]:
    """Returns the findings that the page names in the last column of its tables."""
    last_cells = [line.split(" | ")[-1] for line in PAPER.splitlines() if line.startswith("| ")]
    return {name for cell in last_cells for name in re.findall(r"`([a-z]+(?:-[a-z]+)*)`", cell)}


def test_the_page_is_the_inventorys() -> None:
    """``make papers`` was run after a table, a period or the page's own text was changed."""
    assert render_logs() == PAPER


def test_every_table_has_a_level() -> None:
    """What is withheld even from its owner is secret; what has an address or a person in it, personal."""
    for table in INVENTORY:
        if any(column.withheld and name.endswith("_hash") for name, column in table.columns.items()):
            assert level_of(table) == "secret", table.title
        if any(column.is_address for column in table.columns.values()):
            assert level_of(table) in {"personal", "secret"}, table.title
        assert f"(`{table.table.name}`) | {level_of(table)} | " in PAPER
    levels = [level_of(description_of(model)) for model in (Staff, LoginAttempt, MonthlyTotal)]
    assert levels == ["secret", "personal", "internal"]


def test_every_log_that_we_know_is_in_the_paper(tmp_path: Path) -> None:
    """Each program whose logs the doctor reads; and no finding that it does not have."""
    lay_out(tmp_path, release="2026", distribution="debian13", secured=True)
    setup = Setup(host="meet.example.org", panel_url="https://panel.example.org")
    found = {each.id for each in examine(Machine(tmp_path), setup)}
    of_logs = {each for each in found if each.startswith("log")}
    assert of_logs >= {f"log-{program}" for program in WRITTEN}
    assert watched() >= of_logs
    assert watched() <= found | set(FINDINGS_OF_SERVICE)
