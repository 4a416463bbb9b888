"""Somebody guesses without end, from the very address of honest organisers; these get in nevertheless."""

import asyncio
import contextlib
import itertools
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage.database import Database
from tests.support.asking import wrong_passwords_at
from tests.support.combinations import each_once
from tests.support.factories import make_organiser, make_school
from tests.support.feeds import until
from tests.support.login_server import NEWER, OLDER, VERSIONS
from workbench.processes import PATIENCE
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service
from workbench.xmpp import Client
from workbench.xmpp_http import WebSocketTransport

ADDRESS = "198.51.100.7"  # of a school, or of a carrier's whole neighbourhood
TEMPORARY = "temporary-auth-failure"
ORGANISERS = 20
MANY = 60  # more than two for each of their names
LONG_WAITS = {"LIMIT_FIRST_WAIT": "3600", "LIMIT_LONGEST_WAIT": "3600"}  # seconds: no wait ends meanwhile


@dataclass(frozen=True, slots=True)
class Scene:
    """A service with organisers, and a Prosody whose proxy says who comes from where, if it is believed."""

    prosody: Prosody
    service: Service
    organisers: list[IssuedCredential]

    async def login(self, username: str, password: str) -> str:
        """One login in a browser at the address that everybody shares."""
        headers = {"X-Forwarded-For": ADDRESS}
        transport = WebSocketTransport(self.prosody.http_port, HOST, headers)
        async with Client(transport, HOST) as client, asyncio.timeout(PATIENCE):
            return (await client.login(username, password)).condition

    async def login_all(self) -> list[str]:
        """Every organiser once, one after the other."""
        return [await self.login(each.username, each.password) for each in self.organisers]

    def count(self, query: str) -> int:
        """A number out of the service's database."""
        with contextlib.closing(sqlite3.connect(self.service.folder / "authbridge.db")) as database:
            return int(database.execute(query).fetchone()[0])


SceneFor = Callable[..., Scene]


@pytest.fixture(name="scene_for")
def open_scene(tmp_path: Path, sqlite_template: Path) -> Iterator[SceneFor]:
    """``scene_for(version, vouched=…, cost=…, **settings)``, started when called."""
    with contextlib.ExitStack() as running:

        def scene_for(version: str, *, vouched: bool, cost: int, **settings: str) -> Scene:
            service = Service(tmp_path / "service", bcrypt_cost=cost, settings=settings)
            shutil.copy(sqlite_template, service.folder / "authbridge.db")
            options = external(
                service.url, service.token_file, external_auth_proxy_overwrites_address=vouched
            )
            prosody = Prosody(version, tmp_path / "prosody", {HOST: options})
            database = Database(service.database_url)
            make_school(database)
            organisers = [make_organiser(database) for _ in range(ORGANISERS)]
            database.engine.dispose()
            running.callback(service.stop)
            service.start()
            running.callback(prosody.stop)
            prosody.start()
            return Scene(prosody, service, organisers)

        yield scene_for


@dataclass(frozen=True, slots=True)
class Guesser:
    """How the guesses end so far; ``is_denied`` is set when many were told to come back."""

    told: Counter[str] = field(default_factory=Counter)
    is_denied: asyncio.Event = field(default_factory=asyncio.Event)
    is_stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, scene: Scene, guesses: Iterator[tuple[str, str]]) -> None:
        """One guess after the other."""
        while not self.is_stopped.is_set():
            self.told[await scene.login(*next(guesses))] += 1
            if self.told[TEMPORARY] >= MANY:
                self.is_denied.set()


@contextlib.asynccontextmanager
async def guessing(scene: Scene, names: Iterable[str], *, at_once: int = 8) -> AsyncIterator[Guesser]:
    """Somebody guesses all the time, always another password of that name."""
    guesser = Guesser()
    passwords = {name: wrong_passwords_at(scene.service, name) for name in names}
    guesses = ((name, next(passwords[name])) for name in itertools.cycle(passwords))
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(guesser.run(scene, guesses))
        yield guesser
        guesser.is_stopped.set()


@pytest.mark.parametrize(("version", "vouched"), each_once(VERSIONS, [True, False]))
async def test_remembered_owners_get_in_while_their_own_names_are_guessed(
    scene_for: SceneFor,
    version: str,
    vouched: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    """Every account waits for the guesser, and its owner comes in at the first try."""
    scene = scene_for(version, vouched=vouched, cost=4, **LONG_WAITS)
    assert await scene.login_all() == ["success"] * ORGANISERS

    async with guessing(scene, [each.username for each in scene.organisers]) as guesser:
        await guesser.is_denied.wait()
        assert await scene.login_all() == ["success"] * ORGANISERS

    assert guesser.told["not-authorized"] <= 5 * ORGANISERS * 2  # a login ends the pair's wait
    assert guesser.told["success"] == 0


async def test_known_owners_get_in_from_an_address_that_sprays(scene_for: SceneFor) -> None:
    """Nothing is remembered; the address waits for its thirty failures, and who is known there does not."""
    scene = scene_for(OLDER, vouched=True, cost=4, REMEMBER_CREDENTIALS="no")
    assert await scene.login_all() == ["success"] * ORGANISERS

    async with guessing(scene, [f"ohg-{number:04}" for number in range(200)]) as guesser:
        await guesser.is_denied.wait()
        assert await scene.login_all() == ["success"] * ORGANISERS

    assert guesser.told["not-authorized"] <= 30
    assert scene.count("SELECT count(*) FROM network_waits") == 1
    assert scene.count("SELECT count(*) FROM audit_events WHERE actor = 'policy'") >= 1


async def test_without_memory_and_address_nobody_is_told_a_falsehood(scene_for: SceneFor) -> None:
    """More guesses than can be hashed: an owner is let in, or told to come back, but never "wrong"."""
    scene = scene_for(NEWER, vouched=False, cost=10, REMEMBER_CREDENTIALS="no")
    names = [f"ohg-{number:04}" for number in range(200)]

    told: list[str] = []
    async with guessing(scene, names, at_once=40):
        await asyncio.sleep(1)
        async with asyncio.timeout(PATIENCE):
            while "success" not in told:
                told += await asyncio.gather(
                    *(scene.login(each.username, each.password) for each in scene.organisers)
                )

    assert set(told) <= {"success", TEMPORARY}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_list_of_passwords_gets_nowhere(scene_for: SceneFor, version: str) -> None:
    """Five guesses; the rest is turned away and only counted."""
    scene = scene_for(version, vouched=True, cost=4, **LONG_WAITS)
    victim = scene.organisers[0]

    async with guessing(scene, [victim.username], at_once=4) as guesser:
        minutes = int(time.time() // 60)
        await guesser.is_denied.wait()
    minutes = int(time.time() // 60) - minutes + 1

    told = guesser.told
    assert set(told) == {"not-authorized", TEMPORARY}
    assert told["not-authorized"] == 5
    assert scene.count("SELECT count(*) FROM login_attempts") == 5
    # The counts are written down once a second.
    until(lambda: scene.count("SELECT total(locked) FROM rejected_attempts") == told[TEMPORARY])
    assert scene.count("SELECT count(*) FROM rejected_attempts") <= minutes
