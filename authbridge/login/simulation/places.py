"""The addresses, the times and the teacher that the scenarios have in common."""

from collections.abc import Iterator
from datetime import timedelta

from authbridge.login.limits import Limits
from authbridge.login.simulation.report import Course, Promise
from authbridge.login.simulation.scheduler import Scheduler
from authbridge.login.simulation.world import Owner, Schools, World

SCHOOL, HOME, PHONE, STRANGER = "198.51.100.7", "192.0.2.80", "100.64.0.1", "203.0.113.66"
ENTERED: Schools = {"ohg": (SCHOOL,)}  # as the school's own network

DAY, HOUR, MINUTE, SECOND = (
    timedelta(days=1),
    timedelta(hours=1),
    timedelta(minutes=1),
    timedelta(seconds=1),
)


def addresses(prefix: str) -> Iterator[str]:
    """Yields different IPv4 addresses, up to 65,536."""
    return (f"{prefix}.{third}.{fourth}" for third in range(256) for fourth in range(256))


def scheduler_with_teacher(limits: Limits, *, seen_at: str | None = None) -> tuple[Scheduler, Owner]:
    """Returns a world with one teacher of a school with a network, who logged in once from ``seen_at``."""
    world = World(limits, schools=ENTERED)
    teacher = world.enrol(Owner("ohg-kwtx", "vpgd-kxwj-rhms"))
    if seen_at is not None:
        world.login(teacher.username, teacher.password, seen_at)
        world.forget_numbers()
    return Scheduler(world), teacher


def played(scheduler: Scheduler, name: str, lasting: timedelta) -> Course:
    """Runs all scripts for that time; returns the numbers."""
    scheduler.play(lasting)
    return scheduler.course(name)


def nobody_waits(sentence: str, *courses: Course) -> Promise:
    """Returns the promise that all who came got in at once."""
    return Promise(sentence, all(course.arrivals > 0 and course.delayed == 0 for course in courses))


def describe(duration: timedelta) -> str:
    """Writes a duration such as "23 h 59 min" or "30 s"."""
    seconds = round(duration.total_seconds())
    parts = (seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"
