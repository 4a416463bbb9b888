"""The panel as gunicorn serves it, with the sweep that runs beside the requests."""

import threading
from functools import partial

from flask import Flask

from admin import create_app
from admin.panel import Panel
from admin.stores.service_health import ServiceHealth
from authbridge import background
from authbridge.config import Config
from authbridge.errors import ConfigError
from authbridge.letters import paper
from authbridge.login.passwords import Hasher
from authbridge.staff import sessions as staff_sessions
from authbridge.staff.sign_in import sign_in_services_of
from authbridge.storage import schema
from authbridge.storage.database import Database

_SWEEP = 5  # seconds; passwords that nobody may see any more stay in memory so long at most


def build_panel(config: Config) -> Flask:
    """Builds the application over its database, and starts the sweep.

    Raises:
        ConfigError: A setting is missing.
        StorageError: The database cannot be read, or has another version's tables.
    """
    if config.panel_url is None:
        raise ConfigError("AUTHBRIDGE_PANEL_URL is not set: for example https://panel.example.org.")
    database = Database(config.database_url)
    schema.require_current(database)
    panel = Panel(
        config=config,
        sign_in=sign_in_services_of(config, database),
        hasher=Hasher.with_quick_checks(config.bcrypt_cost, config.secret_key),
        service_health=ServiceHealth(config.api_bind),
    )
    threading.Thread(target=paper.load, name="letters", daemon=True).start()
    background.run_periodically("handouts", partial(sweep, panel), every=_SWEEP, after_failure=_SWEEP)
    return create_app(panel, url=config.panel_url)


def sweep(panel: Panel) -> None:
    """Wipes the secrets that nobody may see any more."""
    now = panel.clock()
    for store in (
        panel.invitation_codes,
        panel.shown_report_codes,
        panel.block_receipts,
        panel.drafts,
        panel.late_forms,
        panel.challenges,
        panel.import_tables,
    ):
        store.sweep(now=now)
    owners = {handout.owner for handout in panel.handouts.all(now=now)}
    owners |= {table.owner for table in panel.import_tables.all(now=now)}
    owners |= panel.invitation_codes.owners(now=now) | panel.shown_report_codes.owners(now=now)
    if not owners:
        return
    with panel.database.read_session() as session:
        alive = staff_sessions.alive(session, owners, idle=panel.config.panel_idle, now=now)
    panel.handouts.sweep(alive, now=now)
    for owned in (panel.import_tables, panel.invitation_codes, panel.shown_report_codes):
        owned.sweep_sessions(alive, now=now)
