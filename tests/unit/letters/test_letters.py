"""Letters before they are paper: how names are spelled, and what an operator may write."""

from datetime import date
from pathlib import Path

import pytest
import segno

from authbridge.errors import ConfigError
from authbridge.letters import Language, Letter, SpellingTable, read_letterhead, spell
from authbridge.letters.spelling import spell_groups
from authbridge.login.usernames import ALPHABET

DEFAULTS = Path("authbridge/letters/default")
TEXTS = ["sender.de.md", "sender.en.md", "rules.de.md", "rules.en.md", "misuse.de.md", "misuse.en.md"]
XLINK = "http://www.w3.org/1999/xlink"
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="{XLINK}" viewBox="0 0 9 9">{{}}</svg>'


@pytest.fixture(name="folder")
def make_folder(tmp_path: Path) -> Path:
    """An operator's folder with nothing in it."""
    folder = tmp_path / "letters"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("text", "table", "spelled"),
    [
        ("vpgd", SpellingTable.CITIES, "Völklingen-Potsdam-Goslar-Düsseldorf"),
        ("bcfhjk", SpellingTable.CITIES, "Berlin-Chemnitz-Frankfurt-Hamburg-Jena-Köln"),
        ("mnrst", SpellingTable.CITIES, "München-Nürnberg-Rostock-Salzwedel-Tübingen"),
        ("wxq", SpellingTable.CITIES, "Wuppertal-Xanten-Quickborn"),
        ("aeiloyuz", SpellingTable.CITIES, "Aachen-Essen-Ingelheim-Leipzig-Offenbach-Ypsilon-Unna-Zwickau"),
        ("ohg-kw", SpellingTable.NAMES, "Otto-Heinrich-Gustav, Bindestrich, Kaufmann-Wilhelm"),
        ("frau.a_1", SpellingTable.NAMES, "Friedrich-Richard-Anton-Ulrich, Punkt, Anton, Unterstrich, Eins"),
        ("ohg-kwtx", SpellingTable.RADIO, "Oscar-Hotel-Golf, hyphen, Kilo-Whiskey-Tango-Xray"),
        ("x0._", SpellingTable.RADIO, "Xray-Zero, dot, underscore"),
    ],
)
def test_names_are_spelled_as_on_the_telephone(text: str, table: SpellingTable, spelled: str) -> None:
    """German by DIN 5009 of 2022 or of 1996, English in the words of radio."""
    assert spell(text, table) == spelled


def test_each_letter_of_a_password_has_its_word() -> None:
    """Group by group, as it is printed."""
    assert spell_groups("vp-gd", SpellingTable.CITIES) == [
        [("v", "Völklingen"), ("p", "Potsdam")],
        [("g", "Goslar"), ("d", "Düsseldorf")],
    ]


@pytest.mark.parametrize("table", SpellingTable)
def test_what_is_spelled_can_be_written_down_again(table: SpellingTable) -> None:
    """No two signs of a login name are spelled alike, and every letter's word begins with that letter."""
    signs = "abcdefghijklmnopqrstuvwxyz0123456789-._"
    words = [spell(sign, table) for sign in signs]

    assert len(set(words)) == len(signs)
    assert all(len(word) > 1 for word in words)
    assert all(spell(letter, table).lower().startswith(letter) for letter in ALPHABET)


def test_a_letter_does_not_show_its_password() -> None:
    """Neither in a log nor in a traceback."""
    letter = Letter("OHG", ("Musterstadt",), "ohg-kwtx", "vpgd-kxwj-rhms", date(2027, 7, 31))

    assert "vpgd" not in repr(letter)


def test_letters_can_be_printed_before_anything_is_set_up() -> None:
    """The texts that ship are whole in both languages."""
    letterhead = read_letterhead(None)

    assert letterhead.texts.keys() == set(Language)
    assert (letterhead.terms.number, letterhead.terms.dated_on) == (1, date(2026, 9, 1))
    assert letterhead.logo is None


@pytest.mark.parametrize(
    ("word", "table"), [("names", SpellingTable.NAMES), ("cities\n", SpellingTable.CITIES)]
)
def test_the_operator_chooses_how_german_letters_spell(folder: Path, word: str, table: SpellingTable) -> None:
    """By cities unless the operator says otherwise; English letters spell as on the radio."""
    assert read_letterhead(None).texts[Language.GERMAN].spelling is SpellingTable.CITIES
    (folder / "spelling.de.md").write_text(word)

    texts = read_letterhead(folder).texts

    assert texts[Language.GERMAN].spelling is table
    assert texts[Language.ENGLISH].spelling is SpellingTable.RADIO


