"""The HTTP face that Prosody asks: closed unless listed, no cookie, no name and no secret in its log."""

import hmac
import logging
from datetime import timedelta
from time import perf_counter

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from authbridge import __version__, readiness, wire
from authbridge.authenticate import Setting, authenticate
from authbridge.clock import utc_now
from authbridge.config import Config
from authbridge.database import Database
from authbridge.errors import StorageError
from authbridge.passwords import Hasher

_log = logging.getLogger(__name__)

# Whoever reaches the port may ask these; everything else needs the token.
OPEN_ENDPOINTS = frozenset({"healthz", "readyz"})


def create_api(config: Config, setting: Setting) -> Flask:
    """The application; ``setting`` carries what tests exchange (clock, hasher, database)."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = wire.MAX_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]  # DefaultJSONProvider has it

    @app.before_request
    def require_token() -> tuple[Response, int] | None:
        if request.endpoint in OPEN_ENDPOINTS or _bears(config.api_token):
            return None
        return jsonify(error="token"), 401

    @app.post("/v1/authenticate")
    def authenticate_view() -> Response:
        question = wire.parse_question(request.get_data(), host=config.xmpp_host, now=setting.clock())
        started = perf_counter()
        decision = authenticate(question.attempt, question.origin, setting)
        _log.info(
            "login %s: %s in %.1f ms",
            question.origin.request_id,
            decision.verdict,
            (perf_counter() - started) * 1000,
        )
        return jsonify(wire.answer(question.origin.request_id, question.attempt.username, decision))

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok", version=__version__)

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        report = readiness.examine(setting.database, now=setting.clock())
        return jsonify(report.words), 200 if report.ready else 503

    _handle_errors(app)
    return app


def setting_of(config: Config) -> Setting:
    """What the service works with in production."""
    return Setting(
        database=Database(config.database_url, durable=False),
        hasher=Hasher(config.bcrypt_cost),
        clock=utc_now,
        timezone=config.timezone,
        host=config.xmpp_host,
        secret_key=config.secret_key,
    )


def retention_of(config: Config) -> timedelta:
    """How long the journal of logins is kept."""
    return timedelta(days=config.retention_days)


def _bears(token: str) -> bool:
    header = request.headers.get("Authorization", "")
    return hmac.compare_digest(header.encode("utf-8", "replace"), f"Bearer {token}".encode())


def _handle_errors(app: Flask) -> None:
    @app.errorhandler(wire.MalformedError)
    def malformed(error: wire.MalformedError) -> tuple[Response, int]:
        kind = "host" if isinstance(error, wire.ForeignHostError) else "malformed"
        return jsonify(error=kind, detail=str(error)), 400

    @app.errorhandler(StorageError)
    def outage(error: StorageError) -> tuple[Response, int]:
        _log.error("storage: %s", error)
        return jsonify(error="storage"), 503

    @app.errorhandler(HTTPException)
    def refused_call(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.name.lower()), error.code or 500

    @app.errorhandler(Exception)
    def bug(error: Exception) -> tuple[Response, int]:
        # The text of an exception may quote what a person typed; its type and place may not.
        _log.error("bug: %s at %s", type(error).__name__, _place_of(error))
        return jsonify(error="internal"), 500


def _place_of(error: Exception) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return "unknown" if frame is None else f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"
