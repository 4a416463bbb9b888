"""The policy's rules, one boundary at a time, and its table of verdicts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest

from authbridge.login.alarm_rules import Alarm, alarms_after
from authbridge.login.failure_history import Failure, FailureCounts, FailureHistory, Network
from authbridge.login.limits import Limits
from authbridge.login.policy import (
    Account,
    CacheResult,
    Decision,
    Reason,
    Verdict,
    failure_of,
    judge,
    must_network_wait,
    passes_every_wait,
    recent_failures,
    throttle,
)
from tests.support.factories import make_attempt
from tests.support.fakes import MORNING

TODAY = date(2026, 11, 20)
YESTERDAY = date(2026, 11, 19)

LIMITS = Limits()
MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60
CAFE, ELSEWHERE = "192.0.2.99", "192.0.2.100"
NEW = {TODAY: 4000, YESTERDAY: 4001}  # the fingerprints of a password that nobody has tried
OUTSIDE = FailureHistory(Network(CAFE))
KNOWN_GOOD = FailureHistory(Network(CAFE), known_good=True)
TRUSTED = FailureHistory(Network(CAFE, trusted=True))
NOWHERE = FailureHistory(Network(None))


def failures(
    *ages: float,
    network: str | None = CAFE,
    from_unfamiliar_network: bool = True,
    wait: int = 0,
    repeated: bool = False,
) -> list[Failure]:
    """Distinct failures of so many seconds ago."""
    return [
        Failure(
            MORNING - timedelta(seconds=age),
            network,
            from_unfamiliar_network=from_unfamiliar_network,
            fingerprint=None if repeated else number,
            wait=timedelta(seconds=wait),
        )
        for number, age in enumerate(ages)
    ]


def wait_of_next(history: FailureHistory, earlier: Sequence[Failure]) -> float:
    """How long the pair waits after one more distinct failure."""
    return failure_of(replace(history, failures=earlier), MORNING, NEW, LIMITS).wait.total_seconds()


def decide(history: FailureHistory, earlier: Sequence[Failure] = (), *, after: float = 0) -> Decision | None:
    """What an attempt is told before any hash, so many seconds after the morning began."""
    return throttle(replace(history, failures=earlier), MORNING + timedelta(seconds=after), LIMITS)


def locked(reason: Reason, seconds: int) -> Decision:
    """The answer that sends away for so long."""
    return Decision(Verdict.LOCKED, reason, seconds)


@pytest.mark.parametrize(
    ("history", "earlier", "wait"),
    [
        pytest.param(OUTSIDE, failures(), 0, id="first"),
        pytest.param(OUTSIDE, failures(3, 2, 1), 0, id="fourth"),
        pytest.param(OUTSIDE, failures(4, 3, 2, 1), 30, id="fifth"),
        pytest.param(OUTSIDE, failures(0, 0, 0, 0), 30, id="fifth at the same moment"),
        pytest.param(OUTSIDE, failures(15 * MINUTE - 1, 3, 2, 1), 30, id="fifth in 14:59"),
        pytest.param(OUTSIDE, failures(15 * MINUTE, 3, 2, 1), 0, id="fifth in 15:00"),
        pytest.param(KNOWN_GOOD, failures(4, 3, 2, 1), 30, id="fifth where known-good"),
        pytest.param(TRUSTED, failures(4, 3, 2, 1), 30, id="fifth where trusted"),
        pytest.param(OUTSIDE, failures(4, 3, 2, 1, network=ELSEWHERE), 0, id="another network, another pair"),
        pytest.param(NOWHERE, failures(4, 3, 2, 1, network=None), 30, id="fifth from an unknown network"),
        pytest.param(NOWHERE, failures(4, 3, 2, 1), 0, id="unknown network after a known one"),
        pytest.param(OUTSIDE, failures(4, 3, 2, 1, network=None), 0, id="known network after the unknown"),
        pytest.param(OUTSIDE, failures(4, 3, 2, 1, repeated=True), 0, id="repeated ones do not count"),
        pytest.param(
            OUTSIDE, [*failures(9, repeated=True), *failures(3, 2, 1)], 0, id="nor does one among them"
        ),
    ],
)
def test_the_fifth_distinct_failure_in_15_minutes_starts_a_wait(
    history: FailureHistory, earlier: Sequence[Failure], wait: int
) -> None:
    """Of a name from one network; the first wait is 30 s everywhere."""
    assert wait_of_next(history, earlier) == wait


@pytest.mark.parametrize(
    ("history", "former", "wait"),
    [
        *(
            pytest.param(OUTSIDE, former, wait, id=f"outside {wait} s after {former} s")
            for former, wait in [(30, 60), (60, 120), (120, 240), (240, 480), (480, 900), (900, 900)]
        ),
        *(pytest.param(KNOWN_GOOD, former, 30, id=f"known-good after {former} s") for former in (30, 900)),
        *(pytest.param(TRUSTED, former, 30, id=f"trusted after {former} s") for former in (30, 900)),
    ],
)
def test_each_further_failure_doubles_the_wait(history: FailureHistory, former: int, wait: int) -> None:
    """Up to 15 minutes; where something speaks for the network it stays at 30 s."""
    assert wait_of_next(history, failures(former, wait=former)) == wait


@pytest.mark.parametrize(
    ("earlier", "wait"),
    [
        pytest.param(failures(60 * MINUTE - 1, wait=60), 120, id="59:59"),
        pytest.param(failures(60 * MINUTE, wait=60), 0, id="60:00"),
        pytest.param(failures(61 * MINUTE, 60 * MINUTE, wait=60), 0, id="however often before"),
        pytest.param(failures(60 * MINUTE - 1, wait=60, network=ELSEWHERE), 0, id="of another pair"),
        pytest.param(
            [*failures(50 * MINUTE, wait=60), *failures(1, repeated=True)], 120, id="a repeated one between"
        ),
        pytest.param(
            [*failures(60 * MINUTE, wait=60), *failures(1, repeated=True)], 0, id="a repeated one is quiet"
        ),
    ],
)
def test_after_60_minutes_of_quiet_a_pair_begins_anew(earlier: Sequence[Failure], wait: int) -> None:
    """Without a distinct failure for so long, the next is a first one."""
    assert wait_of_next(OUTSIDE, earlier) == wait


def test_a_failure_later_than_now_is_no_wait() -> None:
    """Two logins at the same moment, or two machines' clocks: one failure keeps nobody waiting."""
    history = replace(OUTSIDE, failures=failures(-0.004))

    assert throttle(history, MORNING, LIMITS) is None


