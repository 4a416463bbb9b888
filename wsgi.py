"""The applications of gunicorn, a factory each.

``wsgi:api()`` for Prosody, ``wsgi:panel()`` for staff, ``wsgi:login()`` for organisers.
Each is built in the process that serves it; no process holds two of them.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from authbridge import service_log
from authbridge.config import read_config, read_page_config
from authbridge.errors import AuthBridgeError, ConfigError
from authbridge.login.process_memory import forbid_dumps

if TYPE_CHECKING:
    from flask import Flask

    from authbridge.api import Api

# What one of them alone needs is imported where it is built: the API's process loads no Flask and no
# WeasyPrint, that of the login page nothing that leads to a database, to hashes or to keys.


def api() -> "Api":
    """Builds the API, and starts the threads beside it."""
    with _errors_ending_the_process():
        from authbridge.serving import build_api  # noqa: PLC0415 - see above

        _prepare()
        return build_api(read_config(os.environ), os.environ)


def panel() -> "Flask":
    """Builds the panel."""
    with _errors_ending_the_process():
        from admin.serving import build_panel  # noqa: PLC0415 - see above

        _prepare()
        return build_panel(read_config(os.environ))


def login() -> "Flask":
    """Builds the login page."""
    with _errors_ending_the_process():
        from authbridge.login_page import AuthService, create_login_page  # noqa: PLC0415 - see above

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
