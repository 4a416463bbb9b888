"""Guesses at the same moment: what is recorded first is counted, by every process over the database."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from authbridge import readiness, retention
from authbridge.login.authenticate import LoginServices, authenticate
from authbridge.login.hashing_queue import HashingQueue
from authbridge.login.policy import Verdict
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt, NetworkWait
from tests.support.factories import LIMITS, make_origin, make_services, parse_attempt
from tests.support.fakes import CountingHasher, WatchedMemory
from tests.support.stories import (
    CAFE,
    GRANTED,
    HOME,
    LOCKED,
    REFUSED,
    Story,
    alarms,
    denied,
    wrong_passwords,
)
from tests.support.threads import at_once
from workbench.processes import PATIENCE

MANY = 20  # hashes at once: more than the machine has cores, so that they meet


class Processes:
    """Two service processes over one database; each has its own connections, memory and slots."""

    def __init__(self, story: Story) -> None:
        self.story = story
        url = story.database.engine.url.render_as_string(hide_password=False)
        self.databases = [Database(url) for _ in range(2)]
        self._settings = [self._setting(database) for database in self.databases]

    def _setting(self, database: Database) -> LoginServices:
        services = make_services(database, hasher=self.story.hasher, clock=self.story.clock)
        return replace(services, hashing_queue=HashingQueue(MANY))

    def login(self, number: int, username: str, password: str, ip: str = HOME) -> Verdict:
        """One login, at the process whose turn it is."""
        return login(self._settings[number % 2], username, password, ip)

    def close(self) -> None:
        """Ends both."""
        for database in self.databases:
            database.engine.dispose()


def login(services: LoginServices, username: str, password: str, ip: str = HOME) -> Verdict:
    """One login at that process."""
    attempt = parse_attempt(username, password, ip, services.clock())
    return authenticate(attempt, make_origin(), services, within=60).verdict


@pytest.fixture(name="processes")
def start_processes(story: Story) -> Iterator[Processes]:
    """Two service processes."""
    processes = Processes(story)
    yield processes
    processes.close()


def test_forty_parallel_guesses_hash_five(story: Story, processes: Processes) -> None:
    """As many as one after the other, whichever process they reach."""
    name = story.take_over().username
    guesses = itertools.islice(wrong_passwords(name), 40)

    verdicts = at_once(
        [partial(processes.login, number, name, typed) for number, typed in enumerate(guesses)]
    )

    assert Counter(verdicts) == {REFUSED: 5, LOCKED: 35}
    assert (story.hasher.checks, story.count(), story.count(LoginAttempt)) == (5, 5, 5)


def test_a_parallel_spray_hashes_thirty(story: Story, processes: Processes) -> None:
    """Exactly: what is being hashed counts too.  Staff are told once, whichever process tells them."""
    names = [f"ohg-nobody{number}" for number in range(200)]

    with ThreadPoolExecutor(2 * MANY) as threads:
        verdicts = list(threads.map(lambda n: processes.login(n, names[n], "Sommer2026"), range(200)))

    assert Counter(verdicts) == {REFUSED: 30, LOCKED: 170}
    assert (story.hasher.checks, story.count(), story.count(NetworkWait)) == (30, 30, 1)
    assert sorted(alarms(story)) == [("network:locked", HOME), ("network:sprays", HOME)]


@pytest.mark.parametrize("typed", ["right", "wrong"])
def test_two_equal_attempts_at_the_same_time_are_one_check(story: Story, typed: str) -> None:
    """A client that connects twice waits once; both get the verdict, each where it is."""
    owner = story.take_over()
    memory = WatchedMemory(LIMITS)
    hasher = CountingHasher(meanwhile=lambda: _await(memory.met))
    services = replace(story.services, password_cache=memory, hasher=hasher)
    password = owner.password if typed == "right" else "falsch"

    verdicts = at_once([partial(login, services, owner.username, password, ip) for ip in (HOME, CAFE)])

    story.services = services
    assert hasher.checks == 1
    if typed == "right":
        assert verdicts == [GRANTED] * 2
        assert (story.count(), story.count(LoginAttempt), denied(story)) == (0, 2, [])
    else:
        assert verdicts == [REFUSED] * 2
        assert (story.count(), story.count(LoginAttempt)) == (1, 1)
        assert [repeated for _, repeated, _, _ in denied(story)] == [1]


def _await(event: threading.Event) -> None:
    assert event.wait(PATIENCE)


def test_owners_who_come_at_the_same_time_all_get_in(story: Story, processes: Processes) -> None:
    """While they are hashed they are on record as failures; that is nobody's loss."""
    owners = [story.issue() for _ in range(24)]

    verdicts = at_once(
        [
            partial(processes.login, number, owner.username, owner.password)
            for number, owner in enumerate(owners)
        ]
    )

    assert verdicts == [GRANTED] * 24
    assert (story.count(), story.count(NetworkWait)) == (0, 0)


def test_two_processes_may_purge_at_the_same_time(story: Story, processes: Processes) -> None:
    """Both are started by the same boot, and each purges first of all."""
    purge = partial(retention.purge, clock=story.clock, retention=timedelta(days=7), limits=LIMITS)

    at_once([partial(purge, processes.databases[number % 2]) for number in range(8)])

    reports = at_once(
        [
            partial(readiness.examine, processes.databases[number % 2], now=story.clock())
            for number in range(8)
        ]
    )
    assert all(report.ready for report in reports)
