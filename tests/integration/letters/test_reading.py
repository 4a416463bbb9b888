"""How a letter is read: aloud, on the telephone, in large print, by the camera of a telephone."""

from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PageObject

from authbridge.letters import Language, print_letters
from tests.support.combinations import each_once
from tests.support.letters import JOB, LETTER, read, read_aloud, read_codes, shipped, text_of

LONG_SERVER = f"https://{'konferenzen.' * 8}example.org"
LONG_NAME = "maximiliane.von-der-muehlen-hohenstaufen_gemeinschaftsschule2026"
SPELLED = {
    Language.GERMAN: (
        "Völklingen Potsdam Goslar Düsseldorf Köln Xanten Wuppertal Jena Rostock Hamburg München Salzwedel"
    ),
    Language.ENGLISH: "Victor Papa Golf Delta Kilo Xray Whiskey Juliett Romeo Hotel Mike Sierra",
}
NAMED = {
    Language.GERMAN: "Offenbach-Hamburg-Goslar, Bindestrich, Köln-Wuppertal-Tübingen-Xanten",
    Language.ENGLISH: "Oscar-Hotel-Golf, hyphen, Kilo-Whiskey-Tango-Xray",
}
LABELS = {
    Language.GERMAN: ("Anmeldename:", "Passwort:"),
    Language.ENGLISH: ("Login name:", "Password:"),
}


def points_of(page: PageObject) -> dict[str, float]:
    """The size in which each piece of text is printed."""
    sizes: dict[str, float] = {}

    def note(text: str, cm: list[float], tm: list[float], _font: object, size: float) -> None:
        if text.strip():
            sizes[text.strip()] = round(abs(size * tm[3] * cm[3]), 1)

    page.extract_text(visitor_text=note)
    return sizes


@pytest.mark.parametrize(("language", "large_print"), each_once(list(Language), [False, True]))
def test_label_value_and_spelling_are_read_one_after_the_other(
    tmp_path: Path, language: Language, *, large_print: bool
) -> None:
    """Each is a paragraph of its own, and the letters of the password are a list: letter, word."""
    job = replace(JOB, language=language, large_print=large_print)

    aloud = read_aloud(print_letters([LETTER], job, shipped()), tmp_path)

    name, password = (aloud.index(("P", label)) for label in LABELS[language])
    assert aloud[name + 1 : name + 3] == [("P", "ohg-kwtx"), ("P", NAMED[language])]
    assert aloud[password + 1] == ("P", "vpgd-kxwj-rhms")
    signs, words = "vpgdkxwjrhms", SPELLED[language].split()
    assert aloud[password + 2 : password + 14] == [
        ("LBody", f"{sign} {word}") for sign, word in zip(signs, words, strict=True)
    ]


def test_the_words_stand_beneath_their_letters_in_ten_points() -> None:
    """All of them, and none over another."""
    (page,) = read().pages
    spots: dict[str, tuple[float, float]] = {}

    def note(text: str, cm: list[float], tm: list[float], *_: object) -> None:
        spots[text.strip()] = (tm[4] * cm[0] + tm[5] * cm[2] + cm[4], tm[4] * cm[1] + tm[5] * cm[3] + cm[5])

    page.extract_text(visitor_text=note)
    for sign, word in zip("vpgdkxwjrhms", SPELLED[Language.GERMAN].split(), strict=True):
        left = spots[sign][0] - spots[word][0]
        assert -6 < left < 30, f"{word} is {left} points beside {sign}"
        assert 8 < spots[sign][1] - spots[word][1] < 30
        assert points_of(page)[word] == 10


def test_an_operator_may_keep_the_older_words(tmp_path: Path) -> None:
    """As one word in a file; both name and password follow."""
    (tmp_path / "spelling.de.md").write_text("names\n")

    text = text_of(read(folder=tmp_path).pages[0])

    assert "Otto-Heinrich-Gustav, Bindestrich, Kaufmann-Wilhelm-Theodor-Xanthippe" in text
    assert "Viktor" in text
    assert "Völklingen" not in text


@pytest.mark.parametrize("language", Language)
def test_large_print_fills_both_sides_of_a_sheet(language: Language) -> None:
    """Fourteen points at least; the line for the window of the envelope alone is smaller."""
    letters = [LETTER, replace(LETTER, username="ohg-bbbb")]
    pages = read(letters, replace(JOB, language=language, large_print=True)).pages

    assert len(pages) == 4
    for number, (front, back) in enumerate([pages[:2], pages[2:]], start=1):
        words = (
            "Brief {} von 2, Seite {} von 2"
            if language is Language.GERMAN
            else "letter {} of 2, page {} of 2"
        )
        assert words.format(number, 1) in text_of(front)
        assert words.format(number, 2) in text_of(back)
        assert letters[number - 1].username in text_of(front)
        assert "01234" in text_of(front) if language is Language.GERMAN else "1234" in text_of(front)
        assert ("Missbrauch sofort" if language is Language.GERMAN else "Report misuse") in text_of(back)
    small = {text for page in pages for text, points in points_of(page).items() if points < 12}
    assert {text for text in small if "·" not in text} <= {"Germany"}


@pytest.mark.parametrize(
    ("server", "large_print"), each_once(["https://meet.example.org", LONG_SERVER], [True, False])
)
def test_a_telephone_reads_the_code_from_a_poor_picture(
    tmp_path: Path, server: str, *, large_print: bool
) -> None:
    """At a hundred dots an inch, also beside a long name; the code holds the address alone."""
    job = replace(JOB, server=server, large_print=large_print)
    letters = [LETTER, replace(LETTER, username=LONG_NAME)]

    content = print_letters(letters, job, shipped())

    assert read_codes(content, tmp_path, 100) == [server, server]


@pytest.mark.parametrize(("language", "large_print"), each_once(list(Language), [False, True]))
def test_each_letter_has_a_bookmark(language: Language, *, large_print: bool) -> None:
    """It names the letter by its number and its login name, and leads to its first page."""
    letters = [replace(LETTER, username=f"ohg-{each * 4}") for each in "bcdf"]
    reader = read(letters, replace(JOB, language=language, large_print=large_print))
    word = "Brief" if language is Language.GERMAN else "Letter"

    outline = reader.outline

    titles = [str(each["/Title"]) for each in outline if isinstance(each, dict)]
    assert titles == [f"{word} {number}: {letter.username}" for number, letter in enumerate(letters, start=1)]
    places = [reader.get_destination_page_number(each) for each in outline if not isinstance(each, list)]
    assert places == [number * (2 if large_print else 1) for number in range(4)]
