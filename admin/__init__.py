"""The panel of the media centre's staff: Flask, server-rendered, closed by default."""

import hashlib
import hmac
from urllib.parse import urlsplit

from flask import Flask, Response, request, url_for
from flask_login import current_user
from flask_wtf import CSRFProtect
from werkzeug.exceptions import BadRequest, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix

from admin.panel import EXTENSION, Panel, now, today
from admin.session import access, button_labels, flashes, sessions
from admin.session.cookies import CookieSessions
from admin.stores import idempotent_forms
from admin.views import (
    account,
    audit,
    auth,
    credentials,
    data_protection,
    holds,
    imports,
    jitsi_words,
    journal,
    meeting_rules,
    misuse,
    organisers,
    overview,
    passkeys,
    print_jobs,
    report,
    report_codes,
    school_years,
    schools,
    selections,
    server_check,
    staff,
    statements,
    statistics,
    tables,
    terms,
)
from admin.web import error_pages, headers, i18n, refusals, uploads
from admin.web.refusals import Refusal, note_refusal
from authbridge.config import Config

_BLUEPRINTS = (
    auth,
    overview,
    schools,
    organisers,
    selections,
    credentials,
    school_years,
    imports,
    print_jobs,
    misuse,
    report_codes,
    meeting_rules,
    terms,
    staff,
    account,
    passkeys,
    jitsi_words,
    journal,
    holds,
    audit,
    data_protection,
    server_check,
    report,
    statements,
    statistics,
    tables,
)
_MAX_FORM = 64 * 1024  # bytes


def create_app(panel: Panel, *, url: str) -> Flask:
    """Returns the application; ``url`` is the public address, without a path."""
    app = Flask(__name__)
    app.extensions[EXTENSION] = panel
    app.config.update(_settings(panel.config, url))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.session_interface = CookieSessions()
    if url.startswith("https:"):
        # nginx on this machine stands before it, and overwrites the header (deploy/nginx/panel.conf).
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    i18n.install(app, panel.config)
    headers.install(app)
    error_pages.install(app)
    refusals.install(app, panel.clock)
    _install_checks(app)
    _install_context(app)
    for module in _BLUEPRINTS:
        app.register_blueprint(module.blueprint)
    return app


def _settings(config: Config, url: str) -> dict[str, object]:
    return {
        "SECRET_KEY": hmac.digest(config.secret_key, b"panel", hashlib.sha256),
        "TRUSTED_HOSTS": [urlsplit(url).hostname],
        "MAX_CONTENT_LENGTH": _MAX_FORM,
        "MAX_FORM_MEMORY_SIZE": _MAX_FORM,
        # A token is as old as its session at most; browsers send no referrer, because we ask them not to.
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "SEND_FILE_MAX_AGE_DEFAULT": 3600,
    }


def _install_checks(app: Flask) -> None:
    """Checks each request in this order: our host, a session, a page of ours, a form of ours, access."""
    app.before_request(_require_own_host)
    sessions.install(app)
    app.before_request(_require_own_page)
    uploads.install(app)
    # The report page needs no cookie: its code is the whole authority, and no browser sends that by itself.
    CSRFProtect(app).exempt(report.blueprint)
    app.before_request(access.require_access)


def _require_own_host() -> Response | None:
    # For a foreign host no page can be rendered, not even an error page: Flask cannot build addresses then.
    if isinstance(request.routing_exception, SecurityError):
        note_refusal(Refusal.HOST)
        return Response("This is not the address of the panel.", 400, mimetype="text/plain")
    return None


def _require_own_page() -> None:
    # The browser itself says where a request comes from (Fetch Metadata); older ones send no such header.
    if request.method not in ("GET", "HEAD") and request.headers.get("Sec-Fetch-Site", "same-origin") not in (
        "same-origin",
        "none",
    ):
        note_refusal(Refusal.SITE)
        raise BadRequest


def _seconds_left() -> int:
    if current_user.session is None:
        return 0
    return max(0, int((current_user.session.ends_at - now()).total_seconds()))


def _install_context(app: Flask) -> None:
    @app.context_processor
    def context() -> dict[str, object]:
        return {
            "me": current_user.session if sessions.is_signed_in() else None,
            "may": access.may,
            "language": i18n.language(),
            "flashes": flashes.flashes_of_page,
            "today": today,
            "sign_label": button_labels.sign_label,
            "new_idempotency_key": idempotent_forms.new_idempotency_key,
            "session_ends_in": _seconds_left(),
            "static": lambda name: url_for("static", filename=name),
        }
