"""Makes what is the operator's own: two secrets, the settings, the texts of letters, the folder of the data.

What is there is never overwritten.  Taken back, it is moved to ``/var/backups`` if it holds anybody's work.
"""

import hashlib
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from authbridge.installation.bosh_address import candidates, first_that_answers
from authbridge.installation.sqlite_file import open_content, read_content
from authbridge.installation.steps import Installation, SystemAction
from authbridge.installation.system import TOKEN_GROUP, USER
from authbridge.machine.setup import SETTINGS
from authbridge.machine.whole_files import write_whole

FOLDER = "/etc/authbridge"
DATA = "/var/lib/authbridge"
BACKUPS = "/var/backups/authbridge"
"""Copies of the database from before upgrades; systemd-tmpfiles deletes them after a week."""

_LETTERS = f"{FOLDER}/letters"
_OWNERS = {
    f"{FOLDER}/api-token": ("root", TOKEN_GROUP),
    f"{FOLDER}/secret-key": ("root", USER),
    SETTINGS: ("root", USER),
}
_SECRET_BYTES = 32
_MODE = 0o640


def make(installation: Installation) -> Iterator[SystemAction]:
    """Makes what is missing, and sees to owners and modes."""
    machine = installation.machine
    for folder, mode, words in (
        (FOLDER, 0o755, "for settings and secrets"),
        (DATA, 0o700, f"for the database; only {USER} may look into it"),
    ):
        if not machine.path(folder).exists():
            yield SystemAction(
                f"Make the folder {folder}, {words}.", partial(_make_folder, installation, folder, mode)
            )
    for file, (_, group) in _OWNERS.items():
        if file != SETTINGS and not machine.path(file).exists():
            words = f"Make a random secret in {file}, readable by root and the group {group}."
            yield SystemAction(words, partial(_make_secret, installation, file))
    yield from _settings(installation)
    if not machine.path(_LETTERS).exists():
        words = f"Copy the texts of letters to {_LETTERS}; its README.md says what stands in which file."
        yield SystemAction(words, partial(_copy_letters, installation))
    yield from _rights(installation)


def is_sqlite(installation: Installation) -> bool:
    """Tells whether the data stand in a file of this machine."""
    return database_file(installation) is not None


def database_file(installation: Installation) -> str | None:
    """Returns the name of SQLite's file; None: the data are in PostgreSQL."""
    url = installation.system.settings().get("AUTHBRIDGE_DATABASE_URL", f"sqlite:///{DATA}/authbridge.db")
    return url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else None


def take_away(installation: Installation) -> Iterator[SystemAction]:
    """Moves settings and data to a place of safety if they hold anybody's work; else removes them."""
    machine, made = installation.machine, installation.record.names("folders")
    folders = [each for each in (FOLDER, DATA) if each in made and machine.path(each).exists()]
    folders += [BACKUPS] if machine.path(BACKUPS).exists() else []
    if folders and (reason := _worth_keeping(installation)):
        place = _safe_place(installation)
        words = (
            f"Move {' and '.join(folders)} to {place}, for root alone: {reason}.  Logins of the last days "
            "are in it: delete it when nobody needs it any more."
        )
        yield SystemAction(words, partial(_move, installation, folders, place))
    elif folders:
        words = f"Remove {' and '.join(folders)}: there is no school, and nobody has changed the settings."
        yield SystemAction(words, partial(_remove, installation, folders))


def _settings(installation: Installation) -> Iterator[SystemAction]:
    present, options = installation.machine.read(SETTINGS), installation.options
    text = present or (installation.clone / "deploy/authbridge.env.example").read_text(encoding="utf-8")
    if present is None:
        text = re.sub(r"(?m)^AUTHBRIDGE_XMPP_HOST=.*$", f"AUTHBRIDGE_XMPP_HOST={options.host}", text)
        text = _set(text, "AUTHBRIDGE_LETTER_DIR", _LETTERS)
        if installation.machine.is_live and (url := first_that_answers(candidates(options.host))):
            text = _set(text, "AUTHBRIDGE_SYNTHETIC_LOGIN_URL", url)
    if options.panel:
        text = _set(text, "AUTHBRIDGE_PANEL_URL", f"https://{options.panel}")
    if text == present:
        return
    lines = [line for line in text.splitlines() if line not in (present or "").splitlines()]
    shown = "".join(f"\n+{line}" for line in lines if re.match(r"AUTHBRIDGE_\w+=", line))
    words = f"Write {SETTINGS}:{shown}" if present is None else f"Add to {SETTINGS}:{shown}"
    yield SystemAction(words, partial(_write_settings, installation, text))


def _set(text: str, name: str, value: str) -> str:
    # A value that is there is the operator's.
    if re.search(rf"(?m)^{name}=\S", text):
        return text
    line, comment = f"{name}={value}", rf"(?m)^#?{name}=.*$"
    return re.sub(comment, line, text, count=1) if re.search(comment, text) else f"{text}{line}\n"


