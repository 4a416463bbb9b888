"""The operator's statements, which everybody may read: accessibility and imprint."""

import logging
from http import HTTPStatus

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue

from admin.panel import current_panel
from admin.session.access import open_to_everybody
from admin.web.i18n import language
from admin.web.responses import page
from authbridge.errors import ConfigError
from authbridge.letters import Language, Statement, read_statement

_log = logging.getLogger(__name__)

blueprint = Blueprint("statements", __name__)


@blueprint.get("/accessibility")
@open_to_everybody
def accessibility() -> ResponseReturnValue:
    """Shows the statement on accessibility (BITV 2.0, section 7)."""
    return _show(Statement.ACCESSIBILITY)


@blueprint.get("/imprint")
@open_to_everybody
def imprint() -> ResponseReturnValue:
    """Shows the imprint (DDG, section 5)."""
    return _show(Statement.IMPRINT)


def _show(statement: Statement) -> ResponseReturnValue:
    try:
        heading, text = read_statement(current_panel().config.letter_dir, statement, Language(language()))
    except ConfigError as error:
        _log.error("%s", error)  # not to everybody: the sentence names a folder of this machine
        abort(HTTPStatus.INTERNAL_SERVER_ERROR)
    return page("statements/show.html", heading=heading, text=text)
