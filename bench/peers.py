"""Who is measured: our service behind a real Prosody, and on the same Prosody those it is compared with."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from authbridge import schema
from authbridge.audit import Actor
from authbridge.commands.organisers import IssuedCredential, issue_organisers, make_passwords
from authbridge.commands.schools import add_school
from authbridge.config import read_config
from authbridge.database import Database
from authbridge.passwords import Hasher
from workbench import CACHE, ROOT
from workbench.processes import Process, StartError, is_listening
from workbench.prosody import HOST, Prosody
from workbench.service import Service

FOLDER = CACHE / "bench"
VERSIONS = ("0.12", "13")

_MODULES = (ROOT / "prosody_mod", ROOT / "bench" / "prosody_mod")
_ACTOR = Actor("cli:bench")

_CONFIG = """\
run_as_root = {as_root}
data_path = "{folder}/data"; certificates = "{folder}/data"; pidfile = "{folder}/prosody.pid"
plugin_paths = {{ {modules} }}
log = {{ {{ levels = {{ min = "info" }}, to = "file", filename = "{folder}/prosody.log" }} }}
interfaces = {{ "127.0.0.1" }}; http_interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s_port} }}; http_ports = {{ {http_port} }}
https_ports = {{}}; c2s_direct_tls_ports = {{}}; s2s_ports = {{}}
modules_disabled = {{ "s2s", "offline" }}
admin_socket = "{folder}/prosody.sock"
c2s_require_encryption = false; allow_unencrypted_plain_auth = true
consider_bosh_secure = true; consider_websocket_secure = true
http_default_host = "{default_host}"
storage = "internal"; network_backend = "epoll"
modules_enabled = {{ "saslauth", "tls", "disco", "ping", "posix", "http", "bosh", "websocket" }}
"""


@dataclass
class Stage(Prosody):
    """A Prosody with several VirtualHosts, so that the noise of the machine hits all of them alike."""

    host_options: Mapping[str, object] = field(default_factory=dict)
    hosts: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def start(self) -> None:
        """Starts it and returns when it accepts clients; raises :class:`StartError`."""
        self.write_config()
        self._process.start()
        self._process.await_ready(lambda: is_listening(self.c2s_port) and is_listening(self.http_port))

    def write_config(self) -> None:
        """The configuration file."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        head = _CONFIG.format(
            as_root=json.dumps(os.geteuid() == 0),
            folder=self.folder,
            modules=", ".join(json.dumps(str(folder)) for folder in _MODULES),
            c2s_port=self.c2s_port,
            http_port=self.http_port,
            default_host=next(iter(self.hosts)),
        )
        self.config.write_text(head + "".join(map(_host_lines, self.hosts, self.hosts.values())))

    def register(self, host: str, credential: IssuedCredential) -> None:
        """Makes an account of Prosody's own; while it does not run."""
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


def _host_lines(host: str, options: Mapping[str, object]) -> str:
    # What JSON writes for a text, a number or a truth value, Lua reads.
    lines = [f"  {name} = {json.dumps(value)}\n" for name, value in options.items()]
    return f"\nVirtualHost {json.dumps(host)}\n{''.join(lines)}"


@dataclass
class HostedService(Service):
    """Our service, answering for a host of its own."""

    host: str = HOST

    def __post_init__(self) -> None:
        super().__post_init__()
        self.environ["AUTHBRIDGE_XMPP_HOST"] = self.host
        command = [sys.executable, "-m", "authbridge", "serve"]
        self._process = Process(command, log=self.log, environ=self.environ)

    def issue(self, count: int) -> Iterator[IssuedCredential]:
        """Organisers for one login each, so that nothing that is remembered of a login speeds up the next."""
        config = read_config(self.environ)
        database = Database(config.database_url)
        schema.upgrade(database)
        passwords = make_passwords(1, Hasher(config.bcrypt_cost)) * count  # one hash, not hundreds
        now = datetime.now(UTC)
        with database.writing() as session:
            add_school(session, "bench", "Bench", actor=_ACTOR, now=now)
            issued = issue_organisers(session, "bench", passwords, valid_until=None, actor=_ACTOR, now=now)
        database.engine.dispose()
        return iter(issued)
