"""The failure store in memory, for a simulated service; nothing of it outlives the simulation.

Moments must come in order: it reads the latest rows from the end.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Reversible
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice, takewhile

from authbridge.login.alarm_rules import Alarm
from authbridge.login.failure_history import Failure, FailureCounts, FailureHistory
from authbridge.login.failure_store import Pair
from authbridge.login.limits import Limits

_Row = tuple[str, Failure]  # the key of the name, and its failure


class MemoryFailures:
    """The failure store of one process (see :class:`authbridge.login.failure_store.FailureStore`)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._rows: dict[int, _Row] = {}
        self._last_id = 0
        self._of_name: defaultdict[str, list[int]] = defaultdict(list)
        self._of_network: defaultdict[str | None, _Recent] = defaultdict(_Recent)
        self._seen_at: dict[str, datetime] = {}
        self._waits: dict[str, datetime] = {}
        self._raised_at: dict[tuple[Alarm, str], datetime] = {}

    def lock_for_recording(self, pair: Pair) -> None:
        """Does nothing: a simulation has one thread."""

    def history_of(self, pair: Pair, at: datetime) -> FailureHistory:
        """Returns what is on record about the pair at this moment."""
        network = pair.network
        counted = None if network.trusted else network.key
        failures, names = self._count_network(counted, at)
        return FailureHistory(
            network=network,
            known_good=network.is_device or self._is_known_good(pair, at),
            failures=[
                row[1] for row in self._since(self._of_name[pair.name_key], at - self._limits.account_window)
            ],
            network_failures=failures,
            network_names=names,
            network_waits_until=None if counted is None else self._waits.get(counted),
            sign_in_step=pair.sign_in_step,
        )

    def record(self, pair: Pair, failure: Failure) -> int:
        """Records the attempt as a failure; returns its id."""
        self._last_id += 1
        self._rows[self._last_id] = (pair.name_key, failure)
        self._of_name[pair.name_key].append(self._last_id)
        if failure.fingerprint is not None:
            self._of_network[failure.network].add(self._last_id, failure.at, pair.name_key)
        return self._last_id

    def retract(self, failure_id: int) -> None:
        """Deletes the record of an attempt whose password has matched."""
        row = self._rows.pop(failure_id, None)  # forget_name may have been faster
        if row is not None:
            self._of_network[row[1].network].drop(failure_id)

    def note_success(self, pair: Pair, at: datetime) -> None:
        """Ends the wait of the pair, and makes it known-good; its failures go on counting for the account."""
        network = pair.network.key
        for row_id in self._of_name[pair.name_key]:
            row = self._rows.get(row_id)
            if row is not None and row[1].network == network and row[1].fingerprint is not None:
                forgiven = replace(row[1], fingerprint=None, wait=timedelta(0))
                self._rows[row_id] = (pair.name_key, forgiven)
                self._of_network[network].drop(row_id)
        if pair.known_key is not None:
            self._seen_at[pair.known_key] = at

    def counts_after(self, pair: Pair, history: FailureHistory, at: datetime) -> FailureCounts:
        """Returns the sums after a failure that was just checked; ``history`` is as it was before it."""
        failures, names = self._count_network(pair.network.key, at)
        enough = self._limits.overall_alarm + 1
        return FailureCounts(
            account=len(history.failures) + 1,
            network_failures=failures,
            network_names=names,
            overall=len(self._since(self._rows, at - self._limits.overall_window, enough=enough)),
            sign_in_step=pair.sign_in_step,
        )

    def start_network_wait(self, history: FailureHistory, at: datetime) -> FailureHistory:
        """Makes the network wait from now on, unless it waits already; returns the history after that."""
        if history.network_waits_until is not None and at < history.network_waits_until:
            return history
        until = at + self._limits.network_wait
        if history.network.key is not None and self._waits.get(history.network.key, at) <= at:
            self._waits[history.network.key] = until
        return replace(history, network_waits_until=until)

    def alarm_raised_at(self, alarm: Alarm, subject: str) -> datetime | None:
        """Returns when this alarm was last raised; None if never."""
        return self._raised_at.get((alarm, subject))

    def note_alarm(self, alarm: Alarm, subject: str, at: datetime) -> None:
        """Remembers that this alarm was raised."""
        self._raised_at[alarm, subject] = at

    def forget_name(self, name_key: str) -> bool:
        """Deletes the failures of a name; returns whether there were any."""
        row_ids = [row_id for row_id in self._of_name.pop(name_key, []) if row_id in self._rows]
        for row_id in row_ids:
            self.retract(row_id)
        return bool(row_ids)

    def _is_known_good(self, pair: Pair, at: datetime) -> bool:
        seen_at = None if pair.known_key is None else self._seen_at.get(pair.known_key)
        return seen_at is not None and at - seen_at <= self._limits.known_good

    def _count_network(self, network: str | None, at: datetime) -> tuple[int, int]:
        if network is None:
            return 0, 0
        since = at - self._limits.network_window
        wait_end = self._waits.get(network, since)
        # During a wait the failures that led to it still count.
        return self._of_network[network].count(since, since if wait_end > at else wait_end)

    def _since(self, row_ids: Reversible[int], since: datetime, *, enough: int | None = None) -> list[_Row]:
        rows = (self._rows[row_id] for row_id in reversed(row_ids) if row_id in self._rows)
        recent = takewhile(lambda row: row[1].at > since, rows)
        return list(islice(recent, enough))[::-1]


class _Recent:
    """The distinct failures from one network within its window, oldest first."""

    def __init__(self) -> None:
        self._rows: OrderedDict[int, tuple[datetime, str]] = OrderedDict()
        self._names: Counter[str] = Counter()

    def add(self, row_id: int, at: datetime, name_key: str) -> None:
        self._rows[row_id] = (at, name_key)
        self._names[name_key] += 1

    def drop(self, row_id: int) -> None:
        _, name_key = self._rows.pop(row_id, (None, ""))
        self._names[name_key] -= 1
        if self._names[name_key] <= 0:
            del self._names[name_key]

    def count(self, since: datetime, wait_end: datetime) -> tuple[int, int]:
        """Counts those after ``since`` and not before the end of the last wait, and their names."""
        while self._rows and next(iter(self._rows.values()))[0] <= since:
            self.drop(next(iter(self._rows)))
        if wait_end <= since:
            return len(self._rows), len(self._names)
        names = [name_key for at, name_key in self._rows.values() if at >= wait_end]
        return len(names), len({*names})
