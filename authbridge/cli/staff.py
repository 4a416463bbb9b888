"""Adds ``authbridge staff …``: members of the panel, for its first admin and for emergencies."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import click
from sqlalchemy.orm import Session

from authbridge.cli.destinations import StandardOutput, hand_out
from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import json_option, say_done, show_rows
from authbridge.errors import ConfigError
from authbridge.staff.commands import INVITATION_LIFETIME, add_staff, reset_staff
from authbridge.staff.members import StaffRow, list_staff
from authbridge.staff.one_time_codes import NewInvitation, make_invitation
from authbridge.staff.resealing import not_current, reseal
from authbridge.storage.models import Role, Staff


@click.group()
def staff() -> None:
    """Invite and show those who use the panel."""


@staff.command()
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@pass_operator
def add(operator: Operator, name: str, role: str) -> None:
    """Invite NAME to the panel; the one-time code is shown this once."""
    invitation, now = make_invitation(operator.encryption), operator.clock()
    change = partial(
        add_staff, name=name, role=Role(role), invitation=invitation, actor=operator.actor, now=now
    )
    _invite(operator, change, invitation, now)


@staff.command()
@click.argument("name")
@pass_operator
def reset(operator: Operator, name: str) -> None:
    """Invite NAME anew: password, second factor and sessions are gone. A suspension stays."""
    invitation, now = make_invitation(operator.encryption), operator.clock()
    change = partial(
        reset_staff,
        name=name,
        invitation=invitation,
        keyed_hashes=operator.keyed_hashes,
        actor=operator.actor,
        now=now,
    )
    _invite(operator, change, invitation, now)


@staff.command("reseal")
@click.confirmation_option(
    prompt="Recovery codes that were made under the former secret key are void, and are deleted. Go on?"
)
@pass_operator
def reseal_(operator: Operator) -> None:
    """Seal all second factors under the new secret key: the first line of its file; the second is the former.

    All of them or none. Before that, restart the services: they have to know both.
    """
    unreadable: list[str] = []
    with operator.database.write_session() as session:
        names = not_current(session, operator.encryption)
        for name in names:
            try:
                reseal(session, name, operator.encryption, actor=operator.actor, now=operator.clock())
            except ConfigError:
                unreadable.append(name)
    say_done(f"Sealed under the present secret key: {len(names) - len(unreadable)} second factors.")
    if unreadable:
        raise ConfigError(
            "These are of another secret key, and have to be invited anew (authbridge staff reset NAME):"
            " %(names)s",
            names=", ".join(unreadable),
        )


@staff.command("list")
@json_option
@pass_operator
def list_(operator: Operator, *, as_json: bool) -> None:
    """List the staff of the panel."""
    with operator.database.read_session() as session:
        rows = [_as_row(each) for each in list_staff(session, now=operator.clock())]
    show_rows(
        rows,
        as_json=as_json,
        nothing="There is no staff yet. Invite somebody: authbridge staff add NAME --role admin",
    )


def _as_row(found: StaffRow) -> dict[str, Any]:
    return {
        "name": found.name,
        "role": found.role.value,
        "state": found.state.value,
        "last_sign_in_on": found.last_sign_in_on and found.last_sign_in_on.isoformat(),
    }


def _invite(
    operator: Operator, change: Callable[[Session], Staff], invitation: NewInvitation, now: datetime
) -> None:
    def put_in_force() -> None:
        with operator.database.write_session() as session:
            change(session)

    with operator.database.rehearsal() as session:
        name = change(session).name
    ends_at = (now + INVITATION_LIFETIME).astimezone(operator.config.timezone)
    click.echo(f"The one-time code for “{name}”, valid until {ends_at:%Y-%m-%d %H:%M}:", err=True)
    # The code alone goes to standard output: nothing else has to be cut away from it.
    hand_out(StandardOutput(), f"{invitation.code}\n".encode(), put_in_force)
    click.echo(_where(operator.config.panel_url), err=True)


def _where(panel_url: str | None) -> str:
    if panel_url is None:
        return (
            "It is typed, with the name, on the panel's page /invitation."
            " Set AUTHBRIDGE_PANEL_URL, and its whole address stands here."
        )
    return f"It is typed, with the name, at {panel_url}/invitation"
