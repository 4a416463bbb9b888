"""Letters as they leave the printer: what a school, a screen reader and whoever copies text find in them."""

import io
import logging
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import segno
from PIL import Image
from pypdf import PageObject, PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, StreamObject

from authbridge.letters import Language, print_letters
from tests.support.combinations import each_once
from tests.support.letters import JOB, LETTER, elements, inside, read, run_tool, shipped, text_of

A4 = (595, 842)  # points
MILLIMETRE = 72 / 25.4  # in points

Box = tuple[float, float, float, float]  # left, top, right, bottom
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 9"><rect width="20" height="9"/></svg>'

HOSTILE_NAMES = [
    pytest.param("Ännchen-O’Neill-Schule „Süd“ & 'Größe'", id="umlauts, apostrophes"),
    pytest.param("<script>alert(1)</script><b>Schule", id="markup"),
    pytest.param("{{ 7*7 }} {% raw %} =cmd|'/C calc'!A0", id="templates, formulas"),
    pytest.param("בית ספר אלברט איינשטיין", id="right-to-left"),
    pytest.param("](x) ![x](file:///etc/passwd)", id="Markdown"),
]
LONG_SCHOOLS = [
    pytest.param("Gemeinschaftsschule " * 10, ("Straße 1", "12345 Ort"), id="200 characters"),
    pytest.param("Gemeinschaftsschule" * 10, ("Straße" * 33, "Musterstadt " * 16), id="200 thrice, unbroken"),
]
LONG_NAMES = [
    "maximiliane.von-der-muehlen-hohenstaufen_gemeinschaftsschule2026",
    "m" * 64,
    "x_" * 32,
    "-" * 64,
    "mmmmmmmmmmmm",
    "y" * 22,
]


def heights(page: PageObject) -> list[tuple[float, str]]:
    """How high each piece of text stands above the lower edge, in points, in the order of reading."""
    pieces: list[tuple[float, str]] = []

    def note(text: str, cm: list[float], tm: list[float], *_: object) -> None:
        if text.strip():
            pieces.append((tm[4] * cm[1] + tm[5] * cm[3] + cm[5], text.strip()))

    page.extract_text(visitor_text=note)
    return pieces


def words_of(content: bytes, folder: Path) -> list[list[tuple[str, Box]]]:
    """The words of each page, and where they stand, in points from the upper left."""
    path = folder / "words.pdf"
    path.write_bytes(content)
    pages = run_tool("pdftotext", "-bbox", path, "-").split("<page ")[1:]
    word = re.compile(r'<word xMin="(.+?)" yMin="(.+?)" xMax="(.+?)" yMax="(.+?)">(.*?)</word>')
    return [
        [
            (text, (float(left), float(top), float(right), float(bottom)))
            for left, top, right, bottom, text in found
        ]
        for found in map(word.findall, pages)
    ]


def code_of(page: PageObject) -> Box:
    """Where the one picture of the page stands, in points from the upper left, and a white edge of 1 mm."""
    spots: list[Box] = []

    def note(operator: bytes, _arguments: object, cm: list[float], _tm: object) -> None:
        if operator == b"Do":
            left, top, right, bottom = cm[4], cm[5] + cm[3], cm[4] + cm[0], cm[5]
            edges = sorted((A4[1] - top, A4[1] - bottom))
            spots.append(
                (left - MILLIMETRE, edges[0] - MILLIMETRE, right + MILLIMETRE, edges[1] + MILLIMETRE)
            )

    page.extract_text(visitor_operand_before=note)
    (spot,) = spots
    return spot


def fonts_of(reader: PdfReader) -> dict[str, DictionaryObject]:
    """The fonts by name, without the mark of a part of a font."""
    fonts = inside(reader.pages[0], "/Resources", "/Font")
    return {str(inside(fonts, key)["/BaseFont"]).partition("+")[2]: inside(fonts, key) for key in fonts}


