"""The statistics: how much the service is used, per school and month; never of a person."""

import logging

from flask import Blueprint
from flask.typing import ResponseReturnValue

from admin.panel import current_panel
from admin.session.access import needs
from admin.status.figure_words import figure_in_words
from admin.status.usage_chart import usage_chart
from admin.status.usage_queries import (
    Period,
    asked_months,
    asked_schools,
    schools_to_choose,
    spans_to_choose,
)
from admin.web.i18n import language, number
from admin.web.responses import page
from authbridge.errors import ConfigError
from authbridge.letters import Language, read_operator_name
from authbridge.staff.permissions import Permission
from authbridge.statistics.figures import Figure

_log = logging.getLogger(__name__)

blueprint = Blueprint("statistics", __name__, url_prefix="/statistics")


@blueprint.get("")
@needs(Permission.READ)
def index() -> ResponseReturnValue:
    """Shows the months of a school, or of all together."""
    asked = asked_months()
    return page(
        "statistics/index.html",
        asked=asked,
        chart=usage_chart(asked.months),
        schools=schools_to_choose(),
        periods=list(Period),
        operator=_operator(),
        spell=_spell,
    )


@blueprint.get("/schools")
@needs(Permission.READ)
def schools() -> ResponseReturnValue:
    """Shows all schools in a month or a school year."""
    years, months = spans_to_choose()
    return page(
        "statistics/schools.html",
        asked=asked_schools(),
        years=years,
        months=months,
        operator=_operator(),
        spell=_spell,
    )


def _spell(figure: Figure) -> str:
    return figure_in_words(figure, number)


def _operator() -> str:
    """Returns the name of the media centre for paper; without it, the numbers are shown all the same."""
    try:
        return read_operator_name(current_panel().config.letter_dir, Language(language()))
    except ConfigError as error:
        _log.error("%s", error)
        return ""
