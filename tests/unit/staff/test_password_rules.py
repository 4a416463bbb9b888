"""Which passwords staff may choose."""

import time
from contextlib import suppress

import pytest

from authbridge.errors import InputError
from authbridge.login.passwords import Hasher
from authbridge.login.typed_passwords import parse_password
from authbridge.staff.password_rules import STAFF_COST, hash_staff_password, parse_staff_password

NAME = "anna.schmidt"


def fault(typed: str) -> str:
    """The sentence with which it is refused."""
    with pytest.raises(InputError) as caught:
        parse_staff_password(typed, NAME)
    return caught.value.sentence


@pytest.mark.parametrize(
    "typed",
    [
        "Tulpe Regen Kanu Brot",
        "vpgd-kxwj-rhms",
        "kq7#vRw2!pLx",
        "Übermüdete Öfen küssen Äpfel",
        "🎉 viermal Schokolade im Regal",
        "x9 " * 3 + "Sägewerk am Kanal",
        "qz7wk4vm1xp8rt2nb5hd9fj3lc6gs0qz7wk4vm1xp8rt2nb5hd9fj3lc6gs0abcd",
    ],
)
def test_a_good_password_passes(typed: str) -> None:
    """Blanks, umlauts and length are welcome; digits and capitals are nobody's duty."""
    assert parse_staff_password(typed, NAME) == typed


@pytest.mark.parametrize(
    "typed",
    [
        "Passwort1234",
        "password2024!",
        "qwertzuiop12",
        "authbridge2026",
        "AuthBridge123456",
        "medienzentrum1",
        "kreismedienzentrum2026",
        "Sommer2026!!",
        "Winter2026Winter",
        "Realschule2026",
        "aaaaaaaaaaaaaaaa",
        "123456789012",
        "passwordpassword",
        " " * 12,
        "a" * 64,
        pytest.param("anna.schmidt", id="her name"),
        pytest.param("Anna.Schmidt2026", id="her name and the year"),
        pytest.param("anna.schmidtanna.schmidt", id="her name twice"),
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused(typed: str) -> None:
    """However long it is."""
    assert fault(typed).startswith("This password is too easy to guess.")


def test_every_common_password_is_refused() -> None:
    """Those of the list that are long enough, in any case of letters."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]  # noqa: PLC0415 - no stubs

    common = [each for each in FREQUENCY_LISTS["passwords"] if len(each) >= 12]

    assert len(common) > 200
    for each in common:
        assert fault(each.upper()).startswith("This password is too easy to guess.")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        pytest.param("kq7#vRw2!pL", "at least", id="eleven characters"),
        pytest.param("kq7#vRw2!p\u00ad\u00adL", "at least", id="eleven that count"),
        pytest.param("", "at least", id="nothing"),
        pytest.param("kq7#vRw2" * 8 + "x", "at most", id="65 bytes"),
        pytest.param("ü" * 33, "at most", id="66 bytes"),
        pytest.param("kq7#vRw2" * 10_000, "at most", id="80,000 characters"),
        pytest.param("\u00ad" * 260 + "kq7#vRw2!pLx", "at most", id="nothing, at great length"),
        pytest.param("kq7#vRw2\0pLxy", "a character", id="NUL"),
        pytest.param("kq7#vRw2\npLxy", "a character", id="line break"),
        pytest.param("kq7#vRw2\udcffpLxy", "a character", id="half a character"),
        pytest.param("סיסמה ארוכה מאוד", "a character", id="right to left"),
    ],
)
def test_what_cannot_be_a_password_is_said(typed: str, words: str) -> None:
    """In a sentence that does not quote it."""
    sentence = fault(typed)
    assert words in sentence
    assert not typed or typed not in sentence


@pytest.mark.parametrize("typed", ["4@8({[</369@4$5+71!|" * 3, "aB3$" * 16, "1!l|i" * 12, "a" * 10_000])
def test_no_password_keeps_the_panel_busy(typed: str) -> None:
    """Estimating is bounded, whatever is typed; the limit is generous."""
    started = time.process_time()

    with suppress(InputError):  # either answer will do, late it must not be
        parse_staff_password(typed, NAME)

    assert time.process_time() - started < 5


def test_the_stored_form_is_what_the_sign_in_compares() -> None:
    """After SASLprep: a phone writes the umlaut in another way."""
    stored = hash_staff_password("U\u0308bermu\u0308dete Ofen 7 Kanu", NAME, Hasher(4))

    assert Hasher(4).matches(parse_password("Übermüdete Ofen 7 Kanu"), stored)
    assert not Hasher(4).matches(parse_password("übermüdete Ofen 7 Kanu"), stored)
    assert STAFF_COST == 12
