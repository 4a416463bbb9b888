"""Parses days of the command line, and tells which day it is there."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import click

from authbridge.cli.operator import Operator


class _Day(click.DateTime):
    """A day as 2027-07-31."""

    name = "YYYY-MM-DD"

    def __init__(self) -> None:
        super().__init__(formats=["%Y-%m-%d"])

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002
        """Returns the word that help shows for the value."""
        return self.name


def day_option(name: str, explanation: str) -> Callable[[Any], Any]:
    """Returns an option whose value is a :class:`datetime.date`, None if it is not given."""
    return click.option(name, type=_Day(), callback=_without_time, help=explanation)


def today(operator: Operator) -> date:
    """Returns the day in the operator's time zone."""
    return operator.clock().astimezone(operator.config.timezone).date()


def _without_time(_ctx: click.Context, _param: click.Parameter, value: datetime | None) -> date | None:
    return None if value is None else value.date()
