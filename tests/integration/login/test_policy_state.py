"""The login policy over real databases: who waits, for how long, and whom it lets pass."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from authbridge.login.policy import Decision, Reason, Verdict
from authbridge.schools.commands import organisers, suspensions
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt, LoginFailure, NetworkWait, SuspensionReason
from tests.support.combinations import SQLITE_FIRST
from tests.support.factories import ACTOR, HASHER, KEYED_HASHES, make_school
from tests.support.fakes import CountingHasher
from tests.support.stories import (
    CAFE,
    GRANTED,
    HOME,
    LOCKED,
    OTHER,
    OUTSIDE,
    REFUSED,
    STRICT,
    Story,
    wrong_passwords,
)

DAY = 24 * 60 * 60


@pytest.fixture(name="story")
def begin_story(database: Database) -> Story:
    """A school, a service, and nobody who guessed so far."""
    return Story(database)


@pytest.fixture(name="name", params=["somebody's", "nobody's"])
def choose_name(request: pytest.FixtureRequest, story: Story) -> str:
    """A name that exists or does not: the policy treats them alike."""
    return story.take_over().username if request.param == "somebody's" else "frau.b"


# The rule "pair"


def test_five_guesses_then_a_wait(story: Story, name: str) -> None:
    """The sixth distinct password is not hashed, and waits for half a minute."""
    assert story.guesses(name, 5) == [REFUSED] * 5

    assert story.guess(name) == Decision(LOCKED, Reason.PAIR_WAITS, 30)
    assert (story.hasher.checks, story.count()) == (5, 5)


def test_waits_double_up_to_a_quarter_of_an_hour(story: Story) -> None:
    """Each guess after a wait starts the next one; what is tried meanwhile moves nothing."""
    name = story.take_over().username
    story.guesses(name, 5)

    for wait in (30, 60, 120, 240, 480, 900, 900):
        story.clock.advance(seconds=wait - 0.5)
        assert story.guess(name) == Decision(LOCKED, Reason.PAIR_WAITS, 1)
        story.clock.advance(seconds=0.5)
        assert story.guess(name).verdict is REFUSED

    assert story.hasher.checks == 5 + 7


def test_an_hour_without_a_failure_begins_anew(story: Story) -> None:
    """Who comes back after the lunch break has five guesses again."""
    name = story.take_over().username
    story.guesses(name, 5)
    story.clock.advance(minutes=60)

    assert story.guesses(name, 6) == [REFUSED] * 5 + [LOCKED]
    assert story.guess(name).retry_after == 30


@pytest.mark.parametrize("remember", [True, False])
def test_a_success_ends_the_waits_of_the_pair(database: Database, *, remember: bool) -> None:
    """The owner is there: afterwards there are five guesses again, and half a minute again."""
    story = Story(database, remember=remember)
    owner = story.take_over()
    story.guesses(owner.username, 5)
    assert story.owner(owner) is LOCKED
    story.clock.advance(seconds=30)

    assert story.owner(owner) is GRANTED

    assert story.guesses(owner.username, 6) == [REFUSED] * 5 + [LOCKED]
    assert story.guess(owner.username).retry_after == 30


@pytest.mark.parametrize("what", ["known-good", "trusted"])
def test_where_something_speaks_for_the_network_it_is_always_half_a_minute(story: Story, what: str) -> None:
    """A colleague in the teachers' room who mistypes all morning does not add up."""
    owner = story.take_over()
    if what == "trusted":
        story.trust(f"{HOME}/32")
    else:
        story.owner(owner)
    story.guesses(owner.username, 5)

    for _ in range(4):
        assert story.guess(owner.username) == Decision(LOCKED, Reason.PAIR_WAITS, 30)
        story.clock.advance(seconds=30)
        assert story.guess(owner.username).verdict is REFUSED


@pytest.mark.parametrize(
    ("here", "there", "is_same"),
    [
        pytest.param(HOME, CAFE, False, id="two addresses"),
        pytest.param(HOME, None, False, id="an address and an unknown one"),
        pytest.param("127.0.0.1", None, True, id="loopback is unknown"),
        pytest.param("2001:db8:1:2::1", "2001:db8:1:2:3::9", True, id="one /64"),
        pytest.param("2001:db8:1:2::1", "2001:db8:1:3::1", False, id="two /64"),
        pytest.param("10.3.0.1", "10.3.255.254", True, id="one network of the school"),
        pytest.param("10.3.0.1", "10.4.0.1", False, id="two networks of the school"),
    ],
)
def test_another_network_is_free(story: Story, here: str | None, there: str | None, *, is_same: bool) -> None:
    """What somebody guesses elsewhere does not keep the owner waiting here."""
    story.trust("10.3.0.0/16", "10.4.0.0/16")
    owner = story.issue()
    story.guesses(owner.username, 5, here)

    assert story.owner(owner, there) is (LOCKED if is_same else GRANTED)


