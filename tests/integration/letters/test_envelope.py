"""The envelope for the head of a school: what is on each of its pages, and what is on none."""

import functools
import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject, StreamObject

from authbridge.errors import InputError
from authbridge.letters import (
    Envelope,
    Inside,
    Language,
    Letter,
    LetterBatch,
    NightReport,
    Receiver,
    print_envelope,
    print_terms,
)
from tests.support.combinations import each_once
from tests.support.letters import (
    JOB,
    LETTER,
    elements,
    inside,
    make_terms,
    read_aloud,
    read_codes,
    shipped,
    text_of,
)

CODE = "bcdf-ghjk-mnpr"
REPORT = NightReport(CODE, "https://panel.example.org/report", date(2027, 10, 19))
ENVELOPE = Envelope(Inside.SLIPS, with_information=True, report=REPORT)
LONG_NAME = "maximiliane.von-der-muehlen-hohenstaufen_gemeinschaftsschule2026"
LONG_SCHOOL = "Gemeinschaftsschule" * 10
WORDS = {
    Language.GERMAN: {
        "cover": "Seite 1 von 1",
        "terms": "Nutzungsbedingungen für Videokonferenzen Version 1 vom 1. September 2026",
        "register": "Ausgabeliste",
        "slip": "Zettel {} von {}",
        "information": "Artikel 6 Absatz 1 Buchstabe e",
        "nights": "Nachts und am Wochenende",
        "valid": "gültig bis 31. Juli 2027",
    },
    Language.ENGLISH: {
        "cover": "Page 1 of 1",
        "terms": "Terms of use for video conferences Version 1 of 1 September 2026",
        "register": "Hand-out list",
        "slip": "slip {} of {}",
        "information": "Article 6(1)(e)",
        "nights": "At night and at weekends",
        "valid": "valid until 31 July 2027",
    },
}


def letters_of(count: int) -> list[Letter]:
    """Letters whose names and passwords differ."""
    signs = "bcdfghjkmn"
    passwords = ("".join(signs[int(digit)] for digit in f"{number:04}") for number in range(count))
    return [
        replace(LETTER, username=f"ohg-{number:04}", password=f"pppp-{password}-rrrr")
        for number, password in enumerate(passwords)
    ]


def print_(letters: list[Letter], envelope: Envelope = ENVELOPE, job: LetterBatch = JOB) -> bytes:
    """The envelope, with the texts that ship."""
    return print_envelope(letters, job, envelope, shipped())


@functools.cache
def printed(count: int, language: Language = Language.GERMAN) -> bytes:
    """The whole envelope for so many accounts, printed once."""
    return print_(letters_of(count), job=replace(JOB, language=language))


def texts_of(content: bytes) -> list[str]:
    """The words of each page."""
    return [text_of(page) for page in PdfReader(io.BytesIO(content)).pages]


def lowest(page: PageObject) -> float:
    """How high the lowest word above the foot stands over the lower edge, in points."""
    heights: list[float] = []

    def note(text: str, cm: list[float], tm: list[float], *_: object) -> None:
        if text.strip():
            heights.append(tm[4] * cm[1] + tm[5] * cm[3] + cm[5])

    page.extract_text(visitor_text=note)
    return min(heights)


