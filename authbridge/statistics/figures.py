"""Says which numbers may be shown: what stands for one or two is "< 3", and nobody can work it out.

A sum is made of what is shown of its parts, never of the true numbers, which end in this file.  So all
tables together, of whatever schools and months, tell no more than their single figures do.
"""

from collections.abc import Iterable
from dataclasses import dataclass

FEWEST = 3  # what is less, and not nothing, is not shown


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as far as it is shown: at least ``least`` and at most ``most``."""

    least: int
    most: int

    @property
    def is_exact(self) -> bool:
        """Tells whether the number itself is shown."""
        return self.least == self.most

    @property
    def is_few(self) -> bool:
        """Tells whether it is one or two, and shown as "< 3"."""
        return not self.is_exact and self.most < FEWEST

    def __add__(self, other: "Figure") -> "Figure":
        return Figure(self.least + other.least, self.most + other.most)


NONE = Figure(0, 0)


def shown(number: int) -> Figure:
    """Returns what is shown of a true number."""
    return shown_together(0, few=1) if 0 < number < FEWEST else Figure(number, number)


def shown_together(exact: int, *, few: int) -> Figure:
    """Returns what is shown of a sum of numbers that are shown, and of ``few`` that stand for one or two."""
    return Figure(exact + few, exact + few * (FEWEST - 1))


@dataclass(frozen=True, slots=True)
class Usage:
    """What is shown of one school, or of several, in one month.

    ``accounts`` are those that there were, ``active`` of them had a login.
    """

    accounts: Figure
    active: Figure
    logins: Figure
    meetings: Figure

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.accounts + other.accounts,
            self.active + other.active,
            self.logins + other.logins,
            self.meetings + other.meetings,
        )


_NOTHING = Usage(NONE, NONE, NONE, NONE)


def over_schools(usages: Iterable[Usage]) -> Usage:
    """Adds up schools, whose accounts are different ones; those of months are the same ones again."""
    return sum(usages, _NOTHING)
