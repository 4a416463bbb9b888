"""Adds ``authbridge backup``."""

from pathlib import Path

import click

from authbridge.backup import files
from authbridge.backup.contents import KEPT
from authbridge.backup.counts import counts_in_words
from authbridge.backup.taking import take
from authbridge.cli.destinations import StandardOutput
from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import say_done
from authbridge.config import AGE_RECIPIENT
from authbridge.storage import job_runs

_STANDARD = Path("-")


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--to-folder",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a file with the date in its name there; delete those of more than a week.",
)
@click.option("--recipient", metavar="KEY", help="Encrypt to this public key of age (age1…).")
@pass_operator
def backup(operator: Operator, file: Path | None, folder: Path | None, recipient: str | None) -> None:
    """Write a backup to FILE, or "-" for standard output; without both, to the folder of the settings.

    It holds schools, accounts, staff and the audit; no logins, no addresses, no sessions. Logins go on.
    """
    if file is not None and folder is not None:
        raise click.UsageError("Either FILE or --to-folder.")
    key = recipient or operator.config.backup_recipient
    if key is not None and not AGE_RECIPIENT.fullmatch(key):
        raise files.BackupError(files.NO_PUBLIC_KEY)
    now = operator.clock()
    if file is None:
        folder = folder or operator.config.backup_folder
        files.delete_old(folder, kept=KEPT, now=now)
        file = files.dated(folder, encrypted=key is not None, now=now)
    database = operator.database
    taken = take(database, operator.config, now=now)
    content = files.encrypt(taken.content, key)
    _write(file, content)
    with database.write_session() as session:
        job_runs.note_done(session, job_runs.BACKUP, now=now)
    if file != _STANDARD:
        say_done(f"Backed up: {counts_in_words(taken.counts)}.\n{file} ({_how(key)})")


def _write(file: Path, content: bytes) -> None:
    if file != _STANDARD:
        files.write(file, content)
        return
    try:
        StandardOutput().take(content)
    except OSError as error:
        raise files.BackupError(
            "Standard output cannot be written: %(reason)s.", reason=error.strerror
        ) from error


def _how(key: str | None) -> str:
    return "not encrypted" if key is None else f"encrypted to {key}"