def test_a_pair_that_goes_on_waits_longer_and_longer() -> None:
    """Whoever guesses again as soon as possible waits 30, 60, 120 … and at last 900 s."""
    at, found = MORNING, list[Failure]()
    for number in range(12):
        history = replace(OUTSIDE, failures=found)
        found.append(failure_of(history, at, {TODAY: number}, LIMITS))
        at = found[-1].wait_ends

    assert [failure.wait.total_seconds() for failure in found] == [
        0,
        0,
        0,
        0,
        30,
        60,
        120,
        240,
        480,
        900,
        900,
        900,
    ]


@pytest.mark.parametrize(
    ("fingerprints", "age", "tried_before"),
    [
        pytest.param({TODAY: 7, YESTERDAY: 8}, HOUR, False, id="another password"),
        pytest.param({TODAY: 0, YESTERDAY: 8}, HOUR, True, id="the same password"),
        pytest.param({TODAY: 8, YESTERDAY: 0}, 9 * HOUR, True, id="the same under yesterday's key"),
        pytest.param({TODAY: 0, YESTERDAY: 8}, 9 * HOUR, False, id="alike under keys of different days"),
        pytest.param({TODAY: 0, YESTERDAY: 0}, 33 * HOUR, False, id="the key of two days ago is gone"),
    ],
)
def test_a_password_tried_before_is_no_distinct_failure(
    fingerprints: dict[date, int],
    age: int,
    tried_before: bool,  # noqa: FBT001 - a table
) -> None:
    """It counts for the account, but neither as the pair's fifth nor as one of its network."""
    recent = [
        *failures(age),
        *(replace(each, fingerprint=100 + n) for n, each in enumerate(failures(3, 2, 1))),
    ]
    history = replace(OUTSIDE, failures=recent)

    failure = failure_of(history, MORNING, fingerprints, LIMITS)

    assert failure.fingerprint == (None if tried_before else fingerprints[TODAY])
    assert (failure.at, failure.network, failure.from_unfamiliar_network) == (MORNING, CAFE, True)


