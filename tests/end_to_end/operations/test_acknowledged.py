"""No command that was acknowledged is lost, whatever ``kill -9`` meets meanwhile."""

import os
import random
import secrets
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from authbridge.config import read_config
from authbridge.staff.sign_in import sign_in_services_of
from authbridge.storage.models import Role
from bench.visitor import Visitor
from tests.support.acknowledged import Command, Found, Office, find, next_verdict, possible_commands
from tests.support.factories import make_organiser, make_school
from tests.support.site import Site, open_site
from workbench.staff import enrol_member

SCHOOL = "gsw"
LONGEST_DELAY = {"panel": 0.08, "command line": 0.3}  # seconds, in which a command does its work
NO_WAITS = {f"LIMIT_{name}": "1000000" for name in ("PAIR_GUESSES", "ACCOUNT_OUTSIDE", "ACCOUNT_FAILURES")}


@dataclass
class Play:
    """Commands one after the other, some of them under fire, and what must be found by now."""

    site: Site
    office: Office
    chance: random.Random
    expected: dict[str, Found]
    passwords: dict[str, str] = field(repr=False)
    fates: Counter[str] = field(default_factory=Counter)

    def give_one(self, victim: str | None) -> None:
        """Gives a command while that is killed (None: nothing), and looks what has become of it."""
        subject = self.chance.choice(sorted(self.expected))
        before = self.expected[subject]
        command = self.chance.choice(possible_commands(subject, before, is_school=subject == SCHOOL))
        if command.name == "reset" or victim == "command" or self.chance.random() < 0.1:
            is_done, password = self._enter(command, victim)
        else:
            is_done, password = self._press(command, victim), ""
        found = find(self.site.database, subject, is_school=subject == SCHOOL)
        after = command.after(before, len(self.passwords) - len(self._others()) if subject == SCHOOL else 1)
        assert found == after or (not is_done and found == before), (command, victim, is_done)
        self.fates["acknowledged" if is_done else "whole" if found == after else "absent"] += 1
        self.expected[subject] = found
        if password and found.passwords > before.passwords:
            self._require("refused", subject, self.passwords[subject])
            self.passwords[subject] = password
        self._log_in(subject)

    def _press(self, command: Command, victim: str | None) -> bool:
        kill, start = (None, None) if victim is None else self.site.victims()[victim]
        is_done = self.office.press(command, kill, self._delay("panel"))
        if start is not None:
            start()
        return is_done

    def _enter(self, command: Command, victim: str | None) -> tuple[bool, str]:
        if victim is None:
            return self.office.enter(command, None, 0)
        delay = self._delay("command line")
        if victim == "command":
            return self.office.enter(command, lambda pid: os.kill(pid, signal.SIGKILL), delay)
        kill, start = self.site.victims()[victim]
        ended = self.office.enter(command, lambda _pid: kill(), delay)
        start()
        return ended

    def _delay(self, way: str) -> float:
        return self.chance.uniform(0, LONGEST_DELAY[way])

    def _others(self) -> set[str]:
        return self.passwords.keys() & self.expected.keys()

    def _log_in(self, subject: str) -> None:
        """Checks that the next login gets the verdict that follows from the commands so far."""
        names = [subject] if subject in self.passwords else sorted(self.passwords.keys() - self._others())
        for name in names:
            verdict = "suspended" if self.expected[subject].suspended else "granted"
            self._require(verdict, name, self.passwords[name])

    def _require(self, verdict: str, username: str, password: str) -> None:
        assert next_verdict(self.site.service, username, password) == verdict, username

    def look_at_all(self) -> None:
        """Whatever was found after its command is there in the end."""
        for subject, expected in self.expected.items():
            assert find(self.site.database, subject, is_school=subject == SCHOOL) == expected
            self._log_in(subject)


_ALL = ("panel", "worker of the panel", "service", "command")


@pytest.mark.parametrize(
    ("kind", "commands", "victims"),
    [
        pytest.param("sqlite", 40, ("worker of the panel", "service", "command"), id="sqlite"),
        pytest.param("postgresql", 40, ("PostgreSQL", "backend", "command"), id="postgresql"),
        pytest.param("sqlite", 1000, _ALL, id="sqlite, a thousand", marks=pytest.mark.soak),
        pytest.param(
            *("postgresql", 1000, (*_ALL, "PostgreSQL", "backend")),
            id="postgresql, a thousand",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_every_command_that_was_acknowledged_is_kept_and_honoured(
    tmp_path: Path, sqlite_template: Path, kind: str, commands: int, victims: tuple[str, ...]
) -> None:
    """In the database, the audit and the feed, and by the next login; all others are whole or absent.

    During every tenth command one of the victims is killed.
    """
    seed = os.environ.get("AUTHBRIDGE_TEST_SEED") or secrets.token_hex(4)
    print(f"AUTHBRIDGE_TEST_SEED={seed}")  # noqa: T201 - to repeat it
    with open_site(tmp_path / "site", sqlite_template, kind, NO_WAITS) as site:
        play = _begin(site, tmp_path, random.Random(seed))  # noqa: S311 - repeatable, no secret
        started, given, kills = time.monotonic(), 0, 0
        while play.fates["acknowledged"] < commands:
            given += 1
            victim = victims[kills % len(victims)] if given % 10 == 0 else None
            kills += victim is not None
            play.give_one(victim)
        play.look_at_all()
        print(f"{given} commands, {kills} kills, {time.monotonic() - started:.0f} s: {dict(play.fates)}")  # noqa: T201


def _begin(site: Site, folder: Path, chance: random.Random) -> Play:
    config = read_config(site.panel.environ)
    services = sign_in_services_of(config, site.database)
    make_school(site.database)
    make_school(site.database, SCHOOL, "Grundschule am Wald")
    alone = [make_organiser(site.database) for _ in range(6)]
    together = [make_organiser(site.database, SCHOOL) for _ in range(2)]
    clerk = Visitor(site.panel.port)
    clerk.sign_in(enrol_member(services, "anna", Role.CLERK))
    subjects = [each.username for each in alone]
    expected = {name: find(site.database, name, is_school=name == SCHOOL) for name in (*subjects, SCHOOL)}
    passwords = {str(each.username): each.password for each in (*alone, *together)}
    return Play(site, Office(site.service, clerk, folder), chance, expected, passwords)
