"""Faults of Prosody that a person must decide: each is found, and nothing is changed."""

import os

import pytest

from authbridge.machine.files import Machine
from authbridge.machine.findings import Level
from tests.support.jitsi_machine import HOST, HOST_FILE
from tests.support.prosody_faults import (
    AUTH,
    GUESTS,
    Fault,
    copy_of_token,
    lay_accounts,
    lay_another_module,
    lay_older_copy,
    lay_token,
    replacing,
    setting,
)
from tests.support.prosody_machine import MAIN_FILE, TOKEN, examine_one

LEFT_TO_A_PERSON: list[tuple[str, str, Level, Fault]] = [
    (
        "installed by prosodyctl",
        "prosody-module",
        Level.ERROR,
        lambda machine: lay_another_module(machine, "/var/lib/prosody/custom_plugins"),
    ),
    ("another version", "prosody-module", Level.ERROR, lay_older_copy),
    (
        "no host",
        "prosody-authentication",
        Level.ERROR,
        replacing(HOST_FILE, f'VirtualHost "{HOST}"', 'VirtualHost "other.test"'),
    ),
    (
        "host switched off",
        "prosody-authentication",
        Level.ERROR,
        replacing(HOST_FILE, f'VirtualHost "{HOST}"', f'VirtualHost "{HOST}"\n    enabled = false'),
    ),
    (
        "tokens",
        "prosody-authentication",
        Level.ERROR,
        replacing(HOST_FILE, '"external" -- do not', '"token" -- do not'),
    ),
    (
        "a form that is not understood",
        "prosody-authentication",
        Level.ERROR,
        replacing(
            HOST_FILE,
            'authentication = "external" -- do not',
            'authentication = ("internal_" .. "hashed") -- do not',
        ),
    ),
    (
        "guests with tokens",
        "prosody-guests",
        Level.ERROR,
        replacing(HOST_FILE, '= "jitsi-anonymous"', '= "token"'),
    ),
    (
        "claims",
        "prosody-claims",
        Level.WARNING,
        replacing(
            HOST_FILE,
            f'VirtualHost "recorder.{HOST}"',
            f'VirtualHost "a.test"\n    authentication = "token"\nVirtualHost "recorder.{HOST}"',
        ),
    ),
    (
        "claims that are believed",
        "prosody-claims",
        Level.ERROR,
        replacing(
            HOST_FILE,
            f'VirtualHost "recorder.{HOST}"',
            'VirtualHost "a.test"\n    authentication = "token"\n'
            '    modules_enabled = { "token_affiliation" }\n'
            f'VirtualHost "recorder.{HOST}"',
        ),
    ),
    (
        "no meetings",
        "prosody-rules",
        Level.WARNING,
        replacing(HOST_FILE, f'Component "conference.{HOST}" "muc"', 'Component "x.test" "muc"'),
    ),
    (
        "everything to the console",
        "prosody-log",
        Level.ERROR,
        replacing(MAIN_FILE, "certificates =", 'log = "*console"\ncertificates ='),
    ),
    ("an organiser", "prosody-admins", Level.ERROR, setting(f'admins = {{ "boss@{HOST}" }}')),
    (
        "a participant",
        "prosody-admins",
        Level.ERROR,
        replacing(
            HOST_FILE, f'admins = {{ "focus@{AUTH}" }}', f'admins = {{ "focus@{AUTH}", "x@{GUESTS}" }}'
        ),
    ),
    ("both hashes", "prosody-password-hash", Level.ERROR, lambda machine: lay_accounts(machine, 40, 64)),
    (
        "no certificate",
        "prosody-certificates",
        Level.WARNING,
        lambda machine: (machine.root / f"var/lib/prosody/{AUTH}.crt").unlink(),
    ),
    ("token for everybody", "prosody-token-file", Level.ERROR, lambda machine: lay_token(machine, 0o644)),
    ("token for root alone", "prosody-token-file", Level.ERROR, lambda machine: lay_token(machine, 0o600)),
    (
        "no token",
        "prosody-token-file",
        Level.ERROR,
        lambda machine: (machine.root / "etc/authbridge/api-token").unlink(),
    ),
    (
        "another in the group",
        "prosody-token-file",
        Level.ERROR,
        replacing("etc/group", ":prosody", ":prosody,www-data"),
    ),
    (
        "the service's user in the group",
        "prosody-token-file",
        Level.WARNING,
        replacing("etc/group", ":prosody", ":prosody,authbridge"),
    ),
    (
        "another's own group",
        "prosody-token-file",
        Level.ERROR,
        lambda machine: os.chown(copy_of_token(machine), 0, 33),
    ),
    (
        "an owner of another machine",
        "prosody-token-file",
        Level.ERROR,
        lambda machine: os.chown(copy_of_token(machine), 4713, 4714),
    ),
    (
        "Prosody not in the group",
        "prosody-token-file",
        Level.ERROR,
        replacing("etc/group", ":prosody", ":other"),
    ),
]


@pytest.mark.parametrize(
    ("name", "level", "fault"),
    [
        pytest.param(name, level, fault, id=f"{name}: {words}")
        for words, name, level, fault in LEFT_TO_A_PERSON
    ],
)
def test_a_fault_that_a_person_must_decide(machine: Machine, name: str, level: Level, fault: Fault) -> None:
    """It is found, with what to do; nothing is changed by itself."""
    assert examine_one(machine, name).level is Level.OK
    fault(machine)
    found = examine_one(machine, name)
    assert (found.level, found.fix) == (level, None)
    assert found.line
    assert TOKEN not in repr(found)
