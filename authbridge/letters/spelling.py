"""Spells login names and generated passwords in words, as they are read out on the telephone."""

import re
from collections.abc import Mapping
from string import ascii_lowercase, digits

from authbridge.letters.letter import Language

# DIN 5009 of 1996: the words that people know; the cities of 2022 have yet to become so.
_GERMAN = (
    "Anton Berta Cäsar Dora Emil Friedrich Gustav Heinrich Ida Julius Kaufmann Ludwig Martha Nordpol Otto "
    "Paula Quelle Richard Samuel Theodor Ulrich Viktor Wilhelm Xanthippe Ypsilon Zacharias "
    "Null Eins Zwei Drei Vier Fünf Sechs Sieben Acht Neun"
)
# The alphabet of ICAO and NATO.  Xray without its hyphen, which would read as two letters here.
_ENGLISH = (
    "Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar "
    "Papa Quebec Romeo Sierra Tango Uniform Victor Whiskey Xray Yankee Zulu "
    "Zero One Two Three Four Five Six Seven Eight Nine"
)


def _alphabet(words: str) -> Mapping[str, str]:
    return dict(zip(ascii_lowercase + digits, words.split(), strict=True))


_LETTERS = {Language.GERMAN: _alphabet(_GERMAN), Language.ENGLISH: _alphabet(_ENGLISH)}
_MARKS = {
    Language.GERMAN: {"-": "Bindestrich", ".": "Punkt", "_": "Unterstrich"},
    Language.ENGLISH: {"-": "hyphen", ".": "dot", "_": "underscore"},
}


def spell(text: str, language: Language) -> str:
    """Spells ``og-k`` as ``Otto-Gustav, Bindestrich, Kaufmann``; other characters stand for themselves."""
    letters, marks = _LETTERS[language], _MARKS[language]
    parts = re.findall(r"[a-z0-9]+|[^a-z0-9]", text.lower())
    return ", ".join(marks.get(part) or "-".join(letters.get(sign, sign) for sign in part) for part in parts)
