"""What a letter is made of: the access that it hands over, and the job in which it is printed."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Language(StrEnum):
    """What a letter can be written in; the value is the language's code in HTML and in file names."""

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
class PrintJob:
    """What the letters of one job have in common; ``server`` is an address such as https://meet.example.org."""

    id: str
    day: date
    server: str
    language: Language
