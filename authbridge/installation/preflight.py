"""Looks, before anything is changed, for what an installation would fail at later."""

import os
import re
import shutil
import socket
from collections.abc import Iterator

from authbridge.errors import AuthBridgeError
from authbridge.installation import database
from authbridge.installation.steps import Installation, InstallationError
from authbridge.machine.files import Machine
from authbridge.machine.setup import PROGRAM, SETTINGS

_PLATFORMS = {"debian": {"12", "13"}, "ubuntu": {"24.04"}}
_JITSI = {
    "/etc/prosody/prosody.cfg.lua": "Prosody",
    "/etc/nginx/nginx.conf": "nginx",
    "/etc/jitsi/jicofo/jicofo.conf": "Jitsi's jicofo",
}
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_MOST_BYTES = {"/opt": 500_000_000, "/var": 200_000_000}  # a program with its packages has 200 MB
_PORTS = {"authbridge-api": 8701, "authbridge-panel": 8702}
_MANUAL = f"{PROGRAM}-by-hand"


def find_host(machine: Machine, wanted: str | None) -> str:
    """Returns the host of the meetings: as asked for, as the settings have it, or Jitsi's only one.

    Raises:
        InstallationError: It cannot be told, or is not the one of the settings.
    """
    settings = machine.read(SETTINGS) or ""
    found = re.search(r"^AUTHBRIDGE_XMPP_HOST=(\S+)", settings, re.MULTILINE)
    set_host = found[1].lower() if found else None
    if wanted and set_host and wanted.lower() != set_host:
        raise InstallationError(
            "%(file)s names the host %(host)s. If that is wrong, change it there.",
            file=SETTINGS,
            host=set_host,
        )
    if host := wanted or set_host:
        return host.lower()
    of_jitsi = [
        name.rpartition("/")[2].removesuffix("-config.js")
        for name in machine.names("/etc/jitsi/meet/*-config.js")
    ]
    if len(of_jitsi) != 1:
        raise InstallationError(
            "Which host? In /etc/jitsi/meet there is %(found)s. Please add --host NAME.",
            found=" and ".join(of_jitsi) or "none",
        )
    return of_jitsi[0].lower()


def find_host_file(machine: Machine, host: str) -> str | None:
    """Returns the file of Prosody in which that host stands."""
    line = re.compile(rf"""^\s*VirtualHost\s*\(?\s*["']{re.escape(host)}["']""", re.MULTILINE | re.IGNORECASE)
    folders = ("conf.avail", "conf.d", "")
    names = (name for folder in folders for name in machine.names(f"/etc/prosody/{folder}/*.cfg.lua"))
    return next((name for name in names if line.search(machine.read(name) or "")), None)


def require_possible(installation: Installation) -> None:
    """Checks that the machine is one on which an installation can succeed.

    Raises:
        InstallationError: It is not; the sentences say all that is missing.
    """
    faults = [*_machine(installation), *_jitsi(installation), *_panel(installation), *_room(installation)]
    faults += [] if faults else [*_ports(installation), *_database(installation)]
    if faults:
        raise InstallationError(
            "Nothing was changed:\n%(faults)s", faults="\n".join(f"* {each}" for each in faults)
        )


def require_root(machine: Machine) -> None:
    """Checks that we may change the machine.

    Raises:
        InstallationError: We may not.
    """
    if machine.is_live and os.geteuid() != 0:
        raise InstallationError("Only root can do this. Please begin the command with sudo.")


def _machine(installation: Installation) -> Iterator[str]:
    lines = (installation.machine.read("/etc/os-release") or "").splitlines()
    system = {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}
    if system.get("VERSION_ID") not in _PLATFORMS.get(system.get("ID", ""), set()):
        name = system.get("PRETTY_NAME", "an unknown system")
        yield f"This is {name}; AuthBridge is known to run on Debian 12, Debian 13 and Ubuntu 24.04."


def _jitsi(installation: Installation) -> Iterator[str]:
    machine, host = installation.machine, installation.options.host
    missing = [name for file, name in _JITSI.items() if machine.read(file) is None]
    if missing:
        yield f"{' and '.join(missing)} is not installed here: install Jitsi's packages first."
    elif not _HOST.fullmatch(host):
        yield f"{host!r} is no host name."
    elif find_host_file(machine, host) is None:
        yield f'No file below /etc/prosody has a line VirtualHost "{host}".'
    if not installation.system.has_user("prosody"):
        yield "There is no user prosody: install Prosody from its Debian package."


def _panel(installation: Installation) -> Iterator[str]:
    options, machine = installation.options, installation.machine
    if options.panel is not None and not _HOST.fullmatch(options.panel):
        yield f"{options.panel!r} is no host name for the panel."
    if options.panel == options.host:
        yield "The panel needs a host name of its own, beside the one of the meetings."
    set_url = installation.system.settings().get("AUTHBRIDGE_PANEL_URL")
    if options.panel and set_url and set_url.rstrip("/") != f"https://{options.panel}":
        yield f"{SETTINGS} has the panel at {set_url}. If that is wrong, change it there."
    if (options.certificate is None) != (options.certificate_key is None):
        yield "--certificate and --certificate-key go together."
    for file in filter(None, (options.certificate, options.certificate_key)):
        if not machine.real(file).is_file():
            yield f"There is no file {file}."
    if options.admin and not (options.panel or set_url):
        yield "--admin invites to the panel: please add --panel NAME."


def _room(installation: Installation) -> Iterator[str]:
    machine = installation.machine
    for folder, least in _MOST_BYTES.items():
        place = machine.real(folder)
        if place.exists() and shutil.disk_usage(place).free < least:
            yield f"{folder} has less than {least // 1_000_000} MB left."
    program = machine.path(PROGRAM)
    if program.exists() and not program.is_symlink() and machine.path(_MANUAL).exists():
        yield f"{PROGRAM} is a folder, and {_MANUAL} is taken: move one of them away."


def _ports(installation: Installation) -> Iterator[str]:
    if not installation.machine.is_live:
        return
    for unit, port in _PORTS.items():
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                if not any(installation.system.is_active(f"{unit}.{kind}") for kind in ("socket", "service")):
                    yield f"Port {port} is taken by another program: ss -ltnp 'sport = {port}' names it."


def _database(installation: Installation) -> Iterator[str]:
    try:
        database.require_copyable(installation)
    except AuthBridgeError as error:
        yield str(error)
