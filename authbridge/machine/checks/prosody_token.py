"""Examines the file with the token that Prosody and the service share: who may read it."""

import stat
from os import stat_result

from authbridge.machine.checks.prosody_look import Look
from authbridge.machine.files import PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark

_GROUP = "authbridge-token"
_PROSODY, _SERVICE = "prosody", "authbridge"  # their users


def examine_token_file(look: Look) -> Finding:
    """Finds whether Prosody can read the token, and nobody besides it and the service."""
    name = look.setup.token_file
    why = Remark("With the token anybody may ask the service about passwords; without it Prosody cannot.")
    line = f"chown root:{_GROUP} {name} && chmod 640 {name} && usermod -a -G {_GROUP} {_PROSODY}"
    try:
        status = look.plan.machine.real(name).stat()
    except FileNotFoundError:
        what = Remark("%(file)s is missing.", file=name)
        return look.fault(Level.ERROR, what, why, where=name, line=line)
    readers = _readers(look.plan, status)
    if status.st_mode & (stat.S_IRWXO | stat.S_IWGRP) or readers - {_PROSODY, _SERVICE, "root"}:
        what = Remark("%(file)s can be read or changed by others than Prosody and the service.", file=name)
        return look.fault(Level.ERROR, what, why, where=name, line=line)
    if _entries(look.plan, "/etc/passwd") and _PROSODY not in readers:
        what = Remark("%(file)s cannot be read by Prosody's user.", file=name)
        return look.fault(Level.ERROR, what, why, where=name, line=line)
    if _SERVICE in readers:
        what = Remark(
            "%(file)s can be read by the panel: its user is in the group %(group)s.", file=name, group=_GROUP
        )
        why = Remark(
            "The service has that group from its unit; the panel runs as the same user and needs no token."
        )
        return look.fault(
            Level.WARNING, what, why, where="/etc/group", line=f"gpasswd --delete {_SERVICE} {_GROUP}"
        )
    return look.ok(Remark("%(file)s can be read by Prosody and the service alone.", file=name))


def _readers(plan: PlannedChanges, status: stat_result) -> set[str]:
    """Returns the users of that machine who may read that file as its owner or by its group."""
    readers = set()
    for name, _, number, *_ in _entries(plan, "/etc/passwd"):
        if status.st_mode & stat.S_IRUSR and int(number) == status.st_uid:
            readers.add(name)
    for _, _, number, members in _entries(plan, "/etc/group"):
        if status.st_mode & stat.S_IRGRP and int(number) == status.st_gid:
            readers |= set(filter(None, members.split(",")))
    for name, _, _, group, *_ in _entries(plan, "/etc/passwd"):
        if status.st_mode & stat.S_IRGRP and int(group) == status.st_gid:
            readers.add(name)
    return readers


def _entries(plan: PlannedChanges, name: str) -> list[list[str]]:
    return [line.split(":") for line in (plan.read(name) or "").splitlines() if line.count(":") > 2]  # noqa: PLR2004 - a comment has fewer
