"""Lays HTML out on pages and writes them as PDF, by WeasyPrint.

It fetches nothing, writes no file and logs nothing, because a page may hold credentials.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

# WeasyPrint's own, which have no types.
Document: TypeAlias = Any
Page: TypeAlias = Any

_TEMPLATES = Path(__file__).parent / "templates"
_VARIANT = "pdf/ua-1"

# What is tried alone fills its own small page from the upper left.
_ALONE = """
@page {{ margin: 0; size: {width}mm {height}mm }}
body > * {{ float: none !important; margin: 0; position: static !important; width: auto !important }}
"""

for _name in ("weasyprint", "fontTools"):
    logging.getLogger(_name).propagate = False  # what they warn of may quote the page


@cache
def load() -> None:
    """Reads WeasyPrint, which takes half a second: the first letter need not wait for it then."""
    _weasyprint()


def _weasyprint() -> Any:  # noqa: ANN401 - WeasyPrint has no types
    """Reads WeasyPrint when somebody asks for it: a panel answers half a second sooner after its start."""
    import weasyprint.text.fonts  # noqa: PLC0415 - as said
    import weasyprint.urls  # noqa: PLC0415 - as said

    return weasyprint


@cache
def _read_styles(name: str) -> object:
    """Reads one of our style sheets, once: to parse it takes as long as to lay out a page."""
    return _weasyprint().CSS(string=(_TEMPLATES / name).read_text(encoding="utf-8"))


class ForeignPictureError(Exception):
    """Raised when a page refers to a picture, style or font that it was not given; says which."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file."""

    content: bytes
    media_type: str


class Paper:
    """The parts that all pages share: styles, fonts, and the pictures by their address in the HTML.

    ``flowing`` is for what lies in the envelope beside the letters.
    """

    def __init__(
        self, pictures: Mapping[str, Picture], *, large_print: bool = False, flowing: bool = False
    ) -> None:
        self._pictures = pictures
        self._drawn: dict[str, object] = {}  # WeasyPrint's own form of the pictures, made once
        self._foreign: list[str] = []
        self._fonts = _weasyprint().text.fonts.FontConfiguration()
        names = ["letter.css", *["large_print.css"] * large_print, *["envelope.css"] * flowing]
        self._styles = [_read_styles(name) for name in names]

    def lay(self, html: str) -> Document:
        """Returns the pages of ``html``, not yet drawn."""
        return self._lay(html, self._styles)

    def fits(self, html: str, width: float, height: float) -> bool:
        """Tells whether the elements of ``html`` have room beneath each other, in that many millimetres."""
        alone = _weasyprint().CSS(string=_ALONE.format(width=width, height=height))
        return len(self._lay(html, [*self._styles, alone]).pages) == 1

    def draws(self, address: str) -> bool:
        """Tells whether the picture of that address can be drawn."""
        document = self.lay(f'<html lang="en"><img src="{address}" alt="-" style="height: 9mm; width: 9mm">')
        self.bind(document, document.pages)
        return self._drawn[address] is not None

    def families(self, html: str) -> set[str]:
        """Returns the typefaces in which ``html`` is printed."""
        document = self.lay(html)
        document.write_pdf()
        return {font.family for font in document.fonts.values()}

    def bind(self, document: Document, pages: Sequence[Page]) -> bytes:
        """Returns one PDF of these pages, with the title and the language of ``document``.

        Raises:
            ForeignPictureError: A page refers to something that it was not given.
        """
        content: bytes = document.copy(pages).write_pdf(pdf_variant=_VARIANT)
        if self._foreign:  # pictures within pictures are looked for only now, and the error went unheard
            raise ForeignPictureError(self._foreign[0])
        return content

    def _lay(self, html: str, styles: Sequence[object]) -> Document:
        page = _weasyprint().HTML(string=html, url_fetcher=self._fetch)
        try:
            return page.render(
                font_config=self._fonts, stylesheets=styles, cache=self._drawn, pdf_variant=_VARIANT
            )
        except _weasyprint().urls.FatalURLFetchingError as error:
            raise ForeignPictureError(str(error)) from None

    def _fetch(self, url: str) -> object:
        urls = _weasyprint().urls
        if url.startswith("data:"):  # a picture that a picture holds in itself
            return urls.URLFetcher(allowed_protocols=["data"]).fetch(url)
        if url not in self._pictures:
            self._foreign.append(url)
            raise urls.FatalURLFetchingError(url)
        picture = self._pictures[url]
        return urls.URLFetcherResponse(url, picture.content, {"Content-Type": picture.media_type})


def join(whole: Page, part: Page) -> Page:
    """Returns the page ``whole`` with the elements of ``part`` in the places of those of the same class.

    Most of a letter is the same on all: 200 letters take 9 s if that is laid out once, and 28 s if it is laid
    out 200 times.  As each element has its own place, no other moves.  WeasyPrint has no public way.
    """
    page, own_page = whole._page_box, part._page_box  # noqa: SLF001 - as said
    own = {box.element.get("class"): box for box in _path_to_article(own_page)[-1].children}
    *parents, article = _path_to_article(page)
    joined = article.copy_with_children([own.get(box.element.get("class"), box) for box in article.children])
    for parent in reversed(parents):
        joined = parent.copy_with_children([joined, *parent.children[1:]])
    return _weasyprint().Page(joined)


def _path_to_article(page: Any) -> list[Any]:  # noqa: ANN401 - WeasyPrint has no types
    path = [page]
    while path[-1].element_tag != "article":
        path.append(path[-1].children[0])
    return path
