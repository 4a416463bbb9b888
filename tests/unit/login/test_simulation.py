"""The scenarios of the specification: real rules, and a clock that only the scenarios move."""

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from subprocess import run

import pytest
from click.testing import CliRunner

from authbridge.cli import main
from authbridge.cli.operator import Operator
from authbridge.login.alarm_rules import Alarm
from authbridge.login.limits import Limits
from authbridge.login.simulation import Course, SimulationReport, bell, pupil, roles, simulate
from authbridge.login.simulation.places import DAY, HOUR, SCHOOL, SECOND, scheduler_with_teacher

LIMITS = Limits()
AT_ONCE = timedelta(0)


@pytest.fixture(name="reports", scope="module")
def make_reports() -> dict[str, SimulationReport]:
    """All scenarios with the default limits, by the name of their function."""
    names = ("botnet", "pupil", "bell", "tablet", "spray", "others", "invented")
    return dict(zip(names, simulate(LIMITS), strict=True))


def courses_of(report: SimulationReport) -> dict[str, Course]:
    """The courses by name."""
    return {course.name: course for course in report.courses}


@pytest.mark.parametrize("scenario", ["botnet", "pupil", "bell", "tablet", "spray", "others", "invented"])
def test_every_promise_of_the_specification_is_kept(
    reports: dict[str, SimulationReport], scenario: str
) -> None:
    """With the default limits, in all five rows of the table, and in both floods."""
    assert [promise.sentence for promise in reports[scenario].promises if not promise.kept] == []


def test_a_botnet_gets_fifty_hashes_a_day(reports: dict[str, SimulationReport]) -> None:
    """1,000 addresses, 24 h: 8,640,000 guesses, of which 50 are hashed; staff are told once."""
    for course in reports["botnet"].courses:
        assert course.attempts - 8_640_000 in {0, 144}
        assert (course.checked, course.checked_outside, course.denied) == (50, 50, 8_639_950)
        assert course.alarms == (Alarm.ACCOUNT_GUESSED,)


def test_a_botnet_keeps_no_remembered_owner_out(reports: dict[str, SimulationReport]) -> None:
    """Every ten minutes, from home, school and 48 phone networks: in at the first try."""
    courses = courses_of(reports["botnet"])
    remembered, at_home = courses["remembered, anywhere"], courses["not remembered, at home"]
    new = courses["not remembered, new network"]

    assert (remembered.arrivals, remembered.delayed) == (144, 0)
    assert (at_home.arrivals, at_home.delayed) == (144, 0)
    assert (new.delayed, new.longest_delay) == (143, timedelta(hours=23, minutes=50))


@pytest.mark.parametrize(
    ("pace", "guesses", "hashed"),
    [("every 200 s", 90, 90), ("every 40 s", 450, 100), ("500 a second", 9_000_000, 100)],
)
def test_a_pupil_gets_a_hundred_hashes_a_day(
    reports: dict[str, SimulationReport], pace: str, guesses: int, hashed: int
) -> None:
    """However fast, and with the owner logging in beside; and no remembered owner waits."""
    courses = courses_of(reports["pupil"])
    remembered, others = courses[f"{pace}, owner remembered"], courses[f"{pace}, not remembered"]

    assert (remembered.attempts, remembered.checked, remembered.checked_outside) == (guesses + 30, hashed, 0)
    assert (others.attempts, others.checked, others.denied) == (guesses, hashed, guesses - hashed)
    assert (remembered.arrivals, remembered.delayed, remembered.longest_delay) == (30, 0, AT_ONCE)


def test_a_slow_pupil_delays_a_teacher_by_half_a_minute(reports: dict[str, SimulationReport]) -> None:
    """As long as the guesses of a day are fewer than a hundred."""
    course = courses_of(reports["pupil"])["every 200 s, not remembered"]

    assert (course.arrivals, course.delayed, course.longest_delay) == (295, 41, timedelta(seconds=29))
    assert course.alarms == (Alarm.ACCOUNT_GUESSED,)


def test_a_fast_pupil_is_told_of_in_time_and_staff_can_help(reports: dict[str, SimulationReport]) -> None:
    """At failure 20, long before the account is locked; cleared, it opens for the teacher's phone at once."""
    courses = courses_of(reports["pupil"])
    sentences = [promise.sentence for promise in reports["pupil"].promises]
    helped = courses["500 a second, staff help"]

    assert courses["500 a second, not remembered"].alarms == (Alarm.ACCOUNT_GUESSED, Alarm.ACCOUNT_FULL)
    assert any("staff were told 53 min 20 s before" in sentence for sentence in sentences)
    assert any("39 min 30 s before" in sentence for sentence in sentences)
    assert (helped.arrivals, helped.delayed, helped.checked_outside) == (192, 0, 1)


@pytest.mark.parametrize("place", ["entered", "not entered"])
@pytest.mark.parametrize("spread", ["5 s", "5 min"])
def test_the_school_bell_delays_nobody(reports: dict[str, SimulationReport], place: str, spread: str) -> None:
    """200 arrivals and 32 mistakes: 232 hashes, and no rule makes anybody wait."""
    course = courses_of(reports["bell"])[f"network {place}, within {spread}"]

    assert (course.attempts, course.checked, course.denied) == (232, 232, 0)
    assert course.checked_outside == (0 if place == "entered" else 232)
    assert (course.arrivals, course.delayed) == (200, 0)
    assert course.queued < 2 * SECOND


