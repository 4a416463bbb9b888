"""A clone of this program, and a Jitsi machine as a tree of files."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from authbridge.installation.command import main
from authbridge.installation.program import files_of
from authbridge.machine.files import Machine
from authbridge.storage.migrations import NEWEST
from tests.support.jitsi_machine import HOST, lay_out
from tests.support.tree_system import TreeSystem
from workbench import ROOT

PANEL = "panel.example.org"
Install = Callable[..., int]

_NEXT = f"{int(NEWEST) + 1:04}"


ADDRESS = "203.0.113.77"
ADD_LOGIN = """
INSERT INTO login_attempts (at, request_id, ip, transport, node)
VALUES ('2026-11-20 07:55:00', 'q', '203.0.113.77', 'tcp', 'n')
"""


@pytest.fixture(name="next_clone")
def _next_clone(tmp_path: Path) -> Path:
    """A clone that a test may change: the next release."""
    clone = tmp_path / "clone"
    for name, source in files_of(ROOT):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, clone / name)
    (clone / "CHANGELOG.md").write_text("The next release.\n", encoding="utf-8")
    return clone


@pytest.fixture(name="light_clone")
def _light_clone(tmp_path: Path) -> Path:
    """A clone with the files that the installer itself reads."""
    clone = tmp_path / "light"
    for part in ("deploy", "authbridge/letters/default"):
        shutil.copytree(ROOT / part, clone / part)
    (clone / "wsgi.py").write_text("", encoding="utf-8")
    return clone


@pytest.fixture(name="machine")
def _machine(tmp_path: Path) -> Machine:
    """A Debian 13 machine with Jitsi's packages, and a certificate for the panel."""
    root = tmp_path / "machine"
    root.mkdir()
    lay_out(root, release="2025", distribution="debian13", secured=False)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nprosody:x:100:100::/:/bin/false\n")
    (root / "etc/group").write_text("root:x:0:\nprosody:x:100:\n")
    for folder in ("opt", "usr/local/bin", "var/backups", f"etc/letsencrypt/live/{PANEL}"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / f"etc/letsencrypt/live/{PANEL}/fullchain.pem").write_text("a certificate\n")
    (root / "var/lib/packages").write_text("")
    return Machine(root)


@pytest.fixture(name="install")
def _install(machine: Machine) -> Install:
    """Runs ``deploy/install`` of a clone (this one) on the machine."""

    def run(*arguments: str, clone: Path = ROOT) -> int:
        return main(arguments or ("--host", HOST, "--panel", PANEL), clone, machine, TreeSystem(machine))

    return run


def tree(machine: Machine) -> dict[str, object]:
    """Returns of each file, folder and link its mode and content; without what apt keeps."""
    found: dict[str, object] = {}
    for path in sorted(machine.root.rglob("*")):
        name = str(path.relative_to(machine.root))
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file() and name != "var/lib/packages":
            found[name] = (path.stat().st_mode, path.read_bytes())
        elif path.is_dir():
            found[name] = path.stat().st_mode
    return found


def migration(clone: Path, upgrade: str) -> None:
    """Adds a migration with that function to the clone."""
    migrations = clone / "authbridge/storage/migrations"
    head = f'from alembic import op\n\nrevision = "{_NEXT}"\ndown_revision = "{NEWEST}"\n'
    (migrations / f"versions/{_NEXT}_next.py").write_text(f"{head}\n{upgrade}")
    newest = (migrations / "__init__.py").read_text()
    (migrations / "__init__.py").write_text(newest.replace(f'"{NEWEST}"', f'"{_NEXT}"'))
