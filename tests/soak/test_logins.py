"""Ten thousand logins while the service is killed, restarted and frozen: no wrong verdict at all."""

import asyncio
import itertools
import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.login_server import (
    TRANSPORTS,
    VERSIONS,
    LoginServer,
    Organisers,
    login,
    open_login_server,
)
from workbench.service import Service

LOGINS = 10_000
AT_ONCE = 24
FREEZE = 2  # seconds
TEMPORARY = "temporary-auth-failure"

pytestmark = pytest.mark.soak

Case = tuple[str, str, str]


@pytest.fixture(name="login_server", params=VERSIONS)
def run_login_server(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path
) -> Iterator[LoginServer]:
    """A service of its own, cheap in hashing, and a Prosody that asks it."""
    with open_login_server(request.param, tmp_path, sqlite_template, bcrypt_cost=4) as login_server:
        yield login_server


async def test_ten_thousand_logins_with_kills_and_hangs(login_server: LoginServer) -> None:
    """Each ends with its own true condition, or in the rare worst case with "temporary"; never another."""
    prosody, service, organisers = login_server.prosody, login_server.service, login_server.organisers
    cases = _cases(organisers)
    told: Counter[tuple[str, str]] = Counter()
    numbers = iter(range(LOGINS))

    async def keep_logging_in() -> None:
        for number in numbers:
            name, typed, condition = cases[number % len(cases)]
            transport = TRANSPORTS[number % len(TRANSPORTS)]
            told[condition, await login(prosody, transport, name, typed)] += 1

    trouble = asyncio.create_task(_make_trouble(service))
    await asyncio.gather(*(keep_logging_in() for _ in range(AT_ONCE)))
    trouble.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trouble

    print(dict(told))  # noqa: T201 - the soak's report
    wrong = {pair: count for pair, count in told.items() if pair[0] != pair[1]}
    assert sum(told.values()) == LOGINS
    assert {actual for _, actual in wrong} <= {TEMPORARY}
    assert sum(wrong.values()) <= LOGINS // 1000


def _cases(organisers: Organisers) -> list[Case]:
    wrong = "bcdf-ghjk-mnpq"
    return [
        (organisers.active.username, organisers.active.password, "success"),
        (organisers.active.username, wrong, "not-authorized"),
        (organisers.suspended.username, organisers.suspended.password, "account-disabled"),
        ("ohg-zzzz", wrong, "not-authorized"),
        (organisers.expired.username, organisers.expired.password, "credentials-expired"),
        (
            organisers.of_suspended_school.username,
            organisers.of_suspended_school.password,
            "account-disabled",
        ),
        (organisers.suspended.username, wrong, "not-authorized"),
    ]


async def _make_trouble(service: Service) -> None:
    chance = random.Random(7)  # noqa: S311 - repeatable, no secret
    for number in itertools.count():
        await asyncio.sleep(chance.uniform(1.5, 3))
        match number % 3:
            case 0:
                await asyncio.to_thread(service.kill)
                await asyncio.to_thread(service.start)
            case 1:
                await asyncio.to_thread(service.stop)
                await asyncio.to_thread(service.start)
            case _:
                service.process.signal(signal.SIGSTOP)
                await asyncio.sleep(FREEZE)
                service.process.signal(signal.SIGCONT)
