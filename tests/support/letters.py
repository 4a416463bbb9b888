"""Letters as programs see them that open the file: pages, tags, words, and the picture of a page."""

import functools
import io
import subprocess
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject

from authbridge.letters import (
    Language,
    Letter,
    LetterBatch,
    Letterhead,
    Terms,
    print_letters,
    read_letterhead,
    read_terms,
)

LETTER = Letter(
    school_name="Otto-Hahn-Gymnasium",
    school_address=("Schulstraße 12", "12345 Musterstadt"),
    username="ohg-kwtx",
    password="vpgd-kxwj-rhms",
    valid_until=date(2027, 7, 31),
)
JOB = LetterBatch(
    "7k2m94qd", date(2026, 9, 14), "https://meet.example.org", Language.GERMAN, read_terms(None)
)


@functools.cache
def shipped() -> Letterhead:
    """The texts that ship; to try each of them in its place takes half a second."""
    return read_letterhead(None)


def make_terms(number: int = 1, text: str = "Seien Sie nett zueinander.") -> Terms:
    """Terms of use in both languages."""
    texts = {language.value: f"# Regeln\n\n## Miteinander\n\n{text}" for language in Language}
    return Terms(number, date(2026, 9, number), texts)


def read(
    letters: Sequence[Letter] = (LETTER,), job: LetterBatch = JOB, folder: Path | None = None
) -> PdfReader:
    """The letters as a program sees them that opens the file."""
    letterhead = shipped() if folder is None else read_letterhead(folder)
    return PdfReader(io.BytesIO(print_letters(letters, job, letterhead)))


def text_of(page: PageObject) -> str:
    """The text of the page, whatever its lines."""
    return " ".join(page.extract_text().split())


def inside(node: DictionaryObject, *path: str) -> DictionaryObject:
    """The dictionary that is reached by these keys."""
    for key in path:
        child = node[key].get_object()
        assert isinstance(child, DictionaryObject)
        node = child
    return node


def elements(node: DictionaryObject) -> Iterator[DictionaryObject]:
    """The tags of the document, from the root down in the order of reading."""
    kids = node.get("/K", [])
    for kid in kids if isinstance(kids, list) else [kids]:
        element = kid.get_object()
        if isinstance(element, DictionaryObject):
            yield element
            yield from elements(element)


def read_aloud(content: bytes, folder: Path) -> list[tuple[str, str]]:
    """The tags that hold words, and their words, in the order in which a screen reader reads them."""
    path = folder / "aloud.pdf"
    path.write_bytes(content)
    words = run_tool("pdfinfo", "-struct-text", path)
    path.unlink()
    tags: list[tuple[str, str]] = []
    for line in words.splitlines():
        word = line.strip()
        if word.startswith('"'):
            tags[-1] = (tags[-1][0], f"{tags[-1][1]} {word[1:-1].strip()}".strip())
        elif word and word.split()[0] in {"P", "H1", "H2", "LBody", "Lbl"}:
            tags.append((word.split()[0], ""))
    return [(tag, words) for tag, words in tags if words]


def read_codes(content: bytes, folder: Path, dots_per_inch: int) -> list[str]:
    """The words of the QR codes, read from a picture of each page."""
    (folder / "pages.pdf").write_bytes(content)
    run_tool("pdftoppm", "-r", str(dots_per_inch), "-png", folder / "pages.pdf", folder / "page")
    pictures = sorted(folder.glob("page-*.png"))
    codes = run_tool("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", *pictures)
    for path in (folder / "pages.pdf", *pictures):
        path.unlink()
    return codes.split()


def run_tool(*command: str | Path) -> str:
    """What a program prints; where it finds no code, nothing."""
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - of this file
    assert run.returncode in {0, 4}, run.stderr  # 4: zbarimg found nothing
    return run.stdout
