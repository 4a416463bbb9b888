"""Adds ``authbridge db …`` and ``authbridge purge``."""

import click

from authbridge import nightly
from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import say_done
from authbridge.storage import schema


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
