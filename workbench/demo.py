"""``make run``: a demo school, our services and a real Prosody on loopback, and logins as the proof."""

import argparse
import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from authbridge.audit import Actor
from authbridge.config import read_config
from authbridge.login.passwords import Hasher
from authbridge.schools.commands.organisers import IssuedCredential, issue_organisers, make_passwords
from authbridge.schools.commands.schools import add_school
from authbridge.schools.commands.suspensions import suspend
from authbridge.schools.suspendable import ORGANISER
from authbridge.staff.sign_in import sign_in_services_of
from authbridge.storage import schema
from authbridge.storage.database import Database
from authbridge.storage.models import Role, SuspensionReason
from workbench import CACHE
from workbench.page import FORM, LoginPage, opens_session
from workbench.panel import Panel
from workbench.processes import StartError, is_listening
from workbench.prosody import HOST, Prosody, external, unpacked_versions
from workbench.service import Service
from workbench.staff import Member, enrol_member
from workbench.xmpp import Client, Outcome, TcpTransport

_ACTOR = Actor("cli:demo")
_PORTS = ("api", "panel", "page", "xmpp", "http")
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DemoError(Exception):
    """Raised when the demo cannot go on; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the demo listens."""

    api: int
    panel: int
    page: int
    xmpp: int
    http: int

    @property
    def folder(self) -> Path:
        """Where this demo keeps its database, secrets and logs; two demos do not meet there."""
        return CACHE / f"demo-{self.api}"

    def require_free(self) -> None:
        """Raises :class:`DemoError` for a port that somebody else uses."""
        for name, port in (
            ("API_PORT", self.api),
            ("PANEL_PORT", self.panel),
            ("PAGE_PORT", self.page),
            ("XMPP_PORT", self.xmpp),
            ("HTTP_PORT", self.http),
        ):
            if is_listening(port):
                message = (
                    f"Port {port} is taken, perhaps by another “make run”.\n"
                    f"End that one, or choose another port: make run {name}={port + 1000}"
                )
                raise DemoError(message)


@dataclass(frozen=True, slots=True)
class Cast:
    """The two organisers of the demo school, and who may use the panel."""

    active: IssuedCredential
    suspended: IssuedCredential = field(repr=False)
    member: Member


def main() -> int:
    """Runs the demo until it is interrupted; returns the exit code."""
    try:
        ports = _read_ports()
        ports.require_free()
        with _end_on_signals() as wakeup, contextlib.ExitStack() as running:
            _run(ports, running)
            wakeup.recv(1)
    except KeyboardInterrupt:
        print("\nEnded; nothing is left running.")
        return 0
    except (DemoError, StartError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def _run(ports: Ports, running: contextlib.ExitStack) -> None:
    shutil.rmtree(ports.folder, ignore_errors=True)
    service = Service(ports.folder, port=ports.api, supervised=True)
    panel = Panel(service, port=ports.panel)
    page = LoginPage(service, port=ports.page)
    with _step("Demo school with two organisers, one of them suspended"):
        cast = _prepare(service)
    with _step("Auth service"):
        running.callback(service.stop)
        service.start()
    with _step("Panel"):
        running.callback(panel.stop)
        panel.start()
    with _step("Login page"):
        running.callback(page.stop)
        page.start()
    prosody = Prosody(
        unpacked_versions()[0],
        ports.folder / "prosody",
        {HOST: external(service.url, service.token_file, external_auth_page=True)},
        c2s_port=ports.xmpp,
        http_port=ports.http,
    )
    with _step("Prosody"):
        running.callback(prosody.stop)
        prosody.start()
    with _step("Login of both through Prosody"):
        seconds = asyncio.run(_prove(ports, cast))
    with _step("Login at the page, whose token opens a session"):
        _prove_page(ports, cast.active, page)
    environment = _write_environment(panel)
    _tell(ports, cast, seconds, environment)


def _prepare(service: Service) -> Cast:
    config = read_config(service.environ)
    database = Database(config.database_url)
    schema.upgrade(database)
    passwords = make_passwords(2, Hasher.with_quick_checks(config.bcrypt_cost, config.secret_key))
    now = datetime.now(UTC)
    with database.write_session() as session:
        add_school(
            session,
            "ohg",
            "Otto-Hahn-Gymnasium",
            actor=_ACTOR,
            now=now,
            street="Schulstraße 1",
            place="12345 Musterstadt",
            contract_on=now.date(),
        )
        active, suspended = issue_organisers(
            session, "ohg", passwords, valid_until=None, actor=_ACTOR, now=now
        )
        suspend(
            session, ORGANISER, suspended.username, reason=SuspensionReason.LETTER_LOST, actor=_ACTOR, now=now
        )
    member = enrol_member(sign_in_services_of(config, database), "demo", Role.ADMIN)
    database.engine.dispose()
    return Cast(active, suspended, member)


async def _prove(ports: Ports, cast: Cast) -> float:
    started = time.perf_counter()
    outcome = await _login(ports, cast.active)
    seconds = time.perf_counter() - started
    if outcome.condition != "success":
        message = f"The organiser was told {outcome.condition}. See {_shown(ports.folder)}."
        raise DemoError(message)
    outcome = await _login(ports, cast.suspended)
    if outcome.condition != "account-disabled":
        message = f"The suspended organiser was told {outcome.condition}. See {_shown(ports.folder)}."
        raise DemoError(message)
    return seconds


def _prove_page(ports: Ports, credential: IssuedCredential, page: LoginPage) -> None:
    token = page.log_in(credential.username, credential.password)
    if token is None or not opens_session(ports.http, token):
        message = f"The token of the login page opened no session. See {_shown(ports.folder)}."
        raise DemoError(message)


async def _login(ports: Ports, credential: IssuedCredential) -> Outcome:
    async with Client(TcpTransport(ports.xmpp, HOST), HOST) as client:
        return await client.login(credential.username, credential.password)


def _write_environment(panel: Panel) -> Path:
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in panel.environ.items()]
    lines.append('authbridge() { .venv/bin/python -m authbridge "$@"; }\n')
    path = panel.service.folder / "env.sh"
    path.write_text("".join(lines))
    return path