def test_a_repeated_password_starts_no_wait() -> None:
    """Not even where a distinct one would be the fifth."""
    earlier = failures(4, 3, 2, 1)

    failure = failure_of(replace(OUTSIDE, failures=earlier), MORNING, {TODAY: 2, YESTERDAY: 9}, LIMITS)

    assert (failure.fingerprint, failure.wait) == (None, timedelta(0))


@pytest.mark.parametrize(
    ("history", "is_unfamiliar"), [(OUTSIDE, True), (NOWHERE, True), (KNOWN_GOOD, False), (TRUSTED, False)]
)
def test_a_failure_knows_whether_it_came_from_outside(history: FailureHistory, is_unfamiliar: bool) -> None:  # noqa: FBT001
    """From a network neither known-good nor trusted at that moment; an unknown one is outside."""
    assert failure_of(history, MORNING, NEW, LIMITS).from_unfamiliar_network is is_unfamiliar


@pytest.mark.parametrize(
    ("history", "earlier", "after", "seconds"),
    [
        pytest.param(OUTSIDE, failures(0, wait=30), 0, 30, id="at once"),
        pytest.param(OUTSIDE, failures(0, wait=30), 0.001, 30, id="a begun second counts"),
        pytest.param(OUTSIDE, failures(0, wait=30), 29.999, 1, id="just before the end"),
        pytest.param(OUTSIDE, failures(0, wait=30), 30, None, id="the end"),
        pytest.param(KNOWN_GOOD, failures(0, wait=30), 0, 30, id="known-good"),
        pytest.param(TRUSTED, failures(0, wait=30), 0, 30, id="trusted"),
        pytest.param(NOWHERE, failures(0, wait=30, network=None), 0, 30, id="unknown network"),
        pytest.param(OUTSIDE, failures(0, wait=30, network=ELSEWHERE), 0, None, id="another pair"),
        pytest.param(NOWHERE, failures(0, wait=30), 0, None, id="unknown network beside a known one"),
        pytest.param(
            OUTSIDE, [*failures(2, wait=30), *failures(1, repeated=True)], 0, 28, id="a repeated one later"
        ),
        pytest.param(OUTSIDE, failures(0, wait=0), 0, None, id="a failure without a wait"),
    ],
)
def test_a_pair_waits_to_the_end(
    history: FailureHistory, earlier: Sequence[Failure], after: float, seconds: int | None
) -> None:
    """From its latest distinct failure on, and no moment longer."""
    expected = None if seconds is None else locked(Reason.PAIR_WAITS, seconds)

    assert decide(history, earlier, after=after) == expected


def spread(count: int, *, oldest: int = DAY - 1, from_unfamiliar_network: bool = True) -> list[Failure]:
    """So many failures from as many networks: the oldest of that age, the others of the last minute."""
    ages = [oldest, *([MINUTE] * (count - 1))]
    return [
        replace(failure, network=f"203.0.113.{number}")
        for number, failure in enumerate(failures(*ages, from_unfamiliar_network=from_unfamiliar_network))
    ]


