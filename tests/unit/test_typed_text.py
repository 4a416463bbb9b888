"""What people type or paste is read as they see it; a day is a day of the calendar, or refused."""

from datetime import date

import pytest

from authbridge.errors import InputError
from authbridge.typed_text import drop_invisible, parse_day, parse_line

SEEN = "Otto-Hahn-Gymnasium"


@pytest.mark.parametrize(
    "invisible", ["\u00ad", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u200e", "\u202d"]
)
def test_what_nobody_sees_is_dropped(invisible: str) -> None:
    """A name that was pasted with it is the name that was seen; nothing of what is seen is lost."""
    assert drop_invisible(f"{invisible}Otto-Hahn-Gym{invisible}nasium{invisible}") == SEEN
    assert parse_line(f" {invisible} Otto-Hahn-Gym{invisible}nasium") == SEEN


@pytest.mark.parametrize(
    "text", [SEEN, "Käthe-Müller-Schule Große Straße d’Arc", "u\u0308", "العربية", "学校", "🏫"]
)
def test_what_is_seen_stays(text: str) -> None:
    """Letters of every script stay, accents typed apart from their letter too."""
    assert parse_line(text) == text


def test_blanks_of_every_sort_are_one_blank() -> None:
    """A line break, a tabulator or a no-break space from a website is a blank."""
    assert parse_line("\tOtto\u00a0Hahn\r\n Gymnasium ") == "Otto Hahn Gymnasium"


@pytest.mark.parametrize("text", ["a\x00b", "a\x07b", "a\x1b[1m", "\ue000", "\ud800"])
def test_what_cannot_be_printed_has_a_sentence_of_its_own(text: str) -> None:
    """The sentence does not speak of the length."""
    with pytest.raises(InputError, match="cannot be printed"):
        parse_line(text)


@pytest.mark.parametrize(
    "typed",
    [
        "31.07.2028",
        "31.7.2028",
        "2028-07-31",
        "2028-7-31",
        " 31. 7. 2028 ",
        "31.07.2028\n",
        "\ufeff31.07.\u00ad2028",
    ],
)
def test_a_day_is_understood_however_it_is_written(typed: str) -> None:
    """German and ISO, with or without zeros and blanks, typed or pasted."""
    assert parse_day(typed) == date(2028, 7, 31)


@pytest.mark.parametrize(
    "typed", ["31.06.2027", "29.02.2027", "2027-02-29", "0.7.2027", "1.13.2027", "0000-00-00"]
)
def test_a_day_that_is_in_no_calendar_is_named(typed: str) -> None:
    """The sentence repeats the day, so that the slip is seen."""
    with pytest.raises(InputError, match=f"no {typed} in the calendar"):
        parse_day(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "31.07.",
        "31.07.20",
        "31.07.202",
        "07.2028",
        "31072028",
        "31/07/2028",
        "tomorrow",
        "٣١.٠٧.٢٠٢٨",
    ],
)
def test_half_a_day_is_refused(typed: str) -> None:
    """Nothing is guessed; the sentence shows how a day is written."""
    with pytest.raises(InputError, match=r"31\.07\.2028 or 2028-07-31"):
        parse_day(typed)


def test_the_sentences_own_examples_are_understood() -> None:
    """Both spellings that the sentence names are days."""
    with pytest.raises(InputError) as raised:
        parse_day("?")
    words = [word.strip(".") for word in str(raised.value).split() if word[0].isdigit()]
    assert [parse_day(word) for word in words] == 2 * [date(2028, 7, 31)]
