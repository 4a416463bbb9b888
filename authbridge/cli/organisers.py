"""``authbridge organiser …``."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import click

from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import CredentialSheet, json_option, show_record, show_rows
from authbridge.cli.suspensions import history
from authbridge.commands import organisers
from authbridge.importfile import parse_credentials
from authbridge.models import Organiser
from authbridge.queries import get_organiser, get_school, list_organisers


class _Day(click.DateTime):
    """A day as 2027-07-31."""

    name = "YYYY-MM-DD"

    def __init__(self) -> None:
        super().__init__(formats=["%Y-%m-%d"])

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002
        """What help shows."""
        return self.name


_day = _Day()
_format_option = click.option(
    "--format", "style", type=click.Choice(["csv", "json"]), default="csv", show_default=True
)
_output_option = click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="A new file, readable by you alone, instead of the screen; where “authbridge” runs as the service's "
    "user, redirect into a file instead.",
)


@click.group()
def organiser() -> None:
    """Issue, take over, change and show those who may open meetings."""


@organiser.command()
@click.argument("code")
@click.option("--count", type=click.IntRange(1, organisers.MAX_ISSUED), default=1, show_default=True)
@click.option("--valid-until", type=_day, help="The last day of validity, as 2027-07-31; else no end.")
@_format_option
@_output_option
@pass_operator
def issue(
    operator: Operator, code: str, count: int, valid_until: datetime | None, style: str, output: Path | None
) -> None:
    """Issue new credentials for the school CODE; the passwords are shown this once."""
    if valid_until is not None and valid_until.date() < _today(operator):
        message = f"--valid-until {valid_until.date()} lies in the past."
        raise click.UsageError(message)
    with operator.database.reading() as session:
        get_school(session, code)  # before the time it takes to hash
    sheet = CredentialSheet(style, output)
    passwords = organisers.make_passwords(count, operator.hasher)
    with operator.database.writing() as session:
        issued = organisers.issue_organisers(
            session,
            code,
            passwords,
            valid_until=_as_day(valid_until),
            actor=operator.actor,
            now=operator.clock(),
        )
    sheet.write([{"school": code, "username": each.username, "password": each.password} for each in issued])


@organiser.command("import")
@click.argument("file", type=click.File("rb"))
@pass_operator
def import_(operator: Operator, file: BinaryIO) -> None:
    """Take existing credentials over from FILE, or - for standard input; all or none.

    A table as CSV with the columns school, username, password.
    """
    credentials = parse_credentials(file.read(), operator.hasher)
    with operator.database.writing() as session:
        count = organisers.import_organisers(session, credentials, actor=operator.actor, now=operator.clock())
    click.echo(f"Taken over: {count}.")


@organiser.command("list")
@click.argument("code", required=False)
@json_option
@pass_operator
def list_(operator: Operator, code: str | None, *, as_json: bool) -> None:
    """List the organisers, of the school CODE or all."""
    with operator.database.reading() as session:
        rows = [_as_row(each, _today(operator)) for each in list_organisers(session, code)]
    show_rows(
        rows,
        as_json=as_json,
        nothing="There is no organiser here yet. Issue some: authbridge organiser issue CODE",
    )


@organiser.command()
@click.argument("name")
@json_option
@pass_operator
def show(operator: Operator, name: str, *, as_json: bool) -> None:
    """Show the organiser NAME with the history of suspensions."""
    with operator.database.reading() as session:
        found = get_organiser(session, name)
        record = _as_row(found, _today(operator)) | {"suspensions": history(session, found)}
    show_record(record, as_json=as_json)


@organiser.command()
@click.argument("name")
@_format_option
@_output_option
@pass_operator
def reset(operator: Operator, name: str, style: str, output: Path | None) -> None:
    """Give NAME a new password, shown this once; the old one is dead. A suspension stays."""
    with operator.database.reading() as session:
        school_code = get_organiser(session, name).school.code
    sheet = CredentialSheet(style, output)
    (password,) = organisers.make_passwords(1, operator.hasher)
    with operator.database.writing() as session:
        renewed = organisers.reset_password(
            session, name, password, traces=operator.traces, actor=operator.actor, now=operator.clock()
        )
    sheet.write([{"school": school_code, "username": renewed.username, "password": renewed.password}])


@organiser.command()
@click.argument("name")
@click.option("--after", type=_day, help="The last day of validity, as 2027-07-31; else it ends now.")
@click.option("--never", is_flag=True, help="The access has no end again.")
@pass_operator
def expire(operator: Operator, name: str, after: datetime | None, *, never: bool) -> None:
    """End the validity of NAME: now, after a day, or never."""
    if after is not None and never:
        message = "--after and --never exclude each other."
        raise click.UsageError(message)
    yesterday = _today(operator) - timedelta(days=1)
    last_day = None if never else _as_day(after) or yesterday
    with operator.database.writing() as session:
        organisers.change_validity(session, name, last_day, actor=operator.actor, now=operator.clock())
    if last_day is None:
        click.echo(f"“{name}” is valid without end.")
    elif last_day < _today(operator):
        click.echo(f"“{name}” has expired.")
    else:
        click.echo(f"“{name}” is valid until the end of {last_day}.")


def _as_day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _today(operator: Operator) -> date:
    return operator.clock().astimezone(operator.config.timezone).date()


def _as_row(found: Organiser, today: date) -> dict[str, Any]:
    return {
        "username": found.username,
        "school": found.school.code,
        "state": _state(found, today),
        "valid_until": found.valid_until and found.valid_until.isoformat(),
        "last_login_on": found.last_login_on and found.last_login_on.isoformat(),
    }


def _state(found: Organiser, today: date) -> str:
    if found.suspended_at is not None:
        return "suspended"
    if found.school.suspended_at is not None:
        return "school suspended"
    if found.valid_until is not None and today > found.valid_until:
        return "expired"
    return "in order"
