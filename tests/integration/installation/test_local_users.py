"""The rules that keep other people of the machine from our ports, in a network of their own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import ROOT
from workbench.processes import PATIENCE

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("nft") is None, reason="needs root, and Debian's nftables"
)

SERVICE, PANEL, PAGE = 8701, 8702, 8703
_ROOT, _PROSODY, _NGINX = 0, 1, 33
_DYNAMIC = (61184, 65519)  # the first and the last number that systemd gives to a DynamicUser=
_PEOPLE = (1000, 59999, 65534)

# Listens on all ports, and tells as whom which of them can be reached.
_TRY = """
import encodings.idna, json, os, socket, sys
servers = [socket.create_server(("127.0.0.1", port)) for port in json.loads(sys.argv[1])]
def reaches(port):
    try:
        with socket.create_connection(("127.0.0.1", port)):
            return True
    except ConnectionRefusedError:
        return False
for user in json.loads(sys.argv[2]):
    os.seteuid(user)
    print(json.dumps([port for port in json.loads(sys.argv[1]) if reaches(port)]))
    os.seteuid(0)
"""


def reachable(rules: Path, users: tuple[int, ...]) -> dict[int, list[int]]:
    """Returns which ports each of these users reaches under those rules."""
    done = subprocess.run(  # noqa: S603 - our own command line
        [
            *("unshare", "--net", "sh", "-ec", 'nft -f "$0"; ip link set lo up; exec "$@"', str(rules)),
            *(sys.executable, "-c", _TRY, json.dumps([SERVICE, PANEL, PAGE]), json.dumps(users)),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return dict(zip(users, map(json.loads, done.stdout.splitlines()), strict=True))


def test_each_port_has_its_own_program(tmp_path: Path) -> None:
    """Nobody else can tell the page an address, or keep the service busy; the page reaches the service."""
    text = (ROOT / "deploy/nftables.conf.example").read_text()
    rules = tmp_path / "rules"
    rules.write_text(text.replace("{ root, prosody,", f"{{ root, {_PROSODY},"))  # Prosody may not be here

    found = reachable(rules, (_ROOT, _PROSODY, _NGINX, *_DYNAMIC, *_PEOPLE))

    assert found == {
        _ROOT: [SERVICE, PANEL, PAGE],
        _PROSODY: [SERVICE],
        _NGINX: [PANEL, PAGE],
        **{user: [SERVICE] for user in _DYNAMIC},
        **{user: [] for user in _PEOPLE},
    }
