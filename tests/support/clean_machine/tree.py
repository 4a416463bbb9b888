"""Compares a machine with what it was: each file, folder and link, with mode, owner and content."""

import hashlib
import os
import re
import stat
from pathlib import Path

_COMPARED = ("etc", "opt", "root", "usr/local", "usr/share/jitsi-meet", "var/lib", "var/www")
_LEFT_OUT = (  # what any machine writes by itself, and what apt keeps of packages
    "etc/ld.so.cache",
    "var/lib/apt",
    "var/lib/dpkg",
    "var/lib/systemd",
    "root/.cache",
    # Copies that useradd and its kin make before each change; see also _OF_KILLED.
    "etc/group-",
    "etc/gshadow-",
    "etc/passwd-",
    "etc/shadow-",
)
# What Prosody writes while it runs: where a host keeps its data, and some of them.
_OF_PROSODY = re.compile(
    r"var/lib/prosody/([^/]*%2e[^/]*|.*/account_activity(/.*)?|.*/cron\.dat|prosody\.sock)"
)
_OF_KILLED = re.compile(
    r"etc/(group|gshadow|passwd|shadow)\.\d+"
)  # left by useradd's kin when they are killed


def tree(root: Path) -> dict[str, str]:
    """Returns a line for each path below those folders: kind, mode, owner, and a digest of the content."""
    found: dict[str, str] = {}
    for top in _COMPARED:
        for folder, folders, files in os.walk(root / top):
            inside = os.path.relpath(folder, root)
            folders[:] = [name for name in folders if f"{inside}/{name}" not in _LEFT_OUT]
            for path in (f"{inside}/{name}" for name in [*folders, *files]):
                if path not in _LEFT_OUT and not (_OF_PROSODY.fullmatch(path) or _OF_KILLED.fullmatch(path)):
                    found[path] = _line(root / path)
    return found


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Returns a line for each path that differs, is new (``+``) or gone (``-``)."""
    return [
        f"{'+' if path not in before else '-' if path not in after else '~'} {path}"
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


def _line(path: Path) -> str:
    status = path.lstat()
    head = f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
    if stat.S_ISLNK(status.st_mode):
        return f"{head} {path.readlink()}"
    if stat.S_ISREG(status.st_mode):
        return f"{head} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return head
