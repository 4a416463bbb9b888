"""The keys that derive from the one secret, and the digests under them."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authbridge.keys import KeyPurpose, derive_key, join, keyed_digest

SECRET = b"k" * 32


def test_every_purpose_has_a_key_of_its_own() -> None:
    """None of them is the secret itself, and another secret gives other keys."""
    keys = [derive_key(secret, purpose) for secret in (SECRET, b"l" * 32) for purpose in KeyPurpose]

    assert len({SECRET, *keys}) == 1 + 2 * len(KeyPurpose)
    assert {len(key) for key in keys} == {32}


@pytest.mark.parametrize("purpose", KeyPurpose)
def test_keys_derive_by_rfc_5869(purpose: KeyPurpose) -> None:
    """One step of extract (no salt) and one of expand, so that any other program can derive them."""
    extracted = hmac.digest(b"\0" * 32, SECRET, hashlib.sha256)
    expanded = hmac.digest(extracted, b"authbridge " + purpose.encode() + b"\1", hashlib.sha256)

    assert derive_key(SECRET, purpose) == expanded


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_no_two_lists_of_parts_are_joined_to_the_same(first: list[str], second: list[str]) -> None:
    """Where one part ends and the next begins is part of the message."""
    assert (join(*first) == join(*second)) == (first == second)
    assert (keyed_digest(SECRET, *first) == keyed_digest(SECRET, *second)) == (first == second)
