"""A panel over a real database, with a clock that the test moves and members of staff of each role."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import jinja2
from flask import Flask

from admin import create_app
from admin.panel import EXTENSION, Panel
from admin.session.cookies import SESSION_COOKIE
from admin.stores.service_health import ServiceHealth
from authbridge.config import Config, read_config
from authbridge.login.hashing_queue import HashingQueue
from authbridge.login.password_cache import PasswordCache
from authbridge.login.passwords import Hasher
from authbridge.staff import sessions as staff_sessions
from authbridge.staff.encryption import StaffEncryption
from authbridge.staff.members import get_staff
from authbridge.staff.sign_in import SignInServices
from authbridge.storage.database import Database
from authbridge.storage.models import Base, Role, SessionStage, table_of
from tests.support.factories import HASHER, HOST, KEYED_HASHES, LIMITS, SECRET_KEY
from tests.support.fakes import FakeClock
from tests.support.panel.browser import URL, Browser
from workbench import CACHE
from workbench.processes import free_port
from workbench.staff import Member

_TEMPLATES = CACHE / "templates"  # compiled, like the modules in bytecode

Rows = dict[str, list[tuple[object, ...]]]


class InlineExecutor(Executor):
    """Runs a task in the thread that submits it, so that no page is shown before its task is done."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """Runs the task now."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@dataclass(frozen=True, slots=True)
class StaffedPanel:
    """A panel with one member of staff of each role, and a clock that the test moves."""

    app: Flask
    parts: Panel
    clock: FakeClock
    members: Mapping[Role, Member]

    @property
    def database(self) -> Database:
        """The database of this panel."""
        return self.parts.database

    def browser(self, role: Role | None = None) -> Browser:
        """Returns a new browser; with a role, one that is signed in, both factors shown just now."""
        browser = Browser(self.app.test_client(), self.clock)
        if role is not None:
            with self.database.write_session() as session:
                staff = get_staff(session, self.members[role].name)
                token = staff_sessions.open_session(
                    session, staff.id, stage=SessionStage.SIGNED_IN, user_agent=None, now=self.clock()
                )
            browser.put_cookie(SESSION_COOKIE, token)
        return browser

    def apart(self) -> Self:
        """Returns this panel with an application of its own, to which a test may add pages."""
        return replace(self, app=create_app(self.parts, url=URL))

    def rows(self, *but: type[Base]) -> Rows:
        """Returns all rows of the database by table, but those of the models named."""
        left_out = {table_of(model).name for model in but}
        with self.database.read_session() as session:
            return {
                table.name: [tuple(row) for row in session.execute(table.select())]
                for table in Base.metadata.sorted_tables
                if table.name not in left_out
            }


class Applications:
    """Lends applications: routes and templates of one take long to make, and hold nothing of a test."""

    def __init__(self) -> None:
        self._idle: list[tuple[Flask, Panel]] = []  # each with the panel that it had

    def lend(self, panel: Panel) -> Flask:
        """Returns an application that nobody else has, with that panel."""
        for number, (app, former) in enumerate(self._idle):
            if _settings_of(former) == _settings_of(panel):
                del self._idle[number]
                app.extensions[EXTENSION] = panel
                return app
        app = create_app(panel, url=URL)
        _TEMPLATES.mkdir(parents=True, exist_ok=True)
        app.jinja_env.bytecode_cache = jinja2.FileSystemBytecodeCache(str(_TEMPLATES))
        return app

    def take_back(self, app: Flask, panel: Panel) -> None:
        """Keeps an application for the next who asks."""
        self._idle.append((app, panel))


def _settings_of(panel: Panel) -> tuple[object, ...]:
    return panel.config.secret_key, panel.config.timezone  # all that an application itself reads


@dataclass(frozen=True, slots=True)
class StaffedTemplate:
    """A database with staff to copy, and applications; both are made once for all tests."""

    database: Path
    members: Mapping[Role, Member]
    applications: Applications


@dataclass(frozen=True, slots=True)
class PanelFactory:
    """Opens panels over one database; each stands for another process."""

    url: str
    folder: Path
    staffed_template: StaffedTemplate
    opened: list[StaffedPanel] = field(default_factory=list)

    def open(
        self, *, clock: FakeClock | None = None, hasher: Hasher = HASHER, **others: object
    ) -> StaffedPanel:
        """Opens a panel; ``others`` are its parts, or settings in capitals."""
        environ = {name: str(value) for name, value in others.items() if name.isupper()}
        parts = {name: value for name, value in others.items() if not name.isupper()}
        config = make_config(self.url, self.folder, environ)
        services = make_services(Database(self.url), config, clock or FakeClock(), hasher)
        panel = Panel(
            config=config,
            sign_in=services,
            hasher=hasher,
            service_health=ServiceHealth(config.api_bind),
            issuers=InlineExecutor(),
        )
        panel = replace(panel, **parts)  # type: ignore[arg-type]  # whatever the test names
        app = self.staffed_template.applications.lend(panel)
        assert isinstance(services.clock, FakeClock)
        self.opened.append(StaffedPanel(app, panel, services.clock, self.staffed_template.members))
        return self.opened[-1]

    def close(self) -> None:
        """Closes all panels that were opened."""
        for panel in self.opened:
            self.staffed_template.applications.take_back(panel.app, panel.parts)
            panel.parts.issuers.shutdown()
            panel.parts.hashers.shutdown()
            panel.database.engine.dispose()


@contextmanager
def panel_factory_in(
    folder: Path, staffed_template: StaffedTemplate, url: str | None = None
) -> Iterator[PanelFactory]:
    """Yields panels over the database of ``url``, or over a fresh SQLite file in the folder."""
    if url is None:
        shutil.copy(staffed_template.database, folder / "authbridge.db")
    panel_factory = PanelFactory(url or f"sqlite:///{folder / 'authbridge.db'}", folder, staffed_template)
    yield panel_factory
    panel_factory.close()


def make_services(database: Database, config: Config, clock: FakeClock, hasher: Hasher) -> SignInServices:
    """Returns what a sign-in needs."""
    return SignInServices(
        database=database,
        hasher=hasher,
        clock=clock,
        timezone=config.timezone,
        limits=LIMITS,
        keyed_hashes=KEYED_HASHES,
        encryption=StaffEncryption(SECRET_KEY),
        password_cache=PasswordCache(LIMITS, remember=False),
        hashing_queue=HashingQueue(2),
    )


def make_config(database_url: str, folder: Path, others: Mapping[str, str] | None = None) -> Config:
    """Returns the settings of a panel; no auth service listens at its address."""
    for name in ("api-token", "secret-key"):
        (folder / name).write_text(SECRET_KEY.decode())
    return read_config(
        {
            "AUTHBRIDGE_DATABASE_URL": database_url,
            "AUTHBRIDGE_API_TOKEN_FILE": str(folder / "api-token"),
            "AUTHBRIDGE_SECRET_KEY_FILE": str(folder / "secret-key"),
            "AUTHBRIDGE_XMPP_HOST": HOST,
            "AUTHBRIDGE_API_BIND": f"127.0.0.1:{free_port()}",
            "AUTHBRIDGE_PANEL_URL": URL,
            "AUTHBRIDGE_BCRYPT_COST": "4",
            **(others or {}),
        }
    )