@pytest.mark.parametrize("seed", range(10))
def test_the_school_bell_is_not_a_matter_of_luck(seed: int) -> None:
    """Whoever mistypes, and however long they type."""
    assert bell(LIMITS, seed=seed).is_kept


def test_a_forgotten_tablet_costs_one_hash(reports: dict[str, SimulationReport]) -> None:
    """8,640 tries a day; one of them is hashed and counted, and delays nobody."""
    courses = courses_of(reports["tablet"])
    alone, restarted = courses["the owner logs in twice"], courses["the service restarts at noon, cold"]

    assert (alone.attempts, alone.checked, alone.denied) == (8_642, 2, 8_639)  # one hash is the owner's
    assert (alone.arrivals, alone.delayed) == (412, 0)
    assert (restarted.attempts, restarted.checked, restarted.denied) == (8_640, 2, 8_638)
    assert alone.alarms == restarted.alarms == ()


@pytest.mark.parametrize("flood", ["others", "invented"])
def test_a_flood_buys_hardly_a_hash(reports: dict[str, SimulationReport], flood: str) -> None:
    """All owners are served within three hashes; without the quick check many more are made."""
    report = reports[flood]
    courses = courses_of(report)

    assert courses["with quick checks"].checked < courses["without"].checked / 3
    assert report.remarks[0].startswith("The quick check saved ")


@pytest.mark.parametrize("order", ["name by name", "password by password"])
def test_a_spray_is_stopped_at_thirty(reports: dict[str, SimulationReport], order: str) -> None:
    """In either order; beyond that only two names are checked that are known at that address."""
    course = courses_of(reports["spray"])[f"{order}, once"]

    assert (course.checked_outside, course.checked, course.denied) == (30, 36, 5_964)
    assert Alarm.NETWORK_WAITS in course.alarms
    assert (Alarm.NETWORK_SPRAYS in course.alarms) is (order == "password by password")
    assert (course.arrivals, course.delayed) == (1584, 0)


@pytest.mark.parametrize("order", ["name by name", "password by password"])
def test_a_patient_spray_gets_thirty_in_a_quarter_of_an_hour(
    reports: dict[str, SimulationReport], order: str
) -> None:
    """96 quarters of a day, and staff are told in each of its hours."""
    course = courses_of(reports["spray"])[f"{order}, patiently"]

    assert course.checked_outside <= 96 * 30
    assert course.alarms.count(Alarm.NETWORK_WAITS) == 24
    assert course.delayed == 0


def test_counted_denials_are_what_played_ones_would_be() -> None:
    """Skipping to the end of a wait changes no number, compared to playing every attempt."""
    numbers = []
    for witness in (False, True):
        scheduler, teacher = scheduler_with_teacher(LIMITS)
        scheduler.enter(roles.guess(scheduler, teacher, [SCHOOL], every=7 * SECOND, lasting=HOUR))
        if witness:  # the guesser plays every attempt, for something else may happen in between
            roles.look_in_all_day(scheduler, teacher, SCHOOL, every=SECOND, lasting=HOUR)
        scheduler.play(DAY)
        numbers.append(
            (scheduler.world.attempts, len(scheduler.world.checks), scheduler.world.denied.total())
        )

    assert numbers[0] == numbers[1]


def test_a_broken_promise_is_reported() -> None:
    """Limits may be set that break one: here staff are told too late."""
    report = pupil(Limits(account_alarm=1000))

    assert not report.is_kept
    assert [promise.kept for promise in report.promises] == [True, True, False, False, True, True]


def test_the_command_needs_no_settings_and_always_says_the_same(
    reports: dict[str, SimulationReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An administrator tries it before installing anything; nothing depends on luck, or on the machine."""
    played: list[SimulationReport] = []

    def play(limits: Limits) -> Iterator[SimulationReport]:
        for report in simulate(limits):
            played.append(report)
            yield report

    monkeypatch.setattr("authbridge.cli.simulating.simulate", play)
    result = CliRunner().invoke(main, ["simulate"], obj=Operator({}))

    assert result.exit_code == 0, result.output
    assert result.output.count("   kept    ") == 20
    assert "BROKEN" not in result.output
    assert played == list(reports.values())


def test_the_command_uses_the_limits_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1, and the promise that does not hold is marked."""
    monkeypatch.setattr("authbridge.cli.simulating.simulate", lambda limits: iter([pupil(limits)]))
    result = CliRunner().invoke(main, ["simulate"], obj=Operator({"AUTHBRIDGE_LIMIT_ACCOUNT_ALARM": "1000"}))

    assert result.exit_code == 1
    assert (
        "   BROKEN  If they come 500 times a second, staff are told at failure 1000, (never)" in result.output
    )


def test_the_command_writes_json(
    reports: dict[str, SimulationReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same numbers for programs."""
    monkeypatch.setattr("authbridge.cli.simulating.simulate", lambda _limits: iter(reports.values()))
    result = CliRunner().invoke(main, ["simulate", "--json"], obj=Operator({}))

    spoken = json.loads(result.output)

    assert len(spoken) == 7
    assert spoken[0]["courses"][0]["checked_outside"] == 50
    assert all(promise["kept"] for report in spoken for promise in report["promises"])


def test_the_simulation_needs_neither_database_nor_web() -> None:
    """What it imports could be carried away alone."""
    question = (
        "import sys, authbridge.login.simulation;"
        "print({'sqlalchemy', 'flask', 'werkzeug', 'bcrypt'} & {*sys.modules})"
    )

    answer = run([sys.executable, "-c", question], capture_output=True, text=True, check=True)  # noqa: S603 - ours

    assert answer.stdout.strip() == "set()"
