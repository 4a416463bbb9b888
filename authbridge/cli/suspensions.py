"""Adds ``authbridge suspend …`` and ``authbridge reinstate …``."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import say_done
from authbridge.cli.revocation_status import echo_status
from authbridge.schools.commands import suspensions
from authbridge.schools.history import suspension_rows
from authbridge.schools.suspendable import ORGANISER, SCHOOL, SuspendableKind
from authbridge.storage.models import Suspendable, SuspensionReason

_reason_option = click.option(
    "--reason",
    type=click.Choice([reason.value for reason in SuspensionReason]),
    required=True,
    help="Why; kept in the history.",
)


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of one kind: its subcommand, its argument, their help, and the sentences afterwards."""

    subcommand: str
    argument: str
    suspend: str
    reinstate: str
    suspended: str
    suspended_already: str
    reinstated: str
    not_suspended: str


_ORGANISER = _Words(
    subcommand="organiser",
    argument="NAME",
    suspend="Suspend the organiser NAME; sessions and meetings end, and the next login is refused.",
    reinstate="End the suspension of the organiser NAME; a suspension of the school stays.",
    suspended="“{name}” is suspended.",
    suspended_already="“{name}” was suspended already.",
    reinstated="“{name}” is reinstated.",
    not_suspended="“{name}” was not suspended.",
)
_SCHOOL = _Words(
    subcommand="school",
    argument="CODE",
    suspend="Suspend the school CODE with all its organisers.",
    reinstate="End the suspension of the school CODE; organisers who are suspended themselves stay so.",
    suspended="School “{name}” and all its organisers are suspended.",
    suspended_already="School “{name}” was suspended already.",
    reinstated="School “{name}” is reinstated.",
    not_suspended="School “{name}” was not suspended.",
)


@click.group()
def suspend() -> None:
    """Block an access until it is reinstated."""


@click.group()
def reinstate() -> None:
    """End a suspension."""


def _suspend(kind: SuspendableKind, words: _Words) -> Callable[..., None]:
    def command(operator: Operator, name: str, reason: str) -> None:
        with operator.database.write_session() as session:
            changed = suspensions.suspend(
                session,
                kind,
                name,
                reason=SuspensionReason(reason),
                actor=operator.actor,
                now=operator.clock(),
            )
        say_done((words.suspended if changed else words.suspended_already).format(name=name))
        echo_status(operator, lambda session: kind.find(session, name))

    return command


def _reinstate(kind: SuspendableKind, words: _Words) -> Callable[..., None]:
    def command(operator: Operator, name: str) -> None:
        with operator.database.write_session() as session:
            changed = suspensions.reinstate(session, kind, name, actor=operator.actor, now=operator.clock())
        say_done((words.reinstated if changed else words.not_suspended).format(name=name))

    return command


for _kind, _words in ((ORGANISER, _ORGANISER), (SCHOOL, _SCHOOL)):
    _name_argument = click.argument("name", metavar=_words.argument)
    suspend.command(_words.subcommand, help=_words.suspend)(
        _name_argument(_reason_option(pass_operator(_suspend(_kind, _words))))
    )
    reinstate.command(_words.subcommand, help=_words.reinstate)(
        _name_argument(pass_operator(_reinstate(_kind, _words)))
    )


def history(session: Session, of: Suspendable, *, now: datetime) -> list[dict[str, Any]]:
    """Returns the suspensions of an organiser or a school, latest first, as rows."""
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
        for suspension in suspension_rows(session, of, now=now)
    ]
