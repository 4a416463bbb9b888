"""Compares typed text with names: without regard to capitals, and however an umlaut was typed."""

import unicodedata


def folded(text: str) -> str:
    """Returns the text in the form in which two texts are compared."""
    # Some keyboards write an umlaut as two characters.
    return unicodedata.normalize("NFC", text).casefold().strip()
