"""The clock of one process, shifted while it runs; time that only passes (monotonic) stays as it is."""

from collections.abc import Mapping
from pathlib import Path

from workbench import ROOT


class ShiftedClock:
    """A file in which :mod:`authbridge.clock` of its process reads by how much it is off."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.shift(0)

    @property
    def variables(self) -> Mapping[str, str]:
        """Returns the environment of a process that lives by this clock."""
        folders = [Path(__file__).parent / "shifted", ROOT]
        return {"PYTHONPATH": ":".join(map(str, folders)), "SHIFTED_CLOCK": str(self._file)}

    def shift(self, seconds: int) -> None:
        """Lets the clock jump: from now on it is that many seconds fast."""
        new = self._file.with_suffix(".new")
        new.write_text(str(seconds), encoding="ascii")
        new.replace(self._file)