def metadata_of(reader: PdfReader) -> bytes:
    """What the file says of itself, as XML."""
    metadata = inside(reader.trailer, "/Root", "/Metadata")
    assert isinstance(metadata, StreamObject)
    return metadata.get_data()


@pytest.mark.parametrize(("language", "until"), each_once(list(Language), [date(2027, 7, 31), None]))
def test_a_letter_says_everything_that_a_teacher_needs(language: Language, until: date | None) -> None:
    """On one page, in both languages."""
    (page,) = read([replace(LETTER, valid_until=until)], replace(JOB, language=language)).pages
    text = text_of(page)

    german = language is Language.GERMAN
    for words in [
        "An die Schulleitung Otto-Hahn-Gymnasium Schulstraße 12 12345 Musterstadt"
        if german
        else "To the head of the school Otto-Hahn-Gymnasium Schulstraße 12 12345 Musterstadt",
        "Kreismedienzentrum Musterkreis · Musterstraße 1 · 12345 Musterstadt",
        "14. September 2026" if german else "14 September 2026",
        "https://meet.example.org",
        "Ich bin der Organisator" if german else "I am the host",
        "Passwort oder schalten Sie die Lobby ein" if german else "password or turn on the lobby",
        "Warten Sie einige Minuten" if german else "Wait a few minutes",
        "Keine Aufzeichnung" if german else "No recording",
        "Missbrauch sofort melden" if german else "Report misuse at once",
        "Nutzungsbedingungen: Version 1 vom 1. September 2026"
        if german
        else "Terms of use: version 1 of 1 September 2026",
        "Druckauftrag 7k2m94qd, Brief 1 von 1" if german else "Print job 7k2m94qd, letter 1 of 1",
    ]:
        assert words in text
    if until:
        assert ("Gültig bis 31. Juli 2027" if german else "Valid until 31 July 2027") in text
    else:
        assert ("ohne Ablaufdatum" if german else "no end date") in text


@pytest.mark.parametrize(("language", "large_print"), each_once(list(Language), [False, True]))
def test_name_and_password_can_be_copied(language: Language, *, large_print: bool) -> None:
    """Each stands on a line of its own, letter by letter as it was made."""
    page = read(job=replace(JOB, language=language, large_print=large_print)).pages[0]
    lines = page.extract_text().splitlines()

    assert "ohg-kwtx" in lines
    assert "vpgd-kxwj-rhms" in lines


def test_each_letter_has_a_page_in_the_order_of_the_accounts() -> None:
    """Also when schools alternate, and when there are more than are laid out at once."""
    letters = [
        replace(LETTER, username=f"s-{number:04}", school_name=f"Schule {number % 26 // 24}")
        for number in range(30)
    ]
    told: list[int] = []

    content = print_letters(letters, JOB, shipped(), told.append)

    pages = PdfReader(io.BytesIO(content)).pages
    assert len(pages) == 30
    for number, (letter, page) in enumerate(zip(letters, pages, strict=True), start=1):
        text = text_of(page)
        assert f" {letter.username} " in text
        assert f"An die Schulleitung {letter.school_name} Schulstraße" in text
        assert f"Brief {number} von 30" in text
        assert (float(page.mediabox.width), float(page.mediabox.height)) == pytest.approx(A4, abs=1)
    assert told == sorted(told)
    assert told[-1] == 30


def test_a_letter_among_many_is_the_letter_alone() -> None:
    """What is laid out once for all of them is on each."""
    letters = [replace(LETTER, username=name) for name in ("ohg-kwtx", "ohg-bbbb", LONG_NAMES[0])]

    for letter, page in zip(letters, read(letters).pages, strict=True):
        (alone,) = read([letter]).pages
        among = [(height, text) for height, text in heights(page) if "Druckauftrag" not in text]
        assert among == [(height, text) for height, text in heights(alone) if "Druckauftrag" not in text]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_school_is_printed_as_it_is_called(name: str) -> None:
    """Whatever is in its name."""
    (page,) = read([replace(LETTER, school_name=name)]).pages

    assert name in text_of(page)


