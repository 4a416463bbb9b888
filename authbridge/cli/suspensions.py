"""``authbridge suspend …`` and ``authbridge reinstate …``."""

from functools import partial
from typing import Any

import click
from sqlalchemy.orm import Session

from authbridge.cli.effects import echo_effect
from authbridge.cli.operator import Operator, pass_operator
from authbridge.schools.commands import suspensions
from authbridge.schools.listings import suspension_rows
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.storage.models import Organiser, School, SuspensionReason

_reason_option = click.option(
    "--reason",
    type=click.Choice([reason.value for reason in SuspensionReason]),
    required=True,
    help="Why; kept in the history.",
)


@click.group()
def suspend() -> None:
    """Block an access until it is reinstated."""


@suspend.command("organiser")
@click.argument("name")
@_reason_option
@pass_operator
def suspend_organiser(operator: Operator, name: str, reason: str) -> None:
    """Suspend the organiser NAME; sessions and meetings end, and the next login is refused."""
    with operator.database.write_session() as session:
        changed = suspensions.suspend_organiser(
            session, name, reason=SuspensionReason(reason), actor=operator.actor, now=operator.clock()
        )
    click.echo(f"“{name}” is suspended." if changed else f"“{name}” was suspended already.")
    echo_effect(operator, partial(get_organiser, username=name))


@suspend.command("school")
@click.argument("code")
@_reason_option
@pass_operator
def suspend_school(operator: Operator, code: str, reason: str) -> None:
    """Suspend the school CODE with all its organisers."""
    with operator.database.write_session() as session:
        changed = suspensions.suspend_school(
            session, code, reason=SuspensionReason(reason), actor=operator.actor, now=operator.clock()
        )
    click.echo(
        f"School “{code}” and all its organisers are suspended."
        if changed
        else f"School “{code}” was suspended already."
    )
    echo_effect(operator, partial(get_school, code=code))


@click.group()
def reinstate() -> None:
    """End a suspension."""


@reinstate.command("organiser")
@click.argument("name")
@pass_operator
def reinstate_organiser(operator: Operator, name: str) -> None:
    """End the suspension of the organiser NAME; a suspension of the school stays."""
    with operator.database.write_session() as session:
        changed = suspensions.reinstate_organiser(session, name, actor=operator.actor, now=operator.clock())
    click.echo(f"“{name}” is reinstated." if changed else f"“{name}” was not suspended.")


@reinstate.command("school")
@click.argument("code")
@pass_operator
def reinstate_school(operator: Operator, code: str) -> None:
    """End the suspension of the school CODE; organisers who are suspended themselves stay so."""
    with operator.database.write_session() as session:
        changed = suspensions.reinstate_school(session, code, actor=operator.actor, now=operator.clock())
    click.echo(f"School “{code}” is reinstated." if changed else f"School “{code}” was not suspended.")


def history(session: Session, of: Organiser | School) -> list[dict[str, Any]]:
    """The suspensions of an organiser or a school, latest first, as rows."""
    return [
        {
            "since": f"{suspension.since:%Y-%m-%d %H:%M} UTC",
            "until": suspension.until and f"{suspension.until:%Y-%m-%d %H:%M} UTC",
            "reason": suspension.reason,
            "reported_by": suspension.reported_by,
            "note": suspension.note,
            "suspended_by": suspension.suspended_by,
            "reinstated_by": suspension.reinstated_by,
        }
        for suspension in suspension_rows(session, of)
    ]
