"""Which names staff have, and that nobody reaches their failures through Prosody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authbridge.errors import InputError
from authbridge.login import staff_names, usernames
from authbridge.login.failure_history import SignInStep
from authbridge.login.staff_names import parse_staff_name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        pytest.param("anna", "anna", id="as it is"),
        pytest.param(" Anna.Schmidt ", "anna.schmidt", id="blanks and capitals"),
        pytest.param("a1", "a1", id="two characters"),
        pytest.param("a" * 32, "a" * 32, id="thirty-two"),
        pytest.param("7b_c-d.e", "7b_c-d.e", id="every sort of character"),
    ],
)
def test_a_name_in_its_stored_form(typed: str, name: str) -> None:
    """One form, however it is typed."""
    assert parse_staff_name(typed) == name


@pytest.mark.parametrize(
    "typed", ["", "a", "a" * 33, ".anna", "-anna", "_anna", "an na", "änna", "anna:x", "anna/x", "\0anna"]
)
def test_what_is_no_name_is_not_quoted(typed: str) -> None:
    """It may be a password in the wrong field."""
    with pytest.raises(InputError) as caught:
        parse_staff_name(typed)

    assert str(caught.value).startswith("A staff member's name has 2 to 32")


@given(typed=st.text(), sign_in_step=st.sampled_from(SignInStep), name=st.text(max_size=32))
def test_no_login_name_counts_for_staff(typed: str, sign_in_step: SignInStep, name: str) -> None:
    """What is typed at Prosody never fills the account of a member of staff."""
    assert usernames.normalise_username(typed, host="meet.test") != staff_names.counted_name(
        sign_in_step, name
    )


def test_each_door_counts_for_itself() -> None:
    """Guesses at the code do not lock the password, nor the other way round."""
    assert len(set(staff_names.counted_names("anna"))) == len(SignInStep) == 3
