"""Mends what the checks find, proves it, and takes it back if there is a new fault afterwards.

The services that read their files again without harm are told to; a restart of the others ends running
meetings, so they are only named.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from authbridge.errors import AuthBridgeError
from authbridge.machine.examination import examine, plan_fixes
from authbridge.machine.files import Change, Machine
from authbridge.machine.findings import Finding, Level
from authbridge.machine.ledger import Ledger, Undone
from authbridge.machine.setup import Setup

Examine = Callable[[Machine, Setup], list[Finding]]

_SERVICES = {
    "/etc/prosody/": "prosody",
    "/etc/jitsi/jicofo/": "jicofo",
    "/etc/jitsi/videobridge/": "jitsi-videobridge2",
    "/etc/nginx/": "nginx",
    "/etc/systemd/journald.conf": "systemd-journald",
    "/etc/turnserver.conf": "coturn",
}
_RELOADED = {
    "nginx": ("systemctl", "reload", "nginx"),
    "systemd-journald": ("systemctl", "restart", "systemd-journald"),
}


class MendingError(AuthBridgeError):
    """Raised when a change made a new fault; all of it was taken back."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What was changed, and which services have to be restarted by hand, when no meeting is on."""

    changes: Sequence[Change]
    restart: Sequence[str]


def mend(machine: Machine, setup: Setup, *, by: str, look: Examine = examine) -> Mended:
    """Makes the changes of all fixes, under that name of the ledger.

    Raises:
        MendingError: There was a new fault afterwards: all files are as before.
        UnreadableFileError: A file cannot be read; nothing was changed.
        OSError: A file could not be written; what was changed stands in the ledger.
    """
    before, was_readable = look(machine, setup), _is_readable_for_prosody(machine)
    changes = plan_fixes(machine, before)
    if not changes:
        return Mended((), ())
    ledger = Ledger(machine)
    ledger.apply(changes, by=by)
    faults = [*_new_errors(before, look(machine, setup)), *_refused_by_nginx(machine, changes)]
    if was_readable and not _is_readable_for_prosody(machine):
        faults.append("Prosody cannot read its configuration any more.")
    if faults:
        ledger.undo_last(by)
        raise MendingError("The changes were taken back: %(fault)s", fault=faults[0])
    return Mended(changes, reload_services(machine, (change.name for change in changes)))


def take_back(machine: Machine, *, by: str) -> tuple[list[Undone], Sequence[str]]:
    """Takes back all that :func:`mend` has changed under that name.

    Returns:
        What became of each file, and which services have to be restarted by hand.

    Raises:
        OSError: A file could not be written.  Undo again when the cause is mended.
    """
    undone = Ledger(machine).undo(by)
    return undone, reload_services(machine, (each.name for each in undone))


def reload_services(machine: Machine, files: Iterable[str]) -> Sequence[str]:
    """Tells the services of these files to read them again; returns, sorted, what a person must restart."""
    services = services_of(files)
    for service in filter(is_reloaded, services):
        reload_service(machine, service)
    return [service for service in services if service not in _RELOADED]


def services_of(files: Iterable[str]) -> Sequence[str]:
    """Returns the services that read these files, sorted."""
    return sorted({_SERVICES[start] for file in files for start in _SERVICES if file.startswith(start)})


def reload_service(machine: Machine, service: str) -> None:
    """Tells one of those services to read its files again."""
    machine.run(*_RELOADED[service])


def is_reloaded(service: str) -> bool:
    """Tells whether that service reads its files again without harm."""
    return service in _RELOADED


def _new_errors(before: Iterable[Finding], after: Iterable[Finding]) -> list[str]:
    # A new warning may be one that could not be seen before: of a host that did not ask us, for example.
    known = {finding.id for finding in before if finding.level is Level.ERROR}
    errors = (finding for finding in after if finding.level is Level.ERROR)
    return [f"{finding.id}: {finding.what}" for finding in errors if finding.id not in known]


def _refused_by_nginx(machine: Machine, changes: Iterable[Change]) -> list[str]:
    if not any(change.name.startswith("/etc/nginx/") for change in changes):
        return []
    answer = machine.run("nginx", "-t")
    return [] if answer is None or answer.code == 0 else [answer.errors.strip()]


def _is_readable_for_prosody(machine: Machine) -> bool:
    # "prosodyctl check config" complains of much that has always been so; but with one that cannot
    # be read at all, none of its commands gets anywhere.
    answer = machine.run("prosodyctl", "about")
    return answer is not None and answer.code == 0
