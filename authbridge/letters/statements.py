"""Reads what the operator says on pages: accessibility (BITV 2.0), imprint, misuse, and the legal basis.

And the name under which they say it.
"""

from enum import StrEnum
from pathlib import Path

from markupsafe import Markup

from authbridge.letters.letter import Language
from authbridge.letters.letterhead import read_operator_text, ships_as
from authbridge.letters.prose import Sender, parse_sender, parse_statement


class Statement(StrEnum):
    """A statement that the panel shows; the name of its file without the language."""

    ACCESSIBILITY = "accessibility"
    IMPRINT = "imprint"
    MISUSE = "misuse"
    LEGAL_BASIS = "legal_basis"  # with purpose and recipients; for staff, on the page about data protection


def read_statement(
    folder: Path | None, statement: Statement, language: Language, *, rank: int = 1
) -> tuple[str, Markup]:
    """Returns heading and text; of a file that the folder lacks, the text that ships.

    ``rank`` is that of the heading on the page.

    Raises:
        ConfigError: The file cannot be used; its sentence names the file and the reason.
    """
    text, path = read_operator_text(folder, f"{statement}.{language}.md")
    return parse_statement(text, path, rank=rank)


def read_operator_name(folder: Path | None, language: Language) -> str:
    """Returns the name of the media centre, as it stands on its letters.

    Raises:
        ConfigError: The file cannot be used; its sentence names the file and the reason.
    """
    return parse_sender(*read_operator_text(folder, f"sender.{language}.md")).name


def read_own_sender(folder: Path | None, language: Language) -> Sender | None:
    """Returns the sender that the operator has written; None while it is the example that ships.

    Raises:
        ConfigError: The file cannot be used; its sentence names the file and the reason.
    """
    name = f"sender.{language}.md"
    text, path = read_operator_text(folder, name)
    return None if ships_as(text, name) else parse_sender(text, path)
