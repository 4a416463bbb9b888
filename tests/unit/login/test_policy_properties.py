"""What the login policy promises whatever happens: any mix of guesses, owners, restarts and pauses.

Each story happens in the simulation's world: the real policy, and a clock that only the story moves.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from authbridge.login.limits import Limits
from authbridge.login.policy import Account, Decision, Reason, Verdict
from authbridge.login.simulation.world import Owner, World

LIMITS = Limits()
SCHOOL, HOME, CAFE, SHOP = "198.51.100.7", "192.0.2.80", "192.0.2.99", "192.0.2.100"
SPREAD = "2001:db8:12::/48"  # stands for an address of another /64 of it each time
UNKNOWN = None
EVERYWHERE = (SCHOOL, HOME, CAFE, SPREAD, UNKNOWN)
OUTSIDE = (CAFE, SHOP, SPREAD, UNKNOWN)

OWNER = Owner("ohg-kwtx", "vpgd-kxwj-rhms")
TARGETS = (OWNER.username, "ohg-zzzz")
NAMES = (*TARGETS, *(f"ohg-{number:04}" for number in range(10)))

# Around the ends of the limits: pair_window, first_wait, longest_wait, pair_quiet, account_window.
PAUSES = (1, 29, 30, 60, 899, 900, 3599, 3600, 6 * 3600, 86399, 86400)

STORIES = settings(deadline=None, max_examples=150)


@dataclass(frozen=True)
class Pause:
    """Nothing happens for so many seconds."""

    seconds: int


@dataclass(frozen=True)
class Guesses:
    """So many wrong passwords for one name; those that are not ``fresh`` may have been tried before."""

    name: str
    source: str | None
    count: int
    every: int = 0
    fresh: bool = True


@dataclass(frozen=True)
class Spray:
    """So many wrong passwords for every name."""

    source: str | None
    passwords: int


@dataclass(frozen=True)
class Login:
    """The owner comes with the right password."""

    source: str | None


@dataclass(frozen=True)
class Restart:
    """The service starts anew and remembers nothing."""


Step = Pause | Guesses | Spray | Login | Restart


@dataclass(frozen=True)
class Answer:
    """What one attempt was told, and when."""

    at: datetime
    pair: tuple[str, str | None]
    decision: Decision

    @property
    def seen(self) -> tuple[Verdict, int | None]:
        """What whoever tried can see of it."""
        return self.decision.verdict, self.decision.retry_after


class Story:
    """Steps that happen in one world, in which the school's network is entered."""

    def __init__(self, owner: Owner | None = OWNER) -> None:
        self.world = World(LIMITS, schools={"ohg": (SCHOOL,)})
        if owner is not None:
            self.world.enrol(owner)
        self._owner = owner
        self._guesses = 0

    def happen(self, *steps: Step) -> list[Answer]:
        """All the answers."""
        return [answer for step in steps for answer in self._happen(step)]

    def _happen(self, step: Step) -> Iterator[Answer]:
        match step:
            case Pause(seconds):
                self._pass(seconds)
            case Guesses(name, source, count, every, fresh):
                for number in range(count):
                    yield self._guess(name, source, None if fresh else number)
                    self._pass(every)
            case Spray(source, passwords):
                for name in NAMES * passwords:
                    yield self._guess(name, source)
            case Login(source):
                if self._owner is not None:
                    yield self._try(OWNER.username, OWNER.password, source)
            case Restart():
                self.world.restart()

    def _pass(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    def _guess(self, name: str, source: str | None, number: int | None = None) -> Answer:
        self._guesses += 1
        return self._try(name, f"fresh {self._guesses}" if number is None else f"stale {number}", source)

    def _try(self, name: str, password: str, source: str | None) -> Answer:
        ip = f"2001:db8:12:{self._guesses:x}::{self._guesses % 3}" if source == SPREAD else source
        pair = name, self.world.network_of(name, ip).key
        return Answer(self.world.now, pair, self.world.login(name, password, ip))


def stories(sources: Iterable[str | None], *, with_owner: bool = True) -> st.SearchStrategy[list[Step]]:
    """Lists of things that may happen, from these sources."""
    source = st.sampled_from(list(sources))
    steps: list[st.SearchStrategy[Step]] = [
        st.builds(Pause, st.sampled_from(PAUSES)),
        st.builds(
            Guesses,
            name=st.sampled_from(TARGETS),
            source=source,
            count=st.sampled_from([1, 4, 5, 6, 49, 50, 60, 100]),
            every=st.sampled_from([0, 1, 30, 40, 900]),
            fresh=st.booleans(),
        ),
        st.builds(Spray, source=source, passwords=st.integers(1, 3)),
        st.builds(Restart),
    ]
    if with_owner:
        steps.append(st.builds(Login, source))
    return st.lists(st.one_of(steps), max_size=12)


@STORIES
@given(stories(EVERYWHERE), st.sampled_from(EVERYWHERE))
def test_a_remembered_owner_is_never_kept_out(steps: list[Step], source: str | None) -> None:
    """Whatever others do, who has a generated password that is remembered is granted at the first try."""
    story = Story()
    story.happen(Login(HOME))

    for step in steps:
        if isinstance(step, Restart):
            continue
        story.happen(step)
        (answer,) = story.happen(Login(source))
        assert answer.decision.verdict is Verdict.GRANTED


@STORIES
@given(stories(EVERYWHERE))
@example([Guesses(OWNER.username, SPREAD, 200, every=600), Guesses(OWNER.username, SCHOOL, 300, every=600)])
@example(
    [Guesses(OWNER.username, SCHOOL, 99, every=40), Login(HOME), Guesses(OWNER.username, HOME, 60, every=40)]
)
@example([Guesses(OWNER.username, SPREAD, 50), Restart(), Guesses(OWNER.username, SPREAD, 50, fresh=False)])
def test_hashes_are_rationed_in_every_window(steps: list[Step]) -> None:
    """In any 24 hours at most 50 wrong passwords of a name are hashed from outside, and 100 in all."""
    story = Story()

    story.happen(*steps)

    for name in TARGETS:
        wrong = [check for check in story.world.checks if check.username == name and not check.matched]
        assert most_in_a_day(check.at for check in wrong) <= LIMITS.account_failures
        assert (
            most_in_a_day(check.at for check in wrong if check.from_unfamiliar_network)
            <= LIMITS.account_outside
        )


def most_in_a_day(moments: Iterable[datetime]) -> int:
    """The most of them, oldest first, that fall into one span of 24 hours."""
    most, window = 0, deque[datetime]()
    for moment in moments:
        window.append(moment)
        while moment - window[0] >= timedelta(days=1):
            window.popleft()
        most = max(most, len(window))
    return most


@STORIES
@given(stories(EVERYWHERE))
@example([Spray(CAFE, 3), Guesses(TARGETS[1], CAFE, 1), Guesses(TARGETS[1], SPREAD, 60), Spray(CAFE, 1)])
@example(
    [
        Guesses(OWNER.username, CAFE, 5),
        Guesses(OWNER.username, SPREAD, 60),
        Guesses(OWNER.username, CAFE, 9, 9),
    ]
)
def test_a_wait_never_moves_its_own_end(steps: list[Step]) -> None:
    """Until the end that a rule has told to a pair, it stays locked, and the rule tells no other end.

    Neither its own attempts move it nor others on the same name or network; only its success ends it early.
    Another rule may begin to tell its own end meanwhile.
    """
    told: dict[tuple[str, str | None], dict[Reason, datetime]] = {}

    for answer in Story().happen(*steps):
        ends = told.setdefault(answer.pair, {})
        running = {reason: end for reason, end in ends.items() if answer.at < end}
        verdict, retry_after = answer.seen
        if verdict is Verdict.GRANTED:
            ends.clear()
        elif retry_after is not None:
            end = answer.at + timedelta(seconds=retry_after)
            assert running.get(answer.decision.reason, end) == end
            ends[answer.decision.reason] = end
        else:
            assert not running


@STORIES
@given(
    stories(OUTSIDE, with_owner=False),
    st.sampled_from(
        [
            OWNER,
            replace(OWNER, generated=False),
            replace(OWNER, account=Account(3, suspended=True, school_suspended=False, valid_until=None)),
            replace(OWNER, account=Account(3, suspended=False, school_suspended=True, valid_until=None)),
            replace(OWNER, account=Account(3, suspended=False, school_suspended=False, valid_until=date.min)),
        ]
    ),
)
def test_outside_a_name_cannot_be_told_from_nobodys(steps: list[Step], owner: Owner) -> None:
    """From networks that nothing speaks for, wrong guesses are answered alike, be the name known or not.

    The owner is remembered, and known elsewhere.
    """
    known, unknown = Story(owner), Story(owner=None)
    known.happen(Login(HOME))

    seen = [[answer.seen for answer in story.happen(*steps)] for story in (known, unknown)]

    assert seen[0] == seen[1]


def test_the_stories_reach_every_rule() -> None:
    """The properties above are not true for want of trying: one short story meets every wait."""
    steps: Sequence[Step] = [
        Spray(CAFE, 3),
        Guesses(OWNER.username, SHOP, 6),
        Guesses(OWNER.username, SPREAD, 60),
    ]

    reasons = {answer.decision.reason for answer in Story().happen(*steps)}

    assert {Reason.PAIR_WAITS, Reason.ACCOUNT_WAITS, Reason.NETWORK_WAITS} <= reasons
