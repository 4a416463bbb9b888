"""Reads and writes tables of schools: what is written is read back without a change."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from authbridge.errors import ImportFileError, InputError
from authbridge.login.usernames import SchoolCode, parse_school_code
from authbridge.schools.commands import schools
from authbridge.schools.commands.imports import SchoolLine
from authbridge.tables import TableFile, TableRow, column, read_table, require_value, unguard
from authbridge.typed_text import parse_day, parse_line

_COLUMNS = (
    column(
        "code",
        "code (Kürzel)",
        *("short code", "school code", "kürzel", "kuerzel", "schulkürzel", "schulkuerzel"),
        required=True,
    ),
    column("name", "name (Name)", "school", "school name", "schule", "schulname"),
    column("street", "street (Straße)", "street and number", "straße", "straße und hausnummer"),
    column(
        "place",
        "place (Ort)",
        *("town", "postcode and town", "ort", "plz ort", "plz und ort", "postleitzahl und ort"),
    ),
    column("mailbox", "e-mail (E-Mail)", "e-mail", "mail", "e-mail of the school", "e-mail der schule"),
    column("quota", "quota (Kontingent)", "most accounts", "kontingent", "kontingent an zugängen"),
    column(
        "contract_on",
        "processing contract (Vertrag)",
        *("processing contract", "date of the processing contract", "contract", "contract day"),
        *("vertrag", "vertrag (avv)", "avv", "vertragsdatum", "datum des vertrags"),
    ),
    column(
        "trusted_networks",
        "networks (Netze)",
        *("networks", "network", "networks of the school", "netze", "netz", "netze der schule"),
    ),
    column("state", "state (Zustand)", "zustand", is_read=False),
    column("organisers", "organisers (Zugänge)", "zugänge", "zugaenge", is_read=False),
)
_NO_CONTRACT = {"-", "–", "missing", "none", "fehlt", "keiner", "kein vertrag"}
_NO_NETWORK = {"-", "–", "none", "keine", "keines"}
_BETWEEN_NETWORKS = re.compile(r"[\s,;]+")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class SchoolTable:
    """A table with schools, checked without the database."""

    file: TableFile
    lines: Sequence[SchoolLine]


def read_schools(content: bytes, *, today: date) -> SchoolTable:
    """Reads the schools of a table; an empty cell says nothing.

    Raises:
        ImportFileError: The table has faults.
    """
    file = read_table(content, _COLUMNS)
    faults: list[tuple[int, InputError]] = []
    firsts: dict[SchoolCode, int] = {}
    lines = []
    for row in file.rows:
        code, values = _parse(row, today, faults)
        if code is None:
            continue
        first = firsts.setdefault(code, row.line)
        if first != row.line:
            fault = InputError("This school stands in line %(first)s already.", first=first)
            faults.append((row.line, fault))
        lines.append(SchoolLine(row.line, code, values))
    if faults:
        raise ImportFileError(faults)
    return SchoolTable(file, lines)


def _parse(
    row: TableRow, today: date, faults: list[tuple[int, InputError]]
) -> tuple[SchoolCode | None, dict[str, Any]]:
    """Returns the code and what is given besides; notes a fault for each cell that has one."""
    parsers: Mapping[str, Callable[[str], object]] = {
        "code": parse_school_code,
        "name": schools.parse_name,
        "street": schools.parse_street,
        "place": schools.parse_place,
        "mailbox": schools.parse_mailbox,
        "quota": _parse_quota,
        "contract_on": lambda typed: _parse_contract(typed, today),
        "trusted_networks": _parse_networks,
    }
    values: dict[str, Any] = {}
    for name, cell in row.cells.items():
        try:
            require_value(cell)
            typed = parse_line(unguard(cell.strip()))
            if typed or name == "code":
                values[name] = parsers[name](typed)
        except InputError as error:
            faults.append((row.line, error))
    return values.pop("code", None), values


def _parse_quota(typed: str) -> int:
    if not _NUMBER.fullmatch(typed):
        raise InputError("“%(typed)s” is no number of accounts.", typed=typed)
    return schools.parse_quota(int(typed))


def _parse_contract(typed: str, today: date) -> date | None:
    day = None if typed.casefold() in _NO_CONTRACT else parse_day(typed)
    return schools.parse_contract_day(day, today=today)


def _parse_networks(typed: str) -> list[str]:
    networks = [] if typed.casefold() in _NO_NETWORK else _BETWEEN_NETWORKS.split(typed)
    return schools.parse_networks(each for each in networks if each)
