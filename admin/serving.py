"""The panel as gunicorn serves it, with what it does besides answering."""

from functools import partial

from flask import Flask

from admin import create_app
from admin.health import Health
from admin.panel import Panel
from authbridge import background
from authbridge.config import Config
from authbridge.errors import ConfigError
from authbridge.login.passwords import Hasher
from authbridge.staff import sessions
from authbridge.staff.sign_in import sign_in_setting_of
from authbridge.storage import schema
from authbridge.storage.database import Database

_SWEEP = 5  # seconds; so long at most are passwords kept that nobody may see any more


def build_panel(config: Config) -> Flask:
    """The application; raises :class:`authbridge.errors.ConfigError` and ``StorageError``."""
    if config.panel_url is None:
        raise ConfigError("AUTHBRIDGE_PANEL_URL is not set: for example https://panel.example.org.")
    database = Database(config.database_url)
    schema.require_current(database)
    panel = Panel(
        config=config,
        sign_in=sign_in_setting_of(config, database),
        hasher=Hasher(config.bcrypt_cost),
        health=Health(config.api_bind),
    )
    background.run_periodically("slips", partial(sweep, panel), every=_SWEEP, after_failure=_SWEEP)
    return create_app(panel, url=config.panel_url)


def sweep(panel: Panel) -> None:
    """Wipes what nobody may see any more."""
    now = panel.clock()
    panel.codes.sweep(now=now)
    owners = panel.slips.owners()
    if not owners:
        return
    with panel.database.read_session() as session:
        alive = sessions.alive(session, owners, now=now)
    panel.slips.sweep(alive, now=now)
