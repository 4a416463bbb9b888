"""Reads a table of existing credentials: the columns school, login name, password, and valid until.

Every fault is reported with its line, and none quotes a password.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from authbridge.errors import ImportFileError, InputError
from authbridge.login.passwords import Hasher
from authbridge.login.typed_passwords import form_of_chosen
from authbridge.login.usernames import Username, parse_username
from authbridge.schools.commands.imports import ImportedCredential
from authbridge.tables import TableFile, TableRow, column, is_guarded, read_table, unguard
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

# What a spreadsheet makes of a long number: 1,23457E+11.
_SHORTENED = re.compile(r"[0-9][.,][0-9]+[eE]\+[0-9]+")


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
    credentials = []
    for row in file.rows:
        try:
            credential = _parse(row, today)
        except InputError as error:
            faults.append((row.line, error))
            continue
        first = firsts.setdefault(credential.username, row.line)
        if first != row.line:
            fault = InputError("This login name stands in line %(first)s already.", first=first)
            faults.append((row.line, fault))
        credentials.append(credential)
    if faults:
        raise ImportFileError(faults)
    return CredentialTable(file, credentials)


def _parse(row: TableRow, today: date) -> TypedCredential:
    school = parse_line(unguard(row.cells["school"].strip()))
    if not school:
        raise InputError("The school is missing.")
    username = parse_username(unguard(row.cells["username"].strip()))
    password = row.cells["password"]
    _require_usable(password)
    last_day = _parse_end(unguard(row.cells.get("valid_until", "").strip()), today)
    return TypedCredential(row.line, school, username, password, last_day)


def _require_usable(password: str) -> None:
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
    form_of_chosen(password)


def _parse_end(typed: str, today: date) -> date | None:
    if typed.casefold() in _NO_END:
        return None
    last_day = parse_day(typed)
    if last_day < today:
        raise InputError("The access has expired already. Please leave this line out, or give a later day.")
    return last_day
