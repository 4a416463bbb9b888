"""Defines a letter: the access that it hands over, and the batch in which it is printed."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from authbridge.letters.terms import Terms


class Language(StrEnum):
    """A language of letters; the value is its code in HTML and in file names."""

    GERMAN = "de"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Letter:
    """The credentials of one organiser, to the head of the school; ``valid_until`` None: no end."""

    school_name: str
    school_address: tuple[str, ...]
    username: str
    password: str = field(repr=False)
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class LetterBatch:
    """The common part of letters that are printed at once; ``server`` is such as https://meet.example.org.

    ``terms`` are those that travel with them.  ``large_print`` is for people who see badly: 14 points, on the
    front and the back of a sheet.
    """

    id: str
    day: date
    server: str
    language: Language
    terms: Terms
    large_print: bool = False
