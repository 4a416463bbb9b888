"""Holds what every check of Prosody looks at, and makes its finding."""

from collections.abc import Callable
from dataclasses import dataclass

from authbridge.machine.files import PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.prosody_config import Change, Configuration, tried
from authbridge.machine.setup import Setup


@dataclass(frozen=True, slots=True)
class Look:
    """One check, by the id of its finding, before one configuration."""

    id: str
    plan: PlannedChanges
    setup: Setup
    configuration: Configuration

    def ok(self, what: Remark) -> Finding:
        """Returns that all is well."""
        return Finding(self.id, Level.OK, what)

    def fault(  # noqa: PLR0913 - the parts of a finding
        self,
        level: Level,
        what: Remark,
        why: Remark,
        *,
        line: str,
        where: object = "",
        fix: Change | None = None,
        is_mended: Callable[[Configuration], bool] | None = None,
    ) -> Finding:
        """Returns what is wrong; ``fix`` only if Prosody, asked now, would then read what is wanted."""
        if fix is not None and is_mended is not None:
            fix = tried(self.plan, fix, is_mended)
        return Finding(self.id, level, what, why, str(where or ""), line, fix)
