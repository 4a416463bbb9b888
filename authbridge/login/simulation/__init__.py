"""Shows the login flow at work: a day of a botnet in a second, without database, hashes or sleep.

The steps are those of :mod:`authbridge.login.flow` itself; only the world around them is made up.
"""

from collections.abc import Iterator

from authbridge.login.limits import Limits
from authbridge.login.simulation import floods
from authbridge.login.simulation.guessers import botnet, pupil, spray
from authbridge.login.simulation.mornings import bell, tablet
from authbridge.login.simulation.places import describe
from authbridge.login.simulation.report import Course, Promise, SimulationReport

__all__ = [
    "Course",
    "Promise",
    "SimulationReport",
    "bell",
    "botnet",
    "describe",
    "pupil",
    "simulate",
    "spray",
    "tablet",
]


def simulate(limits: Limits) -> Iterator[SimulationReport]:
    """Plays the scenarios of the specification, one after the other."""
    for scenario in botnet, pupil, bell, tablet, spray, floods.others, floods.invented:
        yield scenario(limits)
