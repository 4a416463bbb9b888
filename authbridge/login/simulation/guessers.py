"""The scenarios with somebody who guesses: a botnet, a pupil, a spray."""

from datetime import datetime, timedelta
from itertools import chain, cycle, islice, product

from authbridge.login.alarm_rules import Alarm
from authbridge.login.limits import Limits
from authbridge.login.simulation import roles
from authbridge.login.simulation.places import (
    DAY,
    HOME,
    HOUR,
    MINUTE,
    PHONE,
    SCHOOL,
    SECOND,
    STRANGER,
    addresses,
    describe,
    nobody_waits,
    played,
    scheduler_with_teacher,
)
from authbridge.login.simulation.report import Promise, SimulationReport
from authbridge.login.simulation.scheduler import Scheduler, Script
from authbridge.login.simulation.world import Owner, World

_MORNING = 5 * HOUR
_FLOOD = SECOND / 500
_NAMES = tuple(f"ohg-{number:04}" for number in range(2000))
_COMMON_PASSWORDS = ("123456", "passwort", "sommer2026")


def botnet(limits: Limits) -> SimulationReport:
    """Plays a botnet: 1,000 addresses, one known username, 24 hours."""
    remembered, teacher = _with_botnet(limits)
    everywhere = chain.from_iterable(zip(cycle([HOME]), cycle([SCHOOL]), addresses("100.64"), strict=False))
    remembered.enter(roles.log_in_all_day(remembered, teacher, everywhere, every=10 * MINUTE))
    courses = [played(remembered, "remembered, anywhere", DAY)]
    for name, ip in ("not remembered, at home", HOME), ("not remembered, new network", PHONE):
        scheduler, teacher = _with_botnet(limits)
        roles.look_in_all_day(scheduler, teacher, ip, every=10 * MINUTE, lasting=DAY)
        courses.append(played(scheduler, name, DAY))
    anywhere, at_home, away = courses
    return SimulationReport(
        "A botnet of 1,000 addresses guesses at one known username for 24 hours, 100 times a second.",
        tuple(courses),
        (
            Promise(
                f"At most {limits.account_outside} passwords are hashed from outside.",
                all(course.checked_outside <= limits.account_outside for course in courses),
            ),
            nobody_waits("The remembered owner gets in at the first try all day, everywhere.", anywhere),
            nobody_waits(
                "Who is not remembered gets in at once from a network where they logged in this week.",
                at_home,
            ),
        ),
        (f"Others wait up to {describe(away.longest_delay)}, or until staff clear the lockout.",),
    )


def _with_botnet(limits: Limits) -> tuple[Scheduler, Owner]:
    scheduler, teacher = scheduler_with_teacher(limits, seen_at=HOME)
    bots = list(islice(addresses("203.0"), 1000))
    scheduler.enter(roles.guess(scheduler, teacher, bots, every=SECOND / 100, lasting=DAY))
    return scheduler, teacher


def pupil(limits: Limits) -> SimulationReport:
    """Plays a pupil in the school's own network who guesses at a teacher's account all morning."""
    paces = {"every 200 s": 200 * SECOND, "every 40 s": 40 * SECOND, "500 a second": _FLOOD}
    remembered, others, stages = [], [], []
    for name, every in paces.items():
        scheduler, teacher = _with_pupil(limits, every, seen_at=HOME)
        scheduler.enter(roles.log_in_all_day(scheduler, teacher, cycle([SCHOOL, HOME]), every=10 * MINUTE))
        remembered.append(played(scheduler, f"{name}, owner remembered", _MORNING))
        scheduler, teacher = _with_pupil(limits, every)
        roles.look_in_all_day(scheduler, teacher, SCHOOL, every=61 * SECOND, lasting=_MORNING)
        others.append(played(scheduler, f"{name}, not remembered", _MORNING))
        stages.append(scheduler)
    scheduler, teacher = _with_pupil(limits, _FLOOD)
    scheduler.enter(_be_helped(scheduler, teacher))
    helped = played(scheduler, "500 a second, staff help", _MORNING)

    _, steady, flood = stages
    wait = limits.first_wait
    full = f"failure {limits.account_failures} locks the account"
    return SimulationReport(
        "A pupil in the school's own network guesses at a teacher's account all morning (5 hours).",
        (*remembered, *others, helped),
        (
            nobody_waits("The remembered owner never waits, at school or elsewhere.", *remembered),
            Promise(
                f"Who is not remembered waits at most {describe(wait)} if guesses come every 200 seconds.",
                others[0].longest_delay <= wait,
            ),
            Promise(
                f"If they come every 40 seconds, too, until {full}; staff were told "
                f"{_notice(steady)} before.",
                _longest_before_full(steady) <= wait and _is_raised_in_time(steady, limits),
            ),
            Promise(
                f"If they come 500 times a second, staff are told at failure {limits.account_alarm}, "
                f"{_notice(flood)} before {full}.",
                _is_raised_in_time(flood, limits),
            ),
            nobody_waits(
                "When staff clear the lockout, they get in with a phone at once, and from then on at school.",
                helped,
            ),
            Promise(
                f"At most {limits.account_failures} passwords are hashed (unless staff clear the lockout).",
                all(course.checked <= limits.account_failures for course in (*remembered, *others)),
            ),
        ),
        (
            "Guessing at school faster than the waits keeps out, at school, whoever is not remembered.",
            "Once the account is locked they are kept out everywhere, and staff have to help.",
        ),
    )