@pytest.mark.parametrize(
    ("history", "earlier", "seconds"),
    [
        pytest.param(OUTSIDE, spread(49), None, id="49 outside"),
        pytest.param(OUTSIDE, spread(50), 1, id="50 outside, the oldest of 23:59:59"),
        pytest.param(OUTSIDE, spread(50, oldest=DAY), None, id="50 outside, the oldest of 24:00:00"),
        pytest.param(OUTSIDE, spread(51), DAY - MINUTE, id="51 outside: 50 count"),
        pytest.param(NOWHERE, spread(50), 1, id="50 outside, for an unknown network"),
        pytest.param(KNOWN_GOOD, spread(50), None, id="50 outside, where known-good"),
        pytest.param(TRUSTED, spread(50), None, id="50 outside, where trusted"),
        pytest.param(
            OUTSIDE, spread(99, from_unfamiliar_network=False), None, id="99 inside do not count outside"
        ),
        pytest.param(
            OUTSIDE,
            [*spread(50, from_unfamiliar_network=False), *spread(49, oldest=MINUTE)],
            None,
            id="50 inside and 49 outside",
        ),
        pytest.param(KNOWN_GOOD, spread(99, from_unfamiliar_network=False), None, id="99 in all"),
        pytest.param(
            KNOWN_GOOD, spread(100, from_unfamiliar_network=False), 1, id="100 in all, where known-good"
        ),
        pytest.param(TRUSTED, spread(100, from_unfamiliar_network=False), 1, id="100 in all, where trusted"),
        pytest.param(
            OUTSIDE, spread(100, from_unfamiliar_network=False), 1, id="100 inside, for who is outside"
        ),
        pytest.param(
            TRUSTED, spread(100, from_unfamiliar_network=False, oldest=DAY), None, id="the oldest of 24:00:00"
        ),
        pytest.param(
            TRUSTED, spread(101, from_unfamiliar_network=False), DAY - MINUTE, id="101 in all: 100 count"
        ),
        pytest.param(
            OUTSIDE,
            [*spread(50, from_unfamiliar_network=False), *spread(50, oldest=MINUTE)],
            DAY - MINUTE,
            id="the later end",
        ),
        pytest.param(
            TRUSTED,
            [*spread(50, from_unfamiliar_network=False), *spread(50, oldest=MINUTE)],
            1,
            id="the end where trusted",
        ),
        pytest.param(OUTSIDE, failures(*range(50, 0, -1), repeated=True), DAY - 50, id="repeated ones count"),
    ],
)
def test_an_account_waits(history: FailureHistory, earlier: Sequence[Failure], seconds: int | None) -> None:
    """50 failures from outside in 24 hours, or 100 from everywhere, until the first of them is a day old."""
    expected = None if seconds is None else locked(Reason.ACCOUNT_WAITS, seconds)

    assert decide(history, earlier) == expected


@pytest.mark.parametrize(
    ("count", "names", "must_wait"),
    [
        pytest.param(30, 8, True, id="30 over 8"),
        pytest.param(29, 8, False, id="29 over 8"),
        pytest.param(30, 7, False, id="30 over 7"),
        pytest.param(29, 29, False, id="29 over 29"),
        pytest.param(300, 7, False, id="300 over 7"),
        pytest.param(300, 200, True, id="300 over 200"),
        pytest.param(0, 0, False, id="none, as for unknown networks"),
    ],
)
def test_when_a_network_must_wait(count: int, names: int, must_wait: bool) -> None:  # noqa: FBT001 - a table
    """At 30 distinct failures, if they are over at least 8 names."""
    assert must_network_wait(count, names, LIMITS) is must_wait


@pytest.mark.parametrize(
    ("history", "after", "seconds"),
    [
        pytest.param(OUTSIDE, 0, 900, id="at once"),
        pytest.param(OUTSIDE, 899.5, 1, id="just before the end"),
        pytest.param(OUTSIDE, 900, None, id="the end"),
        pytest.param(KNOWN_GOOD, 0, None, id="known-good pairs pass"),
        pytest.param(TRUSTED, 0, None, id="the school's own never waits"),
    ],
)
def test_a_network_waits(history: FailureHistory, after: float, seconds: int | None) -> None:
    """15 minutes, for those of whom nothing is known there."""
    waiting = replace(history, network_waits_until=MORNING + timedelta(minutes=15))
    expected = None if seconds is None else locked(Reason.NETWORK_WAITS, seconds)

    assert decide(waiting, after=after) == expected


