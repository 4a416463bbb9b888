"""Faults of a machine's Prosody, as administrators and their programs make them."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from authbridge.machine.files import Machine
from authbridge.machine.findings import Level
from tests.support.jitsi_machine import HOST, HOST_FILE
from tests.support.prosody_machine import TOKEN, appended, change, examine_one

GUESTS = f"guest.{HOST}"
AUTH = f"auth.{HOST}"


Fault = Callable[[Machine], None]


def replacing(file: str, old: str, new: str) -> Fault:
    """A fault that is other words in a file."""
    return lambda machine: change(machine, file, old, new)


def setting(line: str) -> Fault:
    """A fault that is one more option above all hosts."""
    return lambda machine: appended(machine, line)


def lay_another_module(machine: Machine, folder: str) -> None:
    """Lays the module of the same name that distributions ship, where Prosody finds it first."""
    path = machine.root / folder.lstrip("/") / "mod_auth_external"
    path.mkdir(parents=True)
    (path / "mod_auth_external.lua").write_text("-- asks a script\n")
    change(machine, HOST_FILE, '"/opt/authbridge/prosody_mod"', f'"{folder}"; "/opt/authbridge/prosody_mod"')


def lay_older_copy(machine: Machine) -> None:
    """Lays a copy of our modules of which one file is of another version, where Prosody finds it first."""
    modules = machine.root / "opt/authbridge/prosody_mod"
    shutil.copytree(modules, machine.root / "var/lib/prosody/custom_plugins", copy_function=os.link)
    change(
        machine, "var/lib/prosody/custom_plugins/mod_auth_external/login.lib.lua", "local", "-- older\nlocal"
    )


def lay_accounts(machine: Machine, *key_lengths: int) -> None:
    """Lays accounts of jicofo's host as Prosody keeps them, with keys of so many hexadecimal digits."""
    folder = machine.root / f"var/lib/prosody/{AUTH.replace('.', '%2e')}/accounts"
    folder.mkdir(parents=True)
    for number, length in enumerate(key_lengths):
        (folder / f"u{number}.dat").write_text(
            f'return {{\n\t["stored_key"] = "{"ab" * (length // 2)}";\n}};\n'
        )


def hash_otherwise(machine: Machine, *, at_the_host: bool) -> None:
    """Sets another hash than that by which jicofo's account is kept."""
    lay_accounts(machine, 40)
    assert examine_one(machine, "prosody-password-hash").level is Level.OK
    if at_the_host:
        change(
            machine,
            HOST_FILE,
            f'VirtualHost "{AUTH}"',
            f'VirtualHost "{AUTH}"\n    password_hash = "SHA-256"',
        )
    else:
        appended(machine, 'password_hash = "SHA-256"')


def copy_of_token(machine: Machine) -> Path:
    """Lays the token anew, so that its rights are those of this machine alone."""
    lay_token(machine, 0o640)
    return machine.root / "etc/authbridge/api-token"


def lay_token(machine: Machine, mode: int) -> None:
    """Lays the token with those rights."""
    path = machine.root / "etc/authbridge/api-token"
    path.unlink()
    path.write_text(TOKEN)
    path.chmod(mode)
    os.chown(path, 0, 4712)
