"""Decodes the bytes of a table: UTF-8, UTF-16 (Excel's "Unicode text") or Windows-1252; pure.

What is neither is refused with its line: a wrong guess would change passwords that nobody sees.
"""

import codecs
import re

from authbridge.errors import ImportFileError, InputError

_LINE_END = re.compile(rb"\r\n|\r|\n")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # xlsx and ods; xls
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")  # a web page that is called .xls or .csv, or a flat ODF
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# Macintosh's own encoding has ä, ö, ü, ß at 8A, 9A, 9F, A7, that of DOS ä, ö, ß at 84, 94, E1, where
# Windows-1252 has signs that hardly stand within a word (but á at E1).  ISO 8859-15 has its € at A4.
_DOUBTFUL = re.compile(rb"\xa4|[A-Za-z][\x84\x8a\x94\x9a\x9f\xa7]+\xe1?[a-z]")
# Where all lines end as on old Macintoshes, one of these is enough.
_DOUBTFUL_ON_MACS = re.compile(rb"[\x80-\xbf]")
# NUL, of which UTF-32 is full, and the mark that programs leave for a letter that they could not read.
_LOST = re.compile("[\0\ufffd]")
# In Windows-1252 these are "Ã¼", "Â§" and "â€ž", which nobody writes: a file of two encodings.
_UTF_8_LETTER = re.compile(rb"[\xc2\xc3][\x80-\xbf]|\xe2\x80[\x80-\xbf]")


def decode(content: bytes) -> tuple[str, str]:
    """Returns the text, and the name of its encoding.

    Raises:
        ImportFileError: It is no text, is damaged, or is in another encoding.
    """
    if content.startswith(_WORKBOOKS) or _MARKUP.match(content):
        fault = InputError("This is a workbook. Please save the table as CSV, and choose that file.")
        raise ImportFileError([(1, fault)])
    text, encoding = _decode(content)
    lost = _LOST.search(text)
    if lost is not None:
        fault = InputError(
            "A letter of this line was lost when the table was saved. Please save it as “CSV UTF-8”."
        )
        raise ImportFileError([(_line_at(text.encode(), len(text[: lost.start()].encode())), fault)])
    return text, encoding


def _decode(content: bytes) -> tuple[str, str]:
    if content.startswith(_UTF_16):
        return content.decode("utf-16", "replace"), "UTF-16"
    if b"\0" in content:
        raise _not_text(content, content.index(b"\0"))
    stop = _first_foreign(content)
    if stop is None:
        return content.decode("utf-8-sig"), "UTF-8"
    if content.startswith(codecs.BOM_UTF8) or _UTF_8_LETTER.search(content):
        raise _not_text(content, stop)
    doubtful = (_DOUBTFUL if b"\n" in content else _DOUBTFUL_ON_MACS).search(content)
    if doubtful is not None:
        raise _not_text(content, doubtful.start())
    stop = _first_foreign(content, "cp1252")
    if stop is not None:
        raise _not_text(content, stop)
    return content.decode("cp1252"), "Windows-1252"


def _first_foreign(content: bytes, encoding: str = "utf-8") -> int | None:
    """Returns the place of the first byte that the encoding does not have."""
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start
    return None


def _not_text(content: bytes, place: int) -> ImportFileError:
    fault = InputError("This is neither UTF-8 nor Windows-1252. Please save the table as “CSV UTF-8”.")
    return ImportFileError([(_line_at(content, place), fault)])


def _line_at(content: bytes, place: int) -> int:
    return len(_LINE_END.findall(content[:place])) + 1