def test_a_wait_survives_a_restart(story: Story) -> None:
    """The state lives in the database: another process goes on where the one before ended."""
    name = story.take_over().username
    story.guesses(name, 3)
    story.restart()

    assert story.guesses(name, 3) == [REFUSED, REFUSED, LOCKED]
    story.restart()
    assert story.guess(name) == Decision(LOCKED, Reason.PAIR_WAITS, 30)


def test_guesses_before_and_after_midnight_count_together(story: Story) -> None:
    """The key of the fingerprints changes at midnight UTC; the one before is still matched."""
    name = story.take_over().username
    story.clock.now = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
    guesses = wrong_passwords(name)
    before = [next(guesses) for _ in range(4)]
    assert [story.login(name, password).verdict for password in before] == [REFUSED] * 4
    story.clock.advance(minutes=2)
    story.restart()  # so that what repeats them is not the memory

    assert [story.login(name, password).verdict for password in before] == [REFUSED] * 4
    assert story.login(name, next(guesses)).verdict is REFUSED
    assert story.login(name, next(guesses)) == Decision(LOCKED, Reason.PAIR_WAITS, 30)


# The rule "remembered"


def lock_pair(story: Story, username: str) -> None:
    """The pair waits."""
    story.guesses(username, 5)


def lock_account(story: Story, username: str) -> None:
    """The account waits for all that come from outside."""
    for ip in OUTSIDE[:2]:
        story.guesses(username, 5, ip)


def lock_network(story: Story, username: str) -> None:
    """The network waits."""
    del username
    story.spray(9)


RULES = [lock_pair, lock_account, lock_network]


@pytest.mark.parametrize("lock", RULES)
def test_the_owner_of_a_remembered_generated_password_never_waits(
    database: Database, lock: Callable[[Story, str], None]
) -> None:
    """Only the owner has 49 random bits, so no guesser makes him wait, wherever either of them is."""
    story = Story(database, limits=STRICT)
    owner, forgotten = story.issue(), story.issue()
    story.owner(owner, OTHER)
    lock(story, owner.username)
    lock(story, forgotten.username)

    assert story.owner(forgotten) is LOCKED
    for ip in (HOME, CAFE, "2001:db8::1", None):
        assert story.owner(owner, ip) is GRANTED


@pytest.mark.parametrize("lock", RULES)
def test_everybody_else_waits(database: Database, lock: Callable[[Story, str], None]) -> None:
    """An imported password may be a guess, and one that was not verified lately too."""
    story = Story(database, limits=STRICT)
    imported, generated = story.take_over(), story.issue()
    for owner in (imported, generated):
        story.owner(owner, OTHER)
        lock(story, owner.username)

    assert story.owner(imported) is LOCKED
    story.restart()
    assert story.owner(generated) is LOCKED


def test_a_setting_turns_remembering_off(database: Database) -> None:
    """Then each login is hashed, and the owner waits like everybody."""
    story = Story(database, remember=False)
    owner = story.issue()
    assert [story.owner(owner) for _ in range(3)] == [GRANTED] * 3
    assert story.hasher.checks == 3

    lock_pair(story, owner.username)

    assert story.owner(owner) is LOCKED


@pytest.mark.parametrize("kind", ["generated", "imported"])
def test_a_remembered_password_is_not_hashed(story: Story, kind: str) -> None:
    """It is for a week from its last use, on this process."""
    owner = story.issue() if kind == "generated" else story.take_over()
    for _ in range(3):
        assert story.owner(owner) is GRANTED
        story.clock.advance(days=6)
    assert story.hasher.checks == 1

    story.clock.advance(days=1, seconds=1)
    assert story.owner(owner) is GRANTED
    assert story.hasher.checks == 2


def suspend(story: Story, owner: IssuedCredential) -> None:
    """Staff suspend the organiser."""
    with story.database.write_session() as session:
        suspensions.suspend(
            session, ORGANISER, owner.username, reason=SuspensionReason.MISUSE, actor=ACTOR, now=story.clock()
        )


