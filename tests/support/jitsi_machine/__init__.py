"""Lays the files of a Jitsi machine, of three years of releases, into a folder or into a whole root.

Written after the documented layouts (the packages' maintainer scripts, Jitsi's handbook); no file is a copy.
It runs nothing: a tree is text, modes and owners.  Prosody's accounts are left to ``prosodyctl``.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tests.support.jitsi_machine.owners import Owners
from tests.support.jitsi_machine.plugins import lay_plugins

Release = Literal["2024", "2025", "2026"]
Distribution = Literal["debian12", "debian13"]

HOST = "meet.example.org"
AUTH_HOST = f"auth.{HOST}"
FOCUS_PASSWORD = "a1B2c3D4e5F6g7H8"
JVB_PASSWORD = "h8G7f6E5"

HOST_FILE = f"etc/prosody/conf.avail/{HOST}.cfg.lua"
SITE = f"etc/nginx/sites-available/{HOST}.conf"
CONFIG_JS = f"etc/jitsi/meet/{HOST}-config.js"
JICOFO_CONF = "etc/jitsi/jicofo/jicofo.conf"

_AUTH_DATA = AUTH_HOST.replace(".", "%2e")  # as Prosody names the folder of a host
_TREE = Path(__file__).parent / "tree"
_OF_THE_DISTRIBUTION = (  # laid only where the real ones are missing
    "etc/os-release",
    "etc/prosody/prosody.cfg.lua",
    "etc/nginx/nginx.conf",
    "etc/logrotate.conf",
    "etc/logrotate.d/prosody",
    "etc/logrotate.d/nginx",
    "etc/logrotate.d/rsyslog",
    "etc/systemd/journald.conf",
)
_FOLDERS = (
    "etc/jitsi/meet/jaas",
    "var/lib/prosody",
    "var/log/jitsi",
    "var/log/nginx",
    "var/log/prosody",
)
_LINKS = {
    f"etc/prosody/conf.d/{HOST}.cfg.lua": f"/{HOST_FILE}",
    f"etc/nginx/sites-enabled/{HOST}.conf": f"/{SITE}",
    f"etc/prosody/certs/{HOST}.crt": f"/var/lib/prosody/{HOST}.crt",
    f"etc/prosody/certs/{HOST}.key": f"/var/lib/prosody/{HOST}.key",
    f"etc/prosody/certs/{AUTH_HOST}.crt": f"/var/lib/prosody/{AUTH_HOST}.crt",
    f"etc/prosody/certs/{AUTH_HOST}.key": f"/var/lib/prosody/{AUTH_HOST}.key",
}
_RIGHTS = {  # what is not root's, or not for everybody to read
    "etc/prosody/conf.avail": (0o754, "root:prosody"),
    "etc/prosody/conf.d": (0o754, "root:prosody"),
    "etc/prosody/certs": (0o750, "root:prosody"),
    "etc/prosody/prosody.cfg.lua": (0o640, "root:prosody"),
    "etc/jitsi/jicofo": (0o750, "jicofo:jitsi"),
    "etc/jitsi/jicofo/config": (0o644, "jicofo:jitsi"),
    JICOFO_CONF: (0o644, "jicofo:jitsi"),
    "etc/jitsi/jicofo/logging.properties": (0o644, "jicofo:jitsi"),
    "etc/jitsi/videobridge": (0o750, "jvb:jitsi"),
    "etc/jitsi/videobridge/config": (0o644, "jvb:jitsi"),
    "etc/jitsi/videobridge/jvb.conf": (0o644, "jvb:jitsi"),
    "etc/jitsi/videobridge/logging.properties": (0o644, "jvb:jitsi"),
    "etc/jitsi/videobridge/sip-communicator.properties": (0o644, "jvb:jitsi"),
    "etc/turnserver.conf": (0o640, "root:turnserver"),
    "var/lib/prosody": (0o750, "prosody:prosody"),
    f"var/lib/prosody/{_AUTH_DATA}": (0o750, "prosody:prosody"),
    f"var/lib/prosody/{_AUTH_DATA}/roster": (0o750, "prosody:prosody"),
    f"var/lib/prosody/{_AUTH_DATA}/roster/focus.dat": (0o640, "prosody:prosody"),
    "var/log/jitsi": (0o770, "jvb:jitsi"),
    "var/log/jitsi/jicofo.log": (0o640, "jicofo:jitsi"),
    "var/log/jitsi/jvb.log": (0o640, "jvb:jitsi"),
    "var/log/prosody": (0o750, "prosody:adm"),
    "var/log/nginx": (0o755, "root:adm"),
}


def lay_out(root: Path, *, release: Release, distribution: Distribution, secured: bool) -> None:
    """Lays the files of one Jitsi machine into ``root``: an empty folder, or a real root.

    ``release`` is the year of Jitsi's packages; ``secured`` says whether the administrator has set up a
    secure domain with accounts in Prosody, as Jitsi's handbook describes.  In a real root the distribution's
    own files stay, and owners are set; in a folder without ``etc/passwd`` all files belong to the caller.
    """
    values = {
        "release": int(release),
        "distribution": distribution,
        "secured": secured,
        "focus_password": FOCUS_PASSWORD,
        "jvb_password": JVB_PASSWORD,
        "turn_secret": "T4u3r2N1s0E9c8R7",
    }
    _lay_files(root, values)
    lay_plugins(root / "usr/share/jitsi-meet/prosody-plugins")
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name in ("jicofo", "jvb"):
        (root / f"var/log/jitsi/{name}.log").write_text("")
    owners = Owners.of(root)
    _lay_certificate(root / f"var/lib/prosody/{HOST}", HOST, owners, "prosody:prosody")
    _lay_certificate(root / f"var/lib/prosody/{AUTH_HOST}", AUTH_HOST, owners, "prosody:prosody")
    _lay_certificate(root / f"etc/jitsi/meet/{HOST}", HOST, owners, "root:root")
    for link, target in _LINKS.items():
        (root / link).parent.mkdir(parents=True, exist_ok=True)
        (root / link).symlink_to(target)
    for path, (mode, owner) in _RIGHTS.items():
        if (root / path).exists():
            (root / path).chmod(mode)
            owners.give(root / path, owner)


def _lay_files(root: Path, values: Mapping[str, object]) -> None:
    environment = Environment(
        loader=FileSystemLoader(_TREE),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files, no HTML
    )
    for template in environment.list_templates():
        path = template.removesuffix(".j2")
        text = environment.get_template(template).render(values)
        if not text or (path in _OF_THE_DISTRIBUTION and (root / path).exists()):
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
        (root / path).chmod(0o644)


def _lay_certificate(stem: Path, host: str, owners: Owners, owner: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for suffix, content, mode in ((".key", private, 0o600), (".crt", certificate.public_bytes(pem), 0o644)):
        path = stem.with_name(stem.name + suffix)
        path.write_bytes(content)
        path.chmod(mode)
        owners.give(path, owner)
