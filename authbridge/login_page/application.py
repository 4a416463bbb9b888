"""Puts the login page together: settings, languages, headers, error pages, views."""

from flask import Flask

from authbridge.config import PageConfig
from authbridge.login_page import error_pages, headers, languages, views
from authbridge.login_page.asking import AuthService

PREFIX = "/_authbridge"
_MAX_FORM = 8 * 1024  # bytes; a name, a password, a tick
_STATIC_AGE = 3600  # seconds


def create_login_page(config: PageConfig, service: AuthService) -> Flask:
    """Returns the application, which asks that service."""
    app = Flask(__name__, static_url_path=f"{PREFIX}/static")
    app.config.update(
        MAX_CONTENT_LENGTH=_MAX_FORM, MAX_FORM_MEMORY_SIZE=_MAX_FORM, SEND_FILE_MAX_AGE_DEFAULT=_STATIC_AGE
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    languages.install(app)
    headers.install(app, config.meet_url)
    error_pages.install(app)
    views.install(app, config, service, prefix=PREFIX)
    return app
