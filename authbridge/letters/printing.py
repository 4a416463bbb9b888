"""Prints letters: one PDF of all, or one a letter."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import segno

from authbridge.letters.composing import compose, compose_part, width_of
from authbridge.letters.letter import Language, Letter, LetterBatch
from authbridge.letters.letterhead import LOGO, Letterhead
from authbridge.letters.paper import Document, Page, Paper, Picture, join

_CODE = "letter:code"  # its address in the HTML
_AT_ONCE = 20  # letters laid out together: more are hardly faster, and would tell less often how far it is

_HEAD_OF_SCHOOL = {Language.GERMAN: "An die Schulleitung", Language.ENGLISH: "To the head of the school"}
_RECEIVER = (80, 31)  # millimetres, in the window beneath the line with the sender
_CONTACT = (65, 33)
_SIZES = ("", "small", "smaller", "smallest")  # of letter.css and large_print.css

_LONG_SERVER = 45  # characters; more needs more room, see .long in letter.css


def print_letters(
    letters: Sequence[Letter],
    batch: LetterBatch,
    letterhead: Letterhead,
    printed: Callable[[int], None] | None = None,
) -> bytes:
    """Prints each of the letters (at least one) on a sheet of A4, in their order; returns one PDF/UA-1.

    ``printed`` is called with the number of letters laid out; writing the PDF then takes half of the whole
    time.
    """
    press = _press_for(batch, letterhead, len(letters))
    laid: list[tuple[Document, list[Page]]] = []
    for each in press.lay_all(letters):
        laid.append(each)
        if printed is not None:
            printed(len(laid))
    return press.paper.bind(laid[0][0], [page for _, sheet in laid for page in sheet])


def print_files(letters: Sequence[Letter], batch: LetterBatch, letterhead: Letterhead) -> Iterator[bytes]:
    """Prints each letter as a PDF/UA-1 of its own, in which nothing is of another letter.

    They have the numbers that they have in the PDF of all.
    """
    press = _press_for(batch, letterhead, len(letters))
    for document, sheet in press.lay_all(letters):
        yield press.paper.bind(document, sheet)


def print_file(letters: Sequence[Letter], place: int, batch: LetterBatch, letterhead: Letterhead) -> bytes:
    """Prints one of the letters as :func:`print_files` does, and no other."""
    press = _press_for(batch, letterhead, len(letters))
    ((document, sheet),) = press.lay_all(letters[place : place + 1], first=place + 1)
    return press.paper.bind(document, sheet)


def _press_for(batch: LetterBatch, letterhead: Letterhead, total: int) -> "_Press":
    batch = replace(batch, server=batch.server.rstrip("/"))
    return _Press(batch, letterhead, _paper_for(batch, letterhead), total)


def _paper_for(batch: LetterBatch, letterhead: Letterhead) -> Paper:
    code = io.BytesIO()
    segno.make(batch.server, error="m", micro=False).save(code, kind="png", scale=8, border=2)
    pictures = {_CODE: Picture(code.getvalue(), "image/png")}
    if letterhead.logo is not None:
        pictures[LOGO] = letterhead.logo
    return Paper(pictures, large_print=batch.large_print)


@dataclass(frozen=True, slots=True)
class _Press:
    """The parts that a batch needs for each of its letters."""

    batch: LetterBatch
    letterhead: Letterhead
    paper: Paper
    total: int

    def lay_all(self, letters: Sequence[Letter], *, first: int = 1) -> Iterator[tuple[Document, list[Page]]]:
        """Lays out each letter: its pages, and the document from which they have title and language."""
        for _, group in groupby(letters, self._form):
            alike = list(group)
            whole = self._lay(alike[:1], whole=True)
            for start in range(0, len(alike), _AT_ONCE):
                own = self._lay(alike[start : start + _AT_ONCE], first=first + start).pages
                sides = len(whole.pages)
                for place in range(0, len(own), sides):
                    sheet = zip(whole.pages, own[place : place + sides], strict=True)
                    yield whole, [join(page, part) for page, part in sheet]
            first += len(alike)

    def _form(self, letter: Letter) -> tuple[str, tuple[str, ...], str]:
        # Letters that are equal in this share everything but the access and the foot.
        return letter.school_name, letter.school_address, width_of(letter.username)

    def _lay(self, letters: Sequence[Letter], *, whole: bool = False, first: int = 1) -> Document:
        # Letters of one form: with every part, or only with the parts that are their own.
        texts = self.letterhead.texts[self.batch.language]
        receiver = self._receiver(letters[0])
        words = {
            "letters": letters,
            "batch": self.batch,
            "texts": texts,
            "whole": whole,
            "width": width_of(letters[0].username),
            "long": width_of(letters[0].username) != "" or len(self.batch.server) > _LONG_SERVER,
            "receiver": receiver,
            "receiver_size": self._size_of("receiver", receiver, _RECEIVER) if whole else "",
            "contact_size": self._size_of("contact", texts.sender, _CONTACT) if whole else "",
            "logo": LOGO if self.letterhead.logo else None,
            "code": _CODE,
            "sides": (1, 2) if self.batch.large_print else (1,),
            "first": first,
            "total": self.total,
        }
        return self.paper.lay(compose(self.batch.language, words))

    def _receiver(self, letter: Letter) -> list[str]:
        lines = (_HEAD_OF_SCHOOL[self.batch.language], letter.school_name, *letter.school_address)
        return [line for line in lines if line.strip()]

    def _size_of(self, part: str, content: object, place: tuple[float, float]) -> str:
        fitting = (size for size in _SIZES if self.paper.fits(compose_part(part, content, size), *place))
        return next(fitting, _SIZES[-1])
