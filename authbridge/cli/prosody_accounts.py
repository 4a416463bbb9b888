"""Adds ``authbridge import-prosody``."""

from pathlib import Path
from typing import Any

import click

from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import Row, json_option, say_done, show_json, show_rows
from authbridge.cli.streams import OutputError, UnsaidError
from authbridge.prosody_files import read_accounts
from authbridge.schools.prosody_accounts import AccountChoice, choose_accounts, require_free, take_over


@click.command("import-prosody")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--host", required=True, metavar="H", help="The host of the accounts in that Prosody.")
@click.option("--school", required=True, metavar="CODE", help="The school that gets them.")
@click.option(
    "--except",
    "excepted",
    multiple=True,
    metavar="NAME",
    help="Leave the account NAME where it is, whatever is wrong with it: a login name, or a file as a fault"
    " names it; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Change nothing, and show what would be done.")
@json_option
@pass_operator
def import_prosody(operator: Operator, /, folder: Path, **options: Any) -> None:  # noqa: ANN401 - as listed above
    """Take the accounts of host H over from DIR, a Prosody's data folder; all or none.

    Everybody keeps the password: the first login is checked against Prosody's key, and replaces that key by a
    hash of ours. Disabled accounts are suspended. Jitsi's own accounts, such as focus and jvb, are left. DIR
    is mostly /var/lib/prosody, and is only read.
    """
    host, school, as_json = options["host"], options["school"], options["as_json"]
    choice = choose_accounts(read_accounts(folder, host), options["excepted"])
    if options["dry_run"]:
        require_free(choice, school, operator)
        _show_plan(choice, school, as_json=as_json)
        return
    count = take_over(choice, school, host, operator, actor=operator.actor)
    said = f"Taken over: {count}. Suspended of them: {_disabled(choice)}.{_left_in_words(choice)}"
    if not as_json:
        say_done(said)
        return
    try:
        show_json(_as_document(choice, school))
    except OutputError as error:
        raise UnsaidError(said, error) from error


def _show_plan(choice: AccountChoice, school: str, *, as_json: bool) -> None:
    if as_json:
        show_json(_as_document(choice, school))
        return
    show_rows(_as_rows(choice, school), as_json=False, nothing="There is no account to take over.")
    click.echo(
        f"{len(choice.accounts)} would be taken over, {_disabled(choice)} of them suspended;"
        f" nothing was changed.{_left_in_words(choice)}"
    )


def _disabled(choice: AccountChoice) -> int:
    return sum(each.disabled for each in choice.accounts)


def _left_in_words(choice: AccountChoice) -> str:
    left = {
        "Jitsi's own": choice.of_jitsi,
        "without a password": choice.without_password,
        "excepted": choice.excepted,
    }
    return "".join(f"\nLeft, {why}: {', '.join(names)}." for why, names in left.items() if names)


def _as_document(choice: AccountChoice, school: str) -> Row:
    return {
        "accounts": _as_rows(choice, school),
        "left": {
            "of_jitsi": choice.of_jitsi,
            "without_password": choice.without_password,
            "excepted": choice.excepted,
        },
    }


def _as_rows(choice: AccountChoice, school: str) -> list[Row]:
    return [
        {"username": each.username, "school": school, "state": "suspended" if each.disabled else "in order"}
        for each in choice.accounts
    ]
