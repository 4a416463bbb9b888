"""Asks a check about a machine, and mends what it finds, as ``authbridge doctor`` does."""

from pathlib import Path

from authbridge.machine.examination import Check, plan_fixes
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Finding, Level
from authbridge.machine.ledger import Ledger
from authbridge.machine.setup import Setup


def find(check: Check, machine: Machine, setup: Setup, finding_id: str) -> Finding:
    """Returns the finding of that id; there is exactly one."""
    (finding,) = [each for each in check(PlannedChanges(machine), setup) if each.id == finding_id]
    return finding


def mend(check: Check, machine: Machine, setup: Setup, finding_id: str) -> str:
    """Mends that finding alone; proves that it is well then, that twice is once, and that all goes back.

    Returns:
        The changed lines of the diffs.
    """
    faulty = find(check, machine, setup, finding_id)
    assert faulty.level is not Level.OK
    assert faulty.fix is not None
    before = snapshot(machine.root)
    changes = plan_fixes(machine, [faulty])
    ledger = Ledger(machine)
    ledger.apply(changes, by="doctor")
    mended = find(check, machine, setup, finding_id)
    assert mended.level is Level.OK, f"still {mended.what}"
    assert not plan_fixes(machine, [faulty]), "the second time changes something"
    assert all(each.is_restored for each in ledger.undo_last("doctor"))
    assert snapshot(machine.root) == before
    ledger.apply(changes, by="doctor")
    diffs = "\n".join(change.diff() for change in changes)
    return "\n".join(
        line for line in diffs.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}
    )


def snapshot(root: Path) -> dict[str, bytes | str]:
    """Returns the content of each file and link below that folder, by name."""
    return {
        str(path.relative_to(root)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def write(machine: Machine, name: str, text: str) -> None:
    """Writes a file of the machine, in folders as needed."""
    path = machine.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")


def change(machine: Machine, name: str, old: str, new: str) -> None:
    """Replaces what stands in a file of the machine; it does stand there."""
    path = machine.real(name)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
