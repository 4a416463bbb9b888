"""A stock Jitsi's Prosody, once mended by the doctor, lets organisers in through the service."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from authbridge.machine.mending import mend
from authbridge.machine.setup import Setup
from tests.support.jitsi_machine import HOST
from tests.support.login_server import VERSIONS, enrol_organisers, make_client
from tests.support.prosody_machine import lay_machine
from workbench.processes import PATIENCE
from workbench.prosody import Prosody
from workbench.service import Service

_FOLDERS = ("etc/prosody", "etc/authbridge", "usr/share/jitsi-meet", "opt/authbridge")
_HERE = """\
run_as_root = {as_root}
data_path = "{folder}/data"; pidfile = "{folder}/prosody.pid"; admin_socket = "{folder}/prosody.sock"
log = {{ info = "{folder}/prosody.log" }}
interfaces = {{ "127.0.0.1" }}; http_interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s_port} }}; http_ports = {{ {http_port} }}
https_ports = {{}}; c2s_direct_tls_ports = {{}}; s2s_ports = {{}}
http_default_host = "{host}" -- as nginx names it
"""


@dataclass
class ProsodyOfMachine(Prosody):
    """A Prosody that reads the files of a tree, told only of its ports and of where the tree lies."""

    root: Path = Path()

    def write_config(self) -> None:
        """Copies the files with the tree's place in front of their paths."""
        shutil.rmtree(self.folder / "conf.d", ignore_errors=True)
        of_tree = self.root / "etc/prosody"
        for path in [of_tree / "prosody.cfg.lua", *of_tree.glob("conf.avail/*")]:
            text = re.sub(rf'"/({"|".join(_FOLDERS)})', rf'"{self.root}/\1', path.read_text())
            copy = self.folder / str(path.relative_to(of_tree)).replace("conf.avail", "conf.d")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text)
        here = _HERE.format(
            as_root=str(os.geteuid() == 0).lower(),
            folder=self.folder,
            c2s_port=self.c2s_port,
            http_port=self.http_port,
            host=HOST,
        )
        (self.folder / "data").mkdir(exist_ok=True)
        (self.folder / "conf.d/zz-here.cfg.lua").write_text(here)

    def faults(self) -> set[str]:
        """What Prosody itself finds in its configuration."""
        self.write_config()
        done = subprocess.run(  # noqa: S603 - our own command line
            ["lua5.4", str(self.prosodyctl), "--config", str(self.config), "check", "config"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return {line.strip() for line in (done.stdout + done.stderr).splitlines()}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_stock_jitsi_once_mended(version: str, tmp_path: Path, sqlite_template: Path) -> None:
    """Its real Prosody reads the files, lets an organiser in over both transports, and no wrong password."""
    service = Service(tmp_path / "service", bcrypt_cost=4, host=HOST)
    shutil.copy(sqlite_template, service.folder / "authbridge.db")
    root = tmp_path / "machine"
    root.mkdir()
    machine = lay_machine(root, version)
    for link in (root / "etc/prosody/certs").iterdir():
        target = root / str(link.readlink()).lstrip("/")
        link.unlink()
        link.symlink_to(target)
    prosody = ProsodyOfMachine(version, tmp_path / "prosody", {}, root=root)
    before = prosody.faults()

    shutil.copy(service.token_file, root / "etc/authbridge/api-token")
    setup = Setup(host=HOST, api_url=service.url)
    mend(machine, setup, by="doctor")
    assert prosody.faults() - before == set()

    try:
        service.start()
        prosody.start()
        organiser = enrol_organisers(service).active
        for transport in ("bosh", "websocket"):
            assert await login(prosody, transport, organiser.password, organiser.username) == "success"
            assert await login(prosody, transport, "bcdf-ghjk-mnpq", organiser.username) == "not-authorized"
            async with make_client(prosody, transport, setup.guest_host) as guest:
                assert (await guest.login_anonymously()).condition == "success"
    finally:
        prosody.stop()
        service.stop()


async def login(prosody: Prosody, transport: str, password: str, username: str) -> str:
    """Logs in at the host of the organisers; returns "success" or the SASL condition."""
    async with make_client(prosody, transport, HOST) as client:
        return (await client.login(username, password)).condition
