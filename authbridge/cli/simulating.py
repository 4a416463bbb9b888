"""Plays the simulated days of the login policy: ``authbridge simulate``."""

from collections import Counter
from typing import Any

import click

from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import Row, json_option, show_json, show_rows
from authbridge.login.simulation import Course, SimulationReport, describe, simulate


@click.command("simulate")
@json_option
@click.pass_context
@pass_operator
def simulate_(operator: Operator, ctx: click.Context, *, as_json: bool) -> None:
    """Show the login policy at work: a day of a botnet and other days, in seconds.

    Nothing is installed, stored or asked for it; limits that are set (AUTHBRIDGE_LIMIT_…) are used.  Exit
    code 1 if the policy breaks a promise under these limits.
    """
    reports = list(simulate(operator.limits))
    if as_json:
        show_json([_as_json(report) for report in reports])
    else:
        for number, report in enumerate(reports, start=1):
            _show(number, report)
        click.echo(_EXPLANATION)
    ctx.exit(0 if all(report.is_kept for report in reports) else 1)


_EXPLANATION = """\
checked  passwords hashed, right ones included; outside: of these, from networks that nothing speaks for
denied   attempts refused without a hash
waiting  how many of the owners who came had to wait, and the longest wait, be it beyond the end"""


def _show(number: int, report: SimulationReport) -> None:
    click.echo(f"{number}. {report.title}\n")
    show_rows([_as_row(course) for course in report.courses], as_json=False, nothing="")
    click.echo()
    for promise in report.promises:
        click.echo(f"   {'kept   ' if promise.kept else 'BROKEN '} {promise.sentence}")
    for remark in report.remarks:
        click.echo(f"   note    {remark}")
    click.echo()


def _as_row(course: Course) -> Row:
    return {
        "course": course.name,
        "attempts": f"{course.attempts:,}",
        "checked": f"{course.checked:,}",
        "outside": f"{course.checked_outside:,}",
        "denied": f"{course.denied:,}",
        "waiting": f"{course.delayed} of {course.arrivals}",
        "longest": describe(course.longest_delay) if course.delayed else None,
        "alarms": [f"{alarm} {count}×" for alarm, count in Counter(course.alarms).items()],
    }


def _as_json(report: SimulationReport) -> dict[str, Any]:
    return {
        "scenario": report.title,
        "courses": [_course_as_json(course) for course in report.courses],
        "promises": [{"sentence": promise.sentence, "kept": promise.kept} for promise in report.promises],
        "remarks": list(report.remarks),
    }


def _course_as_json(course: Course) -> dict[str, Any]:
    return {
        "course": course.name,
        "attempts": course.attempts,
        "checked": course.checked,
        "checked_outside": course.checked_outside,
        "denied": course.denied,
        "arrivals": course.arrivals,
        "delayed": course.delayed,
        "longest_delay_seconds": course.longest_delay.total_seconds(),
        "queued_seconds": course.queued.total_seconds(),
        "alarms_raised": Counter(course.alarms),
    }
