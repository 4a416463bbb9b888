"""A real Prosody with our module, of any version that is unpacked, on loopback."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench import CACHE, ROOT
from workbench.processes import PATIENCE, Process, StartError, free_port, is_listening

HOST = "meet.test"

_ENABLED = ("saslauth", "tls", "disco", "ping", "posix", "http", "bosh", "websocket")

GENERATIONAL = 'gc = { mode = "generational" }'  # as `authbridge prosody-config` prints it

_CONFIG = """\
{gc}
run_as_root = {as_root}
data_path = "{folder}/data"; certificates = "{folder}/data"; pidfile = "{folder}/prosody.pid"
plugin_paths = {modules}
log = {{ {{ levels = {{ min = "{log_level}" }}, to = "file", filename = "{folder}/prosody.log" }} }}
interfaces = {{ "127.0.0.1" }}; http_interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s_port} }}; http_ports = {{ {http_port} }}
https_ports = {{}}; c2s_direct_tls_ports = {{}}; s2s_ports = {{}}
modules_disabled = {{ "s2s", "offline" }}
admin_socket = "{folder}/prosody.sock"
c2s_require_encryption = false; allow_unencrypted_plain_auth = true
consider_bosh_secure = true; consider_websocket_secure = true
trusted_proxies = {{ "127.0.0.1", "::1" }}; http_default_host = "{host}"
storage = "{storage}"; network_backend = "epoll"
modules_enabled = {enabled}
{more}
"""


@dataclass
class Prosody:
    """One Prosody in a folder of its own.

    ``version`` is one of :func:`unpacked_versions`; ``hosts`` are the VirtualHosts with their options, the
    first one answers HTTP requests under any name; ``components`` the same, each with the module that it is;
    ``gc`` is the line for its garbage collector, if any; ``more`` are lines outside of all hosts.
    """

    version: str
    folder: Path
    hosts: Mapping[str, Mapping[str, object]]
    module_folders: Sequence[Path] = (ROOT / "prosody_mod",)
    log_level: str = "info"
    storage: str = "memory"
    extra_modules: Sequence[str] = ()
    gc: str = GENERATIONAL
    more: str = ""
    components: Mapping[str, tuple[str, Mapping[str, object]]] = field(default_factory=dict)
    c2s_port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        tree = CACHE / "prosody" / self.version
        self.prosodyctl = tree / "usr/bin/prosodyctl"
        self.config = self.folder / "prosody.cfg.lua"
        self._process = Process(
            ["lua5.4", str(tree / "usr/bin/prosody"), "--config", str(self.config), "-F"],
            log=self.folder / "prosody.out",
            own_log=self.log,
        )

    @property
    def log(self) -> Path:
        """Returns the path of its own log."""
        return self.folder / "prosody.log"

    @property
    def process(self) -> Process:
        """Returns its process."""
        return self._process

    @property
    def pid(self) -> int:
        """Returns its process id."""
        return self._process.pid

    def start(self) -> None:
        """Starts it and returns when it accepts clients; raises :class:`StartError`."""
        if shutil.which("lua5.4") is None:
            message = "lua5.4 is not installed"
            raise StartError(message)
        self.write_config()
        self._process.start()
        self._process.await_ready(lambda: is_listening(self.c2s_port) and is_listening(self.http_port))

    def write_config(self) -> None:
        """Writes the configuration that the next start reads."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        head = _CONFIG.format(
            gc=self.gc,
            as_root=_lua(os.geteuid() == 0),
            folder=self.folder,
            modules=_lua([str(folder) for folder in self.module_folders]),
            log_level=self.log_level,
            c2s_port=self.c2s_port,
            http_port=self.http_port,
            host=next(iter(self.hosts)),
            storage=self.storage,
            enabled=_lua([*_ENABLED, *self.extra_modules]),
            more=self.more,
        )
        hosts = [
            _host_lines(f"VirtualHost {_lua(host)}", options) for host, options in self.hosts.items()
        ] + [
            _host_lines(f"Component {_lua(host)} {_lua(module)}", options)
            for host, (module, options) in self.components.items()
        ]
        self.config.write_text(head + "".join(hosts))

    def shell(self, *arguments: str) -> str:
        """Runs one command of Prosody's admin shell; needs ``admin_shell`` among the modules."""
        done = subprocess.run(  # noqa: S603 - our own command line
            ["lua5.4", str(self.prosodyctl), "--config", str(self.config), "shell", *arguments],  # noqa: S607
            env={**os.environ, "COLUMNS": "200"},  # or else it cuts its tables short
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        return done.stdout

    def stop(self) -> None:
        """Ends it."""
        self._process.stop()

    def kill(self) -> None:
        """Kills it with SIGKILL."""
        self._process.kill()


def unpacked_versions() -> list[str]:
    """Returns what ``workbench/install.sh`` has unpacked, oldest first: ``0.12`` or ``13``, and later ones.

    Raises:
        StartError: There is none.
    """
    trees = sorted(stamp.parent.name for stamp in (CACHE / "prosody").glob("*/.stamp"))
    if not trees:
        message = "No Prosody is unpacked here: run “bash workbench/install.sh test”."
        raise StartError(message)
    return trees


def external(url: str | list[str], token_file: Path, **options: object) -> dict[str, object]:
    """Returns the options of a host that asks our service."""
    return {
        "authentication": "external",
        "external_auth_url": url,
        "external_auth_token_file": str(token_file),
        **options,
    }


def _host_lines(head: str, options: Mapping[str, object]) -> str:
    lines = [f"  {name} = {_lua(value)}\n" for name, value in options.items()]
    return f"\n{head}\n{''.join(lines)}"


def _lua(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case list():
            return "{ " + ", ".join(map(_lua, value)) + " }"
        case _:
            return str(value)
