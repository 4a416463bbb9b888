"""Adds ``authbridge organiser …``."""

from datetime import date, timedelta
from functools import partial
from typing import Any

import click

from authbridge.cli.days import day_option, today
from authbridge.cli.imports import import_organiser_table
from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import json_option, say_done, show_record, show_rows
from authbridge.cli.revocation_status import echo_status
from authbridge.cli.sheets import Delivery, open_sheet, sheet_options
from authbridge.cli.streams import OutputError, UnsaidError
from authbridge.cli.suspensions import history
from authbridge.data_protection.account_access import AccountAccess, as_document
from authbridge.data_protection.commands import give_account_data
from authbridge.revocations.status import meetings_of
from authbridge.schools.commands import organisers, selections
from authbridge.schools.issuing import Order, prepare, put_in_force
from authbridge.schools.lookup import get_organiser, get_school, list_organisers
from authbridge.schools.organiser_rows import OrganiserState, organiser_row
from authbridge.schools.school_year import SchoolCalendar
from authbridge.storage.models import Organiser


@click.group()
def organiser() -> None:
    """Issue, take over, change and show those who may open meetings."""


@organiser.command()
@click.argument("code")
@click.option("--count", type=click.IntRange(1, organisers.MAX_ISSUED), default=1, show_default=True)
@day_option(
    "--valid-until",
    "The last day of validity, as 2028-07-31 or 31.07.2028; else the end of the school year.",
)
@click.option("--no-end", is_flag=True, help="Valid without an end.")
@sheet_options
@pass_operator
def issue(
    operator: Operator,
    /,
    code: str,
    count: int,
    valid_until: date | None,
    *,
    no_end: bool,
    **sheet: Any,  # noqa: ANN401 - of sheet_options
) -> None:
    """Issue new credentials for the school CODE; the passwords are shown this once."""
    if valid_until is not None and no_end:
        raise click.UsageError("--valid-until and --no-end exclude each other.")
    if valid_until is not None and valid_until < today(operator):
        raise click.UsageError(f"--valid-until {valid_until} lies in the past.")
    with operator.database.read_session() as session:
        school = get_school(session, code)
    if valid_until is None and not no_end:
        valid_until = SchoolCalendar(today(operator), operator.config.school_year_ends).end
        click.echo(f"Valid until the end of {valid_until}. Else: --valid-until or --no-end.", err=True)
    with open_sheet(operator, school, sheet) as delivery:
        order = Order(school, count, valid_until, print_job=delivery.sheet.print_job)
        _issue(operator, order, delivery)


organiser.add_command(import_organiser_table)


@organiser.command("list")
@click.argument("code", required=False)
@click.option(
    "--not-come", is_flag=True, help="Only those who were taken over and have not logged in here yet."
)
@json_option
@pass_operator
def list_(operator: Operator, code: str | None, *, not_come: bool, as_json: bool) -> None:
    """List the organisers, of the school CODE or all."""
    with operator.database.read_session() as session:
        found = list_organisers(session, code, not_come=not_come)
        rows = [_as_row(each, today(operator)) for each in found]
    show_rows(
        rows,
        as_json=as_json,
        nothing=(
            "Everybody who was taken over has come."
            if not_come
            else "There is no organiser here yet. Issue some: authbridge organiser issue CODE"
        ),
    )


@organiser.command()
@click.argument("name")
@json_option
@pass_operator
def show(operator: Operator, name: str, *, as_json: bool) -> None:
    """Show the organiser NAME with the history of suspensions."""
    with operator.database.read_session() as session:
        found = get_organiser(session, name)
        record = _as_row(found, today(operator)) | {
            "meetings": meetings_of(session, found, now=operator.clock()),
            "suspensions": history(session, found, now=operator.clock()),
        }
    show_record(record, as_json=as_json)


@organiser.command()
@click.argument("name")
@pass_operator
def export(operator: Operator, name: str) -> None:
    """Write everything that is kept about NAME as JSON (Article 15 GDPR); the audit notes it."""
    access = AccountAccess(operator.config, operator.keyed_hashes, addresses=True)
    with operator.database.write_session() as session:
        data = give_account_data(session, name, access, actor=operator.actor, now=operator.clock())
    try:
        show_record(as_document(data), as_json=True)
    except OutputError as error:
        raise UnsaidError(f"The audit notes that everything about “{name}” was given out.", error) from error


