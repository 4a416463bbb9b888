"""Adds ``authbridge node …``: the Prosody servers that follow the feed of suspensions."""

from datetime import tzinfo
from typing import Any

import click

from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import json_option, say_done, show_rows
from authbridge.revocations.commands import forget_node
from authbridge.revocations.status import NodeRow, nodes


@click.group()
def node() -> None:
    """Show and forget the Prosodys that carry suspensions out."""


@node.command("list")
@json_option
@pass_operator
def list_(operator: Operator, *, as_json: bool) -> None:
    """List each Prosody, whether it still asks, and how many meetings run there now."""
    with operator.database.read_session() as session:
        rows = [_as_row(each, operator.config.timezone) for each in nodes(session, now=operator.clock())]
    show_rows(rows, as_json=as_json, nothing="No Prosody has asked for suspensions yet.")


@node.command()
@click.argument("name")
@pass_operator
def forget(operator: Operator, name: str) -> None:
    """Forget the Prosody NAME, which is gone for good; if it asks again, it is listed again."""
    with operator.database.write_session() as session:
        forget_node(session, name, actor=operator.actor, now=operator.clock())
    say_done(f"“{name}” is forgotten.")


def _as_row(found: NodeRow, timezone: tzinfo) -> dict[str, Any]:
    return {
        "node": found.node,
        "last_seen_at": found.last_seen_at.astimezone(timezone).isoformat(timespec="seconds"),
        "state": "late" if found.is_late else "in order",
        "meetings": None if found.is_late else found.meetings,
    }
