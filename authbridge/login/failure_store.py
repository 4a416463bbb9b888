"""The interface between the login flow and the failures on record; one store is in SQL, one in memory."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from authbridge.login.alarm_rules import Alarm
from authbridge.login.failure_history import Failure, FailureCounts, FailureHistory, Network, SignInStep


@dataclass(frozen=True, slots=True)
class Pair:
    """A name and the network it is used from, as the stores know them: keyed hashes, the network in clear.

    ``known_key`` is None where the network is unknown.  It stands for the address even of a device: after a
    success with the device, the address is known-good without it, too.
    """

    name_key: str
    known_key: str | None
    network: Network
    sign_in_step: SignInStep | None = None  # of the panel; None for a login of organisers


class FailureStore(Protocol):
    """The failures, the known-good pairs and the waits of networks, within one short transaction.

    An attempt is recorded as a failure before its password is hashed, and retracted once that has matched:
    so parallel guesses count one another, in whichever process, and a crash leaves a failure behind.
    """

    def lock_for_recording(self, pair: Pair) -> None:
        """Keeps others from recording for the same name or network until the transaction ends."""

    def history_of(self, pair: Pair, at: datetime) -> FailureHistory:
        """Returns what is on record about the pair at this moment."""

    def record(self, pair: Pair, failure: Failure) -> int:
        """Records the attempt as a failure; returns its id."""

    def retract(self, failure_id: int) -> None:
        """Deletes the record of an attempt whose password has matched."""

    def note_success(self, pair: Pair, at: datetime) -> None:
        """Ends the wait of the pair, and makes it known-good; its failures go on counting for the account."""

    def counts_after(self, pair: Pair, history: FailureHistory, at: datetime) -> FailureCounts:
        """Returns the sums after a failure that was just checked; ``history`` is as it was before it."""

    def start_network_wait(self, history: FailureHistory, at: datetime) -> FailureHistory:
        """Makes the network wait from now on, unless it waits already; returns the history after that."""

    def alarm_raised_at(self, alarm: Alarm, subject: str) -> datetime | None:
        """Returns when this alarm was last raised; None if never."""
