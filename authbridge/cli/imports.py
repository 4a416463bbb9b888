"""Adds ``organiser import`` and ``school import``."""

from typing import BinaryIO

import click

from authbridge.cli.days import today
from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import say_done, show_rows
from authbridge.errors import InputError
from authbridge.schools.commands.imports import SchoolPlan, find_schools, import_schools, plan_schools
from authbridge.schools.credential_table import CredentialTable, read_credentials
from authbridge.schools.importing import import_credentials
from authbridge.schools.school_table import read_schools
from authbridge.tables import MOST_BYTES, TableFile

_file_argument = click.argument("file", type=click.File("rb"))
_dry_run_option = click.option("--dry-run", is_flag=True, help="Change nothing, and show what would be done.")
_SEPARATORS = {";": "semicolons", ",": "commas", "\t": "tabs"}


@click.command("import")
@_file_argument
@_dry_run_option
@pass_operator
def import_organiser_table(operator: Operator, file: BinaryIO, *, dry_run: bool) -> None:
    """Take existing credentials over from FILE, or - for standard input; all or none.

    A table as CSV with the columns school, username, password and, if need be, valid until: in any order, by
    these headings or the German ones.
    """
    table = read_credentials(_content(file), today=today(operator))
    _echo_reading(table.file)
    if dry_run:
        _show_credentials(operator, table)
        return
    count = import_credentials(table.credentials, operator, actor=operator.actor)
    say_done(f"Taken over: {count}.")


@click.command("import")
@_file_argument
@_dry_run_option
@pass_operator
def import_school_table(operator: Operator, file: BinaryIO, *, dry_run: bool) -> None:
    """Add and change schools as FILE has them, or - for standard input; all or none.

    A table as CSV with the column code and any of name, street, place, e-mail, quota, processing contract,
    networks: in any order, by these headings or the German ones. An empty cell leaves what is there.
    """
    table = read_schools(_content(file), today=today(operator))
    _echo_reading(table.file)
    if dry_run:
        with operator.database.read_session() as session:
            plan = plan_schools(session, table.lines)
        _show_plan(plan)
        return
    with operator.database.write_session() as session:
        plan = import_schools(session, table.lines, actor=operator.actor, now=operator.clock())
    say_done(f"Added: {len(plan.new)}. Changed: {len(plan.changed)}. Unchanged: {plan.unchanged}.")


def _content(file: BinaryIO) -> bytes:
    """Returns what is read of a file: one that is too long may have no end."""
    try:
        return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError("The file cannot be read: %(reason)s.", reason=error.strerror) from error


def _echo_reading(file: TableFile) -> None:
    """Says how the table was read, beside the output: by a wrong guess, names would be wrong."""
    separator = _SEPARATORS.get(file.separator, f"“{file.separator}”")
    check = "" if file.encoding == "UTF-8" else " Please check that umlauts are right."
    click.echo(f"Read as {file.encoding}, separated by {separator}.{check}", err=True)
    if file.unread:
        click.echo(f"Not read: {', '.join(file.unread)}.", err=True)


def _show_credentials(operator: Operator, table: CredentialTable) -> None:
    with operator.database.read_session() as session:
        schools = find_schools(session, table.credentials)
        rows = [
            {
                "line": each.line,
                "school": school.code,
                "username": each.username,
                "valid_until": each.valid_until and each.valid_until.isoformat(),
            }
            for school, each in zip(schools, table.credentials, strict=True)
        ]
    show_rows(rows, as_json=False, nothing="")
    click.echo(f"{len(rows)} would be taken over; nothing was changed.")


def _show_plan(plan: SchoolPlan) -> None:
    added = [
        {"school": line.code, "field": "new", "before": None, "after": line.values["name"]}
        for line in plan.new
    ]
    changed = [
        {"school": change.code, "field": name, "before": _as_text(before), "after": _as_text(after)}
        for change in plan.changed
        for name, (before, after) in change.fields.items()
    ]
    show_rows([*added, *changed], as_json=False, nothing="There is nothing to change.")
    click.echo(
        f"{len(plan.new)} would be added, {len(plan.changed)} changed, {plan.unchanged} left as they are;"
        " nothing was changed."
    )


def _as_text(value: object) -> object:
    return value if isinstance(value, list) else str(value) if value not in (None, "") else None
