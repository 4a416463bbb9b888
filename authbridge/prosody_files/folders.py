"""Finds the account files of a host in a Prosody's data folder, by the names that Prosody gives them."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from authbridge.errors import AuthBridgeError, InputError, NotFoundError
from authbridge.prosody_files.accounts import ProsodyAccount, read_account

_MOST_BYTES = 64 * 1024  # of a file; an account has some 300
_MOST_FILES = 20_000

_FILE = re.compile(r"(?:[A-Za-z0-9]|%[0-9a-f]{2})+\.dat")
_PLAIN_FILE = re.compile(r"(?:[A-Za-z0-9]|%[2-6][0-9a-f])+\.dat")
_ESCAPE = re.compile(rb"%([0-9a-f]{2})")
_ENDING = ".dat"  # while Prosody writes, there is a file that ends with ".dat~"

# Where jitsi.conf has its own accounts; other accounts of that host are guests or bridges.
_JITSI_HOSTS = ("auth", "recorder", "hidden")


@dataclass(frozen=True, slots=True)
class AccountFiles:
    """The accounts of a host, and the files that cannot be read as one, each with the reason.

    ``elsewhere`` are the accounts on Jitsi's own hosts beside it, as addresses.
    """

    accounts: Sequence[ProsodyAccount]
    faults: Sequence[tuple[str, AuthBridgeError]]
    elsewhere: Sequence[str]


def read_accounts(folder: Path, host: str) -> AccountFiles:
    """Reads all accounts of that host.

    Raises:
        NotFoundError: The host has no accounts there.
        InputError: The folder cannot be read, or holds too many files.
    """
    host = host.strip().lower()
    place = _accounts_folder(folder, host)
    files = _files(place)
    if not host or files is None:
        raise NotFoundError(
            "There are no accounts of “%(host)s” here: no folder %(place)s."
            " Perhaps that Prosody keeps them in a database.",
            host=host,
            place=place,
        )
    accounts: list[ProsodyAccount] = []
    faults: list[tuple[str, AuthBridgeError]] = []
    for file in files:
        try:
            accounts.append(read_account(_shown(file), _name_of(file), _content(place / file)))
        except AuthBridgeError as error:
            faults.append((_shown(file), error))
    return AccountFiles(accounts, faults, list(_elsewhere(folder, host)))


def _elsewhere(folder: Path, host: str) -> Iterator[str]:
    for prefix in _JITSI_HOSTS:
        for file in _files(_accounts_folder(folder, f"{prefix}.{host}")) or ():
            if _PLAIN_FILE.fullmatch(file):
                yield f"{_name_of(file)}@{prefix}.{host}"


def _accounts_folder(folder: Path, host: str) -> Path:
    return folder / _escape(host) / "accounts"


def _files(place: Path) -> list[str] | None:
    """Returns the names of the account files of a host; None where it has no accounts."""
    try:
        files = sorted(each.name for each in place.iterdir() if each.name.endswith(_ENDING))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError("%(place)s cannot be read: %(why)s.", place=place, why=error.strerror) from error
    if len(files) > _MOST_FILES:
        raise InputError("%(place)s holds more than %(most)s accounts.", place=place, most=_MOST_FILES)
    return files


def _content(path: Path) -> bytes:
    """Returns the content of a plain file: the folder is Prosody's, and our reader may be root."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(opened, "rb") as file:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise InputError("It is no plain file.")
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError("It cannot be read: %(why)s.", why=error.strerror) from error
    if len(content) > _MOST_BYTES:
        raise InputError("It is longer than %(most)s bytes.", most=_MOST_BYTES)
    return content


def _escape(name: str) -> str:
    """Returns a name as Prosody writes it in a path: all but ASCII letters and digits as ``%2e``."""
    return "".join(
        chr(byte) if chr(byte).isascii() and chr(byte).isalnum() else f"%{byte:02x}" for byte in name.encode()
    )


def _shown(file: str) -> str:
    """Returns the name of a file as it can be shown and typed: other marks as Prosody escapes them."""
    return "".join(
        char if char.isprintable() else "".join(f"%{byte:02x}" for byte in os.fsencode(char)) for char in file
    )


def _name_of(file: str) -> str:
    """Returns the login name of a file.

    Raises:
        InputError: Prosody gives no file this name.
    """
    if not _FILE.fullmatch(file):
        raise InputError("Prosody gives no account such a file name.")
    escaped = file.removesuffix(_ENDING).encode()
    try:
        return _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), escaped).decode()
    except UnicodeDecodeError:
        raise InputError("The login name is not valid UTF-8.") from None
