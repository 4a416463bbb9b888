"""Prints letters: one PDF of all, or one a letter."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import segno

from authbridge.letters.composing import compose, compose_part, width_of
from authbridge.letters.letter import Language, Letter, LetterBatch
from authbridge.letters.letterhead import LOGO, Letterhead, Texts
from authbridge.letters.paper import Document, Page, Paper, Picture, join

CODE = "letter:code"  # its address in the HTML
_AT_ONCE = 20  # letters laid out together: more are hardly faster, and would tell less often how far it is

_HEAD_OF_SCHOOL = {Language.GERMAN: "An die Schulleitung", Language.ENGLISH: "To the head of the school"}
_RECEIVER = (80, 31)  # millimetres, in the window beneath the line with the sender
_CONTACT = (65, 33)
_SIZES = ("", "small", "smaller", "smallest", "least")  # of letter.css and large_print.css

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
    press = press_for(batch, letterhead, len(letters))
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
    press = press_for(batch, letterhead, len(letters))
    for document, sheet in press.lay_all(letters):
        yield press.paper.bind(document, sheet)


def print_file(letters: Sequence[Letter], place: int, batch: LetterBatch, letterhead: Letterhead) -> bytes:
    """Prints one of the letters as :func:`print_files` does, and no other."""
    press = press_for(batch, letterhead, len(letters))
    ((document, sheet),) = press.lay_all(letters[place : place + 1], first=place + 1)
    return press.paper.bind(document, sheet)


def press_for(batch: LetterBatch, letterhead: Letterhead, total: int) -> "Press":
    """Returns the press for a batch of ``total`` letters."""
    batch = replace(batch, server=batch.server.rstrip("/"))
    paper = Paper(pictures_for(batch, letterhead), large_print=batch.large_print)
    return Press(batch, letterhead, paper, total)


def pictures_for(batch: LetterBatch, letterhead: Letterhead) -> dict[str, Picture]:
    """Returns the pictures of a batch: the code with the address of the server, and perhaps the logo."""
    pictures = {CODE: draw_code(batch.server)}
    if letterhead.logo is not None:
        pictures[LOGO] = letterhead.logo
    return pictures


def draw_code(address: str) -> Picture:
    """Draws the QR code of an address."""
    content = io.BytesIO()
    segno.make(address, error="m", micro=False).save(content, kind="png", scale=8, border=2)
    return Picture(content.getvalue(), "image/png")


@dataclass(frozen=True, slots=True)
class Press:
    """The parts that a batch needs for each of its letters."""

    batch: LetterBatch
    letterhead: Letterhead
    paper: Paper
    total: int

    @property
    def texts(self) -> Texts:
        """Returns the operator's words in the language of the batch."""
        return self.letterhead.texts[self.batch.language]

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
        window = window_words(self, letters[0].school_name, letters[0].school_address) if whole else {}
        words = {
            "letters": letters,
            "batch": self.batch,
            "texts": self.texts,
            "whole": whole,
            "width": width_of(letters[0].username),
            "long": width_of(letters[0].username) != "" or len(self.batch.server) > _LONG_SERVER,
            "logo": LOGO if self.letterhead.logo else None,
            "code": CODE,
            "sides": (1, 2) if self.batch.large_print else (1,),
            "first": first,
            "total": self.total,
            **window,
        }
        return self.paper.lay(compose("letter", self.batch.language, words))


def window_words(press: Press, school_name: str, school_address: tuple[str, ...]) -> dict[str, object]:
    """Returns the words of the head of a page with a window: the receiver, and the sizes that have room."""
    lines = (_HEAD_OF_SCHOOL[press.batch.language], school_name, *school_address)
    receiver = [line for line in lines if line.strip()]
    sender = press.texts.sender
    return {
        "receiver": receiver,
        "receiver_size": size_that_fits(
            press.paper, _RECEIVER, lambda size: compose_part("receiver", receiver, size)
        ),
        "contact_size": size_that_fits(
            press.paper, _CONTACT, lambda size: compose_part("contact", sender, size)
        ),
    }


def size_that_fits(paper: Paper, place: tuple[float, float], part: Callable[[str], str]) -> str:
    """Returns the largest size in which the part fits into that many millimetres, else the smallest."""
    return next((size for size in _SIZES if paper.fits(part(size), *place)), _SIZES[-1])
