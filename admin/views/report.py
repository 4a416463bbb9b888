"""The report page: the head of a school blocks an access with a one-time code, at any hour.

It is open to everybody, sets no cookie, and all that it needs lies below its own address: so nginx can offer
it on another host, while the panel stays closed.
"""

import logging
from http import HTTPStatus

from flask import Blueprint, abort, current_app, make_response, request, send_from_directory
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from admin.forms.report import BlockForm
from admin.panel import current_panel, now
from admin.session.access import open_to_everybody
from admin.status.revocation_status import wait_for_nodes
from admin.stores.block_receipts import BlockReceipt
from admin.stores.idempotent_forms import new_idempotency_key
from admin.web.headers import publish
from admin.web.i18n import choose_language, language
from admin.web.redirects import path_to, redirect_to_path
from admin.web.responses import form_page, page
from authbridge.errors import ConfigError
from authbridge.letters import Language, Statement, read_statement
from authbridge.login.networks import parse_address
from authbridge.misuse.blocking import (
    BlockAnswer,
    BlockOutcome,
    BlockServices,
    block_by_code,
    find_blocked,
)

_log = logging.getLogger(__name__)

_MAX_FORM = 8 * 1024  # bytes; 400 characters of four bytes each, percent-encoded, and the rest
_FILES = frozenset({"panel.css", "mark.svg"})

blueprint = Blueprint("report", __name__, url_prefix="/report")


@blueprint.before_request
def _prepare() -> None:
    request.max_content_length = request.max_form_memory_size = _MAX_FORM
    choose_language(request.args.get("language"))


@blueprint.route("", methods=["GET", "POST"])
@open_to_everybody
def block() -> ResponseReturnValue:
    """Asks for the code, and blocks."""
    form = BlockForm()
    if request.method == "POST" and form.validate():
        path = _submit_once(form)
        if path is not None:
            return redirect_to_path(path)
    form.idempotency_key.data = form.idempotency_key.data or new_idempotency_key()
    return form_page("report/form.html", form, misuse=_statement(Statement.MISUSE))


def _submit_once(form: BlockForm) -> str | None:
    """Blocks, for the second click of a double click would find the code used.

    Another code or name in the same copy of the form asks for another block: "back" leads to that copy.
    """
    panel, asked = current_panel(), form.asked
    code_hash = panel.keyed_hashes.report_code(asked.code)
    key = (f"{code_hash} {asked.username or ''}", form.idempotency_key.data or "")
    return panel.block_forms.submit_once(key, lambda: _block(form, code_hash))


def _block(form: BlockForm, code_hash: str) -> str | None:
    """Blocks what the form asks for; returns the path to the receipt, None if nothing is blocked."""
    with form.show_errors():
        # A local user can reach the panel past nginx, and then this is whatever that user likes.
        answer = block_by_code(form.asked, parse_address(request.remote_addr), _services())
        if answer.since is not None:
            receipt = BlockReceipt(
                school_name=answer.school_name,
                username=answer.username,
                since=answer.since,
                is_new=answer.outcome is BlockOutcome.BLOCKED,
                is_carried_out=_is_carried_out(answer),
                code_hash=code_hash,
            )
            receipt_id = current_panel().block_receipts.keep(receipt, now=now())
            return path_to("report.blocked", receipt_id=receipt_id, language=request.args.get("language"))
        form.refuse(answer)
    return None


def _services() -> BlockServices:
    panel = current_panel()
    return BlockServices(
        database=panel.database,
        keyed_hashes=panel.keyed_hashes,
        guesses=panel.code_guesses,
        limits=panel.limits,
        timezone=panel.config.timezone,
        clock=panel.clock,
    )


def _is_carried_out(answer: BlockAnswer) -> bool:
    status = wait_for_nodes(lambda session: find_blocked(session, answer))
    return status is not None and status.nodes > 0 and status.is_finished


@blueprint.get("/blocked/<receipt_id>")
@open_to_everybody
def blocked(receipt_id: str) -> ResponseReturnValue:
    """Says what was blocked, for ten minutes."""
    receipt = current_panel().block_receipts.find(receipt_id, now=now())
    answer = make_response(page("report/blocked.html", receipt=receipt, misuse=_statement(Statement.MISUSE)))
    answer.status_code = HTTPStatus.GONE if receipt is None else HTTPStatus.OK
    return answer


@blueprint.get("/accessibility")
@open_to_everybody
def accessibility() -> ResponseReturnValue:
    """Shows the statement on accessibility at an address that every host has."""
    return _show(Statement.ACCESSIBILITY)


@blueprint.get("/imprint")
@open_to_everybody
def imprint() -> ResponseReturnValue:
    """Shows the imprint at an address that every host has."""
    return _show(Statement.IMPRINT)


@blueprint.get("/<filename>")
@open_to_everybody
def look(filename: str) -> ResponseReturnValue:
    """Sends what the page looks like."""
    if filename not in _FILES:
        abort(HTTPStatus.NOT_FOUND)
    publish()
    return send_from_directory(current_app.static_folder or "", filename)


def _show(statement: Statement) -> ResponseReturnValue:
    shown = _statement(statement)
    if shown is None:
        abort(HTTPStatus.INTERNAL_SERVER_ERROR)
    return page("report/statement.html", heading=shown[0], text=shown[1])


def _statement(statement: Statement) -> tuple[str, Markup] | None:
    """Returns heading and text of the operator; None if the file cannot be used, for blocking goes on."""
    try:
        return read_statement(current_panel().config.letter_dir, statement, Language(language()))
    except ConfigError as error:
        _log.error("%s", error)  # not to everybody: the sentence names a folder of this machine
        return None
