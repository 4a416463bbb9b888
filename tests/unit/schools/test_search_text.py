"""Typed text is compared with names as people hear and paste them, and names are sorted as people do."""

import pytest

from authbridge.schools.search_text import fold, in_order_of, parse_wanted, without_domain


@pytest.mark.parametrize(
    ("typed", "words", "whole"),
    [
        ("Otto-Hahn", ("otto", "hahn"), "ottohahn"),
        ("  Otto   Hahn ", ("otto", "hahn"), "ottohahn"),
        ("„Otto—Hahn“", ("otto", "hahn"), "ottohahn"),
        ("Heilbronn, (Neckar)", ("heilbronn", "neckar"), "heilbronnneckar"),
        ("d’Arc", ("darc",), "darc"),
        ("STRAẞE", ("strasse",), "strasse"),
        ("Größe", ("groesse",), "groesse"),
        ("mu\u0308ller", ("mueller",), "mueller"),
        ("Élan", ("elan",), "elan"),
        ("frau.a", ("frau.a",), "frau.a"),
        ("---", (), ""),
        ("'“”", (), ""),
        ("\u00ad\u200b", (), ""),
    ],
)
def test_the_words_of_a_search(typed: str, words: tuple[str, ...], whole: str) -> None:
    """Blanks, dashes and quotation marks part words or vanish; accents and capitals do not count."""
    wanted = parse_wanted(typed)
    assert (wanted.words, wanted.whole) == (words, whole)


def test_a_pasted_page_is_no_endless_search() -> None:
    """The first words count."""
    assert len(parse_wanted("wort " * 40).words) == 8


@pytest.mark.parametrize(
    ("typed", "missing"),
    [
        ("hahn otto", ()),
        ("ottohahn", ()),
        ("hahngym", ()),
        ("ottogym", ("ottogym",)),
        ("otto bonn", ("bonn",)),
        ("Muller", ("muller",)),
    ],
)
def test_what_a_name_does_not_have(typed: str, missing: tuple[str, ...]) -> None:
    """Words in any order; without blanks, one after the other from the start of a word."""
    assert parse_wanted(typed).missing_in(fold("Otto-Hahn-Gymnasium")) == missing


@pytest.mark.parametrize(
    ("typed", "name", "is_found"),
    [
        ("Müller", "Müller", True),
        ("Mueller", "Müller", True),
        ("Muller", "Müller", True),
        ("Müller", "Mueller", True),
        ("Müller", "Muller", False),
    ],
)
def test_an_umlaut_has_three_spellings(typed: str, name: str, *, is_found: bool) -> None:
    """Dots are forgiven to those who type none; those that were typed are meant."""
    assert (parse_wanted(typed).missing_in(fold(name)) == ()) is is_found


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ohg-kwtx@meet.test", "ohg-kwtx"),
        (" OHG-KWTX@Meet.Test ", "OHG-KWTX"),
        ("ohg-kwtx@meet.test\ufeff", "ohg-kwtx"),
        ("ohg-kwtx@other.test", "ohg-kwtx@other.test"),
        ("@meet.test", ""),
        ("ohg-kwtx", "ohg-kwtx"),
    ],
)
def test_our_own_domain_goes(typed: str, expected: str) -> None:
    """As at a login."""
    assert without_domain(typed, "meet.test") == expected


def test_names_stand_as_people_sort_them() -> None:
    """Umlauts as their letter, numbers by their value, capitals and hyphens disregarded."""
    expected = [
        "9",
        "Anna",
        "Äpfel",
        "Öttingen 1",
        "otto-Hahn",
        "Otto-Schule",
        "Schule 1",
        "Schule 2",
        "Schule 10",
    ]
    assert sorted(set(expected), key=in_order_of) == expected
