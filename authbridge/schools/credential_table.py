"""Reads a table of existing credentials: the columns school, login name, password, and valid until.

Every fault is reported with its line, and none quotes a password.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from authbridge.errors import ImportFileError, InputError
from authbridge.login.passwords import Hasher
from authbridge.login.typed_passwords import form_of_chosen
from authbridge.login.usernames import Username, parse_username
from authbridge.schools.commands.imports import ImportedCredential
from authbridge.tables import TableFile, TableRow, column, is_guarded, read_table, require_value, unguard
from authbridge.typed_text import parse_day, parse_line

_COLUMNS = (
    column(
        "school",
        "school (Schule)",
        *("schule", "code", "short code", "school code", "kürzel", "kuerzel", "schulkürzel", "schulkuerzel"),
        required=True,
    ),
    column(
        "username",
        "username (Anmeldename)",
        *("login name", "login", "user", "anmeldename", "benutzername", "benutzer", "nutzername"),
        required=True,
    ),
    column("password", "password (Passwort)", "passwort", "kennwort", required=True),
    column("valid_until", "valid until (Gültig bis)", "gültig bis", "gueltig bis"),
    column("state", "state (Zustand)", "zustand", is_read=False),
    column("last_login", "last login (Letzte Anmeldung)", "letzte anmeldung", is_read=False),
)
_NO_END = {"", "-", "–", "no end", "ohne ende"}

# What a spreadsheet makes of a long number, and of 1e11: 1,23457E+11.
_SHORTENED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE][+-][0-9]+")
_TRUTH_VALUES = {"TRUE", "FALSE", "WAHR", "FALSCH"}


@dataclass(frozen=True, slots=True)
class TypedCredential:
    """A line of a table with existing credentials; ``school`` is a code, or a name, as typed."""

    line: int
    school: str
    username: Username
    password: str = field(repr=False)
    valid_until: date | None = None

    def hashed(self, hasher: Hasher) -> ImportedCredential:
        """Returns the line with the password as it is stored; takes one hash."""
        stored = hasher.hash(self.password, generated=False)
        return ImportedCredential(self.line, self.school, self.username, stored, self.valid_until)


@dataclass(frozen=True, slots=True)
class CredentialTable:
    """A table with existing credentials, checked without the database."""

    file: TableFile
    credentials: Sequence[TypedCredential]


def read_credentials(content: bytes, *, today: date) -> CredentialTable:
    """Reads the credentials of a table.

    Raises:
        ImportFileError: The table has faults.
    """
    file = read_table(content, _COLUMNS, holds_secrets=True)
    faults: list[tuple[int, InputError]] = []
    firsts: dict[Username, int] = {}
    rows = []
    for row in file.rows:
        values = _parse(row, today, faults)
        username = values.get("username")
        if username is None:
            continue
        first = firsts.setdefault(username, row.line)
        if first != row.line:
            fault = InputError("This login name stands in line %(first)s already.", first=first)
            faults.append((row.line, fault))
        rows.append((row.line, values))
    if faults:
        raise ImportFileError(faults)
    return CredentialTable(file, [TypedCredential(line, **values) for line, values in rows])


def _parse(row: TableRow, today: date, faults: list[tuple[int, InputError]]) -> dict[str, Any]:
    """Returns the values of a row by the names of the columns; notes a fault for each cell that has one."""
    parsers: Mapping[str, Callable[[str], object]] = {
        "school": _parse_school,
        "username": lambda cell: parse_username(unguard(cell.strip())),
        "password": _parse_password,
        "valid_until": lambda cell: _parse_end(unguard(cell.strip()), today),
    }
    values: dict[str, Any] = {}
    for name, parse in parsers.items():
        cell = row.cells.get(name, "")
        try:
            require_value(cell)
            values[name] = parse(cell)
        except InputError as error:
            faults.append((row.line, error))
    return values


def _parse_school(cell: str) -> str:
    school = parse_line(unguard(cell.strip()))
    if not school:
        raise InputError("The school is missing.")
    return school


def _parse_password(password: str) -> str:
    """Refuses what no password can be, and what a spreadsheet or a careless hand may have changed."""
    if password != password.strip():
        raise InputError(
            "The password begins or ends with a blank. Please take the blank away, or leave this line out and"
            " issue a new access."
        )
    if is_guarded(password):
        raise InputError(
            "The password begins with an apostrophe, as spreadsheets put it before formulas and numbers."
            " Please take the apostrophe away, or leave this line out and issue a new access."
        )
    if _SHORTENED.fullmatch(password):
        raise InputError(
            "The password is a number that the spreadsheet has shortened. Please format the column as text"
            " and type the number again."
        )
    if password in _TRUTH_VALUES:
        raise InputError(
            "The password is a word that spreadsheets write for yes or no. Please format the column as text"
            " and type the password again, or leave this line out and issue a new access."
        )
    form_of_chosen(password)
    return password


def _parse_end(typed: str, today: date) -> date | None:
    if typed.casefold() in _NO_END:
        return None
    last_day = parse_day(typed)
    if last_day < today:
        raise InputError("The access has expired already. Please leave this line out, or give a later day.")
    return last_day
