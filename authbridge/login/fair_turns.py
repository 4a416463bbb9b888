"""The order in which logins get a slot for hashing; pure.

Two classes take turns: names of the issued form, and others.  Within a class the names take turns: nobody
waits behind more than one login of another name.  Of the names whose turn it is, known-good pairs come
first, then the fewest failures of the name, then of the network, then the first to arrive.
"""

import bisect
import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Place:
    """What decides when a login gets a slot.

    ``issued_form``: the name has the form of those that we issue.  The failures are recent ones.
    """

    name: str
    issued_form: bool = True
    known_good: bool = False
    name_failures: int = 0
    network_failures: int = 0


@dataclass(order=True, slots=True)
class _Entry(Generic[_T]):
    turn: int  # of its name
    rank: tuple[bool, int, int]
    arrival: int
    name: str = field(compare=False)
    item: _T = field(compare=False)


class _Class(Generic[_T]):
    """The logins of one class, in their order."""

    def __init__(self) -> None:
        self.entries: list[_Entry[_T]] = []
        self._turns: defaultdict[str, list[int]] = defaultdict(list)  # for which a name waits, in their order
        self._turn = 0  # that is being served

    def add(self, place: Place, arrival: int, item: _T) -> None:
        turns = self._turns[place.name]
        rank = (not place.known_good, place.name_failures, place.network_failures)
        turns.append(turns[-1] + 1 if turns else self._turn)
        bisect.insort(self.entries, _Entry(turns[-1], rank, arrival, place.name, item))

    def pop(self) -> _T:
        first = self.entries[0]
        self.remove(first)
        self._turn = first.turn
        return first.item

    def remove(self, entry: _Entry[_T]) -> None:
        self.entries.remove(entry)
        self._turns[entry.name].remove(entry.turn)
        if not self._turns[entry.name]:
            del self._turns[entry.name]


class FairTurns(Generic[_T]):
    """What waits, each with its place."""

    def __init__(self) -> None:
        self._classes: tuple[_Class[_T], _Class[_T]] = (_Class(), _Class())
        self._next = 0  # the class whose turn it is
        self._arrivals = itertools.count()

    def __len__(self) -> int:
        return sum(len(each.entries) for each in self._classes)

    def add(self, place: Place, item: _T) -> None:
        """Lets one more wait."""
        self._classes[place.issued_form].add(place, next(self._arrivals), item)

    def pop(self) -> _T:
        """Returns the next one, who waits no longer.

        Raises:
            IndexError: nobody waits.
        """
        if not self._classes[self._next].entries:
            self._next = 1 - self._next
        item = self._classes[self._next].pop()
        self._next = 1 - self._next
        return item

    def remove(self, item: _T) -> bool:
        """Lets one go who waits no longer; returns whether it waited."""
        for each in self._classes:
            for entry in each.entries:
                if entry.item is item:
                    each.remove(entry)
                    return True
        return False

    def in_order(self) -> list[_T]:
        """Returns all in the order in which they would be served from now on."""
        first, second = self._classes[self._next].entries, self._classes[1 - self._next].entries
        pairs = itertools.zip_longest(first, second)
        return [entry.item for pair in pairs for entry in pair if entry is not None]
