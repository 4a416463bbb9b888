"""The clean roots in ``.cache``: Debian as a server has it, with the packages that Jitsi's would bring."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.support.clean_machine.machine import booted
from tests.support.jitsi_machine import HOST, Distribution
from workbench import CACHE

_CODENAMES: dict[Distribution, str] = {"debian12": "bookworm", "debian13": "trixie"}

_SERVER = (  # what an installer of Debian leaves on a server, and minbase does not
    "systemd,systemd-sysv,libpam-systemd,dbus,ca-certificates,iproute2,iputils-ping,procps,less,nano,cron,"
    "rsyslog,logrotate,sudo,openssl,adduser,debconf,locales,netbase,udev,kmod,python3"
)
_OF_JITSI = (
    "prosody",
    "nginx-full",
    "sqlite3",
    "lua-unbound",
    "coturn",
    "jq",
    "uuid-runtime",
    "curl",
    "gnupg",
    "dnsmasq",  # stands in for the world's name servers, which know a real host
)
_RESOLVER = """
cp /etc/resolv.conf /etc/resolv.upstream
cat > /etc/dnsmasq.d/test <<END
resolv-file=/etc/resolv.upstream
address=/example.org/127.0.0.1
listen-address=127.0.0.1
END
echo 'nameserver 127.0.0.1' > /etc/resolv.conf
"""
_USERS = """
groupadd jitsi
useradd -r -g jitsi --shell /bin/bash --create-home -d /usr/share/jicofo jicofo
useradd -r -g jitsi --shell /bin/bash --create-home -d /usr/share/jitsi-videobridge jvb
"""


def clean_root(distribution: Distribution) -> Path:
    """Returns the root of that distribution; makes it if it is not there."""
    root = CACHE / "roots" / distribution
    if not root.exists():
        root.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root.parent) as folder:
            new = Path(folder) / "new"
            _bootstrap(new, _CODENAMES[distribution])
            _join_this_machine(new, _CODENAMES[distribution])
            _furnish(new, Path(folder))
            new.rename(root)
    return root


def _bootstrap(root: Path, codename: str) -> None:
    mirror = next(uri for uri, suite in _apt_entries() if suite == _own_codename())
    options = ["--variant=minbase", f"--include={_SERVER}"]
    subprocess.run(  # noqa: S603 - our own command line
        ["debootstrap", *options, codename, str(root), mirror],  # noqa: S607
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _join_this_machine(root: Path, codename: str) -> None:
    """Gives the root this machine's ways to the package servers: sources, resolver, authorities."""
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    stanzas = (
        f"Types: deb\nURIs: {uri}\nSuites: {suite.replace(_own_codename(), codename)}\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
        for uri, suite in _apt_entries()
    )
    (root / "etc/apt/sources.list.d/debian.sources").write_text("\n".join(stanzas))
    options = (
        line for line in _output("apt-config", "dump").splitlines() if line.startswith("Acquire::Check")
    )
    (root / "etc/apt/apt.conf.d/99test").write_text("\n".join(options) + "\n")
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    for authority in Path("/usr/local/share/ca-certificates").glob("*.crt"):
        shutil.copy(authority, root / "usr/local/share/ca-certificates")
    (root / "etc/pip.conf").write_text("[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n")
    (root / "etc/hostname").write_text("meet\n")
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {HOST} meet\n::1 localhost\n")


def _furnish(root: Path, folder: Path) -> None:
    """Brings the root up to date and installs what Jitsi's packages would bring, as their users."""
    with booted(root, folder, is_layered=False) as machine:
        install = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "--no-install-recommends"]
        machine.run("update-ca-certificates", "--fresh")
        machine.run("apt-get", "update")
        machine.run(*install, "dist-upgrade")
        machine.run(*install, "install", *_OF_JITSI)
        machine.run("bash", "-euc", _USERS)
        machine.run("bash", "-euc", _RESOLVER)
        machine.run("bash", "-euc", "rm /etc/turnserver.conf /etc/nginx/sites-enabled/default; apt-get clean")


def _apt_entries() -> list[tuple[str, str]]:
    """Returns address and suite of each of this machine's sources for Debian itself."""
    told = _output("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages")
    entries = (line.split() for line in dict.fromkeys(told.splitlines()))
    suites = (_own_codename(), f"{_own_codename()}-updates", f"{_own_codename()}-security")
    return [(uri, suite) for uri, suite in entries if suite in suites]


def _own_codename() -> str:
    lines = Path("/etc/os-release").read_text().splitlines()
    return next(
        line.removeprefix("VERSION_CODENAME=") for line in lines if line.startswith("VERSION_CODENAME=")
    )


def _output(*arguments: str) -> str:
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own
