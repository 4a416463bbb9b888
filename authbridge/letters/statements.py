"""Reads what the operator says in public: accessibility (BITV 2.0), imprint, and where to report misuse.

And the name under which they say it.
"""

from enum import StrEnum
from pathlib import Path

from markupsafe import Markup

from authbridge.letters.letter import Language
from authbridge.letters.letterhead import read_operator_text
from authbridge.letters.prose import parse_sender, parse_statement


class Statement(StrEnum):
    """A statement that everybody may read; the name of its file without the language."""

    ACCESSIBILITY = "accessibility"
    IMPRINT = "imprint"
    MISUSE = "misuse"


def read_statement(folder: Path | None, statement: Statement, language: Language) -> tuple[str, Markup]:
    """Returns heading and text; of a file that the folder lacks, the text that ships.

    Raises:
        ConfigError: The file cannot be used; its sentence names the file and the reason.
    """
    text, path = read_operator_text(folder, f"{statement}.{language}.md")
    return parse_statement(text, path)


def read_operator_name(folder: Path | None, language: Language) -> str:
    """Returns the name of the media centre, as it stands on its letters.

    Raises:
        ConfigError: The file cannot be used; its sentence names the file and the reason.
    """
    return parse_sender(*read_operator_text(folder, f"sender.{language}.md")).name
