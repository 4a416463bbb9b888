"""A page as the walk shows it to a check."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that is on the screen now, and the status with which it came."""

    name: str
    status: int = 200
