"""The documents that Jitsi's page reads: public, cached, without a cookie, and about no account."""

import logging
from enum import StrEnum
from functools import cache

from flask import Blueprint, abort, jsonify, url_for
from flask.typing import ResponseReturnValue

from admin.panel import current_panel
from admin.session.access import open_to_everybody
from admin.web.headers import publish
from authbridge.errors import ConfigError
from authbridge.jitsi import Transport, branding, labels, read_help
from authbridge.letters import Language

_log = logging.getLogger(__name__)

blueprint = Blueprint("jitsi_words", __name__, url_prefix="/jitsi")


@blueprint.get("/<transport>/branding.json")
@open_to_everybody
def show_branding(transport: str) -> ResponseReturnValue:
    """Serves the address of the labels of each language."""
    _require(transport, Transport)
    # Not of the request's Host, whose port anybody may choose: Jitsi's page shows the labels as HTML.
    path = url_for(".show_branding", transport=transport).rpartition("/")[0]
    return _document(branding(f"{current_panel().config.panel_url}{path}"))


@blueprint.get("/<transport>/labels-<language>.json")
@open_to_everybody
def show_labels(transport: str, language: str) -> ResponseReturnValue:
    """Serves the labels of one language."""
    _require(transport, Transport)
    _require(language, Language)
    chosen = Language(language)
    return _document(labels(chosen, _help(chosen), Transport(transport)))


def _help(language: Language) -> str | None:
    try:
        return read_help(current_panel().config.letter_dir, language)
    except ConfigError as error:
        _warn_once(str(error))  # not to everybody: the sentence names a folder of this machine
        return None


@cache
def _warn_once(sentence: str) -> None:
    _log.warning("%s", sentence)


def _require(value: str, kind: type[StrEnum]) -> None:
    if value not in set(kind):
        abort(404)


def _document(content: dict[str, object]) -> ResponseReturnValue:
    publish()
    return jsonify(content)
