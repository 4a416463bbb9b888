"""Parses days of the command line, and tells which day it is there."""

from collections.abc import Callable
from datetime import date
from typing import Any

import click

from authbridge.cli.operator import Operator
from authbridge.errors import InputError
from authbridge.typed_text import parse_day


class _Day(click.ParamType[date]):
    """A day as 2028-07-31, 31.07.2028 or 31.7.2028, as in the panel."""

    name = "YYYY-MM-DD"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - as click has it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> date:
        """Parses what was typed; click says what is wrong with it."""
        try:
            return parse_day(str(value))
        except InputError as error:
            self.fail(str(error), param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002
        """Returns the word that help shows for the value."""
        return self.name


def day_option(name: str, explanation: str, *, required: bool = False) -> Callable[[Any], Any]:
    """Returns an option whose value is a :class:`datetime.date`, None if it is not given."""
    return click.option(name, type=_Day(), help=explanation, required=required)


def today(operator: Operator) -> date:
    """Returns the day in the operator's time zone."""
    return operator.clock().astimezone(operator.config.timezone).date()
