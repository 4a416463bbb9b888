"""One contract for both failure stores: the same histories, and the same answers in SQL and in memory."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from authbridge.login import failures
from authbridge.login.alarm_rules import Alarm
from authbridge.login.alarms import raise_alarms
from authbridge.login.failure_history import Failure, FailureCounts, FailureHistory, Network, SignInStep
from authbridge.login.failure_store import FailureStore, Pair
from authbridge.login.failures import SqlFailures
from authbridge.login.failures_in_memory import MemoryFailures
from authbridge.login.limits import Limits
from authbridge.storage.database import Database
from tests.support.fakes import MORNING

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
NO_WAIT, WAIT = timedelta(0), timedelta(seconds=30)
LIMITS = Limits(  # small ones, so that a short history meets the end of each
    account_window=100 * SECOND,
    network_window=40 * SECOND,
    network_wait=30 * SECOND,
    overall_window=50 * SECOND,
    overall_alarm=3,
    known_good=60 * SECOND,
)

CAFE, STREET = Network("192.0.2.99"), Network("192.0.2.100")
SCHOOL, NOWHERE = Network("198.51.100.0/24", trusted=True), Network(None)
DEVICE = Network("device 0a", is_device=True)

ANNA, ANNA_STREET = Pair("anna", "anna@cafe", CAFE), Pair("anna", "anna@street", STREET)
BERT, BERT_SCHOOL = Pair("bert", "bert@cafe", CAFE), Pair("bert", "bert@school", SCHOOL)
ANNA_NOWHERE = Pair("anna", None, NOWHERE)
CORA = Pair("Password cora", "cora@cafe", CAFE, SignInStep.PASSWORD)
CORA_DEVICE = Pair("Password cora", "cora@cafe", DEVICE, SignInStep.PASSWORD)
PAIRS = (ANNA, ANNA_STREET, BERT, BERT_SCHOOL, ANNA_NOWHERE, CORA, CORA_DEVICE)


class ForgettingStore(FailureStore, Protocol):
    """A failure store, with the command that staff end a lockout by."""

    def forget_name(self, name_key: str) -> bool:
        """Deletes the failures of a name; returns whether there were any."""


class SqlStore(SqlFailures):
    """The store in SQL, with the command for a session."""

    def forget_name(self, name_key: str) -> bool:
        """Deletes the failures of a name; returns whether there were any."""
        return failures.forget_name(Session(bind=self.connection), name_key)


class _RollBack(Exception):  # noqa: N818 - no error
    """Raised to undo a transaction."""


@contextmanager
def sql_store(database: Database) -> Iterator[SqlStore]:
    """The store in SQL, in one transaction that is rolled back."""
    with suppress(_RollBack), database.write_connection() as connection:
        yield SqlStore(connection, LIMITS)
        raise _RollBack


@pytest.fixture(name="store", params=["memory", "sqlite", "postgresql"])
def open_store(request: pytest.FixtureRequest) -> Iterator[ForgettingStore]:
    """Each store in turn, with nothing on record."""
    if request.param == "memory":
        yield MemoryFailures(LIMITS)
        return
    if request.param == "sqlite":
        url = f"sqlite:///{request.getfixturevalue('sqlite_template')}"
    else:
        url = request.getfixturevalue("reused_database").empty()
    database = Database(url)
    with sql_store(database) as store:
        yield store
    database.engine.dispose()


def failure(
    at: datetime, network: Network, fingerprint: int | None = 1, wait: timedelta = NO_WAIT
) -> Failure:
    """A failure from an unfamiliar network."""
    return Failure(at, network.key, from_unfamiliar_network=True, fingerprint=fingerprint, wait=wait)


# What each answer is, in both stores


@pytest.mark.parametrize(
    ("age", "is_on_record"),
    [
        pytest.param(100 * SECOND - MICROSECOND, True, id="before"),
        pytest.param(100 * SECOND, False, id="end"),
    ],
)
def test_a_failure_counts_for_its_name_until_the_window_ends(
    store: FailureStore, age: timedelta, *, is_on_record: bool
) -> None:
    """From every network, oldest first, with all that was recorded, to the microsecond."""
    first, second = failure(MORNING, CAFE, 7, WAIT), failure(MORNING, STREET, None)
    for each, pair in ((first, ANNA), (second, ANNA_STREET)):
        store.record(pair, each)
    store.record(BERT, failure(MORNING, CAFE))

    for pair in (ANNA, ANNA_STREET, ANNA_NOWHERE):
        found = list(store.history_of(pair, MORNING + age).failures)
        assert found == ([first, second] if is_on_record else [])


@pytest.mark.parametrize(
    ("age", "known_good"),
    [pytest.param(60 * SECOND, True, id="end"), pytest.param(60 * SECOND + MICROSECOND, False, id="after")],
)
def test_a_success_makes_the_pair_known_good_for_a_time(
    store: FailureStore, age: timedelta, *, known_good: bool
) -> None:
    """From its last success on, and no other pair."""
    store.note_success(ANNA, MORNING - 50 * SECOND)
    store.note_success(ANNA, MORNING)

    assert store.history_of(ANNA, MORNING + age).known_good is known_good
    assert not any(store.history_of(pair, MORNING).known_good for pair in (ANNA_STREET, BERT, ANNA_NOWHERE))


def test_a_device_is_always_known_good_and_makes_its_address_so(store: FailureStore) -> None:
    """After a success with the device the member of staff is known at the address, too."""
    assert store.history_of(CORA_DEVICE, MORNING) == FailureHistory(
        DEVICE, known_good=True, failures=[], sign_in_step=SignInStep.PASSWORD
    )
    assert not store.history_of(CORA, MORNING).known_good

    store.note_success(CORA_DEVICE, MORNING)

    assert store.history_of(CORA, MORNING).known_good


def test_distinct_failures_of_a_network_count_with_their_names(store: FailureStore) -> None:
    """A repeated password does not, nor what failed elsewhere."""
    for pair, fingerprint in ((ANNA, 1), (ANNA, 2), (ANNA, None), (BERT, 1), (CORA, None), (ANNA_STREET, 3)):
        store.record(pair, failure(MORNING, pair.network, fingerprint))

    history = store.history_of(BERT, MORNING)
    counts = store.counts_after(BERT, history, MORNING)

    assert (history.network_failures, history.network_names) == (3, 2)
    assert (counts.network_failures, counts.network_names) == (3, 2)
    later = store.history_of(BERT, MORNING + 40 * SECOND)
    assert (later.network_failures, later.network_names) == (0, 0)


@pytest.mark.parametrize(
    ("pair", "counted"),
    [pytest.param(BERT_SCHOOL, 2, id="trusted"), pytest.param(ANNA_NOWHERE, 0, id="unknown")],
)
def test_trusted_and_unknown_networks_have_no_wait(store: FailureStore, pair: Pair, counted: int) -> None:
    """The history counts nothing for them; only the alarm about a trusted one counts."""
    for fingerprint in (1, 2):
        store.record(pair, failure(MORNING, pair.network, fingerprint))

    history = store.history_of(pair, MORNING)

    assert (history.network_failures, history.network_names, history.network_waits_until) == (0, 0, None)
    assert store.counts_after(pair, history, MORNING).network_failures == counted


def test_a_retracted_attempt_was_no_failure(store: FailureStore) -> None:
    """The others stay."""
    ids = [store.record(ANNA, failure(MORNING, CAFE, fingerprint)) for fingerprint in (1, 2)]

    store.retract(ids[0])

    history = store.history_of(ANNA, MORNING)
    assert list(history.failures) == [failure(MORNING, CAFE, 2)]
    assert (history.network_failures, history.network_names) == (1, 1)


def test_a_success_ends_the_wait_of_its_pair_alone(store: FailureStore) -> None:
    """Its failures go on counting for the account, and no longer for the network."""
    for pair in (ANNA, ANNA_STREET, BERT):
        store.record(pair, failure(MORNING, pair.network, 1, WAIT))

    store.note_success(ANNA, MORNING)

    forgiven = failure(MORNING, CAFE, None, NO_WAIT)
    assert list(store.history_of(ANNA, MORNING).failures) == [forgiven, failure(MORNING, STREET, 1, WAIT)]
    assert list(store.history_of(BERT, MORNING).failures) == [failure(MORNING, CAFE, 1, WAIT)]
    assert store.history_of(BERT, MORNING).network_failures == 1


def test_a_wait_never_moves_its_own_end(store: FailureStore) -> None:
    """Neither by a later start nor by one that does not know of it, as after a hash."""
    before = store.history_of(ANNA, MORNING)

    started = store.start_network_wait(before, MORNING)
    store.start_network_wait(store.history_of(BERT, MORNING + SECOND), MORNING + SECOND)
    store.start_network_wait(before, MORNING + 29 * SECOND)

    assert started.network_waits_until == MORNING + 30 * SECOND
    assert store.history_of(BERT, MORNING + 29 * SECOND).network_waits_until == MORNING + 30 * SECOND
    assert store.history_of(ANNA_STREET, MORNING).network_waits_until is None


def test_after_a_wait_a_network_counts_anew(store: FailureStore) -> None:
    """During the wait the failures that led to it count; from its end on only later ones."""
    store.record(ANNA, failure(MORNING, CAFE, 1))
    store.start_network_wait(store.history_of(ANNA, MORNING), MORNING)
    end = MORNING + 30 * SECOND

    assert store.history_of(ANNA, end - MICROSECOND).network_failures == 1
    assert store.history_of(ANNA, end).network_failures == 0
    store.record(ANNA, failure(end, CAFE, 2))
    assert store.history_of(ANNA, end).network_failures == 1
    restarted = store.start_network_wait(store.history_of(ANNA, end), end)
    assert restarted.network_waits_until == end + 30 * SECOND


def test_the_overall_count_ends_where_it_is_enough(store: FailureStore) -> None:
    """One more than the alarm needs; the account's own count has no such end."""
    for number in range(6):
        store.record(ANNA, failure(MORNING + number * SECOND, CAFE, number))
    at = MORNING + 5 * SECOND

    assert store.counts_after(ANNA, store.history_of(ANNA, at), at) == FailureCounts(7, 6, 1, overall=4)
    later = MORNING + 53 * SECOND
    assert store.counts_after(BERT, store.history_of(BERT, later), later).overall == 2


