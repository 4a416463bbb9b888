"""The quick check: it excludes nearly every wrong password, and never the right one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authbridge.login.passwords import Hasher, generate_password
from authbridge.login.quick_checks import LENGTH
from authbridge.login.typed_passwords import parse_password

HASHER = Hasher.with_quick_checks(4, b"k" * 32)
OTHER_KEY = Hasher.with_quick_checks(4, b"o" * 32)
NAME = "ohg-kwtx"
PASSWORD = "vpgd-kxwj-rhms"
STORED = HASHER.hash(PASSWORD, generated=True)
WRONG = [parse_password(generate_password()) for _ in range(5000)]


@pytest.mark.parametrize("typed", [PASSWORD, "VPGDKXWJRHMS", " vpgd kxwj\u2013rhms "])
def test_the_right_password_is_never_excluded(typed: str) -> None:
    """However it is typed, and after each new hash of it."""
    for stored in (STORED, HASHER.hash(PASSWORD, generated=True)):
        assert not HASHER.excludes(parse_password(typed), stored, NAME)
        assert HASHER.matches(parse_password(typed), stored)


@given(st.text(max_size=300))
def test_whatever_is_typed_is_no_error(typed: str) -> None:
    """Too long, empty, or no text at all: what bcrypt finds right is not excluded."""
    password = parse_password(typed)
    assert HASHER.excludes(password, STORED, NAME) <= (not HASHER.matches(password, STORED))


@pytest.mark.parametrize("stored", [STORED, None], ids=["somebody's", "nobody's"])
def test_one_wrong_password_in_256_is_left(stored: object) -> None:
    """For a name of the issued form, whether or not somebody has it."""
    stored = STORED if stored else None
    left = sum(not HASHER.excludes(typed, stored, NAME) for typed in WRONG)
    assert 0 < left < 60  # 19.5 are expected of 5,000; more or fewer: once in 10^8 runs


def test_the_byte_is_of_one_credential_alone() -> None:
    """The same password of another hash has another byte; the database tells no two alike."""
    bytes_seen = {HASHER.hash(PASSWORD, generated=True).quick_check for _ in range(40)}
    assert len(bytes_seen) > 20
    assert {len(each or "") for each in bytes_seen} == {LENGTH}


def test_a_byte_under_another_key_excludes_nothing() -> None:
    """After a restored backup or a new key file bcrypt decides, and the password is to be stored anew."""
    assert not any(OTHER_KEY.excludes(typed, STORED, NAME) for typed in WRONG[:50])
    renewed = OTHER_KEY.renew(parse_password(PASSWORD), STORED)
    assert renewed is not None
    assert (renewed.hash, renewed.generated) == (STORED.hash, True)
    assert not OTHER_KEY.excludes(parse_password(PASSWORD), renewed, NAME)
    assert OTHER_KEY.renew(parse_password(PASSWORD), renewed) is None
    assert HASHER.renew(parse_password(PASSWORD), STORED) is None


@pytest.mark.parametrize("name", ["m.mueller", "anna", "ohg-kwt", "kmz-123456"])
def test_names_of_another_form_are_answered_alike_after_a_reset(name: str) -> None:
    """An imported name keeps its form with its new password; unknown ones of that form are hashed."""
    assert not any(HASHER.excludes(typed, STORED, name) for typed in WRONG[:50])
    assert not any(HASHER.excludes(typed, None, name) for typed in WRONG[:50])


def test_without_a_byte_bcrypt_decides() -> None:
    """Passwords from before are compared, and to be stored anew."""
    before = Hasher(4).hash(PASSWORD, generated=True)
    assert before.quick_check is None
    assert not any(HASHER.excludes(typed, before, NAME) for typed in WRONG[:50])
    assert HASHER.renew(parse_password(PASSWORD), before) is not None


@pytest.mark.parametrize("name", ["frau.b", "ohg-kwt", "ohg-kwtxx", "ohg-aeio", "staff:anna", "OHG-KWTX", ""])
def test_imported_passwords_and_other_names_have_none(name: str) -> None:
    """Imported passwords are weak: the byte would help a thief of both database and key."""
    imported = HASHER.hash(PASSWORD, generated=False)
    assert imported.quick_check is None
    assert HASHER.renew(parse_password(PASSWORD), imported) is None
    for stored in (imported, None):
        assert not any(HASHER.excludes(typed, stored, name) for typed in WRONG[:50])


def test_no_repr_shows_it() -> None:
    """Neither that of a stored password nor that of a hasher, which has the key."""
    assert STORED.quick_check is not None
    assert STORED.quick_check not in repr(STORED)
    assert repr(HASHER) == "Hasher(cost=4)"
