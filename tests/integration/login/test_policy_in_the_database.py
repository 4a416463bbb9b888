"""What the login policy leaves behind: alarms for staff, a short journal of floods, and nothing for long."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from authbridge import retention
from authbridge.audit import FORGOTTEN_NETWORK
from authbridge.errors import StorageError
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AlarmRaised,
    Base,
    KnownNetwork,
    LoginAttempt,
    LoginFailure,
    NetworkWait,
    RejectedAttempts,
)
from tests.support.combinations import SQLITE_FIRST
from tests.support.factories import LIMITS
from tests.support.stories import (
    CAFE,
    GRANTED,
    HOME,
    LOCKED,
    OUTSIDE,
    REFUSED,
    STRICT,
    Story,
    alarms,
    denied,
)

WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)


# Alarms


def test_staff_are_told_of_an_account_that_is_guessed(story: Story) -> None:
    """At the twentieth failure, once in the day that they count."""
    name = story.take_over().username
    for ip in OUTSIDE[:3]:
        story.guesses(name, 5, ip)
    story.guesses(name, 4, CAFE)
    assert alarms(story) == []

    story.guess(name, CAFE)
    assert alarms(story) == [("organiser:guessed", name)]

    story.clock.advance(hours=23, minutes=59)
    story.guesses(name, 5, HOME)
    assert alarms(story) == [("organiser:guessed", name)]
    for ip in OUTSIDE[10:14]:
        story.guesses(name, 5, ip)
    story.clock.advance(minutes=1)
    story.guess(name, "192.0.2.77")
    assert alarms(story) == [("organiser:guessed", name)] * 2


@SQLITE_FIRST
def test_staff_are_told_when_an_account_is_full(story: Story) -> None:
    """At a hundred nobody gets in who is not remembered: that is a matter for people."""
    name = story.take_over().username
    story.trust("10.0.0.0/16", *(f"10.{number}.0.0/16" for number in range(1, 20)))
    for number in range(20):
        story.guesses(name, 5, f"10.{number}.0.1")

    assert alarms(story) == [("organiser:guessed", name), ("organiser:locked", name)]


def test_nobodys_name_is_no_news(story: Story) -> None:
    """It may be a password in the wrong field, and it would not stand in the audit for a year."""
    for ip in OUTSIDE[:10]:
        story.guesses("meinpasswort", 5, ip)

    assert story.guess("meinpasswort", CAFE).verdict is LOCKED
    assert alarms(story) == []


def test_staff_are_told_of_a_network_that_waits_once_an_hour(database: Database) -> None:
    """It may go on all day; the first line says it all."""
    story = Story(database, limits=STRICT)
    story.spray(8)
    assert alarms(story) == []
    story.spray(1)
    told = [("network:locked", HOME)]
    assert alarms(story) == told

    for minutes, again in ((20, 0), (20, 0), (20, 1), (20, 0)):
        story.clock.advance(minutes=minutes)
        assert story.spray(10) == [REFUSED] * 9 + [LOCKED]
        told += [("network:locked", HOME)] * again
        assert alarms(story) == told


def test_staff_are_told_of_a_spray(story: Story) -> None:
    """More than twenty names, few failures each."""
    story.spray(20, names=20)
    assert alarms(story) == []

    story.guess("frau.b")

    assert alarms(story) == [("network:sprays", HOME)]


@SQLITE_FIRST
def test_a_schools_own_network_and_the_service_have_alarms_too(story: Story) -> None:
    """Nobody waits in a school, so at three hundred people have to look; at more than 200 overall as well."""
    story.trust("10.3.0.0/16")
    spray = [("network:sprays", "10.3.0.0/16")]
    overall = [*spray, ("service:guessed", "service")]

    for more, told in ((200, spray), (1, overall), (98, overall)):
        assert story.spray(more, names=75, ip="10.3.0.1") == [REFUSED] * more
        assert alarms(story) == told

    story.guess("ohg-nobody", "10.3.0.1")
    story.guess("ohg-nobody", "10.3.255.255")
    assert alarms(story) == [*overall, ("network:guesses", "10.3.0.0/16")]
    assert story.count() == 301


def test_an_alarms_address_goes_with_the_other_addresses(database: Database) -> None:
    """That somebody guessed stays for the year of the audit, from where does not."""
    story = Story(database, limits=STRICT)
    story.spray(9)
    retention.purge(story.database, clock=story.clock, retention=WEEK, limits=LIMITS)
    story.clock.advance(days=7)
    retention.purge(story.database, clock=story.clock, retention=WEEK, limits=LIMITS)
    assert alarms(story) == [("network:locked", HOME)]

    story.clock.advance(seconds=1)
    retention.purge(story.database, clock=story.clock, retention=WEEK, limits=LIMITS)

    assert alarms(story) == [("network:locked", FORGOTTEN_NETWORK)]
    assert HOME not in everything(story.database)


# The journal


def test_what_is_hashed_is_one_row_each_and_what_is_not_one_a_minute(story: Story) -> None:
    """A flood fills neither the disk nor the screen."""
    owner = story.take_over()
    for _ in range(3):
        story.login(owner.username, "alt")
    story.guesses(owner.username, 5 + 20)
    assert denied(story) == [(HOME, 2, 21, 0)]

    story.clock.advance(seconds=29)
    story.guesses(owner.username, 9)
    assert denied(story) == [(HOME, 2, 30, 0)]
    story.clock.advance(seconds=31)
    assert story.owner(owner) is GRANTED
    story.login(owner.username, "alt", CAFE)
    story.login(owner.username, "alt", None)

    assert sorted(denied(story)) == [("", 1, 0, 0), (HOME, 2, 30, 0), (CAFE, 1, 0, 0)]
    verdicts = sorted(str(row.verdict) for row in story.rows(LoginAttempt))
    assert verdicts == ["granted"] + ["refused"] * 5


def test_unknown_names_of_a_network_are_counted_together(story: Story) -> None:
    """Invented names add no rows."""
    story.spray(30)
    for number in range(50):
        assert story.guess(f"nobody{number}").verdict is LOCKED
    owner = story.take_over()
    story.guess(owner.username)

    assert sorted(denied(story)) == [(HOME, 0, 1, 0), (HOME, 0, 50, 0)]


def test_two_processes_count_into_one_row(story: Story) -> None:
    """Each adds its own."""
    name = story.take_over().username
    story.guesses(name, 5 + 2)
    denied(story)
    story.restart()
    story.guesses(name, 3)

    assert denied(story) == [(HOME, 0, 5, 0)]


def test_a_database_that_does_not_answer_loses_no_counts(story: Story) -> None:
    """They are kept in memory until it does."""
    absent = Database("postgresql://authbridge@127.0.0.1:1/authbridge")
    name = story.take_over().username
    for seconds in (1, 2, 60):
        story.guesses(name, 7)
        with pytest.raises(StorageError):
            story.services.rejections.write_down(absent)
        story.clock.advance(seconds=seconds)

    assert denied(story) == [(HOME, 0, 2 + 7 + 7, 0)]


def test_nothing_readable_of_unknown_names_and_passwords_is_stored(story: Story) -> None:
    """A name that is nobody's may be a password typed into the wrong field."""
    owner = story.take_over(password="Marker-richtig")
    for _ in range(2):
        story.login("marker-geheim", "Marker-falsch")
        story.login(owner.username, "Marker-falsch")
        assert story.owner(owner) is GRANTED
    for ip in (HOME, *OUTSIDE[:4]):
        story.guess("marker-geheim", ip)
        story.guesses("marker-geheim@elsewhere.test", 6, ip)
    denied(story)

    stored = everything(story.database).lower()
    assert "marker" not in stored
    assert "falsch" not in stored
    assert owner.username in stored


