"""A panel over a real database, with a clock that the test moves and members of staff of each role."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jinja2
import pytest
from flask import Flask

from admin import create_app
from admin.panel import Panel
from admin.session.cookies import SESSION_COOKIE
from admin.stores.service_health import ServiceHealth
from authbridge.config import Config, read_config
from authbridge.letters import read_letterhead
from authbridge.login.hashing_queue import HashingQueue
from authbridge.login.password_cache import PasswordCache
from authbridge.login.passwords import Hasher
from authbridge.staff import sessions as staff_sessions
from authbridge.staff.encryption import StaffEncryption
from authbridge.staff.members import get_staff
from authbridge.staff.sign_in import SignInServices
from authbridge.storage.database import Database
from authbridge.storage.models import Base, Role, SessionStage, StaffSession, table_of
from tests.factories import HASHER, HOST, KEYED_HASHES, LIMITS, SECRET_KEY
from tests.fakes import FakeClock
from tests.panel.browsing import URL, Browser
from workbench.processes import free_port
from workbench.staff import Member, enrol_member

Rows = dict[str, list[tuple[object, ...]]]


class AtOnce(Executor):
    """Works in the thread that asks, so that a page is never shown before it is ready."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """Does it now."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@dataclass(frozen=True, slots=True)
class Office:
    """A panel with its staff: what a story needs."""

    app: Flask
    panel: Panel
    clock: FakeClock
    members: Mapping[Role, Member]

    @property
    def database(self) -> Database:
        """Where everything is kept."""
        return self.panel.database

    def browser(self, role: Role | None = None) -> Browser:
        """A new browser; with a role, of somebody who is signed in (both factors shown just now)."""
        browser = Browser(self.app.test_client(), self.clock)
        if role is not None:
            with self.database.write_session() as session:
                staff = get_staff(session, self.members[role].name)
                token = staff_sessions.open_session(
                    session, staff.id, stage=SessionStage.SIGNED_IN, user_agent=None, now=self.clock()
                )
            browser.put_cookie(SESSION_COOKIE, token)
        return browser

    def rows(self, *but: type[Base]) -> Rows:
        """All that is in the database, but those tables."""
        left_out = {table_of(model).name for model in but}
        with self.database.read_session() as session:
            return {
                table.name: [tuple(row) for row in session.execute(table.select())]
                for table in Base.metadata.sorted_tables
                if table.name not in left_out
            }


@dataclass(frozen=True, slots=True)
class Furnishing:
    """What is made once for all tests: a database with staff, and a place for compiled templates."""

    database: Path
    members: Mapping[Role, Member]
    templates: jinja2.BytecodeCache


@dataclass(frozen=True, slots=True)
class Founder:
    """Opens panels over that database; each is another process."""

    url: str
    folder: Path
    furnishing: Furnishing
    opened: list[Office] = field(default_factory=list)

    def open(self, *, clock: FakeClock | None = None, hasher: Hasher = HASHER, **others: object) -> Office:
        """A panel; ``others`` are parts of it or settings in capitals."""
        environ = {name: str(value) for name, value in others.items() if name.isupper()}
        parts = {name: value for name, value in others.items() if not name.isupper()}
        config = make_config(self.url, self.folder, environ)
        services = make_services(Database(self.url), config, clock or FakeClock(), hasher)
        panel = Panel(
            config=config,
            sign_in=services,
            hasher=hasher,
            service_health=ServiceHealth(config.api_bind),
            issuers=AtOnce(),
        )
        panel = replace(panel, **parts)  # type: ignore[arg-type]  # whatever the test names
        app = create_app(panel, url=URL)
        app.jinja_env.bytecode_cache = self.furnishing.templates
        assert isinstance(services.clock, FakeClock)
        self.opened.append(Office(app, panel, services.clock, self.furnishing.members))
        return self.opened[-1]

    def close(self) -> None:
        """Ends them all."""
        for office in self.opened:
            office.panel.issuers.shutdown()
            office.panel.hashers.shutdown()
            office.database.engine.dispose()


@pytest.fixture(scope="session", autouse=True)
def keep_letterhead() -> Iterator[None]:
    """The texts that ship are read once for all tests; it takes a fifth of a second, twice an order."""
    shipped = read_letterhead(None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "admin.issuing.read_letterhead",
            lambda folder: shipped if folder is None else read_letterhead(folder),
        )
        yield


@pytest.fixture(name="furnishing", scope="session")
def furnish(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Furnishing:
    """A member of staff of each role, in a database to copy."""
    folder = tmp_path_factory.mktemp("furnishing")
    path = folder / "staffed.db"
    shutil.copy(sqlite_template, path)
    url = f"sqlite:///{path}"
    services = make_services(Database(url), make_config(url, folder), FakeClock(), HASHER)
    members = {role: enrol_member(services, f"{role}-anna", role) for role in Role}
    with services.database.write_session() as session:
        session.query(StaffSession).delete()  # those in which they enrolled
    services.database.engine.dispose()
    return Furnishing(path, members, jinja2.FileSystemBytecodeCache(str(folder)))


@pytest.fixture(name="founder")
def make_founder(tmp_path: Path, furnishing: Furnishing) -> Iterator[Founder]:
    """Opens panels over one fresh SQLite file."""
    with found(tmp_path, furnishing) as founder:
        yield founder


@pytest.fixture(name="office")
def open_office(founder: Founder) -> Office:
    """The panel over SQLite, with a member of staff of each role."""
    return founder.open()


@pytest.fixture(name="lasting", scope="module")
def open_lasting_office(furnishing: Furnishing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One panel for all tests of a file that leave nothing behind."""
    with found(tmp_path_factory.mktemp("lasting"), furnishing) as founder:
        yield founder.open()


@contextmanager
def found(folder: Path, furnishing: Furnishing, url: str | None = None) -> Iterator[Founder]:
    """Panels over one database: that of the address, or a fresh SQLite file in the folder."""
    if url is None:
        shutil.copy(furnishing.database, folder / "authbridge.db")
    founder = Founder(url or f"sqlite:///{folder / 'authbridge.db'}", folder, furnishing)
    yield founder
    founder.close()


def make_services(database: Database, config: Config, clock: FakeClock, hasher: Hasher) -> SignInServices:
    """What a sign-in needs."""
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
    """The settings of a panel; nobody listens where the auth service should."""
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
