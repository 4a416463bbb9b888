"""Debian's LibreOffice without a window, as somebody who opens a table and saves it again."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = 120  # seconds for one conversion, which takes one or two


@dataclass(frozen=True, slots=True)
class SavedCsv:
    """How a table is saved as CSV; ``charset`` is LibreOffice's number or name for it."""

    separator: str
    charset: str
    quote_all: bool = False

    @property
    def filter(self) -> str:
        """Returns the options of the filter "Text - txt - csv", in LibreOffice's own writing."""
        quote_all = "true" if self.quote_all else "false"
        options = f"{ord(self.separator)},34,{self.charset},1,,0,{quote_all},true,false"
        return f"csv:Text - txt - csv (StarCalc):{options}"


@dataclass(frozen=True, slots=True)
class LibreOffice:
    """A user of LibreOffice with that folder as a home."""

    home: Path

    def open_and_save(self, content: bytes) -> Path:
        """Opens a CSV file of ours, as it comes, and saves it as a workbook."""
        table = self.home / "table.csv"
        table.write_bytes(content)
        self._convert(table, "xlsx", "--infilter=CSV:59,34,76,1")
        return self.home / "table.xlsx"

    def save_as(self, workbook: Path, form: SavedCsv) -> bytes:
        """Saves a workbook as CSV."""
        self._convert(workbook, form.filter)
        return workbook.with_suffix(".csv").read_bytes()

    def save_as_workbook(self, workbook: Path, kind: str) -> bytes:
        """Saves a workbook as one of another kind, such as "xlsx"."""
        if workbook.suffix != f".{kind}":
            self._convert(workbook, kind)
        return workbook.with_suffix(f".{kind}").read_bytes()

    def _convert(self, file: Path, kind: str, *options: str) -> None:
        profile = f"-env:UserInstallation={(self.home / 'profile').as_uri()}"
        subprocess.run(  # noqa: S603 - Debian's own program
            ["/usr/bin/soffice", profile, "--headless", *options, "--convert-to", kind, str(file)],
            check=True,
            capture_output=True,
            cwd=self.home,  # where it puts the file
            env={**os.environ, "HOME": str(self.home)},
            timeout=_PATIENCE,
        )
