"""The panel of the media centre's staff: Flask, server-rendered, closed by default."""

import hashlib
import hmac
from urllib.parse import urlsplit

from flask import Flask, Response, g, request, url_for
from flask_login import LoginManager
from flask_wtf import CSRFProtect
from werkzeug.exceptions import BadRequest, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix

from admin.panel import EXTENSION, Panel
from admin.session import access, sessions
from admin.stores import idempotent_forms
from admin.views import account, credentials, entry, organisers, overview, schools, staff
from admin.web import error_pages, headers, i18n, responses
from authbridge.config import Config
from authbridge.staffsessions import Visit

_BLUEPRINTS = (entry, overview, schools, organisers, credentials, staff, account)
_MOST_BYTES = 64 * 1024  # of a form


def create_app(panel: Panel, *, url: str) -> Flask:
    """The application; ``url`` is the public address, without a path."""
    app = Flask(__name__)
    app.extensions[EXTENSION] = panel
    app.config.update(_settings(panel.config, url))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.session_interface = sessions.CookieSessions()
    if url.startswith("https:"):
        # nginx on this machine stands before it, and overwrites the header (deploy/nginx/panel.conf).
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    i18n.install(app, panel.config)
    headers.install(app)
    error_pages.install(app)
    _install_entry(app)
    _install_context(app)
    for module in _BLUEPRINTS:
        app.register_blueprint(module.blueprint)
    return app


def _settings(config: Config, url: str) -> dict[str, object]:
    return {
        "SECRET_KEY": hmac.digest(config.secret_key, b"panel", hashlib.sha256),
        "TRUSTED_HOSTS": [urlsplit(url).hostname],
        "MAX_CONTENT_LENGTH": _MOST_BYTES,
        "MAX_FORM_MEMORY_SIZE": _MOST_BYTES,
        # A token is as old as its session at most; browsers send no referrer, because we ask them not to.
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "SEND_FILE_MAX_AGE_DEFAULT": 3600,
    }


def _install_entry(app: Flask) -> None:
    """In this order: is it for us, who is it, is it a form of ours, and may they."""
    app.before_request(_require_own_host)
    app.before_request(sessions.load_visit)
    app.before_request(_require_own_page)
    CSRFProtect(app)
    logins = LoginManager(app)
    logins.request_loader(sessions.member_of)
    app.before_request(access.require_access)


def _require_own_host() -> Response | None:
    # Of a foreign host no page can be made, not even that of an error: Flask knows no addresses then.
    if isinstance(request.routing_exception, SecurityError):
        return Response("This is not the address of the panel.", 400, mimetype="text/plain")
    return None


def _require_own_page() -> None:
    # What the browser itself says of where a request comes from (Fetch Metadata); older ones say nothing.
    if request.method not in ("GET", "HEAD") and request.headers.get("Sec-Fetch-Site", "same-origin") not in (
        "same-origin",
        "none",
    ):
        raise BadRequest


def _seconds_left(visit: Visit | None) -> int:
    if visit is None:
        return 0
    return max(0, int((visit.ends_at - sessions.now()).total_seconds()))


def _install_context(app: Flask) -> None:
    @app.context_processor
    def context() -> dict[str, object]:
        visit = g.get("visit")
        return {
            "me": visit if sessions.is_signed_in() else None,
            "may": access.may,
            "language": i18n.language(),
            "take_notices": responses.take_notices,
            "nonce": idempotent_forms.new_nonce,
            "session_ends_in": _seconds_left(visit),
            "static": lambda name: url_for("static", filename=name),
        }
