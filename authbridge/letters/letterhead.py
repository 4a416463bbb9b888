"""Reads the part of a letter that operators may change: a folder of short texts, and perhaps a logo.

Everything that could keep a letter from being printed is found here, before there are credentials to print.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from authbridge.errors import ConfigError
from authbridge.letters.composing import compose_part
from authbridge.letters.letter import Language
from authbridge.letters.paper import ForeignPictureError, Paper, Picture
from authbridge.letters.prose import Sender, parse_line, parse_section, parse_sender, parse_statement
from authbridge.letters.spelling import SpellingTable
from authbridge.letters.terms import Terms, parse_version

LOGO = "letter:logo"  # its address in the HTML

_DEFAULT = Path(__file__).parent / "default"
_LOGOS = {"logo.svg": "image/svg+xml", "logo.png": "image/png"}
_MAX_TEXT = 8 * 1024  # bytes; what fits is about 1 KiB
_MAX_LONG_TEXT = 32 * 1024  # bytes; about eight pages
_MAX_LOGO = 1024 * 1024  # bytes; it is printed 65 mm wide
_GERMAN_TABLES = (SpellingTable.CITIES, SpellingTable.NAMES)

_PACKAGES = {"Lato": "fonts-lato", "DejaVu Sans Mono": "fonts-dejavu-core"}


@dataclass(frozen=True, slots=True)
class Texts:
    """The operator's words in one language; ``information`` is the heading of the sheet, and its text."""

    sender: Sender
    rules: Markup
    misuse: Markup
    information: tuple[str, Markup]
    spelling: SpellingTable


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The parts that all letters have in common."""

    texts: Mapping[Language, Texts]
    terms: Terms
    logo: Picture | None


def read_letterhead(folder: Path | None) -> Letterhead:
    """Reads the folder; for files that it lacks, or for None, the texts that ship are read.

    Raises:
        ConfigError: A file cannot be used; its sentence names the file and the reason.
    """
    if folder is not None and not (os.access(folder, os.R_OK | os.X_OK) and folder.is_dir()):
        raise ConfigError(f"{folder}: there is no such folder, or it cannot be read.")
    logo = _read_logo(folder)
    _require_fonts(Paper({}))
    texts = {language: _read_texts(folder, language) for language in Language}
    return Letterhead(texts, read_terms(folder), logo)


def read_terms(folder: Path | None) -> Terms:
    """Reads the terms of use in both languages, and their version.

    Raises:
        ConfigError: A file cannot be used; its sentence names the file and the reason.
    """
    names = {language.value: f"terms_of_use.{language}.md" for language in Language}
    version = _find(folder, "terms_version.md")
    own = next((path for name in names.values() if (path := _find(folder, name))), None)
    if own is not None and version is None:
        raise ConfigError(f"{own}: your own terms of use need a file terms_version.md beside them.")
    version = version or _DEFAULT / "terms_version.md"
    number, dated_on = parse_version(_read_text(version), version)
    paths = {code: _find(folder, name) or _DEFAULT / name for code, name in names.items()}
    texts = {code: _read_text(path, _MAX_LONG_TEXT) for code, path in paths.items()}
    for code, text in texts.items():
        parse_statement(text, paths[code])
    return Terms(number, dated_on, texts)


def read_line(folder: Path | None, name: str) -> str | None:
    """Reads a text of one line out of the operator's folder; None if it is not there.

    Raises:
        ConfigError: The file cannot be used; its sentence names the file and the reason.
    """
    path = _find(folder, name)
    return None if path is None else parse_line(_read_text(path), path)


def read_operator_text(folder: Path | None, name: str) -> tuple[str, Path]:
    """Reads a text out of the operator's folder, else the one that ships; returns it and its path.

    Raises:
        ConfigError: The file cannot be used; its sentence names the file and the reason.
    """
    path = _find(folder, name) or _DEFAULT / name
    return _read_text(path), path


def ships_as(text: str, name: str) -> bool:
    """Tells whether that text of the operator's is the one that ships under that name, not changed yet."""
    return text == _read_text(_DEFAULT / name)


def read_logo(folder: Path | None) -> Picture | None:
    """Reads the operator's logo as it is; None if there is none.

    Raises:
        ConfigError: The file cannot be read, or is too large; its sentence names the file and the reason.
    """
    found = _find_logo(folder)
    return None if found is None else _read_picture(*found)


