"""Login names and school codes."""

import re

import pytest

from authbridge.errors import InputError
from authbridge.login.usernames import (
    SchoolCode,
    draw_username,
    is_issued_form,
    parse_school_code,
    parse_username,
)


def test_a_drawn_name_is_of_its_school_and_of_nobody_in_particular() -> None:
    """The school's code and four letters, different each time."""
    names = {draw_username(SchoolCode("ohg")) for _ in range(200)}

    assert all(re.fullmatch(r"ohg-[bcdfghjkmnprstvwx]{4}", name) for name in names)
    assert len(names) > 150
    assert all(is_issued_form(name) for name in names)
    many = {draw_username(SchoolCode("ohg")).removeprefix("ohg-") for _ in range(2000)}
    assert not [name for name in many if "rn" in name or "vv" in name or re.search(r"(.)\1\1", name)]


@pytest.mark.parametrize("name", ["ohg-kqtx", "ohg-qqqq", "q1-bcdf"])
def test_a_name_with_a_q_has_the_issued_form(name: str) -> None:
    """Older ones have a q, and unknown names that look like them are answered like them."""
    assert is_issued_form(name)


@pytest.mark.parametrize("typed", ["ohg-kwtx", " OHG-kwtx ", "a.b_c-9", "x" * 64])
def test_names_that_can_be(typed: str) -> None:
    """Blanks around it and capitals do not matter."""
    assert parse_username(typed) == typed.strip().lower()


@pytest.mark.parametrize(
    "typed", ["", "a", "x" * 65, "mueller@example.org", "müller", "a b", "a/b", f"t-{'0' * 24}"]
)
def test_names_that_cannot_be(typed: str) -> None:
    """What XMPP clients mangle is no login name; the error does not quote what may be a password."""
    with pytest.raises(InputError) as raised:
        parse_username(typed)

    assert len(typed) < 3 or typed not in str(raised.value)


@pytest.mark.parametrize("typed", ["o", "toolong", "o-g", "ö1", ""])
def test_codes_that_cannot_be(typed: str) -> None:
    """A school's code has 2 to 6 letters or digits."""
    with pytest.raises(InputError):
        parse_school_code(typed)
