"""Adds ``authbridge restore``."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from authbridge.backup import files
from authbridge.backup.counts import counts_in_words
from authbridge.backup.opening import Backup, open_backup
from authbridge.backup.restoring import Restore, foresee, restore
from authbridge.backup.states import Differences, key_fits
from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import json_option, say_done, show_json
from authbridge.errors import StorageError
from authbridge.login.quick_checks import QuickChecks
from authbridge.schools.commands.organisers import make_passwords

_STANDARD = "-"
_RESET = "authbridge organiser reset NAME"
_INVITE = "authbridge staff reset NAME"

# What became of it, and what a restore makes of that.
_SAID = {
    "suspended": "Accounts suspended since; they stay suspended",
    "suspended_schools": "Schools suspended since; they stay suspended",
    "reinstated": "Accounts reinstated since; they are suspended again",
    "reinstated_schools": "Schools reinstated since; they are suspended again",
    "expired": "Accounts that end earlier than in the backup; the earlier day stays",
    "reset": f"Accounts with a new password since; none counts any more: {_RESET}",
    "former_ended": "Accounts whose former password was ended since; it does not count again",
    "deleted": "Accounts deleted since; they stay deleted",
    "lost": "Accounts made since; they are lost, and their sessions end",
    "lost_schools": "Schools added since; they are lost",
    "suspended_staff": "Members of staff suspended since; they stay suspended",
    "changed_staff": f"Members of staff with another password, second factor or role since: {_INVITE}",
    "deleted_staff": "Members of staff deleted since; they stay deleted",
    "lost_staff": "Members of staff added since; they are lost",
    "unreadable_staff": f"Members of staff whose second factor is of another secret key: {_INVITE}",
}
_LOST = (
    "NOBODY KNOWS WHAT HAPPENED SINCE THE BACKUP: the former database is lost. Accounts that were suspended,"
    " ended or given a new password since get in as before. Ask your colleagues, and suspend them now."
)


@click.command("restore")
@click.argument("file")
@click.option(
    "--check", is_flag=True, help="Change nothing: prove that it opens, and say what it would undo."
)
@click.option("--identity", metavar="FILE", help='The file with the private key of age, or "-".')
@click.option(
    "--present-is-lost", "is_lost", is_flag=True, help="The database is new: the former one is lost."
)
@json_option
@pass_operator
def restore_(operator: Operator, /, file: str, **options: Any) -> None:  # noqa: ANN401 - as listed above
    """Put the backup in FILE ("-": standard input) in the place of the present data.

    All of it or nothing; services may run. What was suspended, ended, deleted or given a new password since
    does not come back as it was. Run it with --check first.
    """
    identity = options["identity"]
    if file == identity == _STANDARD:
        raise click.UsageError("Only one of them can be standard input.")
    keys = "" if identity is None else _read(identity).decode("ascii", "replace")
    with open_backup(files.decrypt(_read(file), keys)) as backup:
        if options["check"]:
            _check(operator, backup, as_json=options["as_json"])
        else:
            _restore(operator, backup, is_lost=options["is_lost"], as_json=options["as_json"])


def _read(file: str) -> bytes:
    try:
        with click.open_file(file, "rb") as stream:
            content: bytes = stream.read()
            return content
    except OSError as error:
        words = "%(path)s cannot be read: %(reason)s."
        raise files.BackupError(words, path=file, reason=error.strerror) from error


def _check(operator: Operator, backup: Backup, *, as_json: bool) -> None:
    found, fault = _foresee(operator, backup)
    with backup.database.read_connection() as saved:
        fits = key_fits(saved, QuickChecks(operator.config.secret_key))
    if as_json:
        document = {"rows": backup.counts, "taken_at": _moment(backup.taken_at), "key_fits": fits}
        show_json({**document, "present": fault or "readable", **({} if found is None else asdict(found))})
        return
    click.echo(f"The backup is whole: {counts_in_words(backup.counts)}.")
    click.echo(f"Taken: {_moment(backup.taken_at) or 'unknown'}.")
    click.echo(f"Secret key file: {_KEY[fits]}.")
    if found is None:
        click.echo(f"The present database cannot be read: {fault}\nSo nobody knows what happened since.")
        return
    for line in _in_words(found):
        click.echo(line)


_KEY = {
    True: "it is the one of the backup",
    False: "it is another one than that of the backup. Passwords of organisers count all the same; codes of"
    " heads of schools, and second factors of staff, do not",
    None: "no account tells whether it is the one of the backup",
}


def _foresee(operator: Operator, backup: Backup) -> tuple[Differences | None, str]:
    try:
        return foresee(operator.database, backup, operator.encryption), ""
    except StorageError as error:
        return None, str(error)


def _restore(operator: Operator, backup: Backup, *, is_lost: bool, as_json: bool) -> None:
    # Made before the transaction: a hash takes its time.
    (void,) = make_passwords(1, operator.hasher)
    options = Restore(
        config=operator.config, encryption=operator.encryption, void=void.stored, is_lost=is_lost
    )
    found = restore(operator.database, backup, options, actor=operator.actor, now=operator.clock())
    if as_json:
        show_json({"rows": backup.counts, "taken_at": _moment(backup.taken_at), **asdict(found)})
    else:
        words = f"Restored: {counts_in_words(backup.counts)}; as of {_moment(backup.taken_at) or 'unknown'}."
        say_done("\n".join((words, *_in_words(found), *_next_steps(found))))


def _next_steps(found: Differences) -> Iterator[str]:
    yield "Every Prosody server takes the whole state anew. All staff have to sign in again."
    if found.staff_to_invite:
        yield f"Members of staff who have to be invited anew: {len(found.staff_to_invite)}."
        yield from (f"  authbridge staff reset {name}" for name in found.staff_to_invite)


def _in_words(found: Differences) -> Iterator[str]:
    if found.is_new:
        yield _LOST
    for field, words in _SAID.items():
        if names := getattr(found, field):
            yield f"{words}. {len(names)}:"
            yield from (f"  {name}" for name in names)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