def _with_pupil(limits: Limits, every: timedelta, *, seen_at: str | None = None) -> tuple[Scheduler, Owner]:
    scheduler, teacher = scheduler_with_teacher(limits, seen_at=seen_at)
    scheduler.enter(roles.guess(scheduler, teacher, [SCHOOL], every=every, lasting=_MORNING))
    return scheduler, teacher


def _be_helped(scheduler: Scheduler, teacher: Owner) -> Script:
    """Lets staff clear the lockout an hour after the account was locked; then the teacher logs in."""
    while _raised_at(scheduler.world, Alarm.ACCOUNT_FULL) is None:
        yield scheduler.world.now + MINUTE
    yield scheduler.world.now + HOUR
    scheduler.world.clear_name(teacher.username)
    sources = chain([PHONE], cycle([SCHOOL]))
    yield from roles.log_in_all_day(scheduler, teacher, sources, every=MINUTE)


def _raised_at(world: World, alarm: Alarm) -> datetime | None:
    return next((raised.at for raised in world.raised if raised.alarm is alarm), None)


def _notice(scheduler: Scheduler) -> str:
    guessed = _raised_at(scheduler.world, Alarm.ACCOUNT_GUESSED)
    full = _raised_at(scheduler.world, Alarm.ACCOUNT_FULL)
    return "(never)" if guessed is None or full is None else describe(full - guessed)


def _is_raised_in_time(scheduler: Scheduler, limits: Limits) -> bool:
    raised = _raised_at(scheduler.world, Alarm.ACCOUNT_GUESSED)
    if raised is None:
        return False
    return sum(check.at <= raised for check in scheduler.world.checks) <= limits.account_alarm


def _longest_before_full(scheduler: Scheduler) -> timedelta:
    full = _raised_at(scheduler.world, Alarm.ACCOUNT_FULL)
    waits = [visit.waited for visit in scheduler.visits if full is None or visit.at < full]
    return max(waits, default=timedelta(0))


def spray(limits: Limits) -> SimulationReport:
    """Plays a spray: 3 common passwords over 2,000 names from one address."""
    by_name = list(product(_NAMES, _COMMON_PASSWORDS))
    by_password = [(name, password) for password, name in product(_COMMON_PASSWORDS, _NAMES)]
    courses, worlds = [], []
    for order, tries in {"name by name": by_name, "password by password": by_password}.items():
        for manner, run in {"once": roles.run_through, "patiently": roles.run_patiently}.items():
            scheduler = _with_owners_at(STRANGER, limits)
            scheduler.enter(run(scheduler, tries, STRANGER, every=SECOND / 10))
            courses.append(played(scheduler, f"{order}, {manner}", DAY))
            worlds.append(scheduler.world)
    limit = limits.network_failures
    return SimulationReport(
        "A spray: 3 common passwords over 2,000 names from one address, 10 times a second.",
        tuple(courses),
        (
            Promise(
                f"It is stopped within {limit} checks.",
                all(0 < _checks_before_stop(world) <= limit for world in worlds),
            ),
            Promise(
                "Staff are told.",
                all({Alarm.NETWORK_WAITS, Alarm.NETWORK_SPRAYS} & {*course.alarms} for course in courses),
            ),
            nobody_waits(
                "Remembered owners, and those who logged in at this address this week, get in at once.",
                *courses,
            ),
        ),
        (
            f"With patience they get {max(course.checked for course in courses):,} checks in a day.",
            "Others who are new at this address wait with them.",
        ),
    )


def _with_owners_at(ip: str, limits: Limits) -> Scheduler:
    """Returns a world in which every tenth name exists, one remembered, and one known-good at the address."""
    world = World(limits)
    owners = [world.enrol(Owner(name, f"secret of {name}")) for name in _NAMES[::10]]
    remembered, known = owners[3], owners[80]
    world.login(remembered.username, remembered.password, HOME)
    world.login(known.username, known.password, ip)
    world.forget_numbers()
    scheduler = Scheduler(world)
    scheduler.enter(roles.log_in_all_day(scheduler, remembered, cycle([ip]), every=10 * MINUTE))
    roles.look_in_all_day(scheduler, known, ip, every=MINUTE, lasting=DAY)
    return scheduler


def _checks_before_stop(world: World) -> int:
    """Counts the checks until the network had to wait; 0 if it never had to."""
    stopped = _raised_at(world, Alarm.NETWORK_WAITS)
    return 0 if stopped is None else sum(check.at <= stopped for check in world.checks)