@pytest.mark.parametrize(
    ("pair", "account", "reason"),
    [
        pytest.param(True, True, Reason.PAIR_WAITS, id="all three"),
        pytest.param(False, True, Reason.ACCOUNT_WAITS, id="account and network"),
        pytest.param(True, False, Reason.PAIR_WAITS, id="pair and network"),
        pytest.param(False, False, Reason.NETWORK_WAITS, id="network alone"),
    ],
)
def test_the_rules_speak_in_order(pair: bool, account: bool, reason: Reason) -> None:  # noqa: FBT001 - a table
    """Pair, account, network: the first that says wait is the one that is told."""
    history = replace(OUTSIDE, network_waits_until=MORNING + timedelta(minutes=15))
    earlier = [*(spread(50) if account else []), *(failures(0, wait=30) if pair else [])]

    decision = decide(history, earlier)

    assert decision is not None
    assert decision.reason is reason


def test_who_has_failed_nowhere_need_not_wait() -> None:
    """The common case."""
    assert [decide(each) for each in (OUTSIDE, KNOWN_GOOD, TRUSTED, NOWHERE)] == [None] * 4


@pytest.mark.parametrize(("cached", "generated"), list(product(CacheResult, [True, False])))
def test_only_a_remembered_generated_password_passes_every_wait(
    cached: CacheResult,
    generated: bool,  # noqa: FBT001 - a table
) -> None:
    """A chosen password may be easy to guess."""
    expected = cached is CacheResult.RIGHT and generated

    assert passes_every_wait(cached, generated=generated) is expected


@pytest.mark.parametrize(
    ("earlier", "count"),
    [
        pytest.param(failures(), 0, id="none"),
        pytest.param(failures(15 * MINUTE - 1, 1), 2, id="in 14:59"),
        pytest.param(failures(15 * MINUTE, 1), 1, id="in 15:00"),
        pytest.param(failures(1, network=ELSEWHERE), 1, id="from other places too"),
    ],
)
def test_recent_failures_of_the_name_and_of_its_network(earlier: Sequence[Failure], count: int) -> None:
    """With fewer, an attempt is hashed earlier."""
    history = replace(OUTSIDE, failures=earlier, network_failures=3)

    assert recent_failures(history, MORNING, LIMITS) == (count, 3)


@pytest.mark.parametrize(
    ("counts", "trusted", "alarms"),
    [
        pytest.param((19, 0, 0, 0), False, [], id="19 of an account"),
        pytest.param((20, 0, 0, 0), False, [Alarm.ACCOUNT_GUESSED], id="20 of an account"),
        pytest.param((99, 0, 0, 0), False, [Alarm.ACCOUNT_GUESSED], id="99 of an account"),
        pytest.param(
            (100, 0, 0, 0), False, [Alarm.ACCOUNT_GUESSED, Alarm.ACCOUNT_FULL], id="100 of an account"
        ),
        pytest.param((1, 30, 7, 0), False, [], id="30 of a network over 7 names"),
        pytest.param((1, 29, 8, 0), False, [], id="29 of a network over 8 names"),
        pytest.param((1, 30, 8, 0), False, [Alarm.NETWORK_WAITS], id="30 of a network over 8 names"),
        pytest.param((1, 20, 20, 0), False, [], id="20 names"),
        pytest.param((1, 21, 21, 0), False, [Alarm.NETWORK_SPRAYS], id="21 names"),
        pytest.param((1, 30, 21, 0), False, [Alarm.NETWORK_WAITS, Alarm.NETWORK_SPRAYS], id="30 over 21"),
        pytest.param((1, 299, 20, 0), True, [], id="299 of the school's own"),
        pytest.param((1, 300, 20, 0), True, [Alarm.TRUSTED_NETWORK], id="300 of the school's own"),
        pytest.param((1, 30, 21, 0), True, [Alarm.NETWORK_SPRAYS], id="21 names of the school's own"),
        pytest.param((1, 0, 0, 200), False, [], id="200 overall"),
        pytest.param((1, 0, 0, 201), False, [Alarm.OVERALL], id="201 overall"),
    ],
)
def test_what_staff_are_told(counts: tuple[int, int, int, int], trusted: bool, alarms: list[Alarm]) -> None:  # noqa: FBT001
    """After account, network failures, network names and overall failures; a trusted network never waits."""
    account_failures, network_failures, network_names, overall = counts
    found = alarms_after(
        FailureCounts(account_failures, network_failures, network_names, overall),
        Network(CAFE, trusted),
        LIMITS,
    )

    assert list(found) == alarms


