"""Somebody guesses without end: how fast he is denied, whether that holds, and what it leaves behind."""

import asyncio
import itertools
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from authbridge.schools.commands.organisers import IssuedCredential
from bench import runs
from bench.environment import DEAR, Environment
from bench.load_generator import Ended, Plan
from bench.peers import ACCEPTING, MEMBERS, VERSIONS, HostedProsody, HostedService
from bench.table import Row

VICTIMS = 5  # organisers whose names the guesser knows: fewer than make his whole network suspicious
RATE, FAST = 100, 500  # guesses a second
_SECONDS = 20
_OWNERS = 40  # logins of the victims themselves meanwhile, two a second
_DENIED = 0.003  # seconds, as the service answers
_WRITTEN_DOWN = 2.0  # seconds until the denials of the last second are in the journal, too
_JOURNAL = ("login_attempts", "rejected_attempts")
_ADDRESS = "198.51.100.7"
_ON = VERSIONS[0]
_LATER = "temporary-auth-failure"

_numbers = itertools.count()


def guesses(victims: Sequence[IssuedCredential], count: int) -> list[IssuedCredential]:
    """Wrong passwords, none of them twice in the whole run: a repeated one is denied for another reason."""
    return [
        IssuedCredential(victims[number % len(victims)].username, f"guess-{next(_numbers)}")
        for number in range(count)
    ]


async def measure(environment: Environment) -> list[Row]:
    """First at the service itself, then through Prosody, where the owners log in too."""
    service, prosody = environment.services[DEAR], environment.prosodies[_ON]
    victims = (await environment.remembered())[:VICTIMS]
    rows = []
    for rate in (RATE, FAST):
        before = _journalled(service)
        ended = await runs.run(_directly(service, victims, rate))
        await asyncio.sleep(_WRITTEN_DOWN)
        assault = _Assault(rate, ended, _journalled(service) - before)
        rows += [assault.speed_row(), assault.journal_row()]
    return rows + await _through_prosody(prosody, service, victims)


@dataclass(frozen=True, slots=True)
class _Assault:
    """What came of the guesses at one rate."""

    rate: int
    ended: list[Ended]
    journalled: int  # rows

    @property
    def hashed(self) -> int:
        """How many guesses were compared with the hash, so far as one can see from outside."""
        return sum(login.condition == "refused" for login in self.ended)

    def speed_row(self) -> Row:
        """How fast, and whether every guess got a proper answer."""
        locked = runs.figures_of(self.ended, "locked")
        proper = {login.condition for login in self.ended} <= {"locked", "refused", "unavailable"}
        fast = locked is not None and locked.p50 <= _DENIED
        promised = "p50 ≤ 3, no errors" if self.rate == RATE else "no errors"
        return Row(
            f"attack: guesses denied by the service, {self.rate}/s, bcrypt cost {DEAR}",
            "",
            locked,
            f"{runs.counts(self.ended)}; {self._sustained():.0f}/s",
            promised,
            met=proper and (fast or self.rate != RATE) and self._sustained() >= 0.98 * self.rate,
        )

    def journal_row(self) -> Row:
        """What it leaves in the journal."""
        minutes = _SECONDS // 60 + 2  # that it may touch
        allowed = self.hashed + VICTIMS * minutes
        return Row(
            f"attack: rows in the journal, {self.rate}/s",
            "",
            None,
            f"{self.journalled} rows for {len(self.ended)} guesses, {self.hashed} of them hashed",
            f"≤ {allowed}: the hashed, and one for each pair and minute",
            met=self.journalled <= allowed,
        )

    def _sustained(self) -> float:
        return len(self.ended) / max(login.began + login.seconds for login in self.ended)


async def _through_prosody(
    prosody: HostedProsody, service: HostedService, victims: Sequence[IssuedCredential]
) -> list[Row]:
    starts = runs.evenly(RATE * _SECONDS, _SECONDS)
    attempts = guesses(victims, len(starts))
    every = len(starts) // _OWNERS
    owners = {number: victims[number // every % len(victims)] for number in range(0, len(starts), every)}
    for number, owner in owners.items():
        attempts[number] = owner
    peer = await runs.run(runs.at_prosody(prosody, ACCEPTING, MEMBERS, starts=starts))
    runs.require(peer, "success")
    ended = await runs.run(runs.at_prosody(prosody, service.host, attempts, starts=starts))
    moments = {starts[number] for number in owners}
    of_owners = [login for login in ended if login.began in moments]
    of_guesser = [login for login in ended if login.began not in moments]
    return [
        Row(f"attack: accepting provider, {RATE}/s", _ON, runs.figures_of(peer)),
        Row(
            f"attack: guesses denied through Prosody, {RATE}/s",
            _ON,
            runs.figures_of(of_guesser, _LATER),
            runs.counts(of_guesser),
        ),
        Row(
            "attack: logins of those guessed at, remembered",
            _ON,
            runs.figures_of(of_owners),
            runs.counts(of_owners),
            "all granted",
            met=all(login.condition == "success" for login in of_owners),
        ),
    ]


def _directly(service: HostedService, victims: Sequence[IssuedCredential], rate: int) -> Plan:
    starts = runs.evenly(rate * _SECONDS, _SECONDS)
    return runs.at_service(service, guesses(victims, len(starts)), starts=starts, ip=_ADDRESS)


def _journalled(service: HostedService) -> int:
    file = Path(service.folder / "authbridge.db").absolute()
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        counts = [connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in _JOURNAL]  # noqa: S608 - our own words
        return sum(count for (count,) in counts)
    finally:
        connection.close()
