"""A service without database, hashes and clock: the real policy over a ledger in memory.

:meth:`World.login` goes the way of :func:`authbridge.login.flow.authenticate`, step by step; time stands
unless somebody moves ``now``.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from authbridge.login import networks, policy
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.password_cache import PasswordCache
from authbridge.login.policy import (
    Account,
    Alarm,
    CacheResult,
    Decision,
    FailureHistory,
    Limits,
    Network,
    Reason,
    Verdict,
)
from authbridge.login.simulation.ledger import Ledger

EIGHT_O_CLOCK = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)  # in Berlin, on a Monday

Schools = Mapping[str, tuple[str, ...]]  # the networks (CIDR) of a school's own, by its code

_IN_ORDER = Account(1, suspended=False, school_suspended=False, valid_until=None)
_RULES = (policy.pair_waits_until, policy.account_waits_until, policy.network_waits_until)


@dataclass(frozen=True, slots=True)
class Owner:
    """An organiser; the school's code is the part of the name before the hyphen."""

    username: str
    password: str = field(repr=False)
    generated: bool = True
    account: Account = _IN_ORDER


@dataclass(frozen=True, slots=True)
class Login:
    """An attempt that no rule has turned away so far."""

    username: str
    password: str = field(repr=False)
    network: Network
    owner: Owner | None
    right: bytes = field(repr=False)
    wrong: bytes = field(repr=False)
    rank: tuple[bool, int] = (True, 0)  # in the queue for a hash; the lowest comes first


@dataclass(frozen=True, slots=True)
class Check:
    """One hash that was made, or is being made."""

    at: datetime
    username: str
    network: Network
    from_unfamiliar_network: bool  # neither known-good nor trusted
    matched: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """A login whose password is being hashed."""

    login: Login
    failure_id: int
    history: FailureHistory
    matched: bool


@dataclass(frozen=True, slots=True)
class Told:
    """Something that staff were told."""

    at: datetime
    alarm: Alarm
    subject: str