def suspend_school(story: Story, owner: IssuedCredential) -> None:
    """Staff suspend the school."""
    del owner
    with story.database.write_session() as session:
        suspensions.suspend(
            session, SCHOOL, "ohg", reason=SuspensionReason.OTHER, actor=ACTOR, now=story.clock()
        )


def expire(story: Story, owner: IssuedCredential) -> None:
    """Yesterday was the last day."""
    with story.database.write_session() as session:
        organisers.change_validity(
            session,
            owner.username,
            date(2026, 11, 19),
            today=story.clock().date(),
            actor=ACTOR,
            now=story.clock(),
        )


def reset(story: Story, owner: IssuedCredential) -> None:
    """Staff issue a new password."""
    (password,) = organisers.make_passwords(1, HASHER)
    with story.database.write_session() as session:
        organisers.reset_password(
            session, owner.username, password, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=story.clock()
        )


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        pytest.param(suspend, Verdict.SUSPENDED, id="suspended"),
        pytest.param(suspend_school, Verdict.SUSPENDED, id="school suspended"),
        pytest.param(expire, Verdict.EXPIRED, id="expired"),
        pytest.param(reset, REFUSED, id="reset"),
    ],
)
def test_what_staff_change_counts_at_once_for_a_remembered_one(
    story: Story, change: Callable[[Story, IssuedCredential], None], verdict: Verdict
) -> None:
    """Only the check of the password is remembered, never the account's state."""
    owner = story.issue()
    assert story.owner(owner) is GRANTED

    change(story, owner)

    assert story.owner(owner) is verdict


# The rule "repeat"


def test_a_wrong_password_is_hashed_once(story: Story, name: str) -> None:
    """A forgotten browser that repeats an old password all day is one failure, from wherever it asks."""
    first = story.login(name, "alt")
    repeated = []
    for ip in (HOME, CAFE, HOME, None):
        story.clock.advance(hours=6)
        repeated.append(story.login(name, "alt", ip))

    assert first.verdict is REFUSED
    assert repeated == [Decision(REFUSED, Reason.REPEATED_PASSWORD)] * 4
    assert (story.hasher.checks, story.count(), story.count(LoginAttempt)) == (1, 1, 1)

    story.clock.advance(seconds=1)
    assert story.login(name, "alt").reason is not Reason.REPEATED_PASSWORD
    assert story.hasher.checks == 2


def test_while_the_pair_waits_a_repeated_password_is_not_told_from_a_new_one(story: Story) -> None:
    """Else who waits could try, as fast as he likes, what the owner mistyped today."""
    name = story.take_over().username
    story.login(name, "alt")
    story.guesses(name, 4)

    assert story.login(name, "alt") == story.guess(name)
    assert story.guess(name).verdict is LOCKED


def test_the_same_password_is_not_distinct_for_another_process(story: Story) -> None:
    """It is hashed there too, but of the five guesses it takes only one."""
    name = story.take_over().username
    for _ in range(6):
        assert story.login(name, "alt").verdict is REFUSED
        story.restart()

    assert story.guesses(name, 5) == [REFUSED] * 4 + [LOCKED]
    assert story.count() == 6 + 4


def test_a_password_that_became_right_is_granted(story: Story) -> None:
    """What was wrong before the import or before the reset is not remembered as wrong."""
    assert story.login("frau.c", "Geheim").verdict is REFUSED
    imported = story.take_over("frau.c", "Geheim")
    assert story.owner(imported) is GRANTED

    (password,) = organisers.make_passwords(1, HASHER)
    assert story.login("frau.c", password.plain).verdict is REFUSED
    with story.database.write_session() as session:
        organisers.reset_password(
            session, "frau.c", password, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=story.clock()
        )
    assert story.login("frau.c", password.plain).verdict is GRANTED


# The rule "account"


def test_fifty_guesses_from_outside_lock_the_outside(database: Database) -> None:
    """However many addresses they have; where the owner was this week he gets in, and in the school."""
    story = Story(database, remember=False)
    story.trust("10.0.0.0/8")
    owner = story.take_over()
    story.owner(owner, OTHER)
    tried = [verdict for ip in OUTSIDE[:9] for verdict in story.guesses(owner.username, 5, ip)]
    tried += story.guesses(owner.username, 4, HOME)
    assert tried == [REFUSED] * 49

    assert story.guess(owner.username, CAFE).verdict is REFUSED

    assert story.guess(owner.username, OUTSIDE[99]) == Decision(LOCKED, Reason.ACCOUNT_WAITS, DAY)
    assert story.owner(owner, OUTSIDE[99]) is LOCKED
    assert story.owner(owner, None) is LOCKED
    assert story.owner(owner, OTHER) is GRANTED
    assert story.owner(owner, "10.1.2.3") is GRANTED


