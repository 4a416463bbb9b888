"""Answers Prosody's questions over HTTP: closed unless listed, no cookie, no name and no secret in its log.

A table of routes over Werkzeug, the library below Flask: a login costs a quarter of a millisecond less
than through Flask, and the service would use nothing of Flask.
"""

import hmac
import json
import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, Unauthorized
from werkzeug.wrappers import Request

from authbridge import __version__, readiness, service_log, wire
from authbridge.errors import StorageError, location_of
from authbridge.hourly_lines import HourlyLines
from authbridge.login.authenticate import LoginServices, authenticate
from authbridge.login.policy import Verdict
from authbridge.metrics import Exposition, Metrics, SinceBoot
from authbridge.page_tokens.token_logins import feed_position, use_token
from authbridge.page_tokens.tokens import Grant, Tokens
from authbridge.revocations import school_codes
from authbridge.revocations.long_polls import LongPolls

_log = logging.getLogger(__name__)

_seconds_since_boot = partial(time.clock_gettime, time.CLOCK_BOOTTIME)

Reply = tuple[int, dict[str, Any] | Exposition]
View = Callable[[Request], Reply]


class Api:
    """The WSGI application; ``services`` carries everything that tests replace (clock, hasher, database)."""

    def __init__(
        self,
        services: LoginServices,
        tokens: Tokens,
        *,
        token: str,
        since_boot: SinceBoot = _seconds_since_boot,
    ) -> None:
        """Takes the ``token`` that every question must show, and the ``tokens`` of the login page."""
        self._services = services
        self._tokens = tokens
        self._readiness = readiness.Readiness(services.database)
        self._metrics = Metrics(services, self._readiness, since_boot)
        self._polls = LongPolls(services.database, clock=services.clock, timezone=services.timezone)
        self._refusals = HourlyLines(_log)
        self._authorization = f"Bearer {token}".encode()
        self.routes: dict[tuple[str, str], View] = {
            ("POST", "/v1/authenticate"): self._authenticate,
            ("POST", "/v1/token"): self._token,
            ("POST", "/v1/revocations"): self._revocations,
            ("GET", "/healthz"): self._healthz,
            ("GET", "/readyz"): self._readyz,
            ("GET", "/metrics"): self._expose_metrics,
        }

    # Anybody who reaches the port may ask for these; every other path, even an unknown one, needs the token.
    # With the token monitoring could try passwords and read who is suspended.
    open_paths = frozenset({"/healthz", "/readyz", "/metrics"})

    def stop_when(self, is_stopping: Callable[[], bool]) -> None:
        """Ends long polls as soon as ``is_stopping`` returns True; else they would keep a restart waiting."""
        self._polls.stop_when(is_stopping)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request, as WSGI has it."""
        status, content = self._reply(_Request(environ))
        match content:
            case Exposition(content_type=content_type, content=body):
                pass
            case _:
                content_type, body = "application/json", json.dumps(content).encode()
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def _reply(self, request: Request) -> Reply:
        service_log.request_id.set(None)  # of the request before, in this thread
        try:
            return self._view_of(request)(request)
        except wire.ForeignHostError as error:
            self._services.meter.note_refusal("host")
            self._refusals.note("refused: a question about another host", now=self._services.clock())
            return 400, {"error": "host", "detail": str(error)}
        except wire.MalformedError as error:
            self._services.meter.note_refusal("malformed")
            return 400, {"error": "malformed", "detail": str(error)}
        except StorageError as error:
            _log.error("storage: %s", error)
            self._services.meter.note_fault("storage")
            return 503, {"error": "storage"}
        except Unauthorized:
            self._services.meter.note_refusal("token")
            self._refusals.note("refused: a question without the right token", now=self._services.clock())
            return 401, {"error": "token"}
        except HTTPException as error:
            return error.code or 500, {"error": error.name.lower()}
        except Exception as error:  # noqa: BLE001 - the last resort
            # The text of an exception may quote what a person typed; its type and place may not.
            _log.error("bug: %s at %s", type(error).__name__, location_of(error))
            self._services.meter.note_fault("bug")
            return 500, {"error": "internal"}

    def _view_of(self, request: Request) -> View:
        if request.path not in self.open_paths and not self._is_authorised(request):
            raise Unauthorized
        view = self.routes.get((request.method, request.path))
        if view is not None:
            return view
        if any(path == request.path for _, path in self.routes):
            raise MethodNotAllowed
        raise NotFound

    def _is_authorised(self, request: Request) -> bool:
        shown = request.headers.get("Authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(shown, self._authorization)

    def _authenticate(self, request: Request) -> Reply:
        started = time.perf_counter()
        question = wire.parse_question(
            request.get_data(), host=self._services.host, now=self._services.clock()
        )
        request_id = question.origin.request_id
        service_log.request_id.set(request_id)
        position = None if question.shared is None else feed_position(self._services)
        decision = authenticate(question.attempt, question.origin, self._services, within=question.within)
        seconds = time.perf_counter() - started
        self._services.meter.note_answer(decision, question.origin.transport, seconds)
        if position is None:
            return 200, wire.answer(request_id, question.typed_username, decision)
        token = None
        if decision.verdict is Verdict.GRANTED:
            token = self._tokens.issue(
                Grant(
                    question.attempt.username,
                    self._services.clock(),
                    position,
                    shared=question.shared is True,
                )
            )
        return 200, wire.page_answer(request_id, question.typed_username, decision, token)

    def _token(self, request: Request) -> Reply:
        started = time.perf_counter()
        services = self._services
        use = wire.parse_token_question(request.get_data(), host=services.host, now=services.clock())
        service_log.request_id.set(use.origin.request_id)
        login = use_token(use, services, self._tokens)
        services.meter.note_answer(login.decision, use.origin.transport, time.perf_counter() - started)
        return 200, wire.token_answer(use.origin.request_id, login)

    def _revocations(self, request: Request) -> Reply:
        question = wire.parse_feed_question(request.get_data())
        news = self._polls.answer(question.contact, wait=question.wait)
        return 200, wire.feed_answer(news, school_codes.news(self._services.database, question.schools))

    def _healthz(self, _request: Request) -> Reply:
        return 200, {"status": "ok", "version": __version__}

    def _readyz(self, _request: Request) -> Reply:
        report = self._readiness.report(now=self._services.clock())
        return 200 if report.ready else 503, dict(report.words)

    def _expose_metrics(self, request: Request) -> Reply:
        return 200, self._metrics.exposition(request.headers.get("Accept", ""))


class _Request(Request):
    max_content_length = wire.MAX_BYTES
