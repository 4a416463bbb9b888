"""Adds ``authbridge school …``."""

from collections.abc import Mapping
from typing import Any, cast

import click
from sqlalchemy.orm import Session

from authbridge.cli.days import day_option
from authbridge.cli.imports import import_school_table
from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import json_option, record_in_words, say_done, show_record, show_rows
from authbridge.cli.suspensions import history
from authbridge.revocations.status import meetings_of
from authbridge.schools.commands.schools import SchoolChanges, add_school, change_school
from authbridge.schools.lookup import get_school, list_schools
from authbridge.schools.school_rows import NO_ORGANISERS, SchoolCounts, counts_by_school, school_counts
from authbridge.storage.models import School

_PLAIN = ("name", "street", "place", "mailbox", "contract_on", "quota")


@click.group()
def school() -> None:
    """Add, change and show schools."""


@school.command()
@click.argument("code")
@click.argument("name")
@pass_operator
def add(operator: Operator, code: str, name: str) -> None:
    """Add the school NAME with the short CODE (2 to 6 of a-z 0-9, never changed)."""
    with operator.database.write_session() as session:
        added = add_school(session, code, name, actor=operator.actor, now=operator.clock())
    say_done(f"School “{added.code}” added: {added.name}.")


@school.command("set")
@click.argument("code")
@click.option("--name", help="The school's name.")
@click.option("--street", help="Street and number, as on an envelope; '' for none.")
@click.option("--place", help="Postcode and town, as on an envelope; '' for none.")
@click.option("--mailbox", help="The mail address of the school's office; '' for none.")
@day_option("--contract-on", "The day of the contract on data processing.")
@click.option("--no-contract", is_flag=True, help="There is no contract on data processing.")
@click.option("--quota", type=int, help="How many organisers the school may have.")
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
def change(operator: Operator, /, code: str, **options: Any) -> None:  # noqa: ANN401 - as listed above
    """Change the school CODE."""
    changes = _changes_of(options)
    if not changes:
        raise click.UsageError("Nothing to change: give an option, such as --name; --help lists them.")
    with operator.database.write_session() as session:
        changed = change_school(session, code, actor=operator.actor, now=operator.clock(), **changes)
        record = _as_record(session, changed)
    say_done(record_in_words(record))


school.add_command(import_school_table)


@school.command("list")
@json_option
@pass_operator
def list_(operator: Operator, *, as_json: bool) -> None:
    """List all schools."""
    with operator.database.read_session() as session:
        found = list_schools(session)
        counts = counts_by_school(session, [each.id for each in found])
        rows = [_as_row(each, counts.get(each.id, NO_ORGANISERS)) for each in found]
    show_rows(
        rows, as_json=as_json, nothing="There is no school yet. Add one: authbridge school add CODE NAME"
    )


@school.command()
@click.argument("code")
@json_option
@pass_operator
def show(operator: Operator, code: str, *, as_json: bool) -> None:
    """Show the school CODE with the history of its suspensions."""
    with operator.database.read_session() as session:
        found = get_school(session, code)
        record = _as_record(session, found) | {
            "meetings": meetings_of(session, found, now=operator.clock()),
            "suspensions": history(session, found, now=operator.clock()),
        }
    show_record(record, as_json=as_json)


def _changes_of(options: Mapping[str, Any]) -> SchoolChanges:
    """Returns the changes that the options ask for."""
    if options["no_network"] and options["networks"]:
        raise click.UsageError("--network and --no-network exclude each other.")
    if options["no_contract"] and options["contract_on"]:
        raise click.UsageError("--contract-on and --no-contract exclude each other.")
    changes = {name: options[name] for name in _PLAIN if options[name] is not None}
    if options["networks"] or options["no_network"]:
        changes["trusted_networks"] = options["networks"]
    if options["no_contract"]:
        changes["contract_on"] = None
    return cast("SchoolChanges", changes)


def _as_row(found: School, counts: SchoolCounts) -> dict[str, Any]:
    return {
        "code": found.code,
        "name": found.name,
        "state": "suspended" if found.suspended_at else "in order",
        "organisers": counts.organisers,
        "imported": counts.imported,
        "not_come": counts.not_come,
        "networks": found.trusted_networks,
    }


def _as_record(session: Session, found: School) -> dict[str, Any]:
    return _as_row(found, school_counts(session, found)) | {
        "street": found.street or None,
        "place": found.place or None,
        "mailbox": found.mailbox or None,
        "contract_on": found.contract_on and found.contract_on.isoformat(),
        "quota": found.quota,
    }
