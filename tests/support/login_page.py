"""Runs the real login page beside a real service, and asks it as browsers and attackers do."""

import contextlib
import http.client
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlencode

from bs4 import BeautifulSoup
from sqlalchemy import select

from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt
from tests.support.factories import make_organiser
from tests.support.login_server import Organisers, enrol_organisers
from workbench.page import LoginPage
from workbench.processes import PATIENCE, free_port
from workbench.service import Service

MEETING = {"room": "Physik-7b", "roomSafe": "physik-7b", "config.prejoinConfig.enabled": False}
ACCESS = "/_authbridge/auth"

OPERATOR = "Medienzentrum <Nord> & Süd"
TELEPHONE = "Telefon 07131 123-0"
_TEXTS = {
    "sender.de.md": f"# {OPERATOR}\n\nAllee 12\n74072 Heilbronn\n\n{TELEPHONE}\n",
    "logo.svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 1"><path d="M0 0h3v1H0Z"/></svg>',
}


def path_of(state: Mapping[str, object] | str = MEETING, language: str = "") -> str:
    """Returns the path with that state, as Jitsi's page writes it."""
    text = state if isinstance(state, str) else json.dumps(state)
    return f"{ACCESS}?{urlencode({'state': text} | ({'language': language} if language else {}))}"


@dataclass(frozen=True, slots=True)
class Sent:
    """An answer of the page."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def html(self) -> BeautifulSoup:
        """Returns the page."""
        return BeautifulSoup(self.body, "html.parser")

    @property
    def text(self) -> str:
        """Returns the text that a person reads, on one line."""
        return " ".join(self.html.get_text(" ").split())

    @property
    def title(self) -> str:
        """Returns what the window is called."""
        return "" if self.html.title is None else self.html.title.get_text()


@dataclass(frozen=True)
class LoginPageServer:
    """A login page, the service that it asks, and one organiser for each way a login can go."""

    service: Service
    page: LoginPage
    organisers: Organisers

    @cached_property
    def database(self) -> Database:
        """The database of the service, which the page does not know."""
        return Database(self.service.database_url)

    def issue(self) -> IssuedCredential:
        """Adds an organiser."""
        return make_organiser(self.database)

    def ask(
        self, path: str, method: str = "GET", fields: Mapping[str, str] | bytes | None = None, **headers: str
    ) -> Sent:
        """Sends one request; in the names of headers "_" stands for "-"."""
        connection = http.client.HTTPConnection("127.0.0.1", self.page.port, timeout=PATIENCE)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            if fields is None:
                connection.request(method, path, headers=named)
            else:
                body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                connection.request(method, path, body, {**form, "Sec-Fetch-Site": "same-origin", **named})
            answer = connection.getresponse()
            return Sent(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def log_in(
        self, username: str, password: str, *, path: str = "", shared: bool = False, **headers: str
    ) -> Sent:
        """Sends the form as a browser does."""
        ticked = {"shared": "yes"} if shared else {}
        fields = {"username": username, "password": password, **ticked}
        return self.ask(path or path_of(), "POST", fields, **headers)

    def journal(self) -> list[tuple[str, str | None]]:
        """Returns transport and address of each login on record."""
        with self.database.read_session() as session:
            query = select(LoginAttempt.transport, LoginAttempt.ip).order_by(LoginAttempt.id)
            return [(transport, ip) for transport, ip in session.execute(query)]

    def logs(self) -> str:
        """Returns all that page and service have written."""
        return self.page.log.read_text() + self.service.log.read_text()


@contextlib.contextmanager
def open_login_page(folder: Path, template: Path) -> Iterator[LoginPageServer]:
    """Starts both in that folder over a copy of the SQLite file ``template``, with texts of an operator.

    The address of the meetings has another name than the page, and leads to it too.
    """
    service = Service(folder / "service", bcrypt_cost=4)
    shutil.copy(template, service.folder / "authbridge.db")
    texts = folder / "letters"
    texts.mkdir()
    for name, text in _TEXTS.items():
        (texts / name).write_text(text)
    port = free_port()
    page = LoginPage(service, port, meet_url=f"http://localhost:{port}", letter_dir=texts)
    with contextlib.ExitStack() as running:
        running.callback(service.stop)
        service.start()
        running.callback(page.stop)
        page.start()
        server = LoginPageServer(service, page, enrol_organisers(service))
        running.callback(server.database.engine.dispose)
        yield server
