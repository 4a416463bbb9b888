"""Reads the operator's terms of use: their texts, and the number and the day of their version."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from markupsafe import Markup

from authbridge.errors import ConfigError
from authbridge.letters.prose import parse_line, parse_statement

_VERSION = re.compile(r"([1-9][0-9]{0,3}) *, *([0-9]{4}-[0-9]{2}-[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Terms:
    """A version of the terms of use; ``texts`` by the code of the language, as they were written."""

    number: int
    dated_on: date
    texts: Mapping[str, str]

    def text(self, language: str) -> tuple[str, Markup]:
        """Returns the heading, and the text beneath it.

        Raises:
            ConfigError: The text cannot be printed; the sentence names the file.
        """
        return parse_statement(self.texts[language], Path(f"terms_of_use.{language}.md"))


def parse_version(text: str, path: Path) -> tuple[int, date]:
    """Returns the number and the day of a line such as ``3, 2026-09-01``.

    Raises:
        ConfigError: The line is no such one; the sentence names ``path``.
    """
    line = parse_line(text, path)
    match = _VERSION.fullmatch(line)
    if match is not None:
        try:
            return int(match[1]), date.fromisoformat(match[2])
        except ValueError:  # such as the 31st of a month that has none
            pass
    raise ConfigError(
        f"{path}: this file must hold the number and the day of the version, such as 3, 2026-09-01, "
        f"and holds “{line[:60]}”."
    )
