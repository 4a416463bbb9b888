"""Adds ``authbridge db …`` and ``authbridge purge``."""

import click
from click.core import ParameterSource

from authbridge import nightly
from authbridge.backup.files import BackupError
from authbridge.backup.moving import move
from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import say_done
from authbridge.storage import schema
from authbridge.storage.database import Database


@click.group()
def db() -> None:
    """Create the database and keep it at this program's version."""


@db.command()
@pass_operator
def upgrade(operator: Operator) -> None:
    """Create the tables, or bring them to this version; a second time does no harm."""
    schema.upgrade(operator.bare_database)
    say_done(f"The database is at version {schema.version(operator.bare_database)}.")


@db.command()
@click.confirmation_option(prompt="Data that only this version stores will be lost. Go one version back?")
@pass_operator
def downgrade(operator: Operator) -> None:
    """Go one version back, before installing the former program."""
    schema.downgrade(operator.bare_database)
    say_done(f"The database is at version {schema.version(operator.bare_database) or 'none'}.")


@db.command("copy")
@click.option(
    "--to",
    "url",
    envvar="AUTHBRIDGE_COPY_TO",
    required=True,
    help="The address of the other database; with a password only in the variable AUTHBRIDGE_COPY_TO.",
)
@click.pass_context
@pass_operator
def copy(operator: Operator, context: click.Context, /, url: str) -> None:
    """Move all data from SQLite to an empty PostgreSQL, while services go on.

    In its last seconds it closes the former database; then logins are refused until the services use the
    other one. Killed in between, give it again: it begins anew, or does the rest.
    """
    target = Database(url)
    context.call_on_close(target.engine.dispose)
    if target.engine.url.password and context.get_parameter_source("url") is ParameterSource.COMMANDLINE:
        raise BackupError(
            "Others on this machine read the arguments of commands: put the address with its password in the"
            " variable AUTHBRIDGE_COPY_TO, or the password in ~/.pgpass. Nothing was changed."
        )
    contents = move(operator.bare_database, target, operator.config)
    rows = sum(content.rows for content in contents.values())
    say_done(
        f"Moved: {rows} rows in {len(contents)} tables, compared one by one. The former database takes no"
        f" logins any more.\nSet AUTHBRIDGE_DATABASE_URL to the new address (/etc/authbridge/authbridge.env),"
        f" and at once: systemctl restart authbridge-api authbridge-panel\nIf all is well, delete the former."
    )


@click.command()
@pass_operator
def purge(operator: Operator) -> None:
    """Delete now what is older than it may be, from the files too (the service does so every night)."""
    record = nightly.run(operator.database, operator.config, clock=operator.clock)
    say_done(f"Logins older than {operator.config.retention_days} days are gone.")
    if not record.log_emptied:
        say_done(
            "The database's write-ahead log may still hold some of them: see deploy/README.md, PostgreSQL."
        )
