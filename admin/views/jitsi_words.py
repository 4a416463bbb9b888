"""The documents that Jitsi's page reads: public, cached, without a cookie, and about no account."""

from enum import StrEnum

from flask import Blueprint, abort, jsonify, url_for
from flask.typing import ResponseReturnValue

from admin.panel import current_panel
from admin.session.access import open_to_everybody
from admin.web.headers import publish
from authbridge.jitsi import Transport, branding, labels, read_help
from authbridge.letters import Language

blueprint = Blueprint("jitsi_words", __name__, url_prefix="/jitsi")


@blueprint.get("/<transport>/branding.json")
@open_to_everybody
def show_branding(transport: str) -> ResponseReturnValue:
    """Serves the address of the labels of each language."""
    _require(transport, Transport)
    address = url_for(".show_branding", transport=transport, _external=True)
    return _document(branding(address.rpartition("/")[0]))


@blueprint.get("/<transport>/labels-<language>.json")
@open_to_everybody
def show_labels(transport: str, language: str) -> ResponseReturnValue:
    """Serves the labels of one language."""
    _require(transport, Transport)
    _require(language, Language)
    chosen = Language(language)
    help_line = read_help(current_panel().config.letter_dir, chosen)
    return _document(labels(chosen, help_line, Transport(transport)))


def _require(value: str, kind: type[StrEnum]) -> None:
    if value not in set(kind):
        abort(404)


def _document(content: dict[str, object]) -> ResponseReturnValue:
    publish()
    return jsonify(content)
