"""The findings of a simulation: numbers, and promises that held or did not."""

from dataclasses import dataclass
from datetime import timedelta

from authbridge.login.alarm_rules import Alarm


@dataclass(frozen=True, slots=True)
class Course:
    """One run of a scenario, in numbers.

    ``checked`` are hashes, right passwords included; ``denied`` are attempts that were refused
    without one.  ``arrivals`` are owners who came to log in, ``delayed`` those who had to wait for anything
    but their own typing and the queue for hashes, ``longest_delay`` the worst of it (it may reach beyond the
    end of the course); ``queued`` is the longest stay in that queue.
    """

    name: str
    attempts: int
    checked: int
    checked_outside: int
    denied: int
    arrivals: int
    delayed: int
    longest_delay: timedelta
    queued: timedelta
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True)
class Promise:
    """A sentence of the specification, with its numbers, and whether it held."""

    sentence: str
    kept: bool


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """A scenario: its courses, its promises, and remarks for the administrator."""

    title: str
    courses: tuple[Course, ...]
    promises: tuple[Promise, ...]
    remarks: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Tells whether every promise held."""
        return all(promise.kept for promise in self.promises)
