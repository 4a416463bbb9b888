"""Reads and writes the files of backups: whole or not at all, for their owner alone.

They are encrypted in the format of age (https://age-encryption.org/v1), so that others open them too.
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage

from authbridge.errors import AuthBridgeError
from authbridge.machine.whole_files import write_whole

NO_PUBLIC_KEY = (
    "This is no public key of age, such as age-keygen shows it: age1…"  # it may be the private one
)

_SQLITE = b"SQLite format 3\0"
_AGE = b"age-encryption.org/v1\n"
_DATED = re.compile(r"authbridge-([0-9]{8}T[0-9]{12}Z)\.db(\.age)?")
_MOMENT = "%Y%m%dT%H%M%S%fZ"


class BackupError(AuthBridgeError):
    """Raised when a backup cannot be written, read, or restored as asked; nothing was changed."""


def encrypt(content: bytes, recipient: str | None) -> bytes:
    """Returns the content for the owner of that public key alone; as it is where there is none.

    Raises:
        BackupError: It is no public key of age.
    """
    if recipient is None:
        return content
    try:
        return bytes(pyrage.encrypt(content, [pyrage.x25519.Recipient.from_str(recipient)]))
    except pyrage.RecipientError:
        raise BackupError(NO_PUBLIC_KEY) from None


def decrypt(content: bytes, identities: str) -> bytes:
    """Returns the database in the content of a file; ``identities`` are the lines of an identity file of age.

    Raises:
        BackupError: It is none, or no key opens it.
    """
    if content.startswith(_AGE):
        content = _open(content, _parse_identities(identities))
    if not content.startswith(_SQLITE):
        raise BackupError("The file is no backup: neither a database nor one that age has encrypted.")
    return content


def _open(content: bytes, keys: list[pyrage.x25519.Identity]) -> bytes:
    if not keys:
        raise BackupError("The backup is encrypted. Please name the file with its key: --identity FILE")
    try:
        return bytes(pyrage.decrypt(content, keys))
    except pyrage.DecryptError as error:
        raise BackupError("The backup cannot be decrypted: %(reason)s.", reason=error) from None


def _parse_identities(lines: str) -> list[pyrage.x25519.Identity]:
    found = (line.strip() for line in lines.splitlines())
    try:
        return [pyrage.x25519.Identity.from_str(line) for line in found if line and not line.startswith("#")]
    except pyrage.IdentityError:
        # Its words may quote the key.
        raise BackupError("The file with the key holds a line that is no key of age.") from None


def write(path: Path, content: bytes) -> None:
    """Writes a new file that only its owner can read; returns when it is on the disk, as a whole.

    Raises:
        BackupError: It cannot be written, or is there already.
    """
    if path.exists():
        raise BackupError("%(path)s is there already.", path=path)
    try:
        write_whole(path, content, mode=0o600)
    except OSError as error:
        raise BackupError(
            "%(path)s cannot be written: %(reason)s.", path=path, reason=error.strerror
        ) from error


def dated(folder: Path, *, encrypted: bool, now: datetime) -> Path:
    """Returns the name of a backup of now, and makes the folder, which only its owner can open.

    Raises:
        BackupError: The folder cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BackupError(
            "%(path)s cannot be made: %(reason)s.", path=folder, reason=error.strerror
        ) from error
    return folder / f"authbridge-{now.astimezone(UTC).strftime(_MOMENT)}.db{'.age' if encrypted else ''}"


def delete_old(folder: Path, *, kept: timedelta, now: datetime) -> int:
    """Deletes the backups in a folder that are older than that, by their names; returns how many.

    Also what is left of one that was cut off.

    Raises:
        BackupError: One cannot be deleted.
    """
    try:
        old = [path for path in folder.iterdir() if _is_old(path.name, now - kept)]
        for path in old:
            path.unlink()
    except FileNotFoundError:
        return 0
    except OSError as error:
        words = "Old backups in %(path)s cannot be deleted: %(reason)s."
        raise BackupError(words, path=folder, reason=error.strerror) from error
    return len(old)


def _is_old(name: str, moment: datetime) -> bool:
    found = _DATED.fullmatch(name)
    if found is None:
        return name.startswith(".authbridge-") and name.endswith(".new")
    return datetime.strptime(found[1], _MOMENT).replace(tzinfo=UTC) < moment
