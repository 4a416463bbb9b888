"""A service on another machine: behind nginx as deploy/ has it, with a certificate that Prosody checks."""

import asyncio
import json
import signal
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.support.auth_server import AuthServer, open_auth_server
from tests.support.login_server import NEWER, VERSIONS, login
from tests.support.nginx import Nginx
from workbench import ROOT
from workbench.processes import PATIENCE
from workbench.prosody import HOST, Prosody, external

SITE = "service"
TEMPORARY = "temporary-auth-failure"
_OF_ITS_PLACE = ("listen ", "server_name ", "ssl_certificate")


@dataclass(frozen=True, slots=True)
class OtherMachine:
    """The service, and nginx before it."""

    auth: AuthServer
    nginx: Nginx

    @property
    def url(self) -> str:
        """Returns the address at which Prosody asks."""
        return f"https://localhost:{self.nginx.ports[SITE]}"

    @property
    def authority(self) -> Path:
        """Returns the file of the authority that has signed the certificate: itself."""
        return self.nginx.folder / "site.crt"

    def prosody(self, version: str, folder: Path, *, believes: bool = True) -> Prosody:
        """Returns a Prosody that asks there; ``believes``: it knows the authority."""
        more = f'client_https_ssl = {{ cafile = "{self.authority}" }}' if believes else ""
        options = external(self.url, self.auth.service.token_file)
        return Prosody(version, folder, {HOST: options}, more=more)


def _site(allowed: str, port: int) -> str:
    text = (ROOT / "deploy/nginx/service.conf").read_text()
    lines = text.rpartition("\nserver {")[2].rpartition("}")[0].splitlines()
    kept = [line for line in lines if not line.strip().startswith(_OF_ITS_PLACE)]
    return "\n".join(kept).replace("198.51.100.10", allowed).replace("127.0.0.1:8701", f"127.0.0.1:{port}")


@pytest.fixture(name="machine", scope="module")
def run_machine(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[OtherMachine]:
    """Runs both; nginx lets this machine in."""
    folder = tmp_path_factory.mktemp("machine")
    with open_auth_server(folder / "service", sqlite_template) as auth:
        sites = {SITE: _site("127.0.0.1", auth.service.port), "closed": _site("192.0.2.1", auth.service.port)}
        nginx = Nginx(folder, sites, encrypted=frozenset(sites))
        try:
            nginx.start()
            yield OtherMachine(auth, nginx)
        finally:
            nginx.stop()


@pytest.mark.parametrize("version", VERSIONS)
async def test_logins_and_the_feed_go_over_https(machine: OtherMachine, version: str, tmp_path: Path) -> None:
    """An organiser is let in, and ended by a suspension."""
    prosody = machine.prosody(version, tmp_path)
    prosody.start()
    try:
        who = machine.auth.issue()
        assert await login(prosody, "tcp", who.username, who.password) == "success"
        machine.auth.suspend(who.username)
        await machine.auth.effect(who.username)
        assert await login(prosody, "tcp", who.username, who.password) == "account-disabled"
    finally:
        prosody.stop()


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_certificate_that_nobody_vouches_for_is_not_asked(
    machine: OtherMachine, version: str, tmp_path: Path
) -> None:
    """Nobody gets in, and the log says why."""
    prosody = machine.prosody(version, tmp_path, believes=False)
    prosody.start()
    try:
        who = machine.auth.issue()
        assert await login(prosody, "tcp", who.username, who.password) == TEMPORARY
        assert "certificate" in prosody.log.read_text()
    finally:
        prosody.stop()


async def test_a_service_that_is_frozen_behind_nginx_is_noticed(
    machine: OtherMachine, tmp_path: Path
) -> None:
    """Prosody tells by the silence about its health; once it is awake, logins succeed by themselves."""
    prosody = machine.prosody(NEWER, tmp_path)
    prosody.start()
    who = machine.auth.issue()
    process = machine.auth.service.process
    try:
        assert await login(prosody, "tcp", who.username, who.password) == "success"
        process.signal(signal.SIGSTOP)
        assert await login(prosody, "tcp", who.username, who.password) == TEMPORARY
        process.signal(signal.SIGCONT)
        deadline = time.monotonic() + PATIENCE
        while await login(prosody, "tcp", who.username, who.password) != "success":
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    finally:
        process.signal(signal.SIGCONT)
        prosody.stop()


def test_nginx_lets_through_what_prosody_needs_and_nobody_else(machine: OtherMachine) -> None:
    """Neither the metrics, nor machines that are not listed."""
    context = ssl.create_default_context(cafile=machine.authority)

    def status(site: str, path: str) -> int:
        url = f"https://localhost:{machine.nginx.ports[site]}{path}"
        try:
            with urllib.request.urlopen(url, context=context, timeout=PATIENCE) as answer:
                json.load(answer)
                code: int = answer.status
                return code
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert [status(SITE, path) for path in ("/healthz", "/v1/revocations", "/metrics")] == [
        HTTPStatus.OK,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.NOT_FOUND,
    ]
    assert status("closed", "/healthz") == HTTPStatus.FORBIDDEN