def _rights(installation: Installation) -> Iterator[SystemAction]:
    system, machine = installation.system, installation.machine
    for file, (user, group) in _OWNERS.items():
        path = machine.path(file)
        if not path.exists() or not (system.has_user(user) and system.has_group(group)):
            continue  # in a dry run
        status, owner = path.stat(), system.ids(user, group)
        if not system.may_give and status.st_mode & 0o777 == _MODE:
            continue
        if (status.st_uid, status.st_gid) != owner or status.st_mode & 0o777 != _MODE:
            words = f"Give {file} to {user}:{group}, with mode 640."
            yield SystemAction(words, partial(_give, installation, file, owner))


def _give(installation: Installation, file: str, owner: tuple[int, int]) -> None:
    path = installation.machine.path(file)
    write_whole(path, path.read_bytes(), mode=_MODE, owner=owner)


def _make_folder(installation: Installation, folder: str, mode: int) -> None:
    installation.record.note("folders", folder)
    path = installation.machine.path(folder)
    path.mkdir(mode=0o700, parents=True)
    if folder == DATA:
        installation.system.give(path, *installation.system.ids(USER, USER))
    path.chmod(mode)


def _make_secret(installation: Installation, file: str) -> None:
    secret = f"{secrets.token_hex(_SECRET_BYTES)}\n".encode()
    owner = installation.system.ids(*_OWNERS[file])
    write_whole(installation.machine.path(file), secret, mode=_MODE, owner=owner)


def _write_settings(installation: Installation, text: str) -> None:
    content = text.encode("utf-8", "surrogateescape")
    if installation.machine.read(SETTINGS) in {None, *_unchanged(installation)}:
        installation.record.note_digest(SETTINGS, hashlib.sha256(content).hexdigest())
    owner = installation.system.ids(*_OWNERS[SETTINGS])
    write_whole(installation.machine.path(SETTINGS), content, mode=_MODE, owner=owner)


def _unchanged(installation: Installation) -> list[str]:
    text = installation.machine.read(SETTINGS) or ""
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return [text] if installation.record.digests.get(SETTINGS) == digest else []


def _copy_letters(installation: Installation) -> None:
    new = installation.machine.path(f"{FOLDER}/.letters.new")
    if new.exists():
        shutil.rmtree(new)
    source = installation.clone / "authbridge/letters/default"
    new.mkdir(mode=0o755)
    for path in sorted(source.iterdir()):
        shutil.copyfile(path, new / path.name)
        (new / path.name).chmod(0o644)
    installation.record.note_digest(_LETTERS, _digest_of(new))
    new.rename(installation.machine.path(_LETTERS))


def _digest_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _worth_keeping(installation: Installation) -> str | None:
    machine, record = installation.machine, installation.record
    if not is_sqlite(installation):
        return "the data in PostgreSQL stay, and need the secret key"
    if count := _schools(installation):
        return f"there are {count} schools in the database"
    if machine.read(SETTINGS) is not None and not _unchanged(installation):
        return "somebody has changed the settings"
    letters = machine.path(_LETTERS)
    if letters.exists() and _digest_of(letters) != record.digests.get(_LETTERS):
        return "somebody has changed the texts of letters"
    return None


def _schools(installation: Installation) -> int:
    file = database_file(installation) or ""
    if not installation.machine.real(file).is_file():
        return 0
    with open_content(read_content(installation, file)) as data:
        if not data.execute("SELECT 1 FROM sqlite_master WHERE name = 'schools'").fetchone():
            return 0  # never migrated
        (count,) = data.execute("SELECT count(*) FROM schools").fetchone()
    return int(count)


def _safe_place(installation: Installation) -> str:
    noted = installation.record.names("moved-to")
    return noted[0] if noted else f"{BACKUPS}-{datetime.now(UTC):%Y-%m-%d-%H%M%S}"


def _move(installation: Installation, folders: list[str], place: str) -> None:
    machine = installation.machine
    installation.record.note("moved-to", place)
    target = machine.path(place)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in folders:
        # Copied and then removed: it may be another disk.  Killed in between, it is repeated.
        # A link is copied as one: where it leads, its owner may have no right to look.
        copy = target / folder.replace("/", "-")[1:]
        shutil.copytree(machine.path(folder), copy, symlinks=True, dirs_exist_ok=True, ignore=_no_files)
    _remove(installation, folders)
    installation.todo.append(f"Settings, secrets and data lie in {place}.")


def _no_files(folder: str, names: list[str]) -> list[str]:
    modes = {name: (Path(folder) / name).lstat().st_mode for name in names}
    return [
        name
        for name, mode in modes.items()
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))
    ]


def _remove(installation: Installation, folders: list[str]) -> None:
    for folder in folders:
        shutil.rmtree(installation.machine.path(folder))
