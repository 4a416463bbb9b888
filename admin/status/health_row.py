"""One line of the overview about whether everything is working."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HealthRow:
    """``state`` is ok, warn or bad; ``silent_node`` names a Prosody that may be gone for good.

    ``is_setup``: it is about how a server is set up, and the page of the server check says more.
    ``is_told_when_well``: the sentence is shown also where all is well; of other rows only the title is.
    """

    title: str
    state: str
    sentence: str
    silent_node: str | None = None
    is_setup: bool = False
    is_told_when_well: bool = False
