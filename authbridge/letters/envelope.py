"""Prints what travels in one envelope to the head of a school, and new terms of use for schools.

It holds a cover sheet, the terms of use, a hand-out register, then slips or letters, and perhaps the
information sheet.  Each part is laid out alone, so that its pages are counted alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from authbridge.errors import InputError
from authbridge.letters.composing import compose, compose_part
from authbridge.letters.letter import Letter, LetterBatch
from authbridge.letters.letterhead import LOGO, Letterhead
from authbridge.letters.paper import Document, Page, Paper
from authbridge.letters.printing import (
    CODE,
    Press,
    draw_code,
    pictures_for,
    press_for,
    size_that_fits,
    window_words,
)

_REPORT = "letter:report"  # the address of its picture in the HTML
_SLIPS_AT_ONCE = 20  # laid out together; a multiple of the four of a page
_SCHOOL = (91, 7.6)  # millimetres that a slip has for the name of the school


class Inside(StrEnum):
    """The form in which credentials lie in an envelope."""

    SLIPS = "slips"
    LETTERS = "letters"


@dataclass(frozen=True, slots=True)
class NightReport:
    """The way in which the head of a school blocks at night: a one-time code, and the page that takes it."""

    code: str = field(repr=False)
    address: str
    expires_on: date


@dataclass(frozen=True, slots=True)
class Envelope:
    """The contents of an envelope besides the credentials; ``renewed``: they replace former passwords.

    These count as well to the end of ``former_until``, None if they have ended.  ``report`` is None where no
    page takes a code.
    """

    inside: Inside = Inside.SLIPS
    with_information: bool = False
    renewed: bool = False
    former_until: date | None = None
    report: NightReport | None = None


@dataclass(frozen=True, slots=True)
class Receiver:
    """A school to which new terms of use are sent."""

    school_name: str
    school_address: tuple[str, ...]


def require_legible(inside: Inside, *, large_print: bool) -> None:
    """Checks that the credentials have room in that size of print.

    Raises:
        InputError: Slips are too small for large print.
    """
    if inside is Inside.SLIPS and large_print:
        raise InputError("Slips are too small for large print. Please choose whole letters in the envelope.")


def print_envelope(
    letters: Sequence[Letter],
    batch: LetterBatch,
    envelope: Envelope,
    letterhead: Letterhead,
    printed: Callable[[int], None] | None = None,
) -> bytes:
    """Prints the envelope of these credentials (at least one), all of one school; returns one PDF/UA-1.

    ``printed`` is called with the number of slips or letters laid out.

    Raises:
        InputError: Slips are too small for large print.
    """
    require_legible(envelope.inside, large_print=batch.large_print)
    press = _press_for(batch, letterhead, len(letters), envelope.report)
    cover = press.lay_part("cover", letters, envelope)
    pages: list[Page] = []
    for part in (cover, *(press.lay_part(name, letters, envelope) for name in ("terms", "register"))):
        # Letters in large print have a front and a back.
        pages += press.whole_sheets(part) if batch.large_print else part.pages
    done = 0
    for sheets, count in press.lay_inside(letters, envelope.inside):
        pages += sheets
        done += count
        if printed is not None:
            printed(done)
    if envelope.with_information:
        pages += press.lay_part("information", letters, envelope).pages
    return press.flowing.bind(cover, pages)


def print_terms(receivers: Sequence[Receiver], batch: LetterBatch, letterhead: Letterhead) -> bytes:
    """Prints the terms of use of the batch for the heads of these schools (at least one) as one PDF/UA-1.

    Each begins on a sheet of its own, also if both sides are printed.
    """
    press = _press_for(batch, letterhead, len(receivers), None)
    documents = [press.lay_terms(receiver) for receiver in receivers]
    pages = [page for document in documents for page in press.whole_sheets(document)]
    return press.flowing.bind(documents[0], pages)


def _press_for(
    batch: LetterBatch, letterhead: Letterhead, total: int, report: NightReport | None
) -> "_EnvelopePress":
    press = press_for(batch, letterhead, total)
    pictures = pictures_for(press.batch, letterhead)
    if report is not None:
        pictures[_REPORT] = draw_code(report.address)
    return _EnvelopePress(press, Paper(pictures, large_print=batch.large_print, flowing=True))


@dataclass(frozen=True, slots=True)
class _EnvelopePress:
    """The press of the letters, and the paper of the pages that flow."""

    press: Press
    flowing: Paper

    def lay_part(self, part: str, letters: Sequence[Letter], envelope: Envelope) -> Document:
        """Lays out a part that is there once."""
        receiver = Receiver(letters[0].school_name, letters[0].school_address)
        words = {
            "letters": letters,
            "envelope": envelope,
            "ends": sorted({letter.valid_until for letter in letters}, key=lambda day: day or date.max),
            "longest_name": max(len(letter.username) for letter in letters),
            "report_picture": _REPORT,
        }
        return self._lay(part, receiver, words)

    def lay_terms(self, receiver: Receiver) -> Document:
        """Lays out the letter with which new terms of use go to a school."""
        return self._lay("new_terms", receiver, {"letters": (), "envelope": None})

    def whole_sheets(self, document: Document) -> list[Page]:
        """Returns the pages, with an empty one where the last sheet would have an empty back."""
        pages = list(document.pages)
        if len(pages) % 2:
            html = f'<html lang="{self.press.batch.language}"><p class="blank"></p>'
            pages += self.flowing.lay(html).pages
        return pages

    def lay_inside(self, letters: Sequence[Letter], inside: Inside) -> Iterator[tuple[list[Page], int]]:
        """Lays out slips or letters: the pages, and how many slips or letters are on them."""
        if inside is Inside.LETTERS:
            for _, sheet in self.press.lay_all(letters):
                yield sheet, 1
            return
        for start in range(0, len(letters), _SLIPS_AT_ONCE):
            some = letters[start : start + _SLIPS_AT_ONCE]
            yield list(self._lay_slips(some, start + 1).pages), len(some)

    def _lay_slips(self, letters: Sequence[Letter], first: int) -> Document:
        press = self.press
        name = letters[0].school_name
        words = {
            "letters": letters,
            "batch": press.batch,
            "texts": press.texts,
            "school_size": size_that_fits(
                self.flowing, _SCHOOL, lambda size: compose_part("slip_school", name, size)
            ),
            "code": CODE,
            "first": first,
            "total": press.total,
        }
        return self.flowing.lay(compose("slips", press.batch.language, words))

    def _lay(self, part: str, receiver: Receiver, words: dict[str, object]) -> Document:
        press = self.press
        heading, text = press.batch.terms.text(press.batch.language)
        known = {
            "part": part,
            "batch": press.batch,
            "texts": press.texts,
            "logo": LOGO if press.letterhead.logo else None,
            "terms_heading": heading,
            "terms_text": text,
        }
        if part in {"cover", "new_terms"}:
            known |= window_words(press, receiver.school_name, receiver.school_address)
        return self.flowing.lay(compose("envelope", press.batch.language, known | words))
