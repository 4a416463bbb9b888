"""The page for the security officer has the numbers, keys, ports and doors of the code."""

import re
from datetime import timedelta

import pytest

import admin
from admin.stores import import_tables
from authbridge import config, wire
from authbridge.keys import KeyPurpose
from authbridge.login import hashing_queue, typed_passwords
from authbridge.misuse import commands as misuse
from authbridge.schools import listings, selection
from authbridge.schools.commands import organisers, schools, suspensions
from authbridge.staff import device_cookies, passkey_commands, password_rules, sessions
from authbridge.storage.models import SessionStage
from authbridge.tables import reading
from workbench import ROOT
from workbench.papers import PAPERS

PAPER = (PAPERS / "technical.md").read_text(encoding="utf-8")

KIB = 1024
LONGEST = sessions._AT_MOST  # noqa: SLF001 - the page tells of them


def minutes(duration: timedelta) -> str:
    """Returns it as the page says it."""
    return f"{duration // timedelta(minutes=1)} minutes"


@pytest.mark.parametrize(
    "said",
    [
        f"from {config.PANEL_IDLE_MINUTES[0]} to {config.PANEL_IDLE_MINUTES[-1]}",
        f"| {LONGEST[SessionStage.SIGNED_IN] // timedelta(hours=1)} hours |",
        f"| {minutes(LONGEST[SessionStage.PASSWORD])} |",
        f"| {minutes(LONGEST[SessionStage.ENROLLING])} |",
        f"| {minutes(sessions.FRESH)} |",
        f"| {device_cookies.LIFETIME.days} days |",
        f"JSON of {wire.MAX_BYTES // KIB} KiB at most",
        f"{password_rules._LEAST} to {typed_passwords.MAX_BYTES} bytes",  # noqa: SLF001
        f"{admin._MAX_FORM // KIB} KiB at most",  # noqa: SLF001
        f"name, street, place | {schools._LONGEST_LINE} characters",  # noqa: SLF001
        f"note on a suspension | {suspensions.LONGEST_NOTE} characters",
        f"misuse report | {misuse.LONGEST_DESCRIPTION} characters",
        f"{schools._MOST_NETWORKS} of one school",  # noqa: SLF001
        f"1 MiB and {reading.MOST_ROWS} rows",
        f"memory for {minutes(import_tables._LIFETIME)}",  # noqa: SLF001
        f"{organisers.MAX_ISSUED} accounts issued at once",
        f"{selection.MOST_SELECTED} organisers in one selection",
        f"{schools.MOST_ACCOUNTS} accounts of a school",
        f"{passkey_commands._MOST} passkeys of one person",  # noqa: SLF001
        f"{hashing_queue._MOST_IN_QUEUE} waiting at most",  # noqa: SLF001
        f"{listings.MOST_AT_ONCE} rows at once",
        f"cost 10 for organisers and {password_rules.STAFF_COST} for staff",
    ],
)
def test_the_paper_has_the_numbers_of_the_code(said: str) -> None:
    """Who changes a number changes the page."""
    assert said in PAPER


def test_every_key_is_in_the_paper() -> None:
    """Each purpose has its line: algorithm, what it protects, what its exchange costs."""
    for purpose in KeyPurpose:
        assert f"\n| `{purpose}` | " in PAPER


def test_every_port_is_in_the_paper() -> None:
    """Where our own units listen."""
    listening = [
        address
        for unit in (ROOT / "deploy/systemd").glob("*.socket")
        for address in re.findall(r"^ListenStream=(.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert listening
    for address in listening:
        assert address in PAPER
