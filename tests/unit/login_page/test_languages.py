"""How long somebody has to wait, in words that they can go by."""

import pytest
from flask import Flask

from authbridge.login_page import languages


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "in 1 second"),
        (40, "in 40 seconds"),
        (60, "in 60 seconds"),
        (61, "in 2 minutes"),
        (55 * 60, "in 55 minutes"),
        (65 * 60, "in 65 minutes"),
        (119 * 60 + 1, "in 2 hours"),
        (2 * 3600 + 1, "in 3 hours"),
        (24 * 3600, "in 24 hours"),
        (48 * 3600 + 1, "in 3 days"),
    ],
)
def test_nobody_comes_back_too_early(seconds: int, words: str) -> None:
    """A wait is never told as shorter than it is; an account may be closed to strangers for a day."""
    app = Flask(__name__)
    languages.install(app)
    with app.test_request_context("/?language=en"):
        assert languages.in_so_long(seconds) == words
    with app.test_request_context("/?language=de"):
        assert languages.in_so_long(seconds).startswith("in ")
