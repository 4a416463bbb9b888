"""The applications that gunicorn serves: ``gunicorn wsgi:api`` for Prosody's questions."""

import gc
import logging
import os
import sys

from authbridge import denials, schema, upkeep
from authbridge.api import Api, retention_of, setting_of
from authbridge.config import read_config
from authbridge.errors import AuthBridgeError
from authbridge.memory import forbid_dumps


def _build_api() -> Api:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    forbid_dumps()
    config = read_config(os.environ)
    setting = setting_of(config)
    schema.require_current(setting.database)
    upkeep.start(setting.database, clock=setting.clock, retention=retention_of(config), limits=config.limits)
    denials.start(setting.denials, setting.database)
    app = Api(config, setting)
    gc.collect()
    gc.freeze()  # what is there now stays; searching it for garbage again and again costs logins milliseconds
    return app


def __getattr__(name: str) -> Api:
    # Built when asked for: the process that serves one application never holds the other.
    if name != "api":
        raise AttributeError(name)
    try:
        return _build_api()
    except AuthBridgeError as error:
        sys.exit(f"authbridge: {error}")