def test_an_outside_lock_ends_one_failure_after_the_other(story: Story) -> None:
    """The day rolls: what was hashed a day ago counts no longer."""
    name = story.take_over().username
    for ip in OUTSIDE[:10]:
        story.guesses(name, 5, ip)
        story.clock.advance(hours=1)
    assert story.guess(name, CAFE) == Decision(LOCKED, Reason.ACCOUNT_WAITS, 14 * 60 * 60)

    story.clock.advance(hours=14)

    assert story.guesses(name, 6, CAFE) == [REFUSED] * 5 + [LOCKED]


@SQLITE_FIRST
def test_after_a_hundred_nothing_more_is_hashed(story: Story) -> None:
    """The ceiling of NIST SP 800-63B holds everywhere; only the remembered owner passes."""
    story.trust(*(f"10.{number}.0.0/16" for number in range(10)))
    owner = story.issue()
    assert story.owner(owner, OTHER) is GRANTED
    places = [*OUTSIDE[:10], *(f"10.{number}.0.1" for number in range(9))]
    assert [v for ip in places for v in story.guesses(owner.username, 5, ip)] == [REFUSED] * 95
    assert story.guesses(owner.username, 4, OTHER) == [REFUSED] * 4
    assert story.owner(owner, OTHER) is GRANTED
    assert story.guess(owner.username, OTHER).verdict is REFUSED

    assert story.guess(owner.username, OTHER) == Decision(LOCKED, Reason.ACCOUNT_WAITS, DAY)
    assert story.guess(owner.username, "10.9.0.1").verdict is LOCKED
    assert story.hasher.checks == 1 + 100
    assert story.owner(owner, CAFE) is GRANTED
    story.restart()
    assert story.owner(owner, OTHER) is LOCKED


# The rule "network"


@pytest.mark.parametrize(
    ("failures", "names", "verdict"),
    [
        pytest.param(29, 8, REFUSED, id="29 over 8 names"),
        pytest.param(30, 7, REFUSED, id="30 over 7 names"),
        pytest.param(30, 8, LOCKED, id="30 over 8 names"),
    ],
)
def test_thirty_failures_over_eight_names_lock_the_network(
    story: Story, failures: int, names: int, verdict: Verdict
) -> None:
    """Fewer names are a family or a staff room, fewer failures a bad morning."""
    assert story.spray(failures, names) == [REFUSED] * failures

    assert story.guess("frau.b").verdict is verdict
    assert story.guess("frau.b", CAFE).verdict is REFUSED


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [
        pytest.param(15 * 60 - 1, LOCKED, id="a second before"),
        pytest.param(15 * 60, REFUSED, id="a quarter of an hour"),
    ],
)
def test_a_network_waits_for_a_quarter_of_an_hour(story: Story, seconds: int, verdict: Verdict) -> None:
    """It ends by itself, whatever was tried meanwhile, and then thirty more are hashed."""
    story.spray(30)
    assert story.guess("frau.b") == Decision(LOCKED, Reason.NETWORK_WAITS, 15 * 60)
    story.clock.advance(seconds=seconds - 60)
    story.spray(3)
    story.clock.advance(seconds=60)

    assert story.guess("frau.b").verdict is verdict

    if verdict is REFUSED:
        assert story.spray(29, names=10) == [REFUSED] * 29
        assert story.guess("frau.b").verdict is LOCKED


def test_failures_of_more_than_a_quarter_of_an_hour_ago_lock_no_network(story: Story) -> None:
    """A window that rolls."""
    story.spray(20)
    story.clock.advance(minutes=15)

    assert story.spray(29, names=20) == [REFUSED] * 29
    assert story.guess("frau.b").verdict is REFUSED
    assert story.guess("frau.b").verdict is LOCKED


def test_who_is_known_there_passes_a_networks_wait(database: Database) -> None:
    """Half the town may share that address; its regulars are checked as ever."""
    story = Story(database, remember=False, limits=STRICT)
    regular, stranger = story.issue(), story.issue()
    story.owner(regular)
    story.spray(9)

    assert story.owner(stranger) is LOCKED
    assert story.guess(regular.username).verdict is REFUSED
    assert story.owner(regular) is GRANTED

    story.clock.advance(days=7)
    story.spray(9)
    assert story.owner(regular) is GRANTED  # to the second
    story.clock.advance(days=7, seconds=1)
    story.spray(9)
    assert story.owner(regular) is LOCKED