@organiser.command()
@click.argument("name")
@sheet_options
@pass_operator
def reset(operator: Operator, /, name: str, **sheet: Any) -> None:  # noqa: ANN401 - of sheet_options
    """Give NAME a new password, shown this once; the old one is dead. A suspension stays."""
    with operator.database.read_session() as session:
        found = get_organiser(session, name)
    with open_sheet(operator, found.school, sheet, renewed=True) as delivery:
        order = Order(
            found.school, 1, found.valid_until, (found.username,), print_job=delivery.sheet.print_job
        )
        _issue(operator, order, delivery)
    # What comes from standard output is the new password.
    echo_status(operator, partial(get_organiser, username=name), err=True)


@organiser.command()
@click.argument("name")
@day_option("--after", "The last day of validity, as 2028-07-31 or 31.07.2028; else it ends now.")
@click.option("--never", is_flag=True, help="The access has no end again.")
@pass_operator
def expire(operator: Operator, name: str, after: date | None, *, never: bool) -> None:
    """End the validity of NAME: now, after a day, or never."""
    if after is not None and never:
        raise click.UsageError("--after and --never exclude each other.")
    yesterday = today(operator) - timedelta(days=1)
    last_day = None if never else after or yesterday
    with operator.database.write_session() as session:
        organisers.change_validity(
            session, name, last_day, today=today(operator), actor=operator.actor, now=operator.clock()
        )
    if last_day is None:
        say_done(f"“{name}” is valid without end.")
    elif last_day < today(operator):
        say_done(f"“{name}” has expired.")
        echo_status(operator, partial(get_organiser, username=name))
    else:
        say_done(f"“{name}” is valid until the end of {last_day}.")


@organiser.command("expire-not-come")
@click.argument("code")
@day_option("--after", "The last day of validity, as 2028-07-31 or 31.07.2028.", required=True)
@click.option("--dry-run", is_flag=True, help="Change nothing, and show what would be done.")
@pass_operator
def expire_not_come(operator: Operator, code: str, after: date, *, dry_run: bool) -> None:
    """End the validity of all at the school CODE who were taken over and have not logged in here yet."""
    if after < today(operator):
        raise click.UsageError(f"--after {after} lies in the past.")
    if dry_run:
        with operator.database.read_session() as session:
            found = list_organisers(session, code, not_come=True)
            rows = [_as_row(each, today(operator)) for each in selections.outlasting(found, after)]
        show_rows(rows, as_json=False, nothing="There is nothing to change.")
        click.echo(f"{len(rows)} would be valid until the end of {after}; nothing was changed.")
        return
    with operator.database.write_session() as session:
        result = selections.expire_not_come(
            session, code, after, today=today(operator), actor=operator.actor, now=operator.clock()
        )
    say_done(f"Valid until the end of {after}: {len(result.changed)}. Unchanged: {result.unchanged}.")


@organiser.command("end-sessions")
@click.argument("name")
@pass_operator
def end_sessions(operator: Operator, name: str) -> None:
    """Log NAME out everywhere: sessions, meetings, remembered logins. The password stays valid."""
    with operator.database.write_session() as session:
        changed = organisers.end_sessions(session, name, actor=operator.actor, now=operator.clock())
    say_done(
        f"“{name}” is logged out everywhere."
        if changed
        else f"“{name}” is suspended, and logged out everywhere since."
    )
    echo_status(operator, partial(get_organiser, username=name))


def _issue(operator: Operator, order: Order, delivery: Delivery) -> None:
    draft = prepare(order, operator, actor=operator.actor)
    delivery.write(draft.credentials, lambda: put_in_force(draft, operator, actor=operator.actor))


_WORDS = {
    OrganiserState.ACTIVE: "in order",
    OrganiserState.SUSPENDED: "suspended",
    OrganiserState.SCHOOL_SUSPENDED: "school suspended",
    OrganiserState.EXPIRED: "expired",
}


def _as_row(found: Organiser, day: date) -> dict[str, Any]:
    row = organiser_row(found, day)
    return {
        "username": row.username,
        "school": row.school_code,
        "state": _WORDS[row.state],
        "valid_until": row.valid_until and row.valid_until.isoformat(),
        "last_login_on": row.last_login_on and row.last_login_on.isoformat(),
    }
