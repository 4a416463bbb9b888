"""The applications of gunicorn, a factory each.

``wsgi:api()`` for Prosody, ``wsgi:panel()`` for staff, ``wsgi:login()`` for organisers.
Each is built in the process that serves it; no process holds two of them.
"""

import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from authbridge import nightly, retention, service_log
from authbridge.api import Api, retention_of, services_of
from authbridge.config import read_api_token, read_config, read_page_config
from authbridge.errors import AuthBridgeError, ConfigError
from authbridge.login import rejections
from authbridge.login.cache_memfd import open_memory
from authbridge.login.password_cache import layout_of
from authbridge.login.process_memory import forbid_dumps
from authbridge.page_tokens.tokens import Tokens
from authbridge.statistics import counting
from authbridge.storage import schema

if TYPE_CHECKING:
    from flask import Flask


def api() -> Api:
    """Builds the API, and starts the threads beside it."""
    with _errors_ending_the_process():
        _prepare()
        config = read_config(os.environ)
        layout = layout_of(config.limits, remember=config.remember_credentials)
        services = services_of(config, open_memory(os.environ, layout))
        schema.require_current(services.database)
        retention.start(
            services.database, clock=services.clock, retention=retention_of(config), limits=config.limits
        )
        nightly.start(services.database, config, clock=services.clock)
        rejections.start(services.rejections, services.database)
        counting.start(services.database, clock=services.clock, timezone=services.timezone)
        token = read_api_token(config)
        tokens = Tokens(config.secret_key, api_token=token, host=config.xmpp_host)
        app = Api(services, tokens, token=token)
        gc.collect()
        gc.freeze()  # what is there now stays; collecting it again and again costs logins milliseconds
        return app


def panel() -> "Flask":
    """Builds the panel."""
    with _errors_ending_the_process():
        from admin.serving import build_panel  # noqa: PLC0415 - the API's process loads no Flask, no WeasyPrint

        _prepare()
        return build_panel(read_config(os.environ))


def login() -> "Flask":
    """Builds the login page."""
    with _errors_ending_the_process():
        from authbridge.login_page import AuthService, create_login_page  # noqa: PLC0415 - likewise

        _prepare()
        config = read_page_config(os.environ)
        service = AuthService(config.api_bind, host=config.xmpp_host, api_token=config.api_token)
        return create_login_page(config, service)


def _prepare() -> None:
    service_log.start(os.environ)
    for library in ("alembic", "flask_wtf"):  # flask_wtf logs each forged form, and scanners send thousands
        logging.getLogger(library).setLevel(logging.WARNING)
    forbid_dumps()


@contextmanager
def _errors_ending_the_process() -> Iterator[None]:
    try:
        yield
    except AuthBridgeError as error:
        sys.stderr.write(f"authbridge: {error}\n")
        # With these two codes gunicorn gives up as well; after any other it would start workers for ever.
        sys.exit(3 if isinstance(error, ConfigError) else 4)