@pytest.mark.parametrize(("language", "count"), each_once(list(Language), [1, 4, 5, 40]))
def test_an_envelope_holds_what_the_head_of_a_school_needs(language: Language, count: int) -> None:
    """Cover sheet, terms in full, register with every name and no password, slips, information sheet."""
    words, letters = WORDS[language], letters_of(count)
    pages = texts_of(printed(count, language))
    register = [
        page for page in pages if words["register"] in page or ("ohg-0039" in page and "rrrr" not in page)
    ]
    slips = [page for page in pages if "pppp-" in page]

    assert words["nights"] in pages[0]
    assert words["cover"] in pages[0]
    assert words["valid"] in pages[0]
    assert "01234 567-0" in pages[0] or "1234 567-0" in pages[0]
    assert pages[1].startswith(words["terms"])
    assert len(slips) == -(-count // 4)
    assert words["information"] in pages[-1]
    assert words["slip"].format(count, count) in slips[-1]
    for letter in letters:
        assert any(f" {letter.username} " in f"{page} " for page in register)
        assert [page.count(letter.password) for page in pages if letter.password in page] == [1]
    assert not [page for page in register[1:] if "pppp-" in page]


def test_the_code_stands_on_the_cover_and_nowhere_else() -> None:
    """With the address of its page; a repr does not show it."""
    pages = texts_of(printed(5))

    assert [page.count(CODE) for page in pages] == [1, *[0] * (len(pages) - 1)]
    assert "https://panel.example.org/report" in pages[0]
    assert "19. Oktober 2027" in pages[0]
    assert CODE not in repr(ENVELOPE)


def test_without_a_page_for_the_code_nothing_is_said_of_it() -> None:
    """No sentence, no empty box."""
    cover = texts_of(print_(letters_of(1), replace(ENVELOPE, report=None)))[0]

    assert "Nachts" not in cover
    assert "Code" not in cover


@pytest.mark.parametrize(
    ("former_until", "words"),
    [
        (None, "die bisherigen gelten nicht mehr"),
        (date(2026, 9, 28), "gelten daneben noch bis 28. September 2026"),
    ],
)
def test_new_passwords_are_called_so(former_until: date | None, words: str) -> None:
    """The head of the school must not take them for further accounts."""
    envelope = replace(ENVELOPE, renewed=True, former_until=former_until)
    cover = texts_of(print_(letters_of(3), envelope))[0]

    assert "3 neue Passwörter für Videokonferenzen" in cover
    assert words in cover


@pytest.mark.parametrize(
    ("language", "inside_", "words"),
    [
        (
            Language.GERMAN,
            Inside.SLIPS,
            [
                "das bisherige gilt nicht mehr",
                "Schneiden Sie den Zettel aus. Er ist",
                "Informationsblatt mit.",
            ],
        ),
        (Language.GERMAN, Inside.LETTERS, ["Der Brief ist", "Geben Sie den Brief der Lehrkraft persönlich"]),
        (
            Language.ENGLISH,
            Inside.SLIPS,
            ["the former one does not work", "Cut the slip out. It is for one teacher", "sheet with it."],
        ),
        (Language.ENGLISH, Inside.LETTERS, ["The letter is for one teacher", "Give the letter to the"]),
    ],
)
def test_one_account_is_spoken_of_as_one(language: Language, inside_: Inside, words: list[str]) -> None:
    """On the cover, for a password that was renewed."""
    envelope = replace(ENVELOPE, inside=inside_, renewed=True)
    cover = texts_of(print_(letters_of(1), envelope, replace(JOB, language=language)))[0]

    assert [each for each in words if each not in cover] == []


@pytest.mark.parametrize("language", Language)
def test_a_slip_says_how_to_log_in(language: Language) -> None:
    """Its teacher may never see the information sheet."""
    pages = texts_of(printed(1, language))
    (slip,) = [page for page in pages if "pppp-" in page]

    assert ("„Ich bin der Organisator“" if language is Language.GERMAN else "“I am the host”") in slip
    assert ("Großschreibung" if language is Language.GERMAN else "Capitals") in slip


def test_the_register_names_its_school_on_each_page() -> None:
    """At the foot, shortened to one line."""
    letters = [replace(each, school_name=LONG_SCHOOL) for each in letters_of(40)]
    registers = [page for page in texts_of(print_(letters)) if "Ausgabeliste · Gemeinschaftsschule" in page]

    assert len(registers) == 2
    assert all(re.search(r"· Gemeinschaftsschule\w+… Seite \d von 2", page) for page in registers)


@pytest.mark.parametrize(("language", "large_print"), each_once(list(Language), [False, True]))
def test_whole_letters_may_lie_in_it(language: Language, *, large_print: bool) -> None:
    """The same letters as alone; in large print each begins on the front of a sheet."""
    job = replace(JOB, language=language, large_print=large_print)
    pages = texts_of(print_(letters_of(3), replace(ENVELOPE, inside=Inside.LETTERS), job))
    word = "Brief {} von 3" if language is Language.GERMAN else "letter {} of 3"

    starts = [
        next(place for place, text in enumerate(pages) if word.format(number) in text) for number in (1, 2, 3)
    ]
    assert [letter.password in pages[start] for letter, start in zip(letters_of(3), starts, strict=True)]
    assert [start - starts[0] for start in starts] == ([0, 2, 4] if large_print else [0, 1, 2])
    assert not large_print or starts[0] % 2 == 0


def test_slips_are_refused_in_large_print() -> None:
    """Four of them have no room for 14 points."""
    with pytest.raises(InputError, match="too small for large print"):
        print_(letters_of(1), job=replace(JOB, large_print=True))


@pytest.mark.parametrize("language", Language)
def test_a_screen_reader_finds_its_way(tmp_path: Path, language: Language) -> None:
    """PDF/UA-1: title, language, a heading a part, a table with headings, words for pictures, bookmarks."""
    content = printed(5, language)
    reader = PdfReader(io.BytesIO(content))
    root = inside(reader.trailer, "/Root")
    metadata = inside(root, "/Metadata")
    assert isinstance(metadata, StreamObject)
    tags = list(elements(inside(root, "/StructTreeRoot")))
    kinds = [str(tag.get("/S")) for tag in tags]
    titles = [str(each["/Title"]) for each in reader.outline if isinstance(each, dict)]

    assert str(root["/Lang"]) == language.value
    assert re.search(rb"pdfuaid:part[>=\"]+1", metadata.get_data())
    assert reader.metadata is not None
    assert JOB.id in str(reader.metadata.title)
    assert kinds.count("/H1") == 4 + 5
    assert (kinds.count("/Table"), kinds.count("/TH")) == (1, 5 + 5)
    pictures = [str(tag.get("/Alt", "")) for tag in tags if str(tag.get("/S")) == "/Figure"]
    assert len(pictures) == 1 + 5
    assert all(pictures)
    assert [title for title in titles if "ohg-0004" in title] == [titles[7]]
    assert len(titles) == 4 + 5
    label = "Anmeldename:" if language is Language.GERMAN else "Login name:"
    aloud = read_aloud(content, tmp_path)
    assert aloud[aloud.index(("P", label)) + 1] == ("P", "ohg-0000")


@pytest.mark.parametrize("language", Language)
def test_long_names_stay_on_their_slip_and_in_their_window(language: Language) -> None:
    """A name of 64 letters stays on one line; nothing of a slip slides over its edge or onto another page."""
    letters = [
        replace(each, username=name, school_name=LONG_SCHOOL)
        for name in (LONG_NAME, "m" * 64)
        for each in letters_of(1)
    ]
    job = replace(JOB, language=language, server=f"https://{'konferenzen.' * 8}example.org")
    reader = PdfReader(io.BytesIO(print_(letters, job=job)))
    (slips,) = [page for page in reader.pages if "pppp-" in page.extract_text()]
    lines = slips.extract_text().splitlines()

    assert LONG_NAME in lines
    assert "m" * 64 in lines
    assert "".join(LONG_SCHOOL.split()) in "".join(reader.pages[0].extract_text().split())
    assert lowest(slips) > 420, "the upper two slips end above the middle of the page"
    assert "".join(slips.extract_text().split()).count("".join(LONG_SCHOOL.split())) == 2


@pytest.mark.parametrize("language", Language)
def test_name_password_and_code_can_be_copied(language: Language) -> None:
    """Each stands on a line of its own, letter by letter as it was made."""
    reader = PdfReader(io.BytesIO(printed(1, language)))
    lines = [line for page in reader.pages for line in page.extract_text().splitlines()]

    for each in (CODE, REPORT.address, "ohg-0000", "pppp-bbbb-rrrr"):
        assert each in lines


def test_every_slip_ends_above_the_one_below() -> None:
    """Measured at the lowest word of the page: it stands in the foot of the lowest slips."""
    reader = PdfReader(io.BytesIO(printed(4)))
    (slips,) = [page for page in reader.pages if "pppp-" in page.extract_text()]

    assert 15 < lowest(slips) < 40


def test_a_telephone_reads_the_codes(tmp_path: Path) -> None:
    """That of the page for the night on the cover, that of the server on each slip; neither has a secret."""
    assert read_codes(printed(5), tmp_path, 100) == [REPORT.address, *[JOB.server] * 5]


def test_nothing_of_the_credentials_is_told_aside() -> None:
    """What programs list of a file has no password and no code."""
    reader = PdfReader(io.BytesIO(printed(5)))
    root = inside(reader.trailer, "/Root")
    metadata = inside(root, "/Metadata")
    assert isinstance(metadata, StreamObject)
    aside = str(reader.metadata) + metadata.get_data().decode() + str(reader.outline)

    assert "pppp" not in aside
    assert CODE not in aside
    assert not any("/Annots" in page for page in reader.pages)
    assert not {"/Names", "/OpenAction", "/AcroForm", "/AF"} & root.keys()


@pytest.mark.parametrize("language", Language)
def test_new_terms_go_to_each_school_on_sheets_of_their_own(language: Language) -> None:
    """In its window stands the school; the terms are in full, and the next one begins on a front."""
    receivers = [Receiver("Goethe-Schule", ("Weg 1", "74072 Heilbronn")), Receiver("Schule am Bach", ())]
    job = replace(JOB, id="", language=language, terms=make_terms(3, "Seien Sie " + "sehr " * 1400 + "nett."))
    content = print_terms(receivers, job, shipped())
    pages = texts_of(content)
    first, second = (
        next(place for place, text in enumerate(pages) if receiver.school_name in text)
        for receiver in receivers
    )

    assert (first, second % 2) == (0, 0)
    assert "Version 3 vom 3. September" in pages[0] or "version 3 of 3 September" in pages[0]
    assert "Goethe-Schule Weg 1 74072 Heilbronn" in pages[0]
    assert "nett." in " ".join(pages[:second])
    kinds = [str(tag.get("/S")) for tag in tags_of(content)]
    assert kinds.count("/H1") == 2


def tags_of(content: bytes) -> list[DictionaryObject]:
    """The tags of a document."""
    reader = PdfReader(io.BytesIO(content))
    return list(elements(inside(reader.trailer, "/Root", "/StructTreeRoot")))
