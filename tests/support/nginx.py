"""Runs a real nginx before ports of this machine, each site on a port of its own."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from workbench.processes import Process, free_port, is_listening
from workbench.prosody import HOST


@dataclass
class Nginx:
    """One nginx; ``sites`` are the lines within each server, by the name of the site.

    ``zones`` are the lines before the servers, ``encrypted`` the sites that speak TLS.
    """

    folder: Path
    sites: dict[str, str]
    zones: str = ""
    encrypted: frozenset[str] = frozenset()
    ports: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.config = self.folder / "nginx.conf"
        self._process = Process(
            ["/usr/sbin/nginx", "-p", str(self.folder), "-c", str(self.config), "-e", "stderr"],
            log=self.folder / "nginx.log",
        )

    def url(self, site: str) -> str:
        """Returns the public address of that site."""
        return f"{'https' if site in self.encrypted else 'http'}://127.0.0.1:{self.ports[site]}"

    def start(self) -> None:
        """Starts it and returns when it listens everywhere."""
        self.ports = {name: free_port() for name in self.sites}
        temporary = "".join(
            f"{kind}_temp_path {self.folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
        )
        servers = "\n".join(
            f'server {{ listen 127.0.0.1:{self.ports[name]}{self._tls(name)} set $prefix "";\n{lines}\n}}'
            for name, lines in self.sites.items()
        )
        self.config.write_text(
            f"daemon off; user root; worker_processes 1; pid {self.folder}/nginx.pid;\n"
            f"events {{}}\nhttp {{ access_log off; {temporary}\n{self.zones}\n{servers}\n}}\n"
        )
        self._process.start()
        self._process.await_ready(lambda: all(map(is_listening, self.ports.values())))

    def _tls(self, name: str) -> str:
        if name not in self.encrypted:
            return ";"
        subject = ["-subj", f"/CN={HOST}", "-keyout", "site.key", "-out", "site.crt"]
        names = ["-addext", f"subjectAltName=DNS:{HOST},DNS:localhost,IP:127.0.0.1"]
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        subprocess.run(  # noqa: S603 - our own command line
            ["openssl", "req", "-x509", *key, *subject, *names],  # noqa: S607
            cwd=self.folder,
            check=True,
            capture_output=True,
        )
        return f" ssl; ssl_certificate {self.folder}/site.crt; ssl_certificate_key {self.folder}/site.key;"

    def stop(self) -> None:
        """Ends it."""
        self._process.stop()
