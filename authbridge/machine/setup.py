"""Reads what AuthBridge is meant to do on this machine, from its settings."""

from dataclasses import dataclass

from authbridge.errors import ConfigError
from authbridge.machine.files import Machine

SETTINGS = "/etc/authbridge/authbridge.env"
PROGRAM = "/opt/authbridge"
_TOKEN_FILE = "/etc/authbridge/api-token"  # noqa: S105 - where it stands


@dataclass(frozen=True, slots=True)
class Setup:
    """What the checks hold the machine to.

    ``host`` is the VirtualHost of the organisers, which is Jitsi's own name; ``retention_days``, after how
    many days addresses and names are promised to be gone; ``panel_url`` is None where no panel is offered,
    ``smtp_password_file`` where the mail server wants no password.
    """

    host: str
    api_url: str = "http://127.0.0.1:8701"
    token_file: str = _TOKEN_FILE
    retention_days: int = 7
    panel_url: str | None = None
    smtp_password_file: str | None = None
    modules: str = f"{PROGRAM}/prosody_mod"

    @property
    def guest_host(self) -> str:
        """Returns the VirtualHost of those who join without an account."""
        return f"guest.{self.host}"


def read_setup(machine: Machine) -> Setup:
    """Returns what the settings of the machine say.

    Raises:
        ConfigError: There are none, or they do not name a host.
        UnreadableFileError: They cannot be read.
    """
    settings = _read_settings(machine)
    if not (host := settings.get("AUTHBRIDGE_XMPP_HOST", "")):
        raise ConfigError("AUTHBRIDGE_XMPP_HOST is not set in %(file)s.", file=SETTINGS)
    days = settings.get("AUTHBRIDGE_RETENTION_DAYS", "7")
    if not days.isdecimal():
        raise ConfigError("AUTHBRIDGE_RETENTION_DAYS is not a number in %(file)s.", file=SETTINGS)
    return Setup(
        host=host.lower(),
        api_url=f"http://{settings.get('AUTHBRIDGE_API_BIND', '127.0.0.1:8701')}",
        token_file=settings.get("AUTHBRIDGE_API_TOKEN_FILE", _TOKEN_FILE),
        retention_days=int(days),
        panel_url=settings.get("AUTHBRIDGE_PANEL_URL"),
        smtp_password_file=settings.get("AUTHBRIDGE_SMTP_PASSWORD_FILE"),
    )


def _read_settings(machine: Machine) -> dict[str, str]:
    text = machine.read(SETTINGS)
    if text is None:
        raise ConfigError("%(file)s is missing: AuthBridge is not installed here.", file=SETTINGS)
    lines = (
        line.partition("=") for line in text.splitlines() if line.startswith("AUTHBRIDGE_") and "=" in line
    )
    return {name: value for name, _, value in lines if value}
