"""Accounts of a former Prosody: the password in hand is right, first by Prosody's key, then by our hash."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from tests.support.login_server import VERSIONS, LoginServer, login, open_login_server
from workbench.prosody import Prosody

HOSTS = {
    "sha-1.test": {"authentication": "internal_hashed", "password_hash": "SHA-1"},
    "sha-256.test": {"authentication": "internal_hashed", "password_hash": "SHA-256"},
    "plain.test": {"authentication": "internal_plain"},
}
PASSWORDS = {
    "plain": "Sommerferien",
    "umlauts": "Grüße aus Łódź ß",
    "blanks": "  zwei  Wörter ",
    "marks": "\"';]]--\\%s\\n$(x)",
    "composed": "A\u0308rger \u212b \u00bd",  # SASLprep changes these
}
BCRYPT, SCRAM = "$2b$04$", "$scram-"


@pytest.fixture(name="version", scope="module", params=VERSIONS)
def choose_version(request: pytest.FixtureRequest) -> str:
    """Either version, of the former Prosody and of the present one."""
    version: str = request.param
    return version


@pytest.fixture(name="data", scope="module")
def make_accounts(version: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a Prosody in which ``prosodyctl`` has made the accounts."""
    folder = tmp_path_factory.mktemp("former")
    prosody = Prosody(version, folder, HOSTS, storage="internal", extra_modules=("admin_shell",))
    prosody.start()
    for host in HOSTS:
        hash_name = host.partition(".")[0]
        for name, password in PASSWORDS.items():
            prosody.shell("user", "create", f"{hash_name}.{name}@{host}", password)
    prosody.shell("user", "create", "focus@sha-1.test", "geheim")
    if version != "0.12":
        prosody.shell("user", "disable", "sha-1.plain@sha-1.test")
    prosody.stop()
    return folder / "data"


@pytest.fixture(name="server", scope="module")
def take_over(
    version: str, data: Path, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[LoginServer]:
    """A Prosody that asks our service, which has taken the accounts over."""
    folder = tmp_path_factory.mktemp("present")
    with open_login_server(version, folder, sqlite_template, bcrypt_cost=4) as server:
        for host in HOSTS:
            said = server.service.command("import-prosody", str(data), "--host", host, "--school", "ohg")
            assert said.startswith(f"Taken over: {len(PASSWORDS)}.")
        yield server


def hashes(server: LoginServer) -> dict[str, str]:
    """The beginning of what is stored of each password."""
    with closing(connect(server.service.folder / "authbridge.db")) as database:
        return dict(database.execute("SELECT username, substr(password_hash, 1, 7) FROM organisers"))


async def test_everybody_keeps_the_password(version: str, server: LoginServer) -> None:
    """The first login replaces Prosody's key, a wrong password does not; who was disabled is suspended."""
    names = {f"{host.partition('.')[0]}.{name}": word for host in HOSTS for name, word in PASSWORDS.items()}
    kept = {name: BCRYPT if name.startswith("plain.") else SCRAM for name in names}
    assert {name: hashes(server)[name] for name in names} == kept

    wrong = {name: await login(server.prosody, "tcp", name, f"{word}x") for name, word in names.items()}
    assert set(wrong.values()) == {"not-authorized"}
    assert {name: hashes(server)[name] for name in names} == kept

    disabled = set() if version == "0.12" else {"sha-1.plain"}
    expected = {name: "account-disabled" if name in disabled else "success" for name in names}
    moved = {name: kept[name] if name in disabled else BCRYPT for name in names}
    for _ in ("by Prosody's key", "by ours"):
        told = {name: await login(server.prosody, "tcp", name, word) for name, word in names.items()}
        assert told == expected
        assert {name: hashes(server)[name] for name in names} == moved

    waiting = json.loads(server.service.command("organiser", "list", "ohg", "--not-come", "--json"))
    assert {each["username"] for each in waiting} == disabled
