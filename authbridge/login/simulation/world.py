"""A service without database, bcrypt and clock: the login flow itself over a store in memory.

Every attempt takes the steps of :mod:`authbridge.login.flow`; time stands unless somebody moves ``now``.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from authbridge.login import flow, networks, policy
from authbridge.login.alarm_rules import Alarm, DueAlarm
from authbridge.login.failure_history import Network
from authbridge.login.failure_store import Pair
from authbridge.login.failures_in_memory import MemoryFailures
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.limits import Limits
from authbridge.login.password_cache import PasswordCache
from authbridge.login.policy import Account, Decision, Reason
from authbridge.login.quick_checks import QuickChecks
from authbridge.login.subjects import (
    Checked,
    Credential,
    FlowServices,
    Judgement,
    Login,
    PasswordHasher,
    Recorded,
)
from authbridge.login.typed_passwords import StoredPassword, TypedPassword, form_to_store, parse_password

EIGHT_O_CLOCK = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)  # in Berlin, on a Monday

_SECRET = b"only for the simulation, which keeps nothing"

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

    def credential(self, hasher: PasswordHasher) -> Credential:
        """Returns the password as that hasher stores it."""
        stored = hasher.hash(self.password, generated=self.generated)
        return Credential(self.account.credential_version, stored)


@dataclass(frozen=True, slots=True)
class Check:
    """One hash that was made, or is being made."""

    at: datetime
    username: str
    network: Network
    from_unfamiliar_network: bool  # neither known-good nor trusted
    matched: bool


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that staff heard of."""

    at: datetime
    alarm: Alarm
    subject: str


@dataclass(frozen=True, slots=True)
class SimulatedLogin:
    """The subject of one attempt in a world; ``owner`` is None for an unknown username."""

    login: Login
    owner: Owner | None
    denied: Counter[Reason]

    def open(self, _store: MemoryFailures) -> Credential | None:
        """Returns the credential of the owner, which never changes."""
        return self.login.credential

    def judge(self, _store: MemoryFailures, checked: Checked, now: datetime) -> Judgement:
        """Decides by the owner's account."""
        account = None if self.owner is None else self.owner.account
        decision = policy.judge(account, checked_version=checked.version, today=now.date())
        return Judgement(decision, None if self.owner is None else self.owner.username)

    def reject(self, decision: Decision) -> None:
        """Counts it among the denied."""
        self.denied[decision.reason] += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Services(FlowServices[MemoryFailures]):
    """The parts of a simulated process."""

    failures: MemoryFailures
    raised: list[Raised]

    def read(self) -> AbstractContextManager[MemoryFailures]:
        return nullcontext(self.failures)

    def write(self) -> AbstractContextManager[MemoryFailures]:
        return nullcontext(self.failures)

    def raise_alarms(self, due: list[DueAlarm], now: datetime) -> None:
        for alarm, subject in due:
            self.failures.note_alarm(alarm, subject, now)
            self.raised.append(Raised(now, alarm, subject))