def _require_fonts(paper: Paper) -> None:
    lacking = _PACKAGES.keys() - paper.families("<p>a</p><code>a</code>")
    if lacking:
        packages = " ".join(sorted(_PACKAGES[family] for family in lacking))
        raise ConfigError(f"Letters need fonts that are not installed: apt-get install {packages}")


def _read_texts(folder: Path | None, language: Language) -> Texts:
    def find(name: str) -> Path:
        return _find(folder, f"{name}.{language}.md") or _DEFAULT / f"{name}.{language}.md"

    information = find("information")
    paths = {name: find(name) for name in ("sender", "rules", "misuse")}
    words = {name: _read_text(path) for name, path in paths.items()}
    texts = Texts(
        sender=parse_sender(words["sender"], paths["sender"]),
        rules=parse_section(words["rules"], paths["rules"]),
        misuse=parse_section(words["misuse"], paths["misuse"]),
        information=parse_statement(_read_text(information, _MAX_LONG_TEXT), information),
        spelling=_read_spelling(find("spelling")) if language is Language.GERMAN else SpellingTable.RADIO,
    )
    small, large = Paper({}), Paper({}, large_print=True)
    for paper, name, part, width, height in _places(texts, small, large):
        if not paper.fits(part, width, height):
            raise ConfigError(
                f"{paths[name]}: this is too long for its place on the letter; please shorten it."
            )
    return texts


def _read_spelling(path: Path) -> SpellingTable:
    word = parse_line(_read_text(path), path)
    if word not in _GERMAN_TABLES:
        raise ConfigError(f"{path}: this file must say {' or '.join(_GERMAN_TABLES)}, and says “{word}”.")
    return SpellingTable(word)


def _places(texts: Texts, small: Paper, large: Paper) -> list[tuple[Paper, str, Markup, float, float]]:
    # The file, what is printed of it, and how many millimetres the styles have for that.
    slips = Paper({}, flowing=True)
    rules, misuse = compose_part("section", texts.rules), compose_part("section", texts.misuse)
    return [
        (small, "sender", compose_part("sender", texts.sender), 95, 28),
        (small, "sender", compose_part("return_line", texts.sender), 80, 6.6),
        (small, "sender", compose_part("contact", texts.sender, ""), 65, 33),
        (small, "rules", rules, 80, 46),
        (small, "misuse", misuse, 80, 46),
        (slips, "misuse", compose_part("slip_misuse", texts.misuse), 91, 28.4),
        (large, "rules", rules, 165, 60),
        (large, "misuse", misuse, 165, 60),
    ]


def _read_logo(folder: Path | None) -> Picture | None:
    found = _find_logo(folder)
    if found is None:
        return None
    path, logo = found[0], _read_picture(*found)
    try:
        drawn = Paper({LOGO: logo}).draws(LOGO)
    except ForeignPictureError as error:
        raise ConfigError(f"{path}: refers to “{error}”, but a logo must hold everything itself.") from None
    if not drawn:
        raise ConfigError(f"{path}: this is no picture that can be printed.")
    return logo


def _find_logo(folder: Path | None) -> tuple[Path, str] | None:
    """Returns the path of the logo and its media type; None if there is none."""
    return next(((path, kind) for name, kind in _LOGOS.items() if (path := _find(folder, name))), None)


def _read_picture(path: Path, media_type: str) -> Picture:
    return Picture(_read(path, _MAX_LOGO), media_type)


def _read_text(path: Path, longest: int = _MAX_TEXT) -> str:
    try:
        text = _read(path, longest).decode("utf-8-sig").strip()
        return "\n".join(line.rstrip() for line in text.splitlines())
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: this is not UTF-8; please save it as UTF-8.") from None


def _find(folder: Path | None, name: str) -> Path | None:
    # A link out of the folder would print whatever its target holds.
    if folder is None or not os.path.lexists(folder / name):
        return None
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(f"{path}: this points to a file outside of the folder.")
    return path


def _read(path: Path, longest: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(longest + 1)
    except OSError as error:
        raise ConfigError(f"{path}: this cannot be read: {error.strerror}.") from None
    if len(content) > longest:
        raise ConfigError(f"{path}: this has more than {longest // 1024} KiB.")
    return content