def test_the_rules_say_who_logs_a_device_out() -> None:
    """A call does it; nobody has to find the settings of a browser."""
    german, english = (read_letterhead(None).texts[language].rules for language in Language)

    assert "Rufen Sie uns an, wir melden das Gerät ab." in german
    assert "call us, we log the device out." in english
    assert "cache" not in f"{german}{english}".lower()


def test_every_file_that_ships_is_explained() -> None:
    """The operator reads in one place what each is for."""
    readme = (DEFAULTS / "README.md").read_text()

    assert all(f"`{path.name}`" in readme for path in DEFAULTS.iterdir() if path.name != "README.md")


def test_the_operators_files_take_the_place_of_those_that_ship(folder: Path) -> None:
    """One by one, at once, and as most editors save them."""
    (folder / "sender.de.md").write_text(
        "\ufeff# KMZ Nord\r\n\r\nWeg 1\r\n24937 Ort\r\n\r\nTelefon 0461 1\r\n"
    )
    before = read_letterhead(folder)
    (folder / "terms_version.md").write_text("2, 2027-02-01\n")
    after = read_letterhead(folder)

    sender = after.texts[Language.GERMAN].sender
    assert (sender.name, sender.address) == ("KMZ Nord", ("Weg 1", "24937 Ort"))
    assert "Telefon 0461 1" in sender.contact
    assert (before.terms.number, after.terms.number) == (1, 2)
    assert after.terms.dated_on == date(2027, 2, 1)
    assert after.texts[Language.ENGLISH] == read_letterhead(None).texts[Language.ENGLISH]


def test_html_is_printed_as_it_was_typed(folder: Path) -> None:
    """An operator cannot break a letter, nor can whoever sent the operator a text."""
    (folder / "rules.de.md").write_text(
        "# <b>Regeln</b>\n<script>alert(1)</script> <img src=x> & *so* ![x](file:///etc/passwd)\n"
    )

    rules = read_letterhead(folder).texts[Language.GERMAN].rules

    assert "&lt;b&gt;Regeln&lt;/b&gt;" in rules
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &lt;img src=x&gt; &amp; <em>so</em>" in rules
    assert "![x](file:///etc/passwd)" in rules


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("rules.de.md", "Keine Überschrift\n", "first line", id="no heading"),
        pytest.param("rules.de.md", "", "first line", id="empty"),
        pytest.param("rules.de.md", "# Regeln\n", "beneath", id="heading only"),
        pytest.param("misuse.en.md", "# A\n\nx\n\n# B\n", "line 5 holds a second heading", id="two headings"),
        pytest.param("rules.en.md", "# A\n\n<https://example.org>\n", "line 3 holds a link", id="link"),
        pytest.param(
            "rules.en.md", "# A\n\n[x](https://example.org)\n", "line 3 holds a link", id="named link"
        ),
        pytest.param("rules.de.md", "# A\n\n![x](../x.png)\n", "holds a picture", id="outside"),
        pytest.param(
            "rules.de.md", "# ![x](http://127.0.0.1/)\n\nx\n", "holds a picture", id="in the heading"
        ),
        pytest.param("rules.de.md", "# A\n\n    code\n", "line 3 holds something", id="code"),
        pytest.param("sender.de.md", "# Name\n", "postal address", id="no address"),
        pytest.param("sender.de.md", "# Name\n\n- a\n", "postal address", id="address as a list"),
        pytest.param("terms_version.md", "1, 2026-09-01\n2\n", "one line", id="two lines"),
        pytest.param("terms_version.md", "\n", "one line", id="no line"),
        pytest.param("terms_version.md", "Stand 2", "such as 3, 2026-09-01", id="no number"),
        pytest.param("terms_version.md", "0, 2026-09-01", "such as 3, 2026-09-01", id="number 0"),
        pytest.param("terms_version.md", "2, 2026-02-30", "and holds “2, 2026-02-30”", id="no day"),
        pytest.param("terms_of_use.de.md", "# Regeln\n\nText\n", "terms_version.md", id="no version"),
        pytest.param("information.en.md", "Text without a heading\n", "heading", id="no heading"),
        pytest.param("information.de.md", "# A\n\n![x](y)\n", "line 3 holds a picture", id="a picture"),
        pytest.param("information.de.md", "# A\n\n" + "x" * 33_000, "32 KiB", id="too long"),
        pytest.param("spelling.de.md", "Städte\n", "cities or names, and says “Städte”", id="no table"),
        pytest.param("spelling.de.md", "radio\n", "cities or names", id="no German table"),
        pytest.param("terms_version.md", "x" * 9000, "8 KiB", id="a wrong file"),
        pytest.param("logo.svg", "<svg", "no picture", id="broken logo"),
        pytest.param("logo.png", "PNG", "no picture", id="not a PNG"),
    ],
)
def test_a_fault_is_told_with_the_file_and_the_reason(
    folder: Path, name: str, content: str, words: str
) -> None:
    """The operator knows where to look, and finds out before credentials are made."""
    (folder / name).write_text(content)

    with pytest.raises(ConfigError) as raised:
        read_letterhead(folder)

    assert str(folder / name) in str(raised.value)
    assert words in str(raised.value)


