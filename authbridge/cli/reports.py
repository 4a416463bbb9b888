"""Adds ``authbridge report …``: reported misuse."""

from datetime import datetime, tzinfo
from typing import Any

import click

from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import json_option, show_rows
from authbridge.misuse.report_rows import ReportRow, ReportState, list_reports
from authbridge.schools.listings import Extent


@click.group()
def report() -> None:
    """Show reported misuse; reports are made and closed in the panel."""


@report.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only those that nobody has closed yet.")
@json_option
@pass_operator
def list_(operator: Operator, *, only_open: bool, as_json: bool) -> None:
    """List the misuse reports, open ones first, without what people wrote."""
    state = ReportState.OPEN if only_open else None
    with operator.database.read_session() as session:
        found = list_reports(session, state=state, extent=Extent(size=None), now=operator.clock()).rows
    rows = [_as_row(each, operator.config.timezone) for each in found]
    show_rows(rows, as_json=as_json, nothing="Nobody has reported misuse.")


def _as_row(found: ReportRow, timezone: tzinfo) -> dict[str, Any]:
    return {
        "id": found.id,
        "at": _moment(found.at, timezone),
        "school": found.school_code,
        "organiser": found.username,
        "reported_by": found.reported_by,
        "actor": found.actor,
        "suspended_since": _moment(found.suspended_at, timezone),
        "suspended_until": _moment(found.suspended_until, timezone),
        "closed_at": _moment(found.closed_at, timezone),
        "result": found.result,
    }


def _moment(value: datetime | None, timezone: tzinfo) -> str | None:
    return None if value is None else value.astimezone(timezone).isoformat(timespec="seconds")
