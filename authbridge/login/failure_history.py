"""The failures that the login policy decides by, as values: of a name, of a network, at one moment.

Never does I/O, never decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class SignInStep(StrEnum):
    """The steps at which staff prove who they are; failures at each are counted apart."""

    PASSWORD = "Password"  # noqa: S105 - a step, no password
    CODE = "Code"  # after the first
    INVITATION = "Invitation"


@dataclass(frozen=True, slots=True)
class Network:
    """The origin of an attempt: ``key`` is None where unknown, ``trusted`` for the school's own.

    ``is_device``: a browser that proves that its owner has signed in with it, in whichever network it is.
    """

    key: str | None
    trusted: bool = False
    is_device: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A password that was hashed and did not match, or that is being hashed right now.

    ``from_unfamiliar_network``: the network was neither known-good nor trusted.  ``fingerprint`` tells
    distinct passwords of a pair apart (12 bits; its key changes with the day of ``at``); None for a
    password that the pair had tried before, and after a success: those count for the account only.
    ``wait`` is how long the pair waits after it.
    """

    at: datetime
    network: str | None
    from_unfamiliar_network: bool
    fingerprint: int | None
    wait: timedelta

    @property
    def wait_ends(self) -> datetime:
        """Returns the moment at which the pair is free again."""
        return self.at + self.wait


@dataclass(frozen=True, slots=True)
class FailureHistory:
    """The failures of a name and of the network it is used from, at one moment.

    ``failures`` are those of the name, from everywhere, oldest first.  ``network_failures`` (distinct) and
    ``network_names`` count what came from the network within ``network_window`` and after its last
    wait; both are 0 for an unknown or trusted network, to which that rule does not apply.
    ``sign_in_step`` is None for a login of organisers.
    """

    network: Network
    known_good: bool = False
    failures: Sequence[Failure] = ()
    network_failures: int = 0
    network_names: int = 0
    network_waits_until: datetime | None = None
    sign_in_step: SignInStep | None = None

    @property
    def is_unfamiliar(self) -> bool:
        """Tells whether the network is neither known-good nor trusted."""
        return not (self.known_good or self.network.trusted)

    @property
    def pair_failures(self) -> list[Failure]:
        """Returns the distinct failures of this name from this network."""
        return [
            failure
            for failure in self.failures
            if failure.network == self.network.key and failure.fingerprint is not None
        ]


@dataclass(frozen=True, slots=True)
class FailureCounts:
    """The sums after the latest failure, in the windows of the limits; itself included.

    ``network_failures`` are distinct ones; both figures of the network are 0 where it is unknown.
    ``sign_in_step`` is None for a login of organisers.
    """

    account: int
    network_failures: int
    network_names: int
    overall: int
    sign_in_step: SignInStep | None = None
