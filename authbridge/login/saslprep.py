"""Prepares passwords by SASLprep (RFC 4013), as Prosody does before it asks; applied where one is stored.

Unassigned code points pass, as for a query string (RFC 3454 section 7): an emoji is a fair password.
"""

import stringprep
import unicodedata

from authbridge.errors import InputError

_PROHIBITED = (
    stringprep.in_table_c12,  # blanks other than the ASCII one are mapped before; listed by the RFC
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(text: str) -> str:
    """Returns the prepared form.

    Raises:
        InputError: the profile forbids a character, or mixed directions; the error does not quote the text.
    """
    if text.isascii() and text.isprintable():
        return text  # nearly always, and a login waits for it
    mapped = "".join(map(_mapped, text))
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if any(prohibited(char) for char in prepared for prohibited in _PROHIBITED):
        raise InputError("The password holds a character that no password may have.")
    _refuse_mixed_directions(prepared)
    return prepared


def _mapped(char: str) -> str:
    # U+200B stands in both tables; Prosody's libraries make a blank of it.
    if stringprep.in_table_c12(char):
        return " "
    return "" if stringprep.in_table_b1(char) else char


def _refuse_mixed_directions(prepared: str) -> None:
    # RFC 3454 section 6: right-to-left text stands alone and at both ends.
    right_to_left = [stringprep.in_table_d1(char) for char in prepared]
    if not any(right_to_left):
        return
    if any(map(stringprep.in_table_d2, prepared)) or not (right_to_left[0] and right_to_left[-1]):
        raise InputError("The password mixes right-to-left and left-to-right letters.")