@pytest.mark.parametrize(("name", "address"), LONG_SCHOOLS)
def test_a_long_address_stays_in_the_window(name: str, address: tuple[str, ...]) -> None:
    """It becomes smaller, and hides neither the line above it nor the subject beneath."""
    (page,) = read([replace(LETTER, school_name=name, school_address=address)]).pages
    pieces = heights(page)
    texts = [text for _, text in pieces]

    (sender,) = (height for height, text in pieces if " · " in text)
    (subject,) = (height for height, text in pieces if text == "Zugangsdaten für Videokonferenzen")
    ends = texts.index("An die Schulleitung"), texts.index("Musterstraße 1")
    receiver = [height for height, _ in pieces[slice(*ends)]]
    assert max(receiver) < sender - 5
    assert min(receiver) > subject + 20
    assert "".join(name.split()) in "".join(page.extract_text().split())


@pytest.mark.parametrize(
    ("language", "server"),
    each_once(list(Language), ["https://meet.example.org", f"https://{'konferenzen.' * 8}example.org"]),
)
def test_a_long_name_hides_nothing(server: str, language: Language) -> None:
    """It stays on one line, and the advice begins beneath the access and ends above the foot."""
    job = replace(JOB, server=server, language=language)
    pages = read([replace(LETTER, username=name) for name in LONG_NAMES], job).pages

    for name, page in zip(LONG_NAMES, pages, strict=True):
        pieces = heights(page)
        texts = [text for _, text in pieces]
        advice = next(place for place, text in enumerate(texts) if text.startswith(("So eröffnen", "How to")))
        foot = next(place for place, text in enumerate(texts) if text.startswith(("Gültig", "Valid")))
        assert name in page.extract_text().split()
        assert min(height for height, _ in pieces[:advice]) > pieces[advice][0] + 15
        assert min(height for height, _ in pieces[advice:foot]) > pieces[foot][0] + 10


@pytest.mark.parametrize(
    ("language", "server"),
    each_once(list(Language), ["https://meet.example.org", f"https://{'konferenzen.' * 8}example.org"]),
)
@pytest.mark.parametrize("large_print", [False, True])
def test_the_code_covers_no_word(
    tmp_path: Path, language: Language, server: str, *, large_print: bool
) -> None:
    """Neither name nor spelled password, whatever the length of the name; its white edge counts."""
    names = ["1" * length for length in (12, 13, 28, 45, 46, 64)]  # whose words need the least room
    letters = [replace(LETTER, username=name, password="wmwm-wmwm-qqqq") for name in names]
    job = replace(JOB, server=server, language=language, large_print=large_print)
    content = print_letters(letters, job, shipped())

    fronts = PdfReader(io.BytesIO(content)).pages[:: 2 if large_print else 1]
    words = words_of(content, tmp_path)[:: 2 if large_print else 1]
    for name, front, pieces in zip(names, fronts, words, strict=True):
        left, top, right, bottom = code_of(front)
        hidden = [
            word
            for word, (x_min, y_min, x_max, y_max) in pieces
            if x_min < right and x_max > left and y_min < bottom and y_max > top
        ]
        assert not hidden, f"beside a name of {len(name)} letters"


