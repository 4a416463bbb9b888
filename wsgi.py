"""The applications that gunicorn serves: ``wsgi:api`` for Prosody's questions, ``wsgi:panel`` for staff."""

import gc
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from authbridge import retention
from authbridge.api import Api, retention_of, services_of
from authbridge.config import read_api_token, read_config
from authbridge.errors import AuthBridgeError, ConfigError
from authbridge.login import rejections
from authbridge.login.password_cache import forbid_dumps
from authbridge.storage import schema

if TYPE_CHECKING:
    from flask import Flask


def _build_api() -> Api:
    _prepare()
    config = read_config(os.environ)
    services = services_of(config)
    schema.require_current(services.database)
    retention.start(
        services.database, clock=services.clock, retention=retention_of(config), limits=config.limits
    )
    rejections.start(services.rejections, services.database)
    app = Api(services, token=read_api_token(config))
    gc.collect()
    gc.freeze()  # what is there now stays; searching it for garbage again and again costs logins milliseconds
    return app


def _build_panel() -> "Flask":
    from admin.serving import build_panel  # noqa: PLC0415 - Flask and WeasyPrint are none of the API's business

    _prepare()
    return build_panel(read_config(os.environ))


def _prepare() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    for library in ("alembic", "flask_wtf"):  # which tells of each forged form; scanners send thousands
        logging.getLogger(library).setLevel(logging.WARNING)
    forbid_dumps()


_BUILDERS: dict[str, Callable[[], Api] | Callable[[], "Flask"]] = {"api": _build_api, "panel": _build_panel}


def __getattr__(name: str) -> "Api | Flask":
    # Built when asked for: the process that serves one application never holds the other.
    if name not in _BUILDERS:
        raise AttributeError(name)
    try:
        return _BUILDERS[name]()
    except AuthBridgeError as error:
        sys.stderr.write(f"authbridge: {error}\n")
        # After these two gunicorn gives up as well, with the same; after any other it would try for ever.
        sys.exit(3 if isinstance(error, ConfigError) else 4)