def test_staff_end_a_lockout(store: ForgettingStore) -> None:
    """All failures of the name, from everywhere, and of no other."""
    for pair in (ANNA, ANNA_STREET, BERT):
        store.record(pair, failure(MORNING, pair.network))

    assert store.forget_name("anna")
    assert not store.forget_name("anna")

    assert list(store.history_of(ANNA, MORNING).failures) == []
    assert list(store.history_of(BERT, MORNING).failures) == [failure(MORNING, CAFE)]
    assert store.history_of(BERT, MORNING).network_names == 1


def test_no_attempt_retracts_the_failure_of_another(store: ForgettingStore) -> None:
    """Staff clear a name whose password is being hashed: its id is given to nobody else."""
    hashed = store.record(ANNA, failure(MORNING, CAFE))
    store.forget_name("anna")
    store.record(BERT, failure(MORNING, CAFE))

    store.retract(hashed)

    assert list(store.history_of(BERT, MORNING).failures) == [failure(MORNING, CAFE)]


def test_when_an_alarm_was_raised_last(database: Database) -> None:
    """Of that kind and about that subject; both stores."""
    memory = MemoryFailures(LIMITS)
    for at in (MORNING, MORNING + LIMITS.alarm_pause):
        raise_alarms(database, [(Alarm.NETWORK_WAITS, "192.0.2.99")], now=at, limits=LIMITS)
        memory.note_alarm(Alarm.NETWORK_WAITS, "192.0.2.99", at)
        with sql_store(database) as sql:
            for store in (sql, memory):
                assert store.alarm_raised_at(Alarm.NETWORK_WAITS, "192.0.2.99") == at
                assert store.alarm_raised_at(Alarm.NETWORK_WAITS, "192.0.2.100") is None
                assert store.alarm_raised_at(Alarm.NETWORK_SPRAYS, "192.0.2.99") is None


