"""Adds ``authbridge hold …``: entries of the journal that are held for an incident."""

from datetime import timedelta, tzinfo
from typing import Any

import click

from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import json_option, say_done, show_rows
from authbridge.holds.commands import end_hold
from authbridge.holds.hold_rows import HoldRow, list_holds


@click.group()
def hold() -> None:
    """Show and end holds for an incident; two members of staff make them, in the panel."""


@hold.command("list")
@json_option
@pass_operator
def list_(operator: Operator, *, as_json: bool) -> None:
    """List what is held for an incident, and what waits for a second person."""
    with operator.database.read_session() as session:
        found = list_holds(session, now=operator.clock())
    rows = [_as_row(each, operator.config.timezone) for each in found]
    show_rows(rows, as_json=as_json, nothing="Nothing is held.")


@hold.command()
@click.argument("hold_id", metavar="ID", type=click.IntRange(1, 2**31 - 1))
@pass_operator
def end(operator: Operator, hold_id: int) -> None:
    """End the hold ID, or reject it if nobody has confirmed it; what is too old is deleted within an hour."""
    with operator.database.write_session() as session:
        end_hold(session, hold_id, actor=operator.actor, now=operator.clock())
    say_done(f"Hold {hold_id} is ended.")


def _as_row(found: HoldRow, timezone: tzinfo) -> dict[str, Any]:
    last = found.before - timedelta(microseconds=1)
    return {
        "id": found.id,
        "name": found.username,
        "school": found.school_code,
        "first": found.since.astimezone(timezone).date().isoformat(),
        "last": last.astimezone(timezone).date().isoformat(),
        "network": found.network,
        "rows": found.rows,
        "state": "waits" if found.confirmed_at is None else "held",
        "until": found.kept_until.astimezone(timezone).isoformat(timespec="seconds"),
        "asked_by": found.asked_by,
        "confirmed_by": found.confirmed_by,
        "reason": found.reason,
    }
