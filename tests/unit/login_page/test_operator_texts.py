"""The operator's words on the login page: theirs, never the example's, and never in the way of a login."""

import logging
import shutil
from pathlib import Path

import pytest

from authbridge.letters import Language
from authbridge.login_page.operator_texts import OperatorTexts, read_operator_logo, read_operator_texts

DEFAULTS = Path("authbridge/letters/default")
NOTHING = OperatorTexts(name=None, help_line=None, contact=None)
SENDER = "# Medienzentrum Nord\n\nAllee 12\n74072 Heilbronn\n\nTelefon 07131 123-0\n"


@pytest.fixture(name="folder")
def copy_defaults(tmp_path: Path) -> Path:
    """The folder as the installer leaves it."""
    return Path(shutil.copytree(DEFAULTS, tmp_path / "letters"))


def test_the_example_that_ships_is_nobodys(folder: Path) -> None:
    """No teacher reads of a media centre that does not exist, with or without a folder."""
    assert read_operator_texts(None, Language.GERMAN) == NOTHING
    assert read_operator_texts(folder, Language.GERMAN) == NOTHING
    assert read_operator_logo(folder) is None


def test_the_operators_own_words_are_shown(folder: Path) -> None:
    """Name and telephone, in English too where only the German text was written."""
    (folder / "sender.de.md").write_text(SENDER)
    (folder / "help.de.md").write_text("Hilfe: 07131 123-0, 7:30 bis 16 Uhr\n")
    german = read_operator_texts(folder, Language.GERMAN)
    english = read_operator_texts(folder, Language.ENGLISH)
    assert german.name == english.name == "Medienzentrum Nord"
    assert german.contact == english.contact == "<p>Telefon 07131 123-0</p>\n"
    assert (german.help_line, english.help_line) == ("Hilfe: 07131 123-0, 7:30 bis 16 Uhr", None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sender.de.md", b"\xff\xfe"),
        ("sender.de.md", b"no heading"),
        ("help.de.md", b"two\nlines"),
        ("logo.svg", b"x" * (1024 * 1024 + 1)),
    ],
)
def test_a_file_that_cannot_be_used_is_left_out(
    folder: Path, caplog: pytest.LogCaptureFixture, name: str, content: bytes
) -> None:
    """The log names it, once."""
    caplog.set_level(logging.WARNING)
    (folder / name).write_bytes(content)
    for _ in range(2):
        assert read_operator_texts(folder, Language.GERMAN) == NOTHING
        assert read_operator_logo(folder) is None
    assert caplog.text.count(name) == 1


def test_a_folder_that_is_not_there_stops_nothing(tmp_path: Path) -> None:
    """Nor one that the page's user may not read."""
    assert read_operator_texts(tmp_path / "none", Language.GERMAN) == NOTHING
