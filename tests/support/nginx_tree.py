"""Runs the real nginx with the files of a Jitsi machine that is a tree."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.jitsi_machine import HOST, SITE
from workbench.processes import Process, free_port, is_listening

_FOLDERS = (
    "/etc/nginx",
    "/etc/jitsi",
    "/etc/letsencrypt",
    "/usr/share/jitsi-meet",
    "/var/log/nginx",
    "/run/",
)


def lead_into_tree(root: Path) -> None:
    """Changes nginx' files: the names in them lead into the tree, and no more to the real root."""
    snippets = (root / "etc/nginx/snippets").glob("*.conf")
    for path in (root / "etc/nginx/nginx.conf", root / SITE, *snippets):
        text = path.read_text()
        for folder in _FOLDERS:
            text = text.replace(f" {folder}", f" {root}{folder}")
        path.write_text(text.replace("user www-data;", "user root;"))
    shutil.copy("/etc/nginx/mime.types", root / "etc/nginx/mime.types")
    (root / "run").mkdir()
    enabled = root / f"etc/nginx/sites-enabled/{HOST}.conf"
    enabled.unlink()
    enabled.symlink_to(root / SITE)


@contextmanager
def running_nginx(root: Path, behind: dict[int, int]) -> Iterator[int]:
    """Runs nginx with the files of that tree; yields the port at which it speaks TLS.

    ``behind`` are the ports at which what stands behind it really listens, by those of its files.
    """
    lead_into_tree(root)
    ports = {"80": free_port(), "443": free_port()}
    for path in (root / SITE, *(root / "etc/nginx/snippets").glob("*.conf")):
        text = path.read_text()
        for name, real in ports.items():
            text = text.replace(f"listen {name}", f"listen 127.0.0.1:{real}").replace(
                f"listen [::]:{name}", f"# {name}"
            )
        for port, other in behind.items():
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{other}")
        path.write_text(text)
    command = [
        "/usr/sbin/nginx",
        "-c",
        str(root / "etc/nginx/nginx.conf"),
        "-g",
        "daemon off;",
        "-e",
        "stderr",
    ]
    nginx = Process(command, log=root / "nginx.log")
    nginx.start()
    try:
        nginx.await_ready(lambda: is_listening(ports["443"]))
        yield ports["443"]
    finally:
        nginx.stop()
