"""The scenarios in which nobody guesses: the school bell, and a tablet with an old password."""

import random
from datetime import timedelta

from authbridge.login.limits import Limits
from authbridge.login.simulation import roles
from authbridge.login.simulation.places import (
    DAY,
    ENTERED,
    HOME,
    HOUR,
    MINUTE,
    PHONE,
    SCHOOL,
    SECOND,
    describe,
    nobody_waits,
    played,
    scheduler_with_teacher,
)
from authbridge.login.simulation.report import Promise, SimulationReport
from authbridge.login.simulation.scheduler import Scheduler, Script
from authbridge.login.simulation.world import Owner, Schools, World

_PATIENCE = 15 * SECOND  # for which Prosody waits for an answer
_HASH_TIME = timedelta(milliseconds=60)  # bcrypt at cost 10
_CORES = 2
_MISTAKES = [1] * 20 + [3] * 4 + [0] * 176  # of the 200: 10 % mistype once, 2 % three times


def bell(limits: Limits, *, seed: int = 8) -> SimulationReport:
    """Plays 8:00 in a school of 200 behind one address, on the first day."""
    courses = []
    places: dict[str, Schools] = {"entered": ENTERED, "not entered": {}}
    for place, schools in places.items():
        for spread in 5 * SECOND, 5 * MINUTE:
            scheduler = _school_of_200(limits, schools, spread, random.Random(seed))  # noqa: S311 - no secret
            courses.append(played(scheduler, f"network {place}, within {describe(spread)}", HOUR))
    queued = max(course.queued for course in courses)
    return SimulationReport(
        "8:00 in a school of 200 behind one address, on the first day; 20 mistype once, 4 three times.",
        tuple(courses),
        (
            nobody_waits("Nobody is delayed beyond the own typing and the queue for hashes.", *courses),
            Promise(
                f"The queue ({_CORES} cores, {_HASH_TIME // timedelta(milliseconds=1)} ms a hash) takes "
                f"{queued.total_seconds():.1f} s at most, shorter than the {describe(_PATIENCE)} of Prosody.",
                queued + _HASH_TIME < _PATIENCE,
            ),
        ),
        (
            "So many mistakes at the same moment may be told to staff as a spray.",
            f"Enter the networks of larger schools: others wait at {limits.network_failures} open mistakes.",
        ),
    )


def _school_of_200(limits: Limits, schools: Schools, spread: timedelta, chance: random.Random) -> Scheduler:
    world = World(limits, schools=schools)
    scheduler = Scheduler(world, cores=_CORES, hash_time=_HASH_TIME)
    mistakes = chance.sample(_MISTAKES, len(_MISTAKES))
    for number, count in enumerate(mistakes):
        owner = world.enrol(Owner(f"ohg-{number:04}", f"secret of {number}"))
        wrong = [f"{owner.password}, mistake {mistake}" for mistake in range(count)]
        typing = [chance.uniform(0, 1) * spread, *(chance.uniform(5, 30) * SECOND for _ in wrong)]
        scheduler.enter(roles.type_and_hash(scheduler, owner, SCHOOL, wrong, typing))
    return scheduler


def tablet(limits: Limits) -> SimulationReport:
    """Plays one tablet that repeats an old password every 10 s for a day."""
    alone, teacher = _with_tablet(limits)
    for ip in HOME, PHONE:
        roles.look_in_all_day(alone, teacher, ip, every=7 * MINUTE, lasting=DAY)
    noon = alone.world.now + 4 * HOUR
    alone.enter(
        roles.log_in(alone, teacher, PHONE, at=noon), roles.log_in(alone, teacher, HOME, at=noon + 6 * HOUR)
    )
    restarted, _ = _with_tablet(limits)
    restarted.enter(_restart(restarted, 4 * HOUR))
    courses = (
        played(alone, "the owner logs in twice", DAY),
        played(restarted, "the service restarts at noon, cold", DAY),
    )
    wrong = sum(not check.matched for check in alone.world.checks)
    counted = alone.world.failures_of(teacher.username, alone.world.now - SECOND)
    return SimulationReport(
        "One tablet repeats an old password every 10 seconds for a day.",
        courses,
        (
            Promise("One failure is counted, and one wrong password hashed.", wrong == counted == 1),
            nobody_waits("The right password works at once, elsewhere and on that tablet.", courses[0]),
        ),
        ("Each cold restart of the service costs one hash more, which counts for the account only.",),
    )


def _with_tablet(limits: Limits) -> tuple[Scheduler, Owner]:
    scheduler, teacher = scheduler_with_teacher(limits)
    scheduler.enter(roles.repeat(scheduler, teacher, "the old password", HOME, every=10 * SECOND))
    return scheduler, teacher


def _restart(scheduler: Scheduler, after: timedelta) -> Script:
    yield scheduler.world.now + after
    scheduler.world.restart()
