"""The quick check in the login flow: what it excludes is refused and counted like any failure, unhashed."""

import itertools
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from authbridge.login.alarms import Task
from authbridge.login.passwords import generate_password
from authbridge.login.policy import Decision, Reason, Verdict
from authbridge.login.quick_checks import QuickChecks
from authbridge.schools.commands import organisers, suspensions
from authbridge.schools.suspendable import ORGANISER
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt, LoginFailure, Organiser
from tests.support.factories import ACTOR, KEYED_HASHES, SECRET_KEY
from tests.support.fakes import CountingHasher
from tests.support.stories import GRANTED, LOCKED, OTHER, REFUSED, Story, alarms, told_apart

NOBODY = "ohg-xxxx"


@pytest.fixture(name="story")
def begin_story(database: Database) -> Story:
    """A school and a service that makes quick checks."""
    return Story(database, hasher=keyed(SECRET_KEY))


@dataclass
class Later:
    """The tasks that need not be done before the answer."""

    tasks: list[Task] = field(default_factory=list)


def keyed(secret: bytes) -> CountingHasher:
    """A hasher with the key of that secret."""
    return CountingHasher(quick_checks=QuickChecks(secret))


def test_a_wrong_password_is_no_hash(story: Story) -> None:
    """Of thirty guesses hardly one is hashed, and the owner comes in from elsewhere."""
    issued = story.issue()
    verdicts = [story.guess(issued.username, f"192.0.2.{number}").verdict for number in range(30)]

    assert verdicts == [REFUSED] * 30
    assert story.hasher.checks < 5
    assert story.owner(issued, OTHER) is GRANTED


def test_it_counts_like_any_failure(story: Story) -> None:
    """Five, then a wait; staff are told at twenty; the journal says what a hash would have said."""
    issued = story.issue()

    assert story.guesses(issued.username, 5) == [REFUSED] * 5
    assert story.guess(issued.username) == Decision(LOCKED, Reason.PAIR_WAITS, 30)
    assert story.count(LoginFailure) == 5
    assert {(each.verdict, each.reason) for each in story.rows(LoginAttempt)} == {
        (Verdict.REFUSED, Reason.WRONG_PASSWORD)
    }
    for number in range(15):
        story.guess(issued.username, f"192.0.2.{number}")
    assert alarms(story) == [("organiser:guessed", issued.username)]


def test_staff_are_told_after_the_answer(story: Story) -> None:
    """So that the twentieth answer takes no longer for a name that is somebody's."""
    later = Later()
    story.services = replace(story.services, run_later=later.tasks.append)
    issued = story.issue()
    for number in range(20):
        story.guess(issued.username, f"192.0.2.{number}")
    assert alarms(story) == []

    for tell in later.tasks:
        tell()

    assert alarms(story) == [("organiser:guessed", issued.username)]


def test_it_is_not_told_from_a_hashed_one(story: Story) -> None:
    """Somebody's, nobody's and a suspended name are refused, and wait, alike."""
    suspended = story.issue().username
    with story.database.write_session() as session:
        suspensions.suspend(session, ORGANISER, suspended, reason=None, actor=ACTOR, now=story.clock())
    names = (story.issue().username, suspended, NOBODY)

    decisions = [
        [story.guess(name, f"192.0.2.{place}") for _ in range(7)] for place, name in enumerate(names)
    ]
    said = [[(each.verdict, each.retry_after) for each in of_name] for of_name in decisions]
    assert said[0] == said[1] == said[2]


def test_the_same_wrong_password_again_is_a_repetition(story: Story) -> None:
    """One failure, however often a forgotten tablet sends it; also where it sends it twice at once."""
    issued, wrong = story.issue(), generate_password()
    with ThreadPoolExecutor(8) as threads:
        verdicts = list(threads.map(lambda _: story.login(issued.username, wrong).verdict, range(8)))

    assert set(verdicts) == {REFUSED}
    assert story.login(issued.username, wrong).reason is Reason.REPEATED_PASSWORD
    assert len(story.rows(LoginFailure, LoginFailure.fingerprint.is_not(None))) == 1
    assert story.owner(issued) is GRANTED


def test_parallel_guesses_record_five(story: Story) -> None:
    """Forty at once: the others wait, whether or not one of them had to be hashed."""
    issued = story.issue()
    generated = (generate_password() for _ in itertools.count())
    guesses = list(itertools.islice(told_apart(generated, issued.username), 40))
    with ThreadPoolExecutor(16) as threads:
        verdicts = list(threads.map(lambda guess: story.login(issued.username, guess).verdict, guesses))

    assert sorted(verdicts, key=str) == [LOCKED] * 35 + [REFUSED] * 5
    assert story.count(LoginFailure) == 5


def test_a_new_key_is_taken_over_at_the_next_success(story: Story) -> None:
    """Until then bcrypt decides; the owner notices nothing, and a guess renews nothing."""
    issued = story.issue()
    story.hasher = keyed(b"another key file".ljust(32, b"."))
    story.restart()

    assert story.guesses(issued.username, 3) == [REFUSED] * 3
    assert story.hasher.checks == 3
    assert story.owner(issued) is GRANTED
    (organiser,) = story.rows(Organiser)
    assert (organiser.quick_check or "")[:8] == QuickChecks(b"another key file".ljust(32, b".")).of("", b"")[
        :8
    ]

    story.restart()
    assert story.owner(issued) is GRANTED
    before = story.hasher.checks
    story.guesses(issued.username, 4)
    assert story.hasher.checks - before < 4


def test_an_imported_password_has_no_byte(story: Story) -> None:
    """It is hashed as before, and granted."""
    imported = story.take_over()

    assert story.guesses(imported.username, 3) == [REFUSED] * 3
    assert story.hasher.checks == 3
    assert story.owner(imported) is GRANTED
    assert story.rows(Organiser)[0].quick_check is None


def test_the_right_password_is_never_excluded(story: Story) -> None:
    """Of many organisers, each after a reset too; the old password is refused from then on."""
    chance = random.Random(7)  # noqa: S311 - no secret
    for _ in range(12):
        issued = story.issue()
        assert story.owner(issued) is GRANTED
        if chance.random() < 0.5:
            (password,) = organisers.make_passwords(1, story.hasher)
            with story.database.write_session() as session:
                renewed = organisers.reset_password(
                    session,
                    issued.username,
                    password,
                    keyed_hashes=KEYED_HASHES,
                    actor=ACTOR,
                    now=story.clock(),
                )
            assert story.owner(issued) is REFUSED
            assert story.owner(renewed) is GRANTED
