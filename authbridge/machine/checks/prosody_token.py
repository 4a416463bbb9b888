"""Examines the file with the token that Prosody and the service share: who may read it."""

import stat

from authbridge.machine.checks.prosody_look import Look
from authbridge.machine.files import PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark

GROUP = "authbridge-token"
_PROSODY = "prosody"


def examine_token_file(look: Look) -> Finding:
    """Finds whether Prosody can read the token, and nobody besides it and the service."""
    name = look.setup.token_file
    real = look.plan.machine.real(name)
    why = Remark("With the token anybody may ask the service about passwords; without it Prosody cannot.")
    line = f"chown root:{GROUP} {name} && chmod 640 {name} && usermod -a -G {GROUP} {_PROSODY}"
    try:
        status = real.stat()
    except FileNotFoundError:
        what = Remark("%(file)s is missing.", file=name)
        return look.fault(Level.ERROR, what, why, where=name, line=line)
    groups, members = _groups(look.plan), _members(look.plan)
    if status.st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        what = Remark("%(file)s can be read or changed by others than Prosody and the service.", file=name)
        return look.fault(Level.ERROR, what, why, where=name, line=line)
    if GROUP not in groups:
        return look.ok(Remark("%(file)s is closed to others.", file=name))
    if status.st_gid != groups[GROUP] or not status.st_mode & stat.S_IRGRP or _PROSODY not in members:
        what = Remark(
            "%(file)s cannot be read by Prosody: it must belong to the group %(group)s, and %(user)s too.",
            file=name,
            group=GROUP,
            user=_PROSODY,
        )
        return look.fault(Level.ERROR, what, why, where=name, line=line)
    return look.ok(Remark("%(file)s can be read by Prosody and the service alone.", file=name))


def _groups(plan: PlannedChanges) -> dict[str, int]:
    entries = (line.split(":") for line in (plan.read("/etc/group") or "").splitlines())
    return {entry[0]: int(entry[2]) for entry in entries if len(entry) > 2}  # noqa: PLR2004 - name:x:number:members


def _members(plan: PlannedChanges) -> list[str]:
    for line in (plan.read("/etc/group") or "").splitlines():
        name, *_, members = line.split(":")
        if name == GROUP:
            return members.split(",")
    return []
