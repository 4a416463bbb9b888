"""Two services over one PostgreSQL behind two Prosodys: whichever is asked, it is one installation."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from itertools import cycle, islice
from urllib.request import urlopen

import pytest
from sqlalchemy import select

from authbridge.clock import utc_now
from authbridge.login.limits import Limits
from authbridge.schools.commands import organisers
from authbridge.storage.models import ProsodyNode
from tests.support.asking import wrong_passwords_at
from tests.support.factories import ACTOR, HASHER, KEYED_HASHES
from tests.support.growth import Growth, open_growth
from tests.support.login_server import NEWER, OLDER, login, make_client
from workbench.postgres import Postgres
from workbench.processes import PATIENCE

AT_ONCE = 0.5  # seconds from a command of staff until every Prosody has carried it out
WRONG = "bcdf-ghjk-mnp"  # and one more letter
TEMPORARY = "temporary-auth-failure"


@pytest.fixture(name="growth", scope="module")
def run_growth(
    postgres: Postgres, postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Growth]:
    """Runs both, with a Prosody of either version; returns when both follow the feed."""
    folder = tmp_path_factory.mktemp("growth")
    url = postgres.create_database(postgres_template)
    with open_growth(folder, url, (OLDER, NEWER)) as growth:
        deadline = time.monotonic() + PATIENCE
        while len(followed := _followed(growth)) < len(growth.prosodys):
            assert time.monotonic() < deadline, followed
            time.sleep(0.02)
        yield growth


def _followed(growth: Growth) -> list[str]:
    with growth.auth.database.read_session() as session:
        return list(session.scalars(select(ProsodyNode.node).where(ProsodyNode.cursor.is_not(None))))


async def _told(growth: Growth, username: str, password: str) -> list[str]:
    return [await login(prosody, "tcp", username, password) for prosody in growth.prosodys]


@pytest.mark.realtime
@pytest.mark.parametrize("order", ["suspend", "end_sessions"])
async def test_an_order_of_staff_reaches_every_prosody_whichever_service_it_polls(
    growth: Growth, order: str
) -> None:
    """Both have carried it out within half a second, and the panel knows it."""
    who = growth.auth.issue()
    async with contextlib.AsyncExitStack() as streams:
        clients = [
            await streams.enter_async_context(make_client(prosody, "tcp")) for prosody in growth.prosodys
        ]
        for client in clients:
            assert (await client.login(who.username, who.password)).condition == "success"
            await client.bind()
        ends = asyncio.gather(*(client.await_end() for client in clients))
        getattr(growth.auth, order)(who.username)
        done = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            assert len(await ends) == 2
        assert time.monotonic() - done <= AT_ONCE

    effect = await growth.auth.effect(who.username, done=2)
    assert (effect.sessions, effect.done, effect.nodes, effect.late) == (2, 2, 2, ())
    assert effect.last_done_at is not None
    assert effect.last_done_at - effect.published_at <= timedelta(seconds=AT_ONCE)
    expected = "account-disabled" if order == "suspend" else "success"
    assert await _told(growth, who.username, who.password) == [expected] * 2


async def test_wrong_passwords_count_together(growth: Growth) -> None:
    """Those told to one service and those told to the other make the same name wait at both."""
    who = growth.auth.issue()
    turns = cycle(growth.prosodys)
    passwords = wrong_passwords_at(growth.services[0], who.username)
    for typed, prosody in zip(islice(passwords, Limits().pair_guesses), turns, strict=False):
        assert await login(prosody, "tcp", who.username, typed) == "not-authorized"
    assert await _told(growth, who.username, next(passwords)) == [TEMPORARY] * 2


async def test_a_replaced_password_is_refused_by_both_at_once(growth: Growth) -> None:
    """Although both remember that it was right."""
    who = growth.auth.issue()
    assert await _told(growth, who.username, who.password) == ["success"] * 2
    (made,) = organisers.make_passwords(1, HASHER)
    with growth.auth.database.write_session() as session:
        anew = organisers.reset_password(
            session, who.username, made, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=utc_now()
        )
    assert await _told(growth, who.username, who.password) == ["not-authorized"] * 2
    assert await _told(growth, who.username, anew.password) == ["success"] * 2


async def test_a_school_s_own_network_is_its_own_at_both(growth: Growth) -> None:
    """Names of the school do not lock each other out from there, whichever service they meet."""
    growth.auth.service.command("school", "set", "abc", "--network", "127.0.0.1")
    who = [growth.auth.issue("abc") for _ in range(Limits().network_names)]
    for number, letter in enumerate("bcdf"):
        prosody = growth.prosodys[number % 2]
        told = [await login(prosody, "tcp", each.username, WRONG + letter) for each in who]
        assert told == ["not-authorized"] * len(who)
    # More than enough over enough names: any other network would wait now.
    assert len(who) * 4 > Limits().network_failures
    assert await _told(growth, who[0].username, who[0].password) == ["success"] * 2
    growth.auth.service.command("school", "set", "abc", "--no-network")


def test_the_command_line_lists_both_prosodys(growth: Growth) -> None:
    """Each under its own name, both in order."""
    nodes = json.loads(growth.auth.service.command("node", "list", "--json"))
    assert [(node["node"], node["state"]) for node in nodes] == [
        ("node-0", "in order"),
        ("node-1", "in order"),
    ]


def test_each_service_tells_of_the_whole(growth: Growth) -> None:
    """What is in the database stands in the metrics of both; of logins each counts its own."""
    for service in growth.services:
        with urlopen(f"{service.url}/metrics", timeout=PATIENCE) as answer:  # noqa: S310 - our own address
            assert answer.status == HTTPStatus.OK
            text = answer.read().decode()
        assert {name for name in ("node-0", "node-1") if name in text} == {"node-0", "node-1"}