@pytest.mark.parametrize(
    ("limits", "wait"),
    [
        pytest.param(
            Limits(pair_guesses=1, first_wait=timedelta(seconds=7)), 7, id="the first guess already"
        ),
        pytest.param(Limits(pair_guesses=6), 0, id="one guess more"),
    ],
)
def test_every_number_is_a_setting(limits: Limits, wait: int) -> None:
    """The rules have no numbers of their own."""
    history = replace(OUTSIDE, failures=failures(4, 3, 2, 1))

    assert failure_of(history, MORNING, NEW, limits).wait == timedelta(seconds=wait)


def account(
    *, suspended: bool = False, school_suspended: bool = False, valid_until: date | None = None
) -> Account:
    """An account at its third password."""
    return Account(
        3, suspended=suspended, school_suspended=school_suspended, valid_until=valid_until, school="ohg"
    )


@pytest.mark.parametrize(
    ("state", "verdict", "reason"),
    [
        pytest.param(account(), Verdict.GRANTED, Reason.IN_ORDER, id="in order"),
        pytest.param(account(valid_until=TODAY), Verdict.GRANTED, Reason.IN_ORDER, id="last day"),
        pytest.param(account(valid_until=YESTERDAY), Verdict.EXPIRED, Reason.PAST_VALIDITY, id="day after"),
        pytest.param(account(suspended=True), Verdict.SUSPENDED, Reason.ORGANISER_SUSPENDED, id="suspended"),
        pytest.param(
            account(school_suspended=True), Verdict.SUSPENDED, Reason.SCHOOL_SUSPENDED, id="school suspended"
        ),
        pytest.param(
            account(suspended=True, valid_until=YESTERDAY),
            Verdict.SUSPENDED,
            Reason.ORGANISER_SUSPENDED,
            id="suspended and expired",
        ),
    ],
)
def test_right_password_learns_the_state(state: Account, verdict: Verdict, reason: Reason) -> None:
    """Who has the password is told what is wrong with the access."""
    decision = judge(state, checked_version=3, today=TODAY)

    assert (decision.verdict, decision.reason) == (verdict, reason)
    assert decision.school == ("ohg" if verdict is Verdict.GRANTED else None)


@pytest.mark.parametrize(
    "state",
    [
        None,
        account(),
        account(suspended=True),
        account(school_suspended=True),
        account(valid_until=YESTERDAY),
    ],
)
def test_without_the_password_every_account_looks_alike(state: Account | None) -> None:
    """Who does not have the password is refused, whatever the account's state, and even without one."""
    decision = judge(state, checked_version=None, today=TODAY)

    assert (decision.verdict, decision.school) == (Verdict.REFUSED, None)


def test_a_password_replaced_during_the_check_is_wrong() -> None:
    """A reset counts from its moment, also for a login under way."""
    decision = judge(account(), checked_version=2, today=TODAY)

    assert (decision.verdict, decision.reason) == (Verdict.REFUSED, Reason.CREDENTIAL_REPLACED)


def test_an_attempt_hides_its_password() -> None:
    """The password of an attempt is in no representation of it."""
    attempt = make_attempt("ohg-kwtx", "vpgd-kxwj-rhms")

    assert "vpgd" not in repr(attempt)
