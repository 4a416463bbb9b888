"""Counts wrong report codes in the memory of one process, and tells how long their senders should wait.

They count apart from failed logins and sign-ins: a flood of them makes neither organisers nor staff wait.
A right code passes every wait: it has 49 random bits, and verifying one costs a keyed hash and one look into
an index.
"""

import math
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from authbridge.clock import is_within
from authbridge.login.limits import Limits

NAMES_PER_CODE = 10  # login names that the holder of a code may try: a typing error or two, no list of names

_MOST_NETWORKS = 10_000  # of some 200 bytes each; the longest quiet one is forgotten first
_NO_WAIT = timedelta()


@dataclass(frozen=True, slots=True)
class WrongCode:
    """The seconds that the sender should wait, None for no wait; and whether staff are to be told now."""

    retry_after: int | None
    is_alarming: bool


@dataclass(slots=True)
class _Network:
    """The wrong codes of one network since it was quiet; ``wait`` is the latest one."""

    failures: int
    last_at: datetime
    wait: timedelta = _NO_WAIT
    waits_until: datetime | None = None


class CodeGuesses:
    """The wrong codes of the last hour; the numbers are those of the login policy.

    A network waits as a pair of name and network does, and everybody who is wrong waits shortly while more
    wrong codes come than the policy's overall alarm allows.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._networks: OrderedDict[str, _Network] = OrderedDict()
        self._overall: deque[datetime] = deque()
        self._alarmed_at: datetime | None = None
        self._names: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._networks)

    def note_wrong(self, network: str, *, now: datetime, limits: Limits) -> WrongCode:
        """Counts one wrong code; a wait never moves its own end."""
        with self._lock:
            self._count_overall(now, limits)
            until = self._count_in(network, now, limits)
            if len(self._overall) > limits.overall_alarm:
                until = max(until or now, now + limits.first_wait)
            wait = None if until is None else math.ceil((until - now).total_seconds())
            return WrongCode(wait, is_alarming=self._becomes_alarming(now, limits))

    def may_try_name(self, code_hash: str) -> bool:
        """Counts one login name that the holder of a code tries; tells whether there were few enough."""
        with self._lock:
            self._names[code_hash] = self._names.get(code_hash, 0) + 1
            return self._names[code_hash] <= NAMES_PER_CODE

    def _count_overall(self, now: datetime, limits: Limits) -> None:
        self._overall.append(now)
        most, since = limits.overall_alarm + 1, now - limits.overall_window
        while len(self._overall) > most or not since < self._overall[0] <= now + limits.overall_window:
            self._overall.popleft()

    def _count_in(self, network: str, now: datetime, limits: Limits) -> datetime | None:
        """Returns the end of the wait of that network, None for no wait."""
        found = self._networks.pop(network, None)
        if found is None or abs(now - found.last_at) >= limits.pair_quiet:  # or the clock was ahead then
            found = _Network(0, now)
        self._networks[network] = found
        while len(self._networks) > _MOST_NETWORKS:
            self._networks.popitem(last=False)
        if found.waits_until is not None and now < found.waits_until:
            return found.waits_until
        found.failures, found.last_at = found.failures + 1, now
        if found.failures < limits.pair_guesses:
            return None
        found.wait = min(found.wait * 2, limits.longest_wait) or limits.first_wait
        found.waits_until = now + found.wait
        return found.waits_until

    def _becomes_alarming(self, now: datetime, limits: Limits) -> bool:
        if len(self._overall) < min(limits.account_alarm, limits.overall_alarm):
            return False
        if self._alarmed_at is not None and is_within(limits.alarm_pause, self._alarmed_at, now=now):
            return False
        self._alarmed_at = now
        return True