def everything(database: Database) -> str:
    """All columns of all tables."""
    with database.read_session() as session:
        return repr([session.execute(select(table)).all() for table in Base.metadata.sorted_tables])


# Deletion


@pytest.mark.parametrize(
    ("model", "age"),
    [
        pytest.param(LoginFailure, timedelta(days=1) - SECOND, id="failures: a day"),
        pytest.param(AlarmRaised, timedelta(days=1) - SECOND, id="alarms told: a day"),
        pytest.param(NetworkWait, timedelta(days=1, minutes=15) - SECOND, id="waits: a day after their end"),
        pytest.param(KnownNetwork, WEEK, id="known networks: a week"),
        pytest.param(RejectedAttempts, WEEK, id="denied attempts: with the journal"),
        pytest.param(LoginAttempt, WEEK, id="the journal"),
    ],
)
def test_everything_is_deleted_in_time(database: Database, model: type[Base], age: timedelta) -> None:
    """To the second: still there at that age, and gone a second later."""
    story = Story(database, limits=STRICT)
    owner = story.issue()
    assert story.owner(owner, CAFE) is GRANTED
    story.spray(10)
    denied(story)
    began = story.clock.now

    for moment, is_left in ((began + age, True), (began + age + SECOND, False)):
        story.clock.now = moment
        retention.purge(story.database, clock=story.clock, retention=WEEK, limits=LIMITS)
        assert bool(story.count(model)) == is_left


def test_a_known_network_counts_from_its_last_success(story: Story) -> None:
    """Who is there every week stays known."""
    owner = story.issue()
    for _ in range(3):
        assert story.owner(owner) is GRANTED
        story.clock.advance(days=6)
        retention.purge(story.database, clock=story.clock, retention=WEEK, limits=LIMITS)

    assert story.count(KnownNetwork) == 1