def test_a_success_takes_the_pairs_own_failures_out(story: Story) -> None:
    """Who mistyped and then got it right was no guesser."""
    owner = story.take_over()
    story.guesses(owner.username, 4)
    story.spray(25)

    assert story.owner(owner) is GRANTED
    assert story.spray(5) == [REFUSED] * 5  # were the four counted, the second would wait
    assert story.guess("frau.b").verdict is LOCKED


def test_an_unknown_network_never_waits_as_a_whole(story: Story) -> None:
    """Behind a proxy that hides addresses everybody would wait."""
    assert story.spray(40, names=10, ip=None) == [REFUSED] * 40
    assert story.guess("frau.b", None).verdict is REFUSED


def test_a_schools_own_network_never_waits(story: Story) -> None:
    """At five to eight a whole school mistypes behind one address."""
    story.trust(f"{HOME}/32")

    assert story.spray(40, names=10) == [REFUSED] * 40
    assert story.count(NetworkWait) == 0


def test_a_network_is_a_schools_own_for_its_own_accounts_only(story: Story) -> None:
    """The guests in it wait like everybody."""
    story.trust(f"{HOME}/32")
    make_school(story.database, "gsw", "Grundschule am Wald")
    assert [story.guess(f"gsw-nobody{number % 8}").verdict for number in range(30)] == [REFUSED] * 30

    assert story.guess("gsw-other").verdict is LOCKED
    assert story.guess("ohg-other").verdict is REFUSED


# Known and unknown names alike


@SQLITE_FIRST
def test_a_sequence_of_guesses_tells_nothing_about_a_name(story: Story) -> None:
    """Same verdicts, same waits, same number of hashes, over sixty guesses at growing distances."""
    suspended, expired = story.issue(), story.issue()
    suspend(story, suspended)
    expire(story, expired)
    names = {
        "generated": story.issue().username,
        "imported": story.take_over().username,
        "suspended": suspended.username,
        "expired": expired.username,
        "nobody's": "frau.b",
        "nobody's of the school": "ohg-zzzz",
    }
    seen = {kind: observe(story, name, ip) for ip, (kind, name) in zip(OUTSIDE, names.items(), strict=False)}

    assert all(observed == seen["nobody's"] for observed in seen.values()), seen
    waits = {wait for _, wait, _ in seen["nobody's"]}
    assert len(waits) > 5


def observe(story: Story, name: str, ip: str) -> list[tuple[Verdict, int | None, int]]:
    """What a guesser sees of a name: verdict, wait, and how much was hashed for it."""
    began, hashed = story.clock.now, story.hasher.checks
    seen = []
    for number in range(60):
        decision = story.guess(name, ip)
        seen.append((decision.verdict, decision.retry_after, story.hasher.checks - hashed))
        story.clock.advance(seconds=1.5 * number)
    story.clock.now = began + timedelta(0)
    return seen


# Crashes


def test_a_hash_that_fails_is_a_failure(story: Story, name: str) -> None:
    """Who could make the service stumble would guess without counting."""
    story.interrupt(CountingHasher(meanwhile=stumble))
    for _ in range(5):
        with pytest.raises(RuntimeError):
            story.guess(name)
    story.restart()

    assert story.guess(name) == Decision(LOCKED, Reason.PAIR_WAITS, 30)
    assert open_attempts(story) == 5


def stumble() -> None:
    """What a bug in the hasher would do."""
    raise RuntimeError


def open_attempts(story: Story) -> int:
    """How many attempts have no verdict."""
    return len(story.rows(LoginAttempt, LoginAttempt.verdict.is_(None)))


def test_a_hash_that_failed_can_be_tried_again(story: Story) -> None:
    """The slot is free, the name is not taken, and nothing was remembered."""
    owner = story.issue()
    services = story.services
    story.interrupt(CountingHasher(meanwhile=stumble))
    for _ in range(3):
        with pytest.raises(RuntimeError):
            story.owner(owner)
    story.services = services

    assert story.owner(owner) is GRANTED
    assert [failure.fingerprint for failure in story.rows(LoginFailure)] == [None] * 3


def test_a_right_password_is_on_record_as_a_failure_while_it_is_hashed(story: Story) -> None:
    """Parallel guesses must see one another; once it matched it was none."""
    owner = story.issue()
    counted: list[int] = []
    story.interrupt(CountingHasher(meanwhile=lambda: counted.append(story.count())))

    assert story.owner(owner) is GRANTED
    assert (counted, story.count()) == ([1], 0)
