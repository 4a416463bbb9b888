"""Reads a CSV file of existing credentials: columns ``school``, ``username``, ``password``.

Comma or semicolon, UTF-8 with or without byte-order mark, as spreadsheet programs write it.  Every fault is
reported with its line, and none quotes a password.
"""

import csv
import io
from collections.abc import Iterator

from authbridge.errors import ImportFileError, InputError
from authbridge.login.passwords import Hasher
from authbridge.login.usernames import parse_school_code, parse_username
from authbridge.schools.commands.imports import ImportedCredential

_COLUMNS = ("school", "username", "password")
_MAX_BYTES = 1024 * 1024
_MAX_LINES = 5000  # at about 60 ms a hash: five minutes


def parse_credentials(content: bytes, hasher: Hasher) -> list[ImportedCredential]:
    """Reads the credentials of the file and hashes them (one hash a line).

    Raises:
        ImportFileError: The file has faults.
    """
    faults: list[tuple[int, str]] = []
    seen: dict[str, int] = {}
    credentials = []
    for line, row in _rows(_decode(content)):
        try:
            credential = _parse_row(line, row, hasher)
        except InputError as error:
            faults.append((line, str(error)))
            continue
        if credential.username in seen:
            first = seen[credential.username]
            faults.append((line, f"“{credential.username}” stands in line {first} already"))
        seen.setdefault(credential.username, line)
        credentials.append(credential)
    if faults:
        raise ImportFileError(faults)
    return credentials


def _decode(content: bytes) -> str:
    if len(content) > _MAX_BYTES or content.count(b"\n") > _MAX_LINES:
        raise ImportFileError(
            [(1, f"the file is too long: at most {_MAX_LINES} lines and 1 MiB; please split it")]
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ImportFileError(
            [(line, "this is not UTF-8; please save the table as “CSV UTF-8”")]
        ) from None  # the cause quotes the file


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    heading = text.partition("\n")[0]
    delimiter = ";" if heading.count(";") > heading.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [column.strip().casefold() for column in next(reader, [])]
        if sorted(columns) != sorted(_COLUMNS):
            raise ImportFileError(
                [(1, f"the heading must name the columns {', '.join(_COLUMNS)}, and no others")]
            )
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            if len(fields) != len(_COLUMNS):
                raise ImportFileError(
                    [(reader.line_num, f"there are {len(fields)} fields instead of {len(_COLUMNS)}")]
                )
            yield reader.line_num, dict(zip(columns, fields, strict=True))
    except csv.Error:
        raise ImportFileError([(reader.line_num, "the quotation marks do not match")]) from None


def _parse_row(line: int, row: dict[str, str], hasher: Hasher) -> ImportedCredential:
    school, username = parse_school_code(row["school"]), parse_username(row["username"])
    try:
        stored = hasher.hash(row["password"], generated=False)
    except InputError as error:
        raise InputError(f"the password of “{username}” cannot be used: {error}") from None
    return ImportedCredential(line, school, username, stored)