def test_a_file_that_is_not_utf8_is_told(folder: Path) -> None:
    """As some editors save umlauts."""
    (folder / "information.de.md").write_bytes("März".encode("latin-1"))

    with pytest.raises(ConfigError, match=r"information.de.md: .* UTF-8"):
        read_letterhead(folder)


@pytest.mark.parametrize("name", TEXTS)
def test_what_would_not_fit_is_told_beforehand(folder: Path, name: str) -> None:
    """Never a second page, and never one text over another."""
    heading, *rest = (DEFAULTS / name).read_text().splitlines(keepends=True)
    (folder / name).write_text("".join([heading, *rest, *rest, *rest]))

    with pytest.raises(ConfigError, match=f"{name}: this is too long"):
        read_letterhead(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sender.de.md", "# " + "Medienzentrum " * 40 + "\n\nWeg 1\n"),
        ("sender.de.md", "# Name\n\n" + "Sehr lange Straße " * 20),
        ("rules.de.md", "# " + "Regeln " * 200 + "\n\nx"),
    ],
)
def test_one_long_line_is_too_long_as_well(folder: Path, name: str, content: str) -> None:
    """Lines are counted as they are printed."""
    (folder / name).write_text(content)

    with pytest.raises(ConfigError, match=f"{name}: this is too long"):
        read_letterhead(folder)


@pytest.mark.parametrize("name", ["rules.de.md", "terms_version.md", "logo.svg", "logo.png"])
def test_no_link_leads_out_of_the_folder(folder: Path, name: str) -> None:
    """What a link points to would be printed and posted."""
    secret = folder.parent / "secret"
    secret.write_text("# Geheim\n\nx\n")
    (folder / name).symlink_to(secret)

    with pytest.raises(ConfigError, match=f"{name}: this points to a file outside"):
        read_letterhead(folder)


def test_a_link_within_the_folder_and_to_it_is_followed(folder: Path) -> None:
    """As operators do who keep versions."""
    (folder / "terms-2.md").write_text("2, 2027-02-01\n")
    (folder / "terms_version.md").symlink_to("terms-2.md")
    (folder.parent / "current").symlink_to(folder)

    assert read_letterhead(folder.parent / "current").terms.number == 2


def test_a_broken_link_is_told(folder: Path) -> None:
    """It is not taken for a file that was left out."""
    (folder / "terms_version.md").symlink_to("terms-3.md")

    with pytest.raises(ConfigError, match=r"terms_version.md: this cannot be read: No such file"):
        read_letterhead(folder)


def test_a_missing_folder_is_told(folder: Path) -> None:
    """A mistyped setting does not print the texts of nobody's media centre."""
    with pytest.raises(ConfigError, match="no such folder"):
        read_letterhead(folder / "nowhere")


@pytest.mark.parametrize(
    "inside",
    [
        '<image xlink:href="file:///etc/passwd" width="9" height="9"/>',
        '<image href="http://127.0.0.1:9/logo.png" width="9" height="9"/>',
        '<image href="../logo.png" width="9" height="9"/>',
        '<image href="logo.png" width="9" height="9"/>',
        "<style>@import url(file:///etc/passwd);</style><rect width='9' height='9'/>",
        "<style>@import url(../styles.css);</style><rect width='9' height='9'/>",
        "<style>@font-face { font-family: x; src: url(file:///etc/passwd) }</style><text>a</text>",
    ],
)
def test_a_logo_that_refers_to_anything_else_is_refused(folder: Path, inside: str) -> None:
    """Nothing is fetched, neither from this machine nor from another, and the operator is told."""
    (folder.parent / "logo.png").write_bytes(b"")
    (folder / "logo.svg").write_text(SVG.format(inside))

    with pytest.raises(ConfigError, match=r"logo.svg: "):
        read_letterhead(folder)


def test_a_logo_may_hold_a_picture_in_itself(folder: Path) -> None:
    """As drawing programs save it."""
    pixel = segno.make("x").png_data_uri()
    (folder / "logo.svg").write_text(SVG.format(f'<image href="{pixel}" width="9" height="9"/>'))

    assert read_letterhead(folder).logo is not None
