"""Faults of Prosody that the program mends: it finds each, mends it, and can take that back."""

import pytest

from authbridge.machine.files import Machine
from authbridge.machine.findings import Level
from authbridge.machine.ledger import Ledger
from tests.support.jitsi_machine import HOST_FILE
from tests.support.prosody_faults import Fault, hash_otherwise, lay_another_module, replacing, setting
from tests.support.prosody_machine import MAIN_FILE, examine_one, mend, texts

MENDED_BY_A_MACHINE: list[tuple[str, str, Fault]] = [
    ("no folder", "prosody-module", replacing(HOST_FILE, '"/opt/authbridge/prosody_mod"; ', "")),
    ("no list", "prosody-module", replacing(HOST_FILE, "plugin_paths =", "-- plugin_paths =")),
    (
        "another's module first",
        "prosody-module",
        lambda machine: lay_another_module(machine, "/usr/lib/prosody-modules"),
    ),
    (
        "as stock",
        "prosody-authentication",
        replacing(HOST_FILE, '"external" -- do not', '"jitsi-anonymous" -- do not'),
    ),
    (
        "secured",
        "prosody-authentication",
        replacing(HOST_FILE, '"external" -- do not', "'internal_hashed'; -- do not"),
    ),
    (
        "inherited",
        "prosody-authentication",
        replacing(HOST_FILE, 'authentication = "external"', '-- authentication = "external"'),
    ),
    ("another service", "prosody-authentication", replacing(HOST_FILE, "127.0.0.1:8701", "127.0.0.1:8799")),
    ("another token", "prosody-authentication", replacing(HOST_FILE, "/etc/authbridge/api-token", "/etc/x")),
    ("stock anonymous", "prosody-guests", replacing(HOST_FILE, '= "jitsi-anonymous"', '= "anonymous"')),
    (
        "encryption",
        "prosody-guests",
        replacing(
            HOST_FILE,
            'c2s_require_encryption = false\n    modules_disabled = { "account',
            'modules_disabled = { "account',
        ),
    ),
    ("no rules", "prosody-rules", replacing(HOST_FILE, '"meeting_rules"; -- AuthBridge', "")),
    ("bosh", "prosody-transports", replacing(HOST_FILE, "consider_bosh_secure = true;", "")),
    (
        "both, one false",
        "prosody-transports",
        replacing(
            HOST_FILE,
            "consider_bosh_secure = true;\nconsider_websocket_secure = true;",
            "consider_websocket_secure = false;",
        ),
    ),
    ("as the comment advises", "prosody-log", replacing(MAIN_FILE, '	info = "/var', '	debug = "/var')),
    ("a sink", "prosody-log", replacing(MAIN_FILE, '{ "error" }', '{ "error", "debug" }')),
    ("a range", "prosody-log", replacing(MAIN_FILE, '{ "error" }', '{ min = "debug" }')),
    ("as it comes", "prosody-collector", replacing(HOST_FILE, "gc =", "-- gc =")),
    (
        "as containers have it",
        "prosody-collector",
        replacing(
            HOST_FILE, '{ mode = "generational" }', '{\n mode = "incremental"; -- so\n speed = 250;\n}'
        ),
    ),
    (
        "a count of its own line",
        "prosody-connections",
        replacing(
            MAIN_FILE,
            '		rate = "10kb/s";',
            '		rate = "10kb/s";\n		max_connections_per_ip = 2;',
        ),
    ),
    (
        "a count behind",
        "prosody-connections",
        replacing(MAIN_FILE, 'rate = "10kb/s";', 'rate = "10kb/s", max_connections_per_ip = 20'),
    ),
    (
        "everybody",
        "prosody-proxies",
        setting('trusted_proxies = { "127.0.0.1", "0.0.0.0/1", "128.0.0.0/1" }'),
    ),
    ("nobody", "prosody-proxies", setting("trusted_proxies = {}")),
    ("a time of login", "prosody-traces", replacing(HOST_FILE, '"account_activity"; ', "")),
    ("a published name", "prosody-traces", replacing(HOST_FILE, '"vcard4"; ', "")),
    (
        "a file for each page",
        "prosody-guest-traces",
        replacing(HOST_FILE, '    modules_disabled = { "account_activity" }\n', ""),
    ),
    ("passwords", "prosody-registration", replacing(HOST_FILE, '"register"; ', "")),
    (
        "by itself",
        "prosody-registration",
        replacing(HOST_FILE, '        "bosh";', '        "bosh"; "register_ibr";'),
    ),
    ("hash above all", "prosody-password-hash", lambda machine: hash_otherwise(machine, at_the_host=False)),
    ("hash at the host", "prosody-password-hash", lambda machine: hash_otherwise(machine, at_the_host=True)),
]


@pytest.mark.parametrize(
    ("name", "fault"),
    [pytest.param(name, fault, id=f"{name}: {words}") for words, name, fault in MENDED_BY_A_MACHINE],
)
def test_a_fault_that_a_machine_can_mend(machine: Machine, name: str, fault: Fault) -> None:
    """It is found, mended so that nothing else gets worse, and comes back when that is taken back."""
    assert examine_one(machine, name).level is Level.OK
    fault(machine)
    before, found = texts(machine), examine_one(machine, name)
    assert found.level in {Level.ERROR, Level.WARNING, Level.NOTE}
    assert (found.why is not None, bool(found.line), found.fix is not None) == (True, True, True)

    mend(machine, found)
    again = examine_one(machine, name)
    assert (again.level, again.fix) == (Level.OK, None)
    present = texts(machine)
    mend(machine, found)
    assert texts(machine) == present

    Ledger(machine).undo("doctor")
    assert texts(machine) == before
