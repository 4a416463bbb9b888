"""No password, token or hash is in any log, process list, exception or audit row."""

import base64
import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from authbridge.clock import utc_now
from authbridge.login.usernames import Username
from authbridge.schools.commands.imports import ImportedCredential, import_organisers
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, LoginAttempt, Organiser
from tests.support.factories import ACTOR, HASHER, make_school
from tests.support.login_server import TRANSPORTS, VERSIONS, login
from tests.support.scripted_service import http_answer, scripted_service, writing
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service

NAME = "frau.marker"
RIGHT = "Right-MARKER-1"
WRONG = "Wrong-MARKER-2"
AS_NAME = "typed-marker-3"  # a password in the name field; Prosody lower-cases it


@dataclass(frozen=True, slots=True)
class WatchedLogins:
    """A service with one imported organiser, and the Prosody that asks it."""

    service: Service
    prosody: Prosody

    @property
    def secrets(self) -> list[str]:
        """Everything that must not be seen, also as it stands in SASL PLAIN."""
        token = self.service.token_file.read_text()
        key = (self.service.folder / "secret-key").read_text()
        return [RIGHT, WRONG, AS_NAME, token, key, "$2b$", *(_plain(word) for word in (RIGHT, WRONG))]


def _plain(password: str) -> str:
    return base64.b64encode(f"\0{NAME}\0{password}".encode()).decode().rstrip("=")[4:-4]


@pytest.fixture(name="watched", params=VERSIONS)
def run_prosody_at_debug_level(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path
) -> Iterator[WatchedLogins]:
    """Prosody logs everything, so that our own lines are judged even at debug level."""
    service = Service(tmp_path / "service", bcrypt_cost=4)
    shutil.copy(sqlite_template, service.folder / "authbridge.db")
    database = Database(service.database_url)
    make_school(database)
    with database.write_session() as session:
        credential = ImportedCredential(2, "ohg", Username(NAME), HASHER.hash(RIGHT, generated=False))
        import_organisers(session, [credential], actor=ACTOR, now=utc_now())
    database.engine.dispose()
    prosody = Prosody(
        request.param,
        tmp_path / "prosody",
        {HOST: external(service.url, service.token_file)},
        log_level="debug",
    )
    with contextlib.ExitStack() as running:
        running.callback(service.stop)
        service.start()
        running.callback(prosody.stop)
        prosody.start()
        yield WatchedLogins(service, prosody)


async def test_nothing_secret_is_to_be_seen(watched: WatchedLogins) -> None:
    """After logins that go well, badly, and into a broken service."""
    prosody, service = watched.prosody, watched.service
    for transport in TRANSPORTS:
        assert await login(prosody, transport, NAME, RIGHT) == "success"
        assert await login(prosody, transport, NAME, WRONG) == "not-authorized"
        assert await login(prosody, transport, AS_NAME, WRONG) == "not-authorized"
    processes = _processes()
    service.stop()
    async with scripted_service(service.port, writing(lambda _: http_answer(b"rubbish " + RIGHT.encode()))):
        assert await login(prosody, "tcp", NAME, RIGHT) == "temporary-auth-failure"
    assert await login(prosody, "tcp", NAME, RIGHT) == "temporary-auth-failure"

    seen = {
        "service log": service.log.read_text(),
        "Prosody's output": "started\n" + (prosody.folder / "prosody.out").read_text(),
        "Prosody's log at info level": _lines(prosody, without_level="debug"),
        "our module's log at debug level": _lines(prosody, logger="auth_external"),
        "Prosody's HTTP client at debug level": _lines(prosody, logger="http"),
        "process list": processes,
        "audit and journal": _database_text(service),
    }
    for place, text in seen.items():
        assert text, place
        for secret in watched.secrets:
            assert secret not in text, place
    assert _lines(prosody, logger="auth_external").count("granted") == 3
    # The search works: at debug level, Prosody's own mod_bosh writes whole request bodies.
    assert _plain(RIGHT) in prosody.log.read_text()


def _lines(prosody: Prosody, *, without_level: str = "", logger: str = "") -> str:
    # Each line is: date <space> logger <tab> level <tab> words.
    lines = [line.split("\t") for line in prosody.log.read_text().splitlines() if line.count("\t") >= 2]
    return "\n".join(
        "\t".join(line)
        for line in lines
        if line[1] != without_level and (not logger or line[0].rpartition(" ")[2].endswith(logger))
    )


def _processes() -> str:
    texts = []
    for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - names are all we need
        for name in ("cmdline", "environ"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                texts.append(Path("/proc", pid, name).read_text(errors="replace"))
    return "\n".join(texts)


def _database_text(service: Service) -> str:
    database = Database(service.database_url)
    with database.read_session() as session:
        events = [(event.subject, event.detail) for event in session.scalars(select(AuditEvent))]
        attempts = [
            [getattr(attempt, column.key) for column in LoginAttempt.__table__.columns]
            for attempt in session.scalars(select(LoginAttempt))
        ]
        assert session.scalars(select(Organiser)).one().password_hash.startswith("$2b$")
    database.engine.dispose()
    return repr((events, attempts))
