"""Spells login names and generated passwords in words, as they are read out on the telephone."""

import re
from collections.abc import Mapping
from enum import StrEnum
from string import ascii_lowercase, digits


class SpellingTable(StrEnum):
    """A table of words, one for each letter and digit."""

    CITIES = "cities"
    NAMES = "names"
    RADIO = "radio"


_GERMAN_DIGITS = "Null Eins Zwei Drei Vier Fünf Sechs Sieben Acht Neun"
# DIN 5009:2022-06.
_CITIES = (
    "Aachen Berlin Chemnitz Düsseldorf Essen Frankfurt Goslar Hamburg Ingelheim Jena Köln Leipzig München "
    "Nürnberg Offenbach Potsdam Quickborn Rostock Salzwedel Tübingen Unna Völklingen Wuppertal Xanten "
    "Ypsilon Zwickau"
)
# DIN 5009:1996-12, which many people still know better.
_NAMES = (
    "Anton Berta Cäsar Dora Emil Friedrich Gustav Heinrich Ida Julius Kaufmann Ludwig Martha Nordpol Otto "
    "Paula Quelle Richard Samuel Theodor Ulrich Viktor Wilhelm Xanthippe Ypsilon Zacharias"
)
# The alphabet of ICAO and NATO.  Xray without its hyphen, which would read as two letters here.
_RADIO = (
    "Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar "
    "Papa Quebec Romeo Sierra Tango Uniform Victor Whiskey Xray Yankee Zulu "
    "Zero One Two Three Four Five Six Seven Eight Nine"
)


def _alphabet(words: str) -> Mapping[str, str]:
    return dict(zip(ascii_lowercase + digits, words.split(), strict=True))


_WORDS = {
    SpellingTable.CITIES: _alphabet(f"{_CITIES} {_GERMAN_DIGITS}"),
    SpellingTable.NAMES: _alphabet(f"{_NAMES} {_GERMAN_DIGITS}"),
    SpellingTable.RADIO: _alphabet(_RADIO),
}
_GERMAN_MARKS = {"-": "Bindestrich", ".": "Punkt", "_": "Unterstrich"}
_ENGLISH_MARKS = {"-": "hyphen", ".": "dot", "_": "underscore"}


def spell(text: str, table: SpellingTable) -> str:
    """Spells ``og-k`` as ``Offenbach-Goslar, Bindestrich, Köln``; other characters stand for themselves."""
    words = _WORDS[table]
    marks = _ENGLISH_MARKS if table is SpellingTable.RADIO else _GERMAN_MARKS
    parts = re.findall(r"[a-z0-9]+|[^a-z0-9]", text.lower())
    return ", ".join(marks.get(part) or "-".join(words.get(sign, sign) for sign in part) for part in parts)


def spell_groups(password: str, table: SpellingTable) -> list[list[tuple[str, str]]]:
    """Returns the groups of a generated password: each letter of a group with its word."""
    words = _WORDS[table]
    return [[(sign, words.get(sign, sign)) for sign in group] for group in password.split("-")]
