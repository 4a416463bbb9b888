"""``authbridge school …``."""

from typing import Any

import click

from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import json_option, show_record, show_rows
from authbridge.cli.suspensions import history
from authbridge.commands.schools import add_school, change_school
from authbridge.models import School
from authbridge.queries import get_school, list_schools


@click.group()
def school() -> None:
    """Add, change and show schools."""


@school.command()
@click.argument("code")
@click.argument("name")
@pass_operator
def add(operator: Operator, code: str, name: str) -> None:
    """Add the school NAME with the short CODE (2 to 6 of a-z 0-9, never changed)."""
    with operator.database.writing() as session:
        added = add_school(session, code, name, actor=operator.actor, now=operator.clock())
    click.echo(f"School “{added.code}” added: {added.name}.")


@school.command("set")
@click.argument("code")
@click.option("--name", help="The school's name.")
@click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="CIDR",
    help="A network of the school's own, such as 198.51.100.7 or 2001:db8:12::/48; may be repeated. "
    "The networks given replace the former ones.",
)
@click.option("--no-network", is_flag=True, help="The school has no network of its own.")
@pass_operator
def change(
    operator: Operator, code: str, name: str | None, networks: tuple[str, ...], *, no_network: bool
) -> None:
    """Change the school CODE."""
    if no_network and networks:
        message = "--network and --no-network exclude each other."
        raise click.UsageError(message)
    if name is None and not networks and not no_network:
        message = "Nothing to change: give --name, --network or --no-network."
        raise click.UsageError(message)
    with operator.database.writing() as session:
        changed = change_school(
            session,
            code,
            name=name,
            trusted_networks=list(networks) if networks or no_network else None,
            actor=operator.actor,
            now=operator.clock(),
        )
        show_record(_as_row(changed), as_json=False)


@school.command("list")
@json_option
@pass_operator
def list_(operator: Operator, *, as_json: bool) -> None:
    """List all schools."""
    with operator.database.reading() as session:
        rows = [_as_row(each) for each in list_schools(session)]
    show_rows(
        rows, as_json=as_json, nothing="There is no school yet. Add one: authbridge school add CODE NAME"
    )


@school.command()
@click.argument("code")
@json_option
@pass_operator
def show(operator: Operator, code: str, *, as_json: bool) -> None:
    """Show the school CODE with the history of its suspensions."""
    with operator.database.reading() as session:
        found = get_school(session, code)
        record = _as_row(found) | {
            "organisers": len(found.organisers),
            "suspensions": history(session, found),
        }
    show_record(record, as_json=as_json)


def _as_row(found: School) -> dict[str, Any]:
    return {
        "code": found.code,
        "name": found.name,
        "state": "suspended" if found.suspended_at else "in order",
        "networks": found.trusted_networks,
    }
