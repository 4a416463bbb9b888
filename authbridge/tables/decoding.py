"""Decodes the bytes of a table: UTF-8, UTF-16 (Excel's "Unicode text") or Windows-1252; pure.

What is neither is refused with its line: a wrong guess would change passwords that nobody sees.
"""

import codecs
import re

from authbridge.errors import ImportFileError, InputError

_LINE_END = re.compile(rb"\r\n|\r|\n")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # xlsx and ods; xls
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# Macintosh's own encoding has its umlauts and ß there, where Windows-1252 has other signs.
_DOUBTFUL_ON_MACS = re.compile(rb"[\x80-\xbf]")
# In Windows-1252 these are "Ã¼", "Â§" and "â€ž", which nobody writes: a file of two encodings.
_UTF_8_LETTER = re.compile(rb"[\xc2\xc3][\x80-\xbf]|\xe2\x80[\x80-\xbf]")


def decode(content: bytes) -> tuple[str, str]:
    """Returns the text, and the name of its encoding.

    Raises:
        ImportFileError: It is no text, or in another encoding.
    """
    if content.startswith(_WORKBOOKS):
        raise ImportFileError(
            [(1, InputError("This is a workbook. Please save the table as CSV, and choose that file."))]
        )
    if content.startswith(_UTF_16):
        return _decode_as("utf-16", content), "UTF-16"
    if b"\0" in content:
        raise _not_text(content, content.index(b"\0"))
    stop = _first_foreign(content)
    if stop is None:
        return content.decode("utf-8-sig"), "UTF-8"
    if content.startswith(codecs.BOM_UTF8) or _UTF_8_LETTER.search(content):
        raise _not_text(content, stop)
    doubtful = None if b"\n" in content else _DOUBTFUL_ON_MACS.search(content)
    if doubtful is not None:
        raise _not_text(content, doubtful.start())
    return _decode_as("cp1252", content), "Windows-1252"


def _decode_as(encoding: str, content: bytes) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        fault = _not_text(content, error.start)
    raise fault  # outside the handler, for the cause would quote the file


def _first_foreign(content: bytes) -> int | None:
    """Returns the place of the first byte that is not UTF-8."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return None


def _not_text(content: bytes, place: int) -> ImportFileError:
    fault = InputError("This is neither UTF-8 nor Windows-1252. Please save the table as “CSV UTF-8”.")
    return ImportFileError([(_line_at(content, place), fault)])


def _line_at(content: bytes, place: int) -> int:
    return len(_LINE_END.findall(content[:place])) + 1
