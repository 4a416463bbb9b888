"""Compares typed text with names, word by word: however it was heard on the telephone, typed or pasted.

Blanks, dashes, quotation marks, capitals and accents do not count, nor does the order of words; an umlaut may
be typed as one letter (ü), as two (ue) or without its dots (u).
"""

import re
import unicodedata
from dataclasses import dataclass

from authbridge.typed_text import drop_invisible

_MOST_WORDS = 8  # of a search: an address with the name of its school has as many
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_QUOTES = str.maketrans("", "", "'\"`´’‘‚‛“”„‟«»‹›′″ʼ")
_DASHES = re.compile(r"[-/\u2010-\u2015\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d]+")
_AT_THE_ENDS = ".,;:!?()"  # as in “Str.” or “(Heilbronn)”
_NUMBER = re.compile(r"([0-9]+)")


@dataclass(frozen=True, slots=True)
class Folded:
    """A text in the two forms in which it is compared: with umlauts as two letters, and without dots."""

    spelt: str
    plain: str

    def holds(self, word: str) -> bool:
        """Tells whether the word occurs in one of ours."""
        return word in self.spelt or word in self.plain

    def runs_on(self, whole: str) -> bool:
        """Tells whether the text without its blanks begins with one of our words, and goes on as they do."""
        return _runs_on(self.spelt, whole) or _runs_on(self.plain, whole)

    def is_whole(self, whole: str) -> bool:
        """Tells whether the text without its blanks is ours."""
        return whole in {self.spelt.replace(" ", ""), self.plain.replace(" ", "")}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A text to look for: its words, and ``whole``, which is the text without blanks."""

    words: tuple[str, ...]
    whole: str

    def missing_in(self, text: Folded) -> tuple[str, ...]:
        """Returns the words that do not occur in the text; none if the whole of it does."""
        if text.runs_on(self.whole):
            return ()
        return tuple(word for word in self.words if not text.holds(word))


def fold(text: str) -> Folded:
    """Returns the text in the forms in which two texts are compared."""
    # Some keyboards write an umlaut as two characters; NFC makes it one.
    even = unicodedata.normalize("NFC", drop_invisible(text)).casefold().translate(_QUOTES)
    even = " ".join(_DASHES.sub(" ", even).split())
    return Folded(_without_accents(even.translate(_UMLAUTS)), _without_accents(even))


def without_domain(typed: str, host: str) -> str:
    """Returns the text without the domain of our own ``host``, with which a login name may be pasted."""
    text = drop_invisible(typed).strip()
    return text[: -len(host) - 1] if text.casefold().endswith(f"@{host}") else text


def parse_wanted(typed: str) -> Wanted:
    """Returns what to look for."""
    # An umlaut that was typed is meant; dots are forgiven to those who typed none.
    words = [word.strip(_AT_THE_ENDS) for word in fold(typed).spelt.split()]
    return Wanted(tuple(filter(None, words))[:_MOST_WORDS], "".join(words))


def in_order_of(name: str) -> tuple[list[tuple[int, str]], str]:
    """Returns the key by which names are sorted: umlauts as their letter, “Schule 2” before “Schule 10”."""
    parts = _NUMBER.split(fold(name).plain)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name


def _runs_on(text: str, whole: str) -> bool:
    words = text.split(" ")
    return any("".join(words[first:]).startswith(whole) for first in range(len(words)))


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    return "".join(char for char in apart if not unicodedata.combining(char))