def test_the_code_leads_to_the_server_and_holds_nothing_else() -> None:
    """Who photographs it has no password."""
    (page,) = read().pages
    code = segno.make(JOB.server, error="m", micro=False)

    (image,) = page.images
    printed = Image.open(io.BytesIO(image.data)).convert("L")
    modules = int(code.symbol_size(border=2)[0])
    size = printed.width // modules
    dark = [
        [printed.getpixel((x * size + size // 2, y * size + size // 2)) == 0 for x in range(modules)]
        for y in range(modules)
    ]
    assert dark == [[bool(module) for module in row] for row in code.matrix_iter(border=2)]


@pytest.mark.parametrize("language", Language)
def test_a_screen_reader_finds_its_way(tmp_path: Path, language: Language) -> None:
    """PDF/UA-1: title, language, headings, lists, and words for each picture."""
    (tmp_path / "logo.svg").write_text(SVG)
    reader = read([LETTER, LETTER], replace(JOB, language=language), tmp_path)
    root = inside(reader.trailer, "/Root")

    assert str(root["/Lang"]) == language.value
    assert inside(root, "/MarkInfo")["/Marked"]
    assert inside(root, "/ViewerPreferences")["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert JOB.id in str(reader.metadata.title)
    assert re.search(rb"pdfuaid:part[>=\"]+1", metadata_of(reader))
    assert all(str(page["/Tabs"]) == "/S" for page in reader.pages)
    tags = list(elements(inside(root, "/StructTreeRoot")))
    kinds = [str(tag.get("/S")) for tag in tags]
    assert [kind for kind in kinds if re.match(r"/H\d", kind)] == ["/H1", *["/H2"] * 4] * 2
    assert kinds.count("/L") == 8
    pictures = [str(tag.get("/Alt", "")) for tag in tags if str(tag.get("/S")) == "/Figure"]
    assert len(pictures) == 4
    assert pictures[0] == "Logo: Kreismedienzentrum Musterkreis"
    assert JOB.server in pictures[1]


def test_the_letters_look_alike_everywhere() -> None:
    """Every font is in the file, and they are ours."""
    fonts = fonts_of(read([LETTER, replace(LETTER, school_name="בית ספר")]))

    assert fonts.keys() == {"Lato", "Lato-Bold", "DejaVu-Sans-Mono", "DejaVu-Sans-Mono-Bold", "DejaVu-Sans"}
    for font in fonts.values():
        descendants = font["/DescendantFonts"]
        assert isinstance(descendants, ArrayObject)
        descendant = descendants[0].get_object()
        assert isinstance(descendant, DictionaryObject)
        assert {"/FontFile2", "/FontFile3"} & inside(descendant, "/FontDescriptor").keys()
        assert "/ToUnicode" in font


def test_the_file_does_nothing_and_tells_nothing_aside() -> None:
    """No links, scripts, forms or attachments; and what programs list of a file has no credentials."""
    reader = read()
    root = inside(reader.trailer, "/Root")

    assert not any("/Annots" in page or "/AA" in page for page in reader.pages)
    assert not {"/Names", "/OpenAction", "/AA", "/AcroForm", "/AF"} & root.keys()
    aside = str(reader.metadata).encode() + metadata_of(reader)
    assert b"ohg-kwtx" not in aside
    assert b"vpgd" not in aside


def test_nothing_of_a_letter_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No log line at any level, and no temporary file."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    monkeypatch.setattr(root, "level", logging.DEBUG)
    root.addHandler(handler)
    try:
        read([replace(LETTER, school_name="<img src=x><style>@import url(y)</style>")])
    finally:
        root.removeHandler(handler)

    assert not any(secret in log.getvalue() for secret in ("ohg-kwtx", "vpgd", "Völklingen"))
    assert list(tmp_path.iterdir()) == []


def test_missing_fonts_are_told_with_the_packages_that_hold_them(tmp_path: Path) -> None:
    """Another font would be less legible, and its letters would not fit."""
    only_lato = tmp_path / "fonts.conf"
    only_lato.write_text(
        f"<fontconfig><dir>/usr/share/fonts/truetype/lato</dir><cachedir>{tmp_path}</cachedir></fontconfig>"
    )

    run = subprocess.run(
        [sys.executable, "-c", "from authbridge.letters import read_letterhead; read_letterhead(None)"],
        env={**os.environ, "FONTCONFIG_FILE": str(only_lato)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert "ConfigError: Letters need fonts that are not installed" in run.stderr
    assert "apt-get install fonts-dejavu-core" in run.stderr