# Whatever happens, both answer alike


@dataclass(frozen=True)
class Pause:
    """Nothing happens for so long."""

    duration: timedelta


@dataclass(frozen=True)
class Fail:
    """An attempt is recorded as a failure."""

    pair: Pair
    fingerprint: int | None
    wait: timedelta
    unfamiliar: bool


@dataclass(frozen=True)
class Retract:
    """The attempt of that number had the right password."""

    number: int


@dataclass(frozen=True)
class Succeed:
    """The pair logs in."""

    pair: Pair


@dataclass(frozen=True)
class StartWait:
    """The network of the pair has to wait; ``stale``: by a history of the beginning."""

    pair: Pair
    stale: bool


@dataclass(frozen=True)
class Forget:
    """Staff end the lockout of a name."""

    name_key: str


Step = Pause | Fail | Retract | Succeed | StartWait | Forget


@dataclass
class Run:
    """One history as it happens in one store."""

    store: ForgettingStore
    now: datetime = MORNING
    ids: list[int] = field(default_factory=list)
    answers: list[object] = field(default_factory=list)

    def happen(self, steps: list[Step]) -> list[object]:
        """Every answer of the store, to each step and to every question after it."""
        beginning = {pair: self.store.history_of(pair, self.now) for pair in PAIRS}
        for step in steps:
            self.answers.append(self._take(step, beginning))
            self.answers += [self._ask(pair) for pair in PAIRS]
        return self.answers

    def _take(self, step: Step, beginning: dict[Pair, FailureHistory]) -> object:
        store = self.store
        match step:
            case Pause(duration):
                self.now += duration
            case Fail(pair, fingerprint, wait, unfamiliar):
                new = Failure(self.now, pair.network.key, unfamiliar, fingerprint, wait)
                self.ids.append(store.record(pair, new))
            case Retract(number) if self.ids:
                store.retract(self.ids[number % len(self.ids)])
            case Succeed(pair):
                store.note_success(pair, self.now)
            case StartWait(pair, stale):
                history = beginning[pair] if stale else store.history_of(pair, self.now)
                return store.start_network_wait(history, self.now)
            case Forget(name_key):
                return store.forget_name(name_key)
        return None

    def _ask(self, pair: Pair) -> object:
        history = self.store.history_of(pair, self.now)
        return history, self.store.counts_after(pair, history, self.now)


