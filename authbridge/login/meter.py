"""Counts what happens at logins, for Prometheus: numbers of this process, without names and addresses.

Not even whether a name exists may show: the same guess moves the same numbers for known and unknown names.
"""

from collections.abc import Iterable

import prometheus_client
from prometheus_client import Counter, Histogram, Metric
from prometheus_client.registry import Collector

from authbridge.login.attempts import PAGE, TOKEN
from authbridge.login.policy import Decision, Reason, Verdict
from authbridge.login.subjects import Shortcut

# Seconds.  A remembered login takes a few milliseconds, a hash 50 at cost 10; Prosody waits 15.
_OF_LOGIN = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
_OF_HASH = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)

_RULES = {
    Reason.PAIR_WAITS: "pair",
    Reason.ACCOUNT_WAITS: "account",
    Reason.NETWORK_WAITS: "network",
}
_FAILURES = {Reason.WRONG_PASSWORD, Reason.UNKNOWN_NAME}
_FAULTS = ("storage", "bug")
_REFUSALS = ("token", "host", "malformed")

# A second time series for each, which nobody reads.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types


class LoginMeter(Collector):
    """The counts since the process began; each call costs some microseconds of a login."""

    def __init__(self) -> None:
        self._logins = _counter("logins", "Logins that were answered", "verdict", "transport")
        self._failures = _counter("login_failures", "Wrong passwords that count as failures")
        self._waits = _counter("login_waits", "Logins that a rule of the policy made wait", "rule")
        self._queue_rejections = _counter(
            "hashing_queue_rejections", "Logins that the hashing queue could not serve in time"
        )
        self._quick_check_refusals = _counter(
            "quick_check_refusals", "Wrong passwords that were refused without a hash"
        )
        self._cache_hits = _counter(
            "password_cache_hits", "Passwords that the cache remembered as right or as wrong", "password"
        )
        self._faults = _counter("faults", "Questions that had no answer because of a fault", "fault")
        self._refusals = _counter(
            "refused_questions", "Questions that were no business of this service, or of no form", "reason"
        )
        self._login_seconds = _histogram(
            "login_seconds", "Time of a login from the question to the answer", _OF_LOGIN
        )
        self._hash_seconds = _histogram("hash_seconds", "Time of a hash, without the wait for it", _OF_HASH)
        self._shortcuts = {
            Shortcut.REMEMBERED: self._cache_hits.labels("right"),
            Shortcut.REPEATED: self._cache_hits.labels("wrong"),
            Shortcut.EXCLUDED: self._quick_check_refusals,
        }
        # Rules over them see a first one only where there was a zero before.
        for verdict in Verdict:
            for transport in ("bosh", "tcp", "websocket", PAGE, TOKEN):
                self._logins.labels(verdict, transport)
        for rule in _RULES.values():
            self._waits.labels(rule)
        for fault in _FAULTS:
            self._faults.labels(fault)
        for reason in _REFUSALS:
            self._refusals.labels(reason)

    def note_answer(self, decision: Decision, transport: str, seconds: float) -> None:
        """Counts a login with its verdict and the time until its answer."""
        self._logins.labels(decision.verdict, transport).inc()
        self._login_seconds.observe(seconds)
        if decision.reason in _FAILURES:
            self._failures.inc()
        elif decision.reason in _RULES:
            self._waits.labels(_RULES[decision.reason]).inc()
        elif decision.reason is Reason.QUEUE_TOO_LONG:
            self._queue_rejections.inc()

    def note_shortcut(self, shortcut: Shortcut) -> None:
        """Counts a login that needs no hash."""
        self._shortcuts[shortcut].inc()

    def note_hash(self, seconds: float) -> None:
        """Counts a hash with its time."""
        self._hash_seconds.observe(seconds)

    def note_fault(self, fault: str) -> None:
        """Counts a question without an answer: ``storage`` or ``bug``."""
        self._faults.labels(fault).inc()

    def note_refusal(self, reason: str) -> None:
        """Counts a question that is no question for this service: ``token``, ``host`` or ``malformed``."""
        self._refusals.labels(reason).inc()

    def collect(self) -> Iterable[Metric]:
        """Yields the counts."""
        for each in (
            self._logins,
            self._login_seconds,
            self._hash_seconds,
            self._failures,
            self._waits,
            self._queue_rejections,
            self._quick_check_refusals,
            self._cache_hits,
            self._faults,
            self._refusals,
        ):
            yield from each.collect()


def _counter(name: str, words: str, *labels: str) -> Counter:
    return Counter(f"authbridge_{name}", f"{words}.", labels, registry=None)


def _histogram(name: str, words: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(f"authbridge_{name}", f"{words}.", buckets=buckets, registry=None)
