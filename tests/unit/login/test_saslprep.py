"""SASLprep against the examples of RFC 4013 section 3, and what Prosody lets through."""

import pytest

from authbridge.errors import InputError
from authbridge.login.saslprep import saslprep


@pytest.mark.parametrize(
    ("typed", "prepared"),
    [
        pytest.param("I\u00adX", "IX", id="soft hyphen mapped to nothing"),
        pytest.param("user", "user", id="no transformation"),
        pytest.param("USER", "USER", id="case preserved"),
        pytest.param("\u00aa", "a", id="output is NFKC"),
        pytest.param("\u2168", "IX", id="output is NFKC, roman nine"),
        pytest.param("a\u00a0b", "a b", id="no-break space becomes a blank"),
        pytest.param("a\u200bb", "a b", id="so does a zero-width space, as in Prosody"),
        pytest.param("\U0001f600", "\U0001f600", id="unassigned in Unicode 3.2 passes"),
        pytest.param("\u0627\u0031\u0628", "\u0627\u0031\u0628", id="right-to-left at both ends"),
    ],
)
def test_prepared(typed: str, prepared: str) -> None:
    """The mapping is that of the RFC."""
    assert saslprep(typed) == prepared


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("\u0007", id="prohibited character"),
        pytest.param("\u0627\u0031", id="bidirectional check"),
        pytest.param("a\u0627", id="mixed directions"),
        pytest.param("\ue000", id="private use"),
        pytest.param("\0", id="NUL"),
    ],
)
def test_prohibited(typed: str) -> None:
    """What the RFC prohibits raises, and the error does not quote it."""
    with pytest.raises(InputError) as raised:
        saslprep(typed)

    assert typed not in str(raised.value)
