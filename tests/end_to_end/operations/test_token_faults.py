"""The token of Prosody and the service is missing, empty, unreadable or another one: closed, and named."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.login_server import (
    NEWER_FIRST,
    Organisers,
    enrol_organisers,
    login,
    make_client,
)
from workbench import ROOT
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service

CLOSED = "invalid-mechanism"  # no way to log in is offered; Jitsi says that it cannot connect
TEMPORARY = "temporary-auth-failure"


def remove(token: Path) -> None:
    """Somebody has tidied up."""
    token.unlink()


def empty(token: Path) -> None:
    """The disk was full when it was written."""
    token.write_text("")


def forbid(token: Path) -> None:
    """It cannot be read, as a folder cannot even by root."""
    token.unlink()
    token.mkdir()


def renew(token: Path) -> None:
    """It is another one than the service has."""
    token.write_text("o" * 64)


# What Prosody tells a teacher, and its log the administrator.
FAULTS: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "missing": (remove, CLOSED, "external_auth_token_file names a file that Prosody cannot read"),
    "empty": (empty, CLOSED, "external_auth_token_file must hold one word of at least 32 characters"),
    "unreadable": (forbid, CLOSED, "external_auth_token_file names a file that Prosody cannot read"),
    "other": (renew, TEMPORARY, "the service refused the token of external_auth_token_file"),
}


@dataclass(frozen=True, slots=True)
class Hosts:
    """A Prosody with a host for each fault, and the service that all of them ask."""

    service: Service
    prosody: Prosody
    organisers: Organisers
    tokens: dict[str, Path]


@pytest.fixture(name="hosts", params=NEWER_FIRST)
def run_hosts(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[Hosts]:
    """Runs both; the first host, on which all is well, is the one that the service answers for."""
    service = Service(tmp_path / "service", bcrypt_cost=4)
    shutil.copy(sqlite_template, service.folder / "authbridge.db")
    tokens = {f"{name}.test": tmp_path / f"token-{name}" for name in FAULTS}
    options = {HOST: external(service.url, service.token_file)}
    for (host, token), (fault, _, _) in zip(tokens.items(), FAULTS.values(), strict=True):
        shutil.copy(service.token_file, token)
        fault(token)
        options[host] = external(service.url, token, external_auth_node=host)
    prosody = Prosody(request.param, tmp_path / "prosody", options)
    organisers = enrol_organisers(service)
    with contextlib.ExitStack() as running:
        running.callback(service.stop)
        service.start()
        running.callback(prosody.stop)
        prosody.start()
        yield Hosts(service, prosody, organisers, tokens)


async def test_a_prosody_with_a_wrong_token_lets_nobody_in(hosts: Hosts) -> None:
    """Its log names the option, never the token; other hosts go on, and with the right file all is well."""
    service, prosody, active = hosts.service, hosts.prosody, hosts.organisers.active
    for name, (_, told, _) in FAULTS.items():
        for transport in ("tcp", "bosh"):  # a WebSocket is closed as soon as it is opened
            async with make_client(prosody, transport, f"{name}.test") as client:
                assert (await client.login(active.username, active.password)).condition == told, name
    assert await login(prosody, "tcp", active.username, active.password) == "success"
    log = prosody.log.read_text()
    assert [name for name, (_, _, words) in FAULTS.items() if words not in log] == []
    assert service.token_file.read_text() not in log
    assert "o" * 64 not in log

    prosody.stop()
    refused = prosody.log.read_text().count("refused the token")  # of the news too, at any moment until now
    for token in hosts.tokens.values():
        with contextlib.suppress(IsADirectoryError, FileNotFoundError):
            token.unlink()
        if token.is_dir():
            token.rmdir()
        shutil.copy(service.token_file, token)
    prosody.start()
    told_now = set()
    for host in hosts.tokens:
        async with make_client(prosody, "tcp", host) as client:
            told_now.add((await client.login(active.username, active.password)).condition)
    # Each is let through to the service, which answers for its own host alone.
    assert told_now == {TEMPORARY}
    assert prosody.log.read_text().count("refused the token") == refused


@pytest.mark.parametrize(
    "fault", ["missing", *(pytest.param(each, marks=pytest.mark.soak) for each in ("empty", "unreadable"))]
)
def test_a_service_without_its_token_says_so_and_ends(
    fault: str, tmp_path: Path, sqlite_template: Path
) -> None:
    """With the setting and the file, not what is in it; systemd tries again, so it heals by itself."""
    service = Service(tmp_path / "service", bcrypt_cost=4)
    shutil.copy(sqlite_template, service.folder / "authbridge.db")
    good = service.token_file.read_text()
    FAULTS[fault][0](service.token_file)
    done = subprocess.run(
        [sys.executable, "-m", "authbridge", "serve"],
        env=os.environ | service.environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert f"AUTHBRIDGE_API_TOKEN_FILE names {service.token_file}" in done.stderr
    assert good not in done.stderr

    if service.token_file.is_dir():
        service.token_file.rmdir()
    service.token_file.write_text(good)
    service.start()
    service.stop()
