"""The API as gunicorn serves it, with the threads that run beside the logins."""

import gc
import os
from collections.abc import Mapping
from datetime import timedelta

from authbridge import nightly, retention
from authbridge.api import Api
from authbridge.clock import utc_now
from authbridge.config import Config, read_api_token
from authbridge.login import alarms, rejections
from authbridge.login.authenticate import LoginServices
from authbridge.login.cache_memfd import open_memory
from authbridge.login.cache_memory import CacheMemory
from authbridge.login.hashing_queue import HashingQueue
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.password_cache import PasswordCache, layout_of
from authbridge.login.passwords import Hasher
from authbridge.page_tokens.tokens import Tokens
from authbridge.statistics import counting
from authbridge.storage import schema
from authbridge.storage.database import Database

_MOST_HASHES = 16  # at once: thirty owners of one school, all being hashed, would look like thirty failures


def build_api(config: Config, environ: Mapping[str, str]) -> Api:
    """Builds the application over its database, and starts the threads; ``environ`` names the password cache.

    Raises:
        ConfigError: The token cannot be read.
        StorageError: The database cannot be read, or has another version's tables.
    """
    layout = layout_of(config.limits, remember=config.remember_credentials)
    services = _services_of(config, open_memory(environ, layout))
    schema.require_current(services.database)
    retention.start(
        services.database,
        clock=services.clock,
        retention=timedelta(days=config.retention_days),
        limits=config.limits,
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


def _services_of(config: Config, cache_memory: CacheMemory) -> LoginServices:
    """Makes the services that a login needs in production; takes the time of one hash."""
    hasher = Hasher.with_quick_checks(config.bcrypt_cost, config.secret_key)
    cores = len(os.sched_getaffinity(0))
    slots = min(cores, _MOST_HASHES)
    return LoginServices(
        database=Database(config.database_url, durable=False),
        hasher=hasher,
        clock=utc_now,
        timezone=config.timezone,
        host=config.xmpp_host,
        limits=config.limits,
        keyed_hashes=KeyedHashes(config.secret_key),
        password_cache=PasswordCache(
            config.limits, remember=config.remember_credentials, memory=cache_memory
        ),
        hashing_queue=HashingQueue(slots, typical=hasher.measure()),
        run_later=alarms.after_the_answer(),
    )
