"""Puts Jitsi on a clean machine: its files, its accounts by the real ``prosodyctl``, its services."""

from tests.support.clean_machine.machine import Machine
from tests.support.jitsi_machine import (
    AUTH_HOST,
    FOCUS_PASSWORD,
    HOST,
    JVB_PASSWORD,
    Distribution,
    Release,
    lay_out,
)

PANEL = "panel.example.org"

_CERTIFICATE = f"""
folder=/etc/letsencrypt/live/{PANEL}
mkdir -p $folder
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN={PANEL} \\
    -addext subjectAltName=DNS:{PANEL} -keyout $folder/privkey.pem -out $folder/fullchain.pem
cp $folder/fullchain.pem /usr/local/share/ca-certificates/{PANEL}.crt
cp /etc/jitsi/meet/{HOST}.crt /usr/local/share/ca-certificates/
update-ca-certificates
"""
_STAND_IN = """\
[Unit]
Description=Stands in for {name}

[Service]
User={user}
ExecStart=/bin/sleep infinity

[Install]
WantedBy=multi-user.target
"""


def lay_jitsi(machine: Machine, distribution: Distribution, release: Release, *, secured: bool) -> None:
    """Lays Jitsi's files, registers its accounts and restarts what reads them.

    Certificates of the meetings and of the panel are as trusted there as those that browsers accept.
    """
    lay_out(machine.root, release=release, distribution=distribution, secured=secured)
    for name, user in (("jicofo", "jicofo"), ("jitsi-videobridge2", "jvb")):
        unit = machine.root / f"usr/lib/systemd/system/{name}.service"
        unit.write_text(_STAND_IN.format(name=name, user=user))
    machine.run("prosodyctl", "register", "focus", AUTH_HOST, FOCUS_PASSWORD)
    machine.run("prosodyctl", "register", "jvb", AUTH_HOST, JVB_PASSWORD)
    if secured:
        machine.run("prosodyctl", "register", "anna", HOST, "Anna-2025")
    machine.run("bash", "-euc", _CERTIFICATE)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "enable", "--now", "jicofo", "jitsi-videobridge2")
    machine.run("systemctl", "restart", "prosody", "nginx", "coturn")
