"""Runs all checks of the machine, and plans what mends their findings."""

from collections.abc import Callable, Iterable, Sequence

from authbridge.machine.checks import address, jicofo, login_page, logs, nginx, prosody, system, website
from authbridge.machine.files import Change, Machine, PlannedChanges
from authbridge.machine.findings import Finding
from authbridge.machine.setup import Setup

Check = Callable[[PlannedChanges, Setup], Iterable[Finding]]

CHECKS: Sequence[Check] = (
    prosody.examine,
    nginx.examine,
    address.examine,
    website.examine,
    jicofo.examine,
    login_page.examine,
    system.examine,
    logs.examine,
)
"""Every module of ``checks`` has an ``examine``; in the order in which findings are shown.

Each finds something of each of its ids, but those of the login page only where anything leads to it.
"""


def examine(machine: Machine, setup: Setup) -> list[Finding]:
    """Returns what the checks find; each finding once, also where all is well.

    Raises:
        UnreadableFileError: A file of the machine cannot be read: the caller is not root.
    """
    present = PlannedChanges(machine)
    return [finding for check in CHECKS for finding in check(present, setup)]


def plan_fixes(machine: Machine, findings: Iterable[Finding]) -> Sequence[Change]:
    """Returns the changes that mend the findings, except where a person has to decide."""
    plan = PlannedChanges(machine)
    for finding in findings:
        if finding.fix is not None:
            finding.fix(plan)
    return plan.changes()
