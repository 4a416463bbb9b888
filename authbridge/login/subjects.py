"""The interfaces that the login flow works with, and the values that its steps hand on.

``FlowServices`` is the process: its transactions, its clock, its password cache.  ``Subject`` is the account
of one attempt: an organiser, a member of staff or an unknown username.  Nothing here knows a database.
"""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from authbridge.clock import Clock
from authbridge.login.alarm_rules import DueAlarm
from authbridge.login.failure_history import FailureHistory
from authbridge.login.failure_store import FailureStore, Pair
from authbridge.login.hashing_queue import HashingQueue, SingleFlight
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.limits import Limits
from authbridge.login.password_cache import PasswordCache
from authbridge.login.policy import Decision
from authbridge.login.typed_passwords import StoredPassword, TypedPassword

Store = TypeVar("Store", bound=FailureStore)
Store_contra = TypeVar("Store_contra", bound=FailureStore, contravariant=True)


class PasswordHasher(Protocol):
    """The comparison of a typed password with a stored one; bcrypt, but for simulations."""

    def matches(self, typed: TypedPassword, stored: StoredPassword | None) -> bool:
        """Tells whether ``typed`` is that password; takes the same time for None, a name without one."""

    def differs(self, typed: TypedPassword, stored: StoredPassword) -> bool:
        """Tells, without a hash, whether the quick check says that ``typed`` is another password."""

    def excludes(self, typed: TypedPassword, stored: StoredPassword | None, username: str) -> bool:
        """Tells, without a hash, whether ``typed`` cannot be that password; None is a name without one."""

    def renew(self, typed: TypedPassword, stored: StoredPassword) -> StoredPassword | None:
        """Returns how that password, which is ``typed``, should be stored from now on; None if as it is."""

    def hash(self, password: str, *, generated: bool) -> StoredPassword:
        """Returns the stored form of a new password."""


@dataclass(frozen=True, slots=True)
class Credential:
    """The password of an account at one moment; ``version`` differs after each change of it.

    ``other`` is a second password that counts as well, where no quick check tells which of them was typed.
    """

    version: int | str = field(repr=False)
    stored: StoredPassword
    other: "Credential | None" = None


@dataclass(frozen=True, slots=True)
class Login:
    """A recognised attempt: the name it counts under, the pair, and the keys of the password cache.

    ``is_excluded``: the quick check has found the password wrong, so it is not hashed.
    """

    counted_name: str
    password: TypedPassword
    credential: Credential | None
    is_excluded: bool
    pair: Pair
    right_key: bytes = field(repr=False)
    wrong_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An attempt on record as a failure while it is hashed, with the credential and the history before it."""

    failure_id: int
    credential: Credential | None
    history: FailureHistory


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check: the credential version that matched (None: none did), and a renewed hash.

    ``recorded`` is None where this attempt was not recorded as a failure before.
    """

    version: int | str | None = field(repr=False)
    renewed: StoredPassword | None = None
    recorded: Recorded | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision; ``account_name`` names the account in alarms, None for an unknown username."""

    decision: Decision
    account_name: str | None


class Subject(Protocol[Store_contra]):
    """The account, or the unknown username, of one attempt."""

    @property
    def login(self) -> Login:
        """Returns the attempt, recognised."""

    def open(self, store: Store_contra) -> Credential | None:
        """Notes that a check begins; returns the credential as it is now."""

    def judge(self, store: Store_contra, checked: Checked, now: datetime) -> Judgement:
        """Locks the account, decides by its state now, and writes down what follows for it."""

    def reject(self, decision: Decision) -> None:
        """Counts an attempt that was refused without a check."""


class Shortcut(StrEnum):
    """The step that decided about a password without a hash."""

    REMEMBERED = "remembered"
    REPEATED = "repeated"
    EXCLUDED = "excluded"


class Meter(Protocol):
    """The counts that monitoring sees; they name nobody."""

    def note_shortcut(self, shortcut: Shortcut) -> None:
        """Counts a login that needs no hash."""

    def note_hash(self, seconds: float) -> None:
        """Counts a hash with its time."""


class Unmetered:
    """The meter of what nobody monitors: the panel and simulations."""

    def note_shortcut(self, shortcut: Shortcut) -> None:
        """Counts nothing."""

    def note_hash(self, seconds: float) -> None:
        """Counts nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowServices(ABC, Generic[Store]):
    """The parts of a process that every step needs; all live as long as the process."""

    hasher: PasswordHasher
    clock: Clock
    limits: Limits
    keyed_hashes: KeyedHashes
    password_cache: PasswordCache
    meter: Meter = field(default_factory=Unmetered)

    @abstractmethod
    def read(self) -> AbstractContextManager[Store]:
        """Opens a transaction that only reads."""

    @abstractmethod
    def write(self) -> AbstractContextManager[Store]:
        """Opens a short transaction, committed at the end of the block."""

    @abstractmethod
    def raise_alarms(self, due: list[DueAlarm], now: datetime) -> None:
        """Lets staff know of these alarms, if any; no transaction is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueServices(FlowServices[Store]):
    """The parts of a process that hashes for many at the same time."""

    hashing_queue: HashingQueue
    single_flight: SingleFlight[Checked | Decision] = field(default_factory=SingleFlight)
