"""The rule "account": guesses at one name from anywhere; known and unknown names are treated alike."""

from datetime import timedelta

from authbridge.login.policy import Decision, Reason, Verdict
from authbridge.storage.database import Database
from tests.support.combinations import SQLITE_FIRST
from tests.support.stories import CAFE, GRANTED, HOME, LOCKED, OTHER, OUTSIDE, REFUSED, Story, expire, suspend

DAY = 24 * 60 * 60


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
