"""Who is measured: our service behind a real Prosody, and on the same Prosody those it is compared with."""

import hashlib
import hmac
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from authbridge.audit import Actor
from authbridge.config import read_config
from authbridge.login.passwords import Hasher
from authbridge.login.scram_keys import ScramKey
from authbridge.login.typed_passwords import StoredPassword
from authbridge.login.usernames import Username
from authbridge.schools.commands.imports import ImportedCredential, import_organisers
from authbridge.schools.commands.organisers import IssuedCredential, issue_organisers, make_passwords
from authbridge.schools.commands.schools import add_school
from authbridge.storage import schema
from authbridge.storage.database import Database
from workbench import CACHE, ROOT
from workbench.processes import StartError
from workbench.prosody import GENERATIONAL, Prosody, unpacked_versions
from workbench.service import Service

FOLDER = CACHE / "bench"
VERSIONS = tuple(unpacked_versions()[:2])  # one beside the other

ACCEPTING, HASHED, SLOW, OBVIOUS = "accepting.test", "hashed.test", "slow.test", "obvious.test"
MEMBER = IssuedCredential(Username("member"), "vpgd-kxwj-rhms")  # of the hosts that are not ours
CROWD = 300  # organisers
MEMBERS = [IssuedCredential(Username(f"member{number:03}"), MEMBER.password) for number in range(CROWD)]

_PEERS = ROOT / "bench" / "prosody_mod"
_ACTOR = Actor("cli:bench")
_SCHOOL = "bench"
_BATCH = 5000  # names in one question to SQLite


@dataclass
class HostedProsody(Prosody):
    """A Prosody with several VirtualHosts, so that the noise of the machine hits all of them alike."""

    @classmethod
    def of(
        cls,
        version: str,
        hosts: Mapping[str, Mapping[str, object]],
        *,
        name: str = "prosody",
        modules: Path = ROOT / "prosody_mod",
        gc: str = GENERATIONAL,
    ) -> Self:
        """Those hosts besides the two that ask nobody; the accounts that Prosody itself keeps are there.

        ``name`` tells several of a version apart, ``modules`` is the folder of our module, ``gc`` the line
        for the garbage collector.
        """
        own: dict[str, Mapping[str, object]] = {
            ACCEPTING: {"authentication": "accept"},
            HASHED: {"authentication": "internal_hashed"},
        }
        prosody = cls(
            version,
            FOLDER / f"{name}-{version}",
            own | dict(hosts),
            module_folders=(modules, _PEERS),
            storage="internal",
            gc=gc,
        )
        prosody.register(HASHED, MEMBER)
        return prosody

    def register(self, host: str, credential: IssuedCredential) -> None:
        """Makes an account of Prosody's own, and those of the crowd as copies; while it does not run."""
        self.write_config()
        command = ["lua5.4", str(self.prosodyctl), "--config", str(self.config), "register"]
        done = subprocess.run(  # noqa: S603 - our own command line
            [*command, credential.username, host, credential.password],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            message = f"prosodyctl register: {done.stdout}{done.stderr}"
            raise StartError(message)
        accounts = self.folder / "data" / host.replace(".", "%2e") / "accounts"
        for member in MEMBERS:  # by the command, 300 of them take two minutes
            shutil.copy(accounts / f"{credential.username}.dat", accounts / f"{member.username}.dat")


@dataclass
class HostedService(Service):
    """Our service, answering for a host of its own."""

    @classmethod
    def of(
        cls,
        name: str,
        cost: int,
        database_url: str = "",
        *,
        settings: Mapping[str, str] | None = None,
        supervised: bool = False,
    ) -> Self:
        """The service with that bcrypt cost; its host is named after it."""
        return cls(
            FOLDER / f"service-{name}",
            database_url,
            bcrypt_cost=cost,
            host=f"{name}.test",
            settings=settings or {},
            supervised=supervised,
        )

    def create_database(self) -> None:
        """The tables and a school."""
        database = Database(self.database_url)
        schema.upgrade(database)
        with database.write_session() as session:
            add_school(session, _SCHOOL, "Bench", quota=5000, actor=_ACTOR, now=datetime.now(UTC))
        database.engine.dispose()

    def _hasher(self) -> Hasher:
        return Hasher.with_quick_checks(self.bcrypt_cost, read_config(self.environ).secret_key)

    def issue(self, count: int) -> Iterator[IssuedCredential]:
        """Organisers for one login each, so that nothing that is remembered of a login speeds up the next."""
        passwords = make_passwords(1, self._hasher()) * count  # one hash, not hundreds
        database = Database(self.database_url)
        with database.write_session() as session:
            issued = issue_organisers(
                session, _SCHOOL, passwords, valid_until=None, actor=_ACTOR, now=datetime.now(UTC)
            )
        database.engine.dispose()
        return iter(issued)

    def take_over(self, count: int, *, as_key: bool) -> Iterator[IssuedCredential]:
        """Organisers with one password from elsewhere, as a Prosody's key or as the hash that replaced it."""
        stored = _scram_key() if as_key else self._hasher().hash(MEMBER.password, generated=False)
        names = [Username(f"{'key' if as_key else 'hash'}{number:06}") for number in range(count)]
        database = Database(self.database_url)
        with database.write_session() as session:
            lines = [ImportedCredential(0, _SCHOOL, name, stored) for name in names]
            import_organisers(session, lines, actor=_ACTOR, now=datetime.now(UTC))
        database.engine.dispose()
        return (IssuedCredential(name, MEMBER.password) for name in names)

    def issue_many(self, count: int) -> list[IssuedCredential]:
        """Tens of thousands, for which drawing names would take minutes."""
        password = make_passwords(1, self._hasher())[0]
        names = [Username(f"m{number:06}") for number in range(count)]
        database = Database(self.database_url)
        for first in range(0, count, _BATCH):
            batch = names[first : first + _BATCH]
            lines = [ImportedCredential(0, _SCHOOL, name, password.stored) for name in batch]
            with database.write_session() as session:
                import_organisers(session, lines, actor=_ACTOR, now=datetime.now(UTC))
        database.engine.dispose()
        return [IssuedCredential(name, password.plain) for name in names]


def _scram_key() -> StoredPassword:
    """What Prosody keeps of the password: 10,000 rounds, and the text of a UUID as salt."""
    salt = b"1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
    salted = hashlib.pbkdf2_hmac("sha1", MEMBER.password.encode(), salt, 10_000)
    stored_key = hashlib.sha1(hmac.digest(salted, b"Client Key", "sha1")).digest()  # noqa: S324 - of SCRAM
    return StoredPassword(ScramKey.of_account(stored_key, salt, 10_000).as_text(), generated=False)