class World:
    """Owners, schools, and one service process that never sleeps."""

    def __init__(
        self,
        limits: Limits,
        *,
        schools: Schools | None = None,
        remember: bool = True,
        quick_checks: bool = False,
        keyed_hashes: KeyedHashes | None = None,
    ) -> None:
        self.now = EIGHT_O_CLOCK
        self.limits = limits
        self.failures = MemoryFailures(limits)
        self.attempts = 0
        self.checks: list[Check] = []
        self.denied: Counter[Reason] = Counter()  # attempts that were refused without a hash
        self.raised: list[Raised] = []
        self._owners: dict[str, Owner] = {}
        self._schools = schools or {}
        self._remember = remember
        self.services = _Services(
            hasher=_NoHasher(QuickChecks(_SECRET) if quick_checks else None),
            clock=lambda: self.now,
            limits=limits,
            keyed_hashes=keyed_hashes or KeyedHashes(_SECRET),
            password_cache=PasswordCache(limits, remember=remember),
            failures=self.failures,
            raised=self.raised,
        )

    def enrol(self, owner: Owner) -> Owner:
        """Makes the owner's account."""
        self._owners[owner.username] = owner
        return owner

    def login(self, username: str, password: str, ip: str | None) -> Decision:
        """Takes one attempt from its arrival to its verdict; a hash takes no time."""
        subject = self.recognise(username, password, ip)
        arrived = flow.arrive(subject, self.services)
        if isinstance(arrived, Decision):
            return arrived
        if subject.login.is_excluded:
            return flow.exclude(subject, self.services)
        recorded = self.record(subject)
        return recorded if isinstance(recorded, Decision) else self.settle(subject, recorded)

    def recognise(self, username: str, password: str, ip: str | None) -> SimulatedLogin:
        """Begins an attempt."""
        self.attempts += 1
        owner = self._owners.get(username)
        credential = None if owner is None else owner.credential(self.services.hasher)
        pair = self._pair_of(username, self.network_of(username, ip))
        login = flow.recognise(username, parse_password(password), credential, pair, self.services)
        return SimulatedLogin(login, owner, self.denied)

    def record(self, subject: SimulatedLogin) -> Recorded | Decision:
        """Records the attempt, or refuses it; from here on the password is being hashed."""
        recorded = flow.record(subject, self.services)
        if isinstance(recorded, Decision):
            return flow.reject(subject, recorded)
        login = subject.login
        matched = login.credential is not None and self.services.hasher.matches(
            login.password, login.credential.stored
        )
        unfamiliar = recorded.history.is_unfamiliar
        self.checks.append(Check(self.now, login.counted_name, login.pair.network, unfamiliar, matched))
        return recorded

    def settle(self, subject: SimulatedLogin, recorded: Recorded) -> Decision:
        """Ends the hash: the verdict, and its consequences."""
        checked = flow.check(subject, recorded, self.services)
        return flow.settle(subject, checked, self.services)

    def network_of(self, username: str, ip: str | None) -> Network:
        """Returns the network of an attempt, as the rules of this name see it."""
        own_networks = self._schools.get(username.partition("-")[0], ())
        return networks.network_of(networks.parse_address(ip), own_networks)

    def waits_until(self, username: str, ip: str | None) -> datetime | None:
        """Returns when a password could be hashed that is not remembered; None if now.  Changes nothing."""
        pair = self._pair_of(username, self.network_of(username, ip))
        history = self.failures.history_of(pair, self.now)
        ends = [rule(history, self.now, self.limits) for rule in _RULES]
        return max((end for end in ends if end is not None and end > self.now), default=None)

    def failures_of(self, username: str, at: datetime) -> int:
        """Counts the failures on record of a name that count at that moment."""
        return len(self.failures.history_of(self._pair_of(username, Network(None)), at).failures)

    def clear_name(self, username: str) -> None:
        """Lets staff end the lockout of a name: its failures are forgotten."""
        self.failures.forget_name(self.services.keyed_hashes.name(username))

    def deny(self, count: int, reason: Reason) -> None:
        """Counts so many attempts more that a running wait is known to refuse."""
        self.attempts += count
        self.denied[reason] += count

    def forget_numbers(self) -> None:
        """Ends the prehistory: the counts begin anew, the memory of the service stays."""
        self.attempts = 0
        self.checks.clear()
        self.denied.clear()
        self.raised.clear()

    def restart(self) -> None:
        """Starts the service anew, with an empty password cache, as after a reboot."""
        cache = PasswordCache(self.limits, remember=self._remember)
        self.services = replace(self.services, password_cache=cache)

    def _pair_of(self, username: str, network: Network) -> Pair:
        return flow.pair_of(username, network, self.services, known_network=network.key)


@dataclass(frozen=True, slots=True)
class _NoHasher:
    """Compares passwords in clear, in no time."""

    quick_checks: QuickChecks | None

    def matches(self, typed: TypedPassword, stored: StoredPassword | None) -> bool:
        if stored is None:
            return False
        form = typed.form(generated=stored.generated)
        return form is not None and form.decode() == stored.hash

    def differs(self, typed: TypedPassword, stored: StoredPassword) -> bool:
        return self.quick_checks is not None and self.quick_checks.differs(typed, stored)

    def excludes(self, typed: TypedPassword, stored: StoredPassword | None, username: str) -> bool:
        return self.quick_checks is not None and self.quick_checks.exclude(typed, stored, username)

    def renew(self, _typed: TypedPassword, _stored: StoredPassword) -> StoredPassword | None:
        return None

    def hash(self, password: str, *, generated: bool) -> StoredPassword:
        form = form_to_store(password, generated=generated)
        check = self.quick_checks.of(form.decode(), form) if generated and self.quick_checks else None
        return StoredPassword(form.decode(), generated=generated, quick_check=check)
