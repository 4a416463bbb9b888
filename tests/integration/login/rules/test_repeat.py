"""The rule "repeat": the same wrong password again is no guess."""

from authbridge.login.policy import Decision, Reason
from authbridge.schools.commands import organisers
from authbridge.storage.models import LoginAttempt
from tests.support.factories import ACTOR, HASHER, KEYED_HASHES
from tests.support.stories import CAFE, GRANTED, HOME, LOCKED, REFUSED, Story


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