class World:
    """Owners, schools, and one service process that never sleeps."""

    def __init__(
        self,
        limits: Limits,
        *,
        schools: Schools | None = None,
        remember: bool = True,
        keyed_hashes: KeyedHashes | None = None,
    ) -> None:
        self.now = EIGHT_O_CLOCK
        self.limits = limits
        self.ledger = Ledger(limits)
        self.attempts = 0
        self.checks: list[Check] = []
        self.denied: Counter[Reason] = Counter()  # attempts that were turned away without a hash
        self.told: list[Told] = []
        self._owners: dict[str, Owner] = {}
        self._schools = schools or {}
        self._remember = remember
        self._memory = PasswordCache(limits, remember=remember)
        self._traces = keyed_hashes or KeyedHashes(b"only for the simulation, which keeps nothing")

    def enrol(self, owner: Owner) -> Owner:
        """Makes the owner's account."""
        self._owners[owner.username] = owner
        return owner

    def login(self, username: str, password: str, ip: str | None) -> Decision:
        """One attempt from its arrival to its verdict; a hash takes no time."""
        arrived = self.arrive(username, password, ip)
        if isinstance(arrived, Decision):
            return arrived
        recorded = self.record(arrived)
        return recorded if isinstance(recorded, Decision) else self.settle(recorded)

    def arrive(self, username: str, password: str, ip: str | None) -> Login | Decision:
        """As far as a login comes without a hash."""
        self.attempts += 1
        login = self._recognise(username, password, ip)
        cached = self._memory.recall(login.right, login.wrong, self.now)
        generated = login.owner is not None and login.owner.generated
        if policy.passes_every_wait(cached, generated=generated):
            return self._judge(login, matched=True)
        history = self.ledger.history_of(username, login.network, self.now)
        if decision := policy.throttle(history, self.now, self.limits):
            return self._reject(decision)
        if cached is CacheResult.WRONG:
            return self._reject(policy.REPEATED)
        if cached is CacheResult.RIGHT:
            return self._judge(login, matched=True)
        rank = not history.known_good, policy.recent_failures(history, self.now, self.limits)
        return Login(username, password, login.network, login.owner, login.right, login.wrong, rank)

    def record(self, login: Login) -> Recorded | Decision:
        """Record first, then count; from here on the password is being hashed."""
        history = self.ledger.history_of(login.username, login.network, self.now)
        if policy.must_network_wait(history.network_failures, history.network_names, self.limits):
            history = self.ledger.start_network_wait(history, self.now)
        if decision := policy.throttle(history, self.now, self.limits):
            return self._reject(decision)
        fingerprints = self._traces.fingerprints(login.username, login.password, self.now)
        failure = policy.failure_of(history, self.now, fingerprints, self.limits)
        matched = login.owner is not None and login.owner.password == login.password
        self.checks.append(Check(self.now, login.username, login.network, history.is_unfamiliar, matched))
        return Recorded(login, self.ledger.record(login.username, failure), history, matched)

    def settle(self, recorded: Recorded) -> Decision:
        """The hash is done: the verdict, and what follows from it."""
        login = recorded.login
        if recorded.matched:
            self._memory.note_right(login.right, self.now)
            self.ledger.retract(recorded.failure_id)
        else:
            self._memory.note_wrong(login.wrong, self.now)
            self._count(recorded)
        return self._judge(login, matched=recorded.matched)

    def network_of(self, username: str, ip: str | None) -> Network:
        """Where the attempt comes from, as the rules of this name see it."""
        return networks.network_of(ip, self._schools.get(username.partition("-")[0], ()))

    def waits_until(self, username: str, ip: str | None) -> datetime | None:
        """When somebody who is not remembered could have a password hashed; None if now.  Changes nothing."""
        history = self.ledger.history_of(username, self.network_of(username, ip), self.now)
        ends = [rule(history, self.now, self.limits) for rule in _RULES]
        return max((end for end in ends if end is not None and end > self.now), default=None)

    def deny(self, count: int, reason: Reason) -> None:
        """So many attempts more, of which it is known that a running wait turns them away."""
        self.attempts += count
        self.denied[reason] += count

    def forget_numbers(self) -> None:
        """The history ends here: what is counted begins anew, what the service knows stays."""
        self.attempts = 0
        self.checks.clear()
        self.denied.clear()
        self.told.clear()

    def restart(self) -> None:
        """The service starts anew, and remembers nothing."""
        self._memory = PasswordCache(self.limits, remember=self._remember)

    def _recognise(self, username: str, password: str, ip: str | None) -> Login:
        owner = self._owners.get(username)
        account = username, "" if owner is None else str(owner.account.credential_version)
        return Login(
            username=username,
            password=password,
            network=self.network_of(username, ip),
            owner=owner,
            right=self._memory.cache_key("right", *account, password),
            wrong=self._memory.cache_key("wrong", *account, password),
        )

    def _judge(self, login: Login, *, matched: bool) -> Decision:
        account = None if login.owner is None else login.owner.account
        version = account.credential_version if matched and account is not None else None
        decision = policy.judge(account, checked_version=version, today=self.now.date())
        if decision.verdict is Verdict.GRANTED:
            self.ledger.note_success(login.username, login.network, self.now)
        return decision

    def _count(self, recorded: Recorded) -> None:
        network = recorded.login.network
        counts = self.ledger.counts_after(network, recorded.history, self.now)
        if not network.trusted and policy.must_network_wait(
            counts.network_failures, counts.network_names, self.limits
        ):
            self.ledger.start_network_wait(recorded.history, self.now)
        username = None if recorded.login.owner is None else recorded.login.username
        for alarm in policy.alarms_after(counts, network, self.limits):
            self._tell(alarm, policy.subject_of(alarm, username, network))

    def _tell(self, alarm: Alarm, subject: str | None) -> None:
        # As authbridge.login.alarms does it: not of nobody's name, and not twice within the pause.
        pause = policy.pause_after(alarm, self.limits)
        lately = (told for told in self.told if self.now - told.at < pause)
        if subject is not None and all((told.alarm, told.subject) != (alarm, subject) for told in lately):
            self.told.append(Told(self.now, alarm, subject))

    def _reject(self, decision: Decision) -> Decision:
        self.denied[decision.reason] += 1
        return decision
