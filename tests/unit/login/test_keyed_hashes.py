"""What is kept of names and passwords: enough to compare, too little to read."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.typed_passwords import parse_password
from tests.support.fakes import MORNING

NAME, PASSWORD = "ohg-kwtx", "vpgd-kxwj-rhms"
KEYED_HASHES = KeyedHashes(b"k" * 32)
PASSWORDS = [f"guess {number}" for number in range(5000)]


def fingerprint(
    password: str, *, name: str = NAME, at: datetime = MORNING, keyed_hashes: KeyedHashes = KEYED_HASHES
) -> int:
    """The fingerprint under the key of that day."""
    return keyed_hashes.fingerprints(name, parse_password(password), at)[at.date()]


def test_a_fingerprint_has_twelve_bits() -> None:
    """Some hundred passwords can be told apart, but one in 4,096 fits anybody's fingerprint."""
    found = {fingerprint(password) for password in PASSWORDS}

    assert min(found) >= 0
    assert 2**11 < max(found) < 2**12
    assert 2500 < len(found) <= 2**12  # 5,000 draws leave about 2,890 of them hit


@pytest.mark.parametrize(
    ("at", "days"),
    [
        pytest.param(
            datetime(2026, 11, 20, 0, 0, tzinfo=UTC),
            {date(2026, 11, 20), date(2026, 11, 19)},
            id="first moment",
        ),
        pytest.param(
            datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC),
            {date(2026, 11, 20), date(2026, 11, 19)},
            id="last second",
        ),
        pytest.param(
            datetime(2027, 1, 1, 8, 0, tzinfo=UTC), {date(2027, 1, 1), date(2026, 12, 31)}, id="new year"
        ),
    ],
)
def test_the_days_whose_keys_still_match(at: datetime, days: set[date]) -> None:
    """Today's and yesterday's, and no other."""
    assert set(KEYED_HASHES.fingerprints(NAME, parse_password(PASSWORD), at)) == days


def test_yesterdays_fingerprint_is_found_again_today() -> None:
    """A wrong password of 23:59 is still known at 0:01."""
    tomorrow = MORNING + timedelta(days=1)

    assert KEYED_HASHES.fingerprints(NAME, parse_password(PASSWORD), tomorrow)[MORNING.date()] == fingerprint(
        PASSWORD
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(partial(fingerprint, at=MORNING + timedelta(days=1)), id="another day"),
        pytest.param(partial(fingerprint, name="ohg-zzzz"), id="another name"),
        pytest.param(partial(fingerprint, keyed_hashes=KeyedHashes(b"l" * 32)), id="another secret"),
    ],
)
def test_fingerprints_under_different_keys_have_nothing_in_common(other: Callable[[str], int]) -> None:
    """Equal ones are no more than chance: 1.2 of 5,000."""
    same = sum(fingerprint(each) == other(each) for each in PASSWORDS)

    assert same < 10


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(KEYED_HASHES.name("ab"), KEYED_HASHES.name("ba"), id="another name"),
        pytest.param(KEYED_HASHES.name("ab"), KEYED_HASHES.pair("ab", ""), id="another purpose"),
        pytest.param(KEYED_HASHES.pair("ab", "c"), KEYED_HASHES.pair("a", "bc"), id="parts cut elsewhere"),
        pytest.param(KEYED_HASHES.pair("a", "b"), KEYED_HASHES.pair("b", "a"), id="parts exchanged"),
        pytest.param(KEYED_HASHES.name("ab"), KeyedHashes(b"l" * 32).name("ab"), id="another secret"),
    ],
)
def test_traces_of_different_things_differ(first: str, second: str) -> None:
    """No trace stands for two things."""
    assert first != second


def test_traces_are_the_same_on_all_services() -> None:
    """The secret key file alone decides."""
    other = KeyedHashes(b"k" * 32)

    assert other.name(NAME) == KEYED_HASHES.name(NAME)
    assert other.pair(NAME, "192.0.2.80") == KEYED_HASHES.pair(NAME, "192.0.2.80")
    assert fingerprint(PASSWORD, keyed_hashes=other) == fingerprint(PASSWORD)


def test_nothing_can_be_read_from_a_trace() -> None:
    """Hexadecimal digits of a keyed hash; neither name nor key is in them or in what shows the object."""
    shown = f"{KEYED_HASHES!r} {KEYED_HASHES.name(NAME)} {KEYED_HASHES.pair(NAME, '192.0.2.80')}"

    assert not any(secret in shown for secret in (NAME, "192.0.2.80", "kkkk"))
    assert len(KEYED_HASHES.name(NAME)) == len(KEYED_HASHES.pair(NAME, "192.0.2.80")) == 32


@pytest.mark.parametrize("typed", ["", "\0", "ohg-\udcff", "x" * 100_000])
def test_whatever_is_typed_has_a_trace(typed: str) -> None:
    """Nothing that reaches us is too odd to be counted."""
    assert len(KEYED_HASHES.name(typed)) == 32
    assert 0 <= fingerprint(typed, name=typed) < 2**12
