"""The state of the login policy in memory, for one simulated world, as ``login/failures.py`` keeps it.

The functions bear the names of those there, and ask for the same rows.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Reversible
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice, takewhile

from authbridge.login.policy import Failure, FailureCounts, FailureHistory, Limits, Network


class Ledger:
    """Who failed from where, who is known where, who waits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._rows: dict[int, tuple[str, Failure]] = {}
        self._last_id = 0
        self._of_name: defaultdict[str, list[int]] = defaultdict(list)
        self._of_network: defaultdict[str | None, _Lately] = defaultdict(_Lately)
        self._known: dict[tuple[str, str], datetime] = {}
        self._waits: dict[str, datetime] = {}

    def history_of(self, username: str, network: Network, at: datetime) -> FailureHistory:
        """What is known about the pair at this moment."""
        limits = self._limits
        failures, names = (0, 0) if network.trusted else self._of_network_lately(network, at)
        seen_at = None if network.key is None else self._known.get((username, network.key))
        return FailureHistory(
            network=network,
            known_good=seen_at is not None and at - seen_at <= timedelta(seconds=limits.known_good),
            failures=self.failures_of(username, at),
            network_failures=failures,
            network_names=names,
            network_waits_until=None
            if network.trusted or network.key is None
            else self._waits.get(network.key),
        )

    def failures_of(self, username: str, at: datetime) -> list[Failure]:
        """Those of the name that count at this moment, oldest first."""
        since = at - timedelta(seconds=self._limits.account_window)
        return [failure for _, failure in self._since(self._of_name[username], since)]

    def record(self, username: str, failure: Failure) -> int:
        """Writes the attempt down as a failure; returns its id."""
        self._last_id += 1
        self._rows[self._last_id] = (username, failure)
        self._of_name[username].append(self._last_id)
        if failure.fingerprint is not None:
            self._of_network[failure.network].add(self._last_id, failure.at, username)
        return self._last_id

    def retract(self, failure_id: int) -> None:
        """The password matched: it was no failure."""
        _, failure = self._rows.pop(failure_id)
        self._of_network[failure.network].drop(failure_id)

    def note_success(self, username: str, network: Network, at: datetime) -> None:
        """The pair is free, its failures count for the account only, and its network is known-good."""
        for row_id in self._of_name[username]:
            row = self._rows.get(row_id)
            if row is not None and row[1].network == network.key:
                self._rows[row_id] = (username, replace(row[1], fingerprint=None, wait=0))
                self._of_network[network.key].drop(row_id)
        if network.key is not None:
            self._known[username, network.key] = at

    def counts_after(self, network: Network, history: FailureHistory, at: datetime) -> FailureCounts:
        """What the failure that was just checked adds up to; ``history`` is as it was before it."""
        failures, names = self._of_network_lately(network, at)
        since = at - timedelta(seconds=self._limits.overall_window)
        return FailureCounts(
            account=len(history.failures) + 1,
            network_failures=failures,
            network_names=names,
            overall=len(self._since(self._rows, since, enough=self._limits.overall_alarm + 1)),
        )

    def start_network_wait(self, history: FailureHistory, at: datetime) -> FailureHistory:
        """The network waits from now on, unless it does already; returns how things stand then."""
        key, waits_until = history.network.key, history.network_waits_until
        if key is None or (waits_until is not None and at < waits_until):
            return history
        self._waits[key] = at + timedelta(seconds=self._limits.network_wait)
        return replace(history, network_waits_until=self._waits[key])

    def clear_name(self, username: str) -> None:
        """Staff let the name try again: its failures are forgotten."""
        for row_id in self._of_name.pop(username, []):
            if row_id in self._rows:
                self.retract(row_id)

    def _of_network_lately(self, network: Network, at: datetime) -> tuple[int, int]:
        if network.key is None:
            return 0, 0
        since = at - timedelta(seconds=self._limits.network_window)
        wait_end = self._waits.get(network.key, since)
        # Of a wait that goes on, the failures that led to it still count.
        return self._of_network[network.key].count(since, since if wait_end > at else wait_end)

    def _since(
        self, row_ids: Reversible[int], since: datetime, *, enough: int | None = None
    ) -> list[tuple[str, Failure]]:
        rows = (self._rows[row_id] for row_id in reversed(row_ids) if row_id in self._rows)
        recent = takewhile(lambda row: row[1].at > since, rows)
        return list(islice(recent, enough))[::-1]


class _Lately:
    """The distinct failures from one network that still count, oldest first."""

    def __init__(self) -> None:
        self._rows: OrderedDict[int, tuple[datetime, str]] = OrderedDict()
        self._names: Counter[str] = Counter()

    def add(self, row_id: int, at: datetime, username: str) -> None:
        self._rows[row_id] = (at, username)
        self._names[username] += 1

    def drop(self, row_id: int) -> None:
        _, username = self._rows.pop(row_id, (None, ""))
        self._names[username] -= 1
        if self._names[username] <= 0:
            del self._names[username]

    def count(self, since: datetime, wait_end: datetime) -> tuple[int, int]:
        """Those after ``since`` and not before the end of the last wait; over how many names."""
        while self._rows and next(iter(self._rows.values()))[0] <= since:
            self.drop(next(iter(self._rows)))
        if wait_end <= since:
            return len(self._rows), len(self._names)
        names = [username for at, username in self._rows.values() if at >= wait_end]
        return len(names), len({*names})
