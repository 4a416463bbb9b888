"""What the database knows of one organiser's week, from real logins."""

from datetime import datetime, timedelta
from itertools import islice

import pytest

from authbridge.login.authenticate import LoginServices, authenticate
from authbridge.login.diagnosis import Cause, MisspeltName, NetworkKind
from authbridge.login.lockouts import lockouts_of
from authbridge.login.recent_attempts import TriedName, tried_name
from authbridge.schools.commands import organisers, schools, selections, suspensions
from authbridge.schools.diagnosing import LoginWeek, login_week_of
from authbridge.schools.lookup import get_organiser
from authbridge.schools.suspendable import ORGANISER
from authbridge.storage.database import Database
from tests.support.factories import (
    ACTOR,
    HASHER,
    HOST,
    KEYED_HASHES,
    LIMITS,
    make_organiser,
    make_origin,
    make_school,
    make_services,
    parse_attempt,
)
from tests.support.fakes import MORNING, FakeClock
from tests.support.stories import wrong_passwords

WEEK = timedelta(days=7)
SCHOOL, HOME = "203.0.113.9", "198.51.100.7"


class County:
    """One school with one organiser, and everybody who logs in."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock()
        self.services: LoginServices = make_services(database, clock=self.clock)
        make_school(database)
        with database.write_session() as session:
            schools.change_school(
                session, "ohg", trusted_networks=["203.0.113.0/24"], actor=ACTOR, now=MORNING
            )
        self.issued = make_organiser(database)

    def log_in(self, password: str | None = None, *, name: str | None = None, ip: str = SCHOOL) -> str:
        """Logs in through Prosody, a minute later; with the right name and password where none is given."""
        self.clock.advance(minutes=1)
        typed = parse_attempt(
            name or self.issued.username, password or self.issued.password, ip, self.clock()
        )
        verdict = authenticate(typed, make_origin(), self.services, within=10).verdict
        self.services.rejections.write_down(self.database)
        return verdict

    @property
    def since(self) -> datetime:
        """Returns the end of the retention."""
        return self.clock() - WEEK

    @property
    def week(self) -> LoginWeek:
        """Returns what the panel knows now."""
        now = self.clock()
        with self.database.read_session() as session:
            organiser = get_organiser(session, self.issued.username)
            lockouts = lockouts_of(session, organiser, KEYED_HASHES, now=now, limits=LIMITS)
            return login_week_of(
                session, organiser, lockouts, KEYED_HASHES, since=self.since, today=now.date()
            )

    def cause(self) -> Cause:
        """Returns the cause that the panel names now."""
        return self.week.diagnosis.cause

    def tried(self, typed: str) -> TriedName | None:
        """Returns what the search says of that text."""
        with self.database.read_session() as session:
            return tried_name(session, typed, KEYED_HASHES, host=HOST, since=self.since)


@pytest.fixture(name="county")
def make_county(database: Database) -> County:
    """Returns a county with nobody at the door yet."""
    return County(database)


def slip(username: str) -> str:
    """Returns the name with its last letter mistyped."""
    return username[:-1] + ("v" if username[-1] != "v" else "w")


def test_three_wrong_passwords_are_told_with_their_network(county: County) -> None:
    """Their time, their number, and that they came from the school."""
    for number in range(3):
        county.log_in(f"wrong-{number}")
    episode = county.week.diagnosis.episode
    assert county.cause() is Cause.WRONG_PASSWORD
    assert episode is not None
    assert (episode.count, episode.network) == (3, NetworkKind.OWN)
    assert episode.last - episode.first == timedelta(minutes=2)


def test_a_repeated_password_counts_each_time(county: County) -> None:
    """Those are only counted, a minute each, and belong to the same story."""
    for _ in range(4):
        county.log_in("wrong", ip=HOME)
    episode = county.week.diagnosis.episode
    assert episode is not None
    assert (episode.count, episode.network) == (4, NetworkKind.OTHER)


def test_five_wrong_passwords_wait_and_then_do_not(county: County) -> None:
    """While the wait goes on, it is the cause; afterwards what led to it is."""
    for password in islice(wrong_passwords(county.issued.username), 5):
        county.log_in(password)
    assert county.cause() is Cause.WAITING
    county.clock.advance(minutes=20)
    assert county.cause() is Cause.WRONG_PASSWORD


def test_a_network_that_waits_is_the_cause(county: County) -> None:
    """An organiser who did nothing wrong learns that the whole network has to wait."""
    for number in range(40):
        county.clock.advance(seconds=-55)
        county.log_in(f"wrong-{number}", name=f"nobody-{number % 10}", ip=HOME)
    assert county.cause() is Cause.NOT_TRIED
    assert county.log_in("wrong", ip=HOME) == "locked"
    assert county.cause() is Cause.WAITING
    county.clock.advance(minutes=20)
    assert county.cause() is Cause.WAITED


def test_a_new_password_ends_the_story_of_the_old_one(county: County) -> None:
    """Until it is tried, nothing more can be said; then its login is in order."""
    county.log_in("wrong")
    county.clock.advance(minutes=1)
    password = organisers.make_passwords(1, HASHER)[0]
    with county.database.write_session() as session:
        county.issued = organisers.reset_password(
            session,
            county.issued.username,
            password,
            keyed_hashes=KEYED_HASHES,
            actor=ACTOR,
            now=county.clock(),
        )
    assert county.cause() is Cause.NOT_TRIED_SINCE
    assert county.week.changed_at == county.clock()
    assert county.log_in() == "granted"
    assert county.cause() is Cause.IN_ORDER


def test_so_do_new_passwords_for_several(county: County) -> None:
    """The audit has one event for all of them."""
    county.log_in("wrong")
    county.clock.advance(minutes=1)
    renewed = {str(county.issued.username): organisers.make_passwords(1, HASHER)[0]}
    with county.database.write_session() as session:
        selections.reset_selection(
            session, renewed, seen=None, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=county.clock()
        )
    assert county.cause() is Cause.NOT_TRIED_SINCE
    assert county.week.changed_at == county.clock()


def test_a_suspension_is_the_cause_and_then_open_again(county: County) -> None:
    """After reinstating, the next word is to try again."""
    with county.database.write_session() as session:
        suspensions.suspend(
            session, ORGANISER, county.issued.username, reason=None, actor=ACTOR, now=county.clock()
        )
    assert county.log_in() == "suspended"
    assert county.cause() is Cause.SUSPENDED
    county.clock.advance(minutes=1)
    with county.database.write_session() as session:
        suspensions.reinstate(session, ORGANISER, county.issued.username, actor=ACTOR, now=county.clock())
    assert county.cause() is Cause.NOT_TRIED_SINCE


def test_a_mistyped_name_is_found_on_the_page_of_the_right_one(county: County) -> None:
    """The organiser's own journal is empty then; the name one slip away is not."""
    typed = slip(county.issued.username)
    county.log_in(name=typed.upper())
    assert county.cause() is Cause.MISSPELT_NAME
    assert county.week.misspelt == MisspeltName(typed, county.clock())


def test_the_search_tells_only_of_names_near_an_existing_one(county: County) -> None:
    """Anything else may be a password in the wrong field, and nobody may ask whether it was typed."""
    typed, secret = slip(county.issued.username), "Tulpe-Regen-Kanu"
    for name in (typed, secret):
        county.log_in(name=name)
    tried = county.tried(f" {typed.upper()}@{HOST} ")
    assert tried is not None
    assert tried.misspelt.typed == typed
    assert tried.near == (county.issued.username,)
    assert county.tried(secret) is None
    assert county.tried(county.issued.username) is None, "it exists"
    assert county.tried(slip(slip(typed)[1:])) is None, "nobody tried it"


def test_day_eight_is_in_nothing_though_it_is_still_stored(county: County) -> None:
    """A late purge shows nothing: neither attempts, nor counts, nor mistyped names."""
    typed = slip(county.issued.username)
    county.log_in("wrong")
    county.log_in("wrong")
    county.log_in(name=typed)
    county.clock.advance(days=7, minutes=1)
    assert county.week == LoginWeek(county.week.diagnosis, (), None, None)
    assert county.cause() is Cause.NOT_TRIED
    assert county.tried(typed) is None
