"""Prints letters: one PDF, one page a letter."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import segno

from authbridge.letters.composing import compose, compose_part
from authbridge.letters.letter import Language, Letter, LetterBatch
from authbridge.letters.letterhead import LOGO, Letterhead
from authbridge.letters.paper import Document, Page, Paper, Picture, join

_CODE = "letter:code"  # its address in the HTML
_AT_ONCE = 20  # letters laid out together: more are hardly faster, and would tell less often how far it is

_HEAD_OF_SCHOOL = {Language.GERMAN: "An die Schulleitung", Language.ENGLISH: "To the head of the school"}
_RECEIVER = (80, 31)  # millimetres, in the window beneath the line with the sender
_SIZES = ("", "small", "smaller", "smallest")  # of letter.css

# More than this needs more room, see .long in letter.css; no generated login name does.
_LONG_NAME, _LONG_SERVER = 12, 45  # characters


def print_letters(
    letters: Sequence[Letter],
    batch: LetterBatch,
    letterhead: Letterhead,
    printed: Callable[[int], None] | None = None,
) -> bytes:
    """Prints a page of A4 for each of the letters (at least one), in their order; returns one PDF/UA-1.

    ``printed`` is called with the number of letters laid out; writing the PDF then takes half of the whole
    time.
    """
    batch = replace(batch, server=batch.server.rstrip("/"))
    press = _Press(batch, letterhead, _paper_for(batch, letterhead), len(letters))
    pages: list[Page] = []
    for _, group in groupby(letters, lambda letter: _sheet(letter, batch)):
        alike = list(group)
        whole = press.lay(alike[:1], whole=True)
        for start in range(0, len(alike), _AT_ONCE):
            parts = press.lay(alike[start : start + _AT_ONCE], first=len(pages) + 1)
            pages += [join(whole.pages[0], part) for part in parts.pages]
            if printed is not None:
                printed(len(pages))
    return press.paper.bind(whole, pages)


def _paper_for(batch: LetterBatch, letterhead: Letterhead) -> Paper:
    code = io.BytesIO()
    segno.make(batch.server, error="m", micro=False).save(code, kind="png", scale=8, border=2)
    pictures = {_CODE: Picture(code.getvalue(), "image/png")}
    if letterhead.logo is not None:
        pictures[LOGO] = letterhead.logo
    return Paper(pictures)


def _sheet(letter: Letter, batch: LetterBatch) -> tuple[str, tuple[str, ...], bool]:
    # Letters that are equal in this share everything but the access and the foot.
    return letter.school_name, letter.school_address, _is_long(letter, batch)


def _is_long(letter: Letter, batch: LetterBatch) -> bool:
    return len(letter.username) > _LONG_NAME or len(batch.server) > _LONG_SERVER


@dataclass(frozen=True, slots=True)
class _Press:
    """The parts that a batch needs for each of its letters."""

    batch: LetterBatch
    letterhead: Letterhead
    paper: Paper
    total: int

    def lay(self, letters: Sequence[Letter], *, whole: bool = False, first: int = 1) -> Document:
        """Returns letters of one sheet: with every part, or only with the parts that are their own."""
        receiver = self._receiver(letters[0])
        words = {
            "letters": letters,
            "batch": self.batch,
            "texts": self.letterhead.texts[self.batch.language],
            "whole": whole,
            "long": _is_long(letters[0], self.batch),
            "receiver": receiver,
            "size": self._size_of(receiver) if whole else "",
            "logo": LOGO if self.letterhead.logo else None,
            "code": _CODE,
            "first": first,
            "total": self.total,
        }
        return self.paper.lay(compose(self.batch.language, words))

    def _receiver(self, letter: Letter) -> list[str]:
        lines = (_HEAD_OF_SCHOOL[self.batch.language], letter.school_name, *letter.school_address)
        return [line for line in lines if line.strip()]

    def _size_of(self, receiver: Sequence[str]) -> str:
        fitting = (
            size for size in _SIZES if self.paper.fits(compose_part("receiver", receiver, size), *_RECEIVER)
        )
        return next(fitting, _SIZES[-1])
