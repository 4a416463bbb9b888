"""Passwords of which a Prosody's SCRAM key is stored: right, wrong, renewed, never told by the time."""

import hashlib
import hmac
from base64 import b64decode

import bcrypt
import pytest

from authbridge.errors import InputError
from authbridge.login.passwords import Hasher
from authbridge.login.scram_keys import MOST_ITERATIONS, ScramKey
from authbridge.login.typed_passwords import StoredPassword, parse_password

HASHER = Hasher(4)

# The examples of RFC 5802 and RFC 7677: the password “pencil”.
SHA_1 = ScramKey.of_account(
    bytes.fromhex("e9d94660c39d65c38fbad91c358f14da0eef2bd6"), b64decode("QSXCR+Q6sek8bf92"), 4096
)
SHA_256 = ScramKey.of_account(
    b64decode("WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="), b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096
)


def stored(key: ScramKey) -> StoredPassword:
    """The key as an account has it."""
    return StoredPassword(key.as_text(), generated=False)


@pytest.mark.parametrize("key", [SHA_1, SHA_256], ids=["SHA-1", "SHA-256"])
def test_the_right_password_becomes_a_hash_and_stays_right(key: ScramKey) -> None:
    """And no other is right, before or after."""
    renewed = HASHER.renew(parse_password("pencil"), stored(key))

    assert renewed is not None
    assert (renewed.hash[:7], renewed.generated, renewed.quick_check) == ("$2b$04$", False, None)
    for each in (stored(key), renewed):
        assert HASHER.matches(parse_password("pencil"), each)
        assert not any(
            HASHER.matches(parse_password(wrong), each) for wrong in ("Pencil", "pencil ", "", "x" * 99)
        )


def test_right_to_left_letters_are_taken_over() -> None:
    """Prosody matched them, so it will match them again; what staff enter in a table is another matter."""
    salted = hashlib.pbkdf2_hmac("sha1", "שלום".encode(), b"salt", 4096)
    digest = hashlib.sha1(hmac.digest(salted, b"Client Key", "sha1")).digest()  # noqa: S324 - as RFC 5802
    key = ScramKey.of_account(digest, b"salt", 4096)
    typed = parse_password("שלום")

    renewed = HASHER.renew(typed, stored(key))

    assert HASHER.matches(typed, stored(key))
    assert renewed is not None
    assert HASHER.matches(typed, renewed)


@pytest.mark.parametrize("iterations", [1, 4096, 100_000, MOST_ITERATIONS])
def test_a_check_takes_as_long_as_that_of_any_other_name(
    monkeypatch: pytest.MonkeyPatch, iterations: int
) -> None:
    """By a clock that counts rounds of bcrypt; 300 iterations take as long as one."""
    clock = [0.0]

    def check(_password: bytes, hashed: bytes) -> bool:
        clock[0] += 2 ** int(hashed.split(b"$")[2])
        return False

    def is_of(_key: ScramKey, _form: bytes) -> bool:
        clock[0] += iterations / 300
        return False

    monkeypatch.setattr(bcrypt, "checkpw", check)
    monkeypatch.setattr(ScramKey, "is_of", is_of)
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    key = ScramKey.of_account(bytes(20), b"salt", iterations)

    for cost in (10, 12):
        clock[0] = 0.0
        Hasher(cost).matches(parse_password("falsch"), stored(key))
        in_rounds = clock[0]
        clock[0] = 0.0
        Hasher(cost).matches(parse_password("falsch"), None)

        assert abs(in_rounds - clock[0]) <= max(16, iterations / 300 - clock[0] / 2)


@pytest.mark.parametrize(
    ("key", "salt", "iterations"),
    [
        (bytes(19), b"salt", 4096),
        (bytes(64), b"salt", 4096),
        (bytes(20), b"", 4096),
        (bytes(20), bytes(65), 4096),
        (bytes(20), b"salt", 0),
        (bytes(20), b"salt", MOST_ITERATIONS + 1),
    ],
)
def test_what_prosody_does_not_make_is_refused(key: bytes, salt: bytes, iterations: int) -> None:
    """Before anything is stored: a login would wait for it, or fail."""
    with pytest.raises(InputError):
        ScramKey.of_account(key, salt, iterations)


def test_the_longest_key_fits_its_column() -> None:
    """PostgreSQL would refuse it at the worst moment."""
    longest = ScramKey.of_account(bytes(32), bytes(64), MOST_ITERATIONS)

    assert len(longest.as_text()) <= 160
    assert ScramKey.parse(longest.as_text()) == longest
    assert repr(longest) == f"ScramKey(hash_name='sha256', iterations={MOST_ITERATIONS})"