# Around the ends of the limits: network_wait, network_window, overall_window, known_good, account_window.
PAUSES = [each * SECOND for each in (1, 10, 29, 30, 40, 50, 60, 100)] + [MICROSECOND]
PAIR = st.sampled_from(PAIRS)
STEPS: list[st.SearchStrategy[Step]] = [
    st.builds(Pause, st.sampled_from(PAUSES)),
    st.builds(
        Fail,
        PAIR,
        fingerprint=st.sampled_from([None, 1, 2, 4095]),
        wait=st.sampled_from([NO_WAIT, WAIT]),
        unfamiliar=st.booleans(),
    ),
    st.builds(Retract, st.integers(0, 9)),
    st.builds(Succeed, PAIR),
    # The policy lets no other network wait.
    st.builds(StartWait, st.sampled_from([ANNA, ANNA_STREET, BERT, CORA]), stale=st.booleans()),
    st.builds(Forget, st.sampled_from(["anna", "bert", "Password cora"])),
]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(STEPS), max_size=20))
@example(steps=[Fail(ANNA, 1, WAIT, True), StartWait(BERT, False), Pause(29 * SECOND), StartWait(ANNA, True)])  # noqa: FBT003
@example(steps=[Fail(ANNA, 1, WAIT, False), Succeed(ANNA), Retract(0), Forget("anna"), Retract(0)])  # noqa: FBT003
def test_any_history_is_answered_alike(database: Database, steps: list[Step]) -> None:
    """The store in memory stands for the one in SQL, whatever happens."""
    in_memory = Run(MemoryFailures(LIMITS)).happen(steps)
    with sql_store(database) as sql:
        in_sql = Run(sql).happen(steps)

    assert in_memory == in_sql