def _tell(ports: Ports, cast: Cast, seconds: float, environment: Path) -> None:
    print(
        f"""
All is well: {cast.active.username} logged in through a real Prosody in {seconds * 1000:.0f} ms
because AuthBridge said so. {cast.suspended.username} typed the right password too and was told
account-disabled, because that access is suspended.

    Anmeldename: {cast.active.username}    Passwort: {cast.active.password}
    Anmeldename: {cast.suspended.username}    Passwort: {cast.suspended.password}    (suspended)

The login page, the second door: http://127.0.0.1:{ports.page}{FORM}
    It leads on to the meeting, with a token that this Prosody takes; the demo has no page of Jitsi's.

The panel of the media centre's staff: http://127.0.0.1:{ports.panel}/
    Name: {cast.member.name}    Passwort: {cast.member.password}
    Second step: one of these codes, each works once
    {"    ".join(cast.member.recovery_codes[:3])}
    or the code of an authenticator app with the key {cast.member.secret}

Host {HOST}; XMPP 127.0.0.1:{ports.xmpp}; BOSH http://127.0.0.1:{ports.http}/http-bind; WebSocket ws://127.0.0.1:{ports.http}/xmpp-websocket

In a second terminal, in this folder:
    . {_shown(environment)}
    authbridge organiser list
    authbridge lockout list
    authbridge reinstate organiser {cast.suspended.username}
    .venv/bin/python -m workbench.login {cast.suspended.username} --port {ports.xmpp}

Ctrl-C ends all of it.""",
        flush=True,
    )


@contextlib.contextmanager
def _step(title: str) -> Iterator[None]:
    started = time.perf_counter()
    print(f"{title} … ", end="", flush=True)
    yield
    print(f"ready ({time.perf_counter() - started:.1f} s)", flush=True)


def _shown(path: Path) -> str:
    return str(path.relative_to(CACHE.parent))


def _read_ports() -> Ports:
    parser = argparse.ArgumentParser(prog="workbench.demo")
    for name in _PORTS:
        parser.add_argument(f"--{name}-port", type=int, required=True)
    arguments = parser.parse_args()
    return Ports(**{name: getattr(arguments, f"{name}_port") for name in _PORTS})


@contextlib.contextmanager
def _end_on_signals() -> Iterator[socket.socket]:
    """Yields a socket that can be read from when a signal came, which then raises :class:`KeyboardInterrupt`.

    A signal that comes just before ``signal.pause()``, or in another thread, would not end the pause.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)  # what is under way ends in order
        raise KeyboardInterrupt

    ours, theirs = socket.socketpair()
    with ours, theirs:
        os.set_blocking(theirs.fileno(), False)
        signal.set_wakeup_fd(theirs.fileno())
        for number in _ENDING:
            signal.signal(number, end)
        try:
            yield ours
        finally:
            signal.set_wakeup_fd(-1)


if __name__ == "__main__":
    sys.exit(main())
