"""Reads the settings: environment variables ``AUTHBRIDGE_…``, once, into a frozen :class:`Config`.

Secrets come from files that the variables name, never from the variables themselves.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from authbridge.errors import ConfigError
from authbridge.login.limits import Limits
from authbridge.mail import MailServer

_PREFIX = "AUTHBRIDGE_"
_MIN_SECRET = 32  # characters; `openssl rand -hex 32` gives 64
_HOW_TO_MAKE = "a file with one secret line, made by: openssl rand -hex 32"
_BCRYPT_COSTS = range(4, 17)  # 4 is bcrypt's least (tests, benchmark); 16 takes 4 s a check
_RETENTION_DAYS = range(1, 57)
PANEL_IDLE_MINUTES = range(5, 121)  # an unattended desk should not stay open for longer than a lesson or two
_PORTS = range(1, 65536)
_LIMITS = range(1, 10_000_001)  # a count, or seconds: 115 days
_MONTH_AND_DAY = re.compile(r"[0-9]{2}-[0-9]{2}")
_NO_LEAP_YEAR = 2027
_YES_OR_NO = {"yes": True, "no": False}
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_URL = re.compile(
    r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?"
)
AGE_RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}")  # a public key of X25519 in Bech32, as age writes it
_BOSH_URL = re.compile(rf"(?:{_URL.pattern})/[A-Za-z0-9/._~-]+")
_MAILBOX = re.compile(r"[^@\s,<>\"]+@[^@\s,<>\"]+")
_PAGE = re.compile(rf"(?:{_URL.pattern})(?:/[A-Za-z0-9._~-]+)*")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")  # of RFC 3986
_SCHEMES_OF_BROWSERS = frozenset({"http", "https", "javascript", "data", "blob", "file", "about", "intent"})
_CREDENTIAL = "api-token"  # its name in a unit's LoadCredential=


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that an operator may set; ``deploy/authbridge.env.example`` explains each."""

    database_url: str = field(repr=False)  # may hold PostgreSQL's password
    api_token_file: Path
    secret_key: bytes = field(repr=False)
    former_secret_key: bytes | None = field(repr=False)
    xmpp_host: str
    api_bind: str
    panel_bind: str
    panel_url: str | None
    meet_url: str
    report_url: str | None
    letter_dir: Path | None
    timezone: ZoneInfo
    school_year_ends: tuple[int, int]
    retention_days: int
    panel_idle: timedelta
    bcrypt_cost: int
    remember_credentials: bool
    backup_folder: Path
    backup_recipient: str | None
    limits: Limits
    synthetic_login_url: str | None
    alert_mail: MailServer | None
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class PageConfig:
    """What the process of the login page knows: no database and no secret key."""

    api_token: str = field(repr=False)
    xmpp_host: str
    api_bind: str
    page_bind: str
    meet_url: str
    letter_dir: Path | None
    mobile_scheme: str
    desktop_scheme: str


def read_config(environ: Mapping[str, str]) -> Config:
    """Reads the settings of this process.

    Raises:
        ConfigError: A setting is missing or cannot be used; its sentence is for the administrator.
    """
    settings = _Settings(environ)
    host = settings.xmpp_host()
    panel_url = settings.url("PANEL_URL")
    secret_key, *former = settings.secrets("SECRET_KEY_FILE", most=2)
    return Config(
        database_url=settings.required(
            "DATABASE_URL", "for example sqlite:////var/lib/authbridge/authbridge.db"
        ),
        api_token_file=Path(settings.required("API_TOKEN_FILE", _HOW_TO_MAKE)),
        secret_key=secret_key.encode(),
        former_secret_key=former[0].encode() if former else None,
        xmpp_host=host,
        api_bind=settings.api_bind(),
        panel_bind=settings.loopback("PANEL_BIND", "127.0.0.1:8702"),
        panel_url=panel_url,
        meet_url=settings.meet_url(host),
        report_url=settings.page("REPORT_URL") or (f"{panel_url}/report" if panel_url else None),
        letter_dir=settings.folder("LETTER_DIR"),
        timezone=settings.timezone("TIMEZONE", "Europe/Berlin"),
        school_year_ends=settings.month_and_day("SCHOOL_YEAR_ENDS", "09-30"),
        retention_days=settings.number("RETENTION_DAYS", 7, _RETENTION_DAYS),
        panel_idle=timedelta(minutes=settings.number("PANEL_IDLE_MINUTES", 60, PANEL_IDLE_MINUTES)),
        bcrypt_cost=settings.number("BCRYPT_COST", 10, _BCRYPT_COSTS),
        remember_credentials=settings.yes_or_no("REMEMBER_CREDENTIALS", "yes"),
        backup_folder=Path(settings.optional("BACKUP_FOLDER", "/var/lib/authbridge/backups")),
        backup_recipient=settings.recipient("BACKUP_RECIPIENT"),
        limits=settings.limits(),
        synthetic_login_url=settings.bosh_url("SYNTHETIC_LOGIN_URL"),
        alert_mail=settings.mail_server(),
        ca_file=settings.path("CA_FILE"),
    )


def read_page_config(environ: Mapping[str, str]) -> PageConfig:
    """Reads the settings of the login page's process, and the token that it shows to the service.

    Under systemd the token is a credential of the unit (systemd.exec(5), ``LoadCredential=``): the process
    could not read the file itself.

    Raises:
        ConfigError: A setting is missing or cannot be used.
    """
    settings = _Settings(environ)
    host = settings.xmpp_host()
    return PageConfig(
        api_token=settings.credential("API_TOKEN_FILE", _CREDENTIAL),
        xmpp_host=host,
        api_bind=settings.api_bind(),
        page_bind=settings.loopback("PAGE_BIND", "127.0.0.1:8703"),
        meet_url=settings.meet_url(host),
        letter_dir=settings.path("LETTER_DIR"),
        mobile_scheme=settings.scheme("MOBILE_SCHEME", "org.jitsi.meet"),
        desktop_scheme=settings.scheme("DESKTOP_SCHEME", "jitsi-meet"),
    )


def read_api_token(config: Config) -> str:
    """Reads the token that Prosody shows; only the service needs to be able to read it.

    Raises:
        ConfigError: The file cannot be read, or holds no token.
    """
    (token,) = _read_secrets("API_TOKEN_FILE", str(config.api_token_file), most=1)
    return token


def read_limits(environ: Mapping[str, str]) -> Limits:
    """Reads the numbers of the login policy, even if nothing else is set.

    Raises:
        ConfigError: A number is out of its range.
    """
    return _Settings(environ).limits()


class _Settings:
    """The variables of our prefix; each method raises :class:`ConfigError` with a sentence about its own."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def required(self, name: str, hint: str) -> str:
        value = self._environ.get(_PREFIX + name, "").strip()
        if not value:
            raise ConfigError(f"{_PREFIX}{name} is not set: {hint}.")
        return value

    def optional(self, name: str, default: str) -> str:
        return self._environ.get(_PREFIX + name, "").strip() or default

    def number(self, name: str, default: int, allowed: range) -> int:
        value = self.optional(name, str(default))
        if not value.isdecimal() or int(value) not in allowed:
            span = f"from {allowed[0]} to {allowed[-1]}"
            raise ConfigError(f"{_PREFIX}{name} is “{value}”, but must be a whole number {span}.")
        return int(value)

    def limits(self) -> Limits:
        """Reads ``LIMIT_PAIR_GUESSES`` and so on, one for each number of the policy; durations in seconds."""
        return Limits(**{name: self._limit(name, default) for name, default in asdict(Limits()).items()})

    def _limit(self, name: str, default: int | timedelta) -> Any:  # noqa: ANN401 - as the default
        setting = f"LIMIT_{name.upper()}"
        if isinstance(default, timedelta):
            return timedelta(seconds=self.number(setting, round(default.total_seconds()), _LIMITS))
        return self.number(setting, default, _LIMITS)

    def yes_or_no(self, name: str, default: str) -> bool:
        value = self.optional(name, default).lower()
        if value not in _YES_OR_NO:
            raise ConfigError(f"{_PREFIX}{name} is “{value}”, but must be yes or no.")
        return _YES_OR_NO[value]

    def host(self, name: str, hint: str) -> str:
        value = self.required(name, hint).lower()
        if not _HOST.fullmatch(value):
            raise ConfigError(f"{_PREFIX}{name} is “{value}”, but must be a plain host name: {hint}.")
        return value

    def xmpp_host(self) -> str:
        return self.host("XMPP_HOST", "the VirtualHost of Prosody, for example meet.example.org")

    def api_bind(self) -> str:
        return self.loopback("API_BIND", "127.0.0.1:8701")

    def meet_url(self, host: str) -> str:
        return self.url("MEET_URL") or f"https://{host}"

    def loopback(self, name: str, default: str) -> str:
        value = self.optional(name, default)
        host, _, port = value.rpartition(":")
        if host != "127.0.0.1" or not port.isdecimal() or int(port) not in _PORTS:
            raise ConfigError(
                f"{_PREFIX}{name} is “{value}”, but must be 127.0.0.1 and a port, such as {default}."
            )
        return value

    def url(self, name: str) -> str | None:
        """Reads a public address without a path; https, except for a trial on this machine."""
        value = self.optional(name, "").rstrip("/")
        if not value:
            return None
        if not _URL.fullmatch(value):
            raise ConfigError(
                f"{_PREFIX}{name} is “{value}”, but must be an address such as https://panel.example.org."
            )
        return value

    def page(self, name: str) -> str | None:
        """Reads the public address of a page."""
        value = self.optional(name, "").rstrip("/")
        if value and not _PAGE.fullmatch(value):
            raise ConfigError(
                f"{_PREFIX}{name} is “{value}”, but must be an address such as https://kmz.example.org/report."
            )
        return value or None

    def bosh_url(self, name: str) -> str | None:
        """Reads the address of BOSH; https, except for Prosody's own port on this machine."""
        value = self.optional(name, "")
        if value and not _BOSH_URL.fullmatch(value):
            raise ConfigError(
                f"{_PREFIX}{name} is “{value}”, but must be an address such as "
                "https://meet.example.org/http-bind, or http://127.0.0.1:5280/http-bind."
            )
        return value or None

    def mail_server(self) -> MailServer | None:
        """Reads how alerts are sent; None where no server or no recipient is set."""
        recipients = self.mailboxes("ALERT_MAIL_TO")
        host = self.optional("SMTP_HOST", "").lower()
        if not recipients or not host:
            return None
        if not _HOST.fullmatch(host):
            raise ConfigError(f"{_PREFIX}SMTP_HOST is “{host}”, but must be a plain host name.")
        sender, *others = self.mailboxes("SMTP_FROM") or recipients[:1]
        if others:
            raise ConfigError(f"{_PREFIX}SMTP_FROM is several mail addresses, but must be one.")
        user = self.optional("SMTP_USER", "") or None
        hint = "a file whose one line is the password of AUTHBRIDGE_SMTP_USER"
        return MailServer(
            host,
            self.number("SMTP_PORT", 587, _PORTS),
            sender,
            recipients,
            user,
            None if user is None else Path(self.required("SMTP_PASSWORD_FILE", hint)),
            self.path("CA_FILE"),
        )

    def mailboxes(self, name: str) -> tuple[str, ...]:
        value = self.optional(name, "")
        mailboxes = tuple(each.strip() for each in value.split(",") if each.strip())
        if not all(map(_MAILBOX.fullmatch, mailboxes)):
            raise ConfigError(
                f"{_PREFIX}{name} is “{value}”, but must be a mail address such as it@kmz.example.org, or "
                "several with commas between them."
            )
        return mailboxes

    def path(self, name: str) -> Path | None:
        """Reads the name of a file that only some commands need: its absence stops no service."""
        value = self.optional(name, "")
        return Path(value) if value else None

    def folder(self, name: str) -> Path | None:
        value = self.optional(name, "")
        if value and not Path(value).is_dir():
            raise ConfigError(f"{_PREFIX}{name} names {value}, which is no folder.")
        return Path(value) if value else None

    def recipient(self, name: str) -> str | None:
        """Reads a public key of age."""
        value = self.optional(name, "")
        if value and not AGE_RECIPIENT.fullmatch(value):
            # Not quoted: it may be the private key.
            raise ConfigError(f"{_PREFIX}{name} must be a public key as age-keygen shows it: age1…")
        return value or None

    def timezone(self, name: str, default: str) -> ZoneInfo:
        value = self.optional(name, default)
        try:
            return ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ConfigError(
                f"{_PREFIX}{name} is “{value}”, which is no time zone such as Europe/Berlin."
            ) from None

    def month_and_day(self, name: str, default: str) -> tuple[int, int]:
        """Reads a day that every year has."""
        value = self.optional(name, default)
        try:
            day = date.fromisoformat(f"{_NO_LEAP_YEAR}-{value}" if _MONTH_AND_DAY.fullmatch(value) else "")
        except ValueError:
            raise ConfigError(
                f"{_PREFIX}{name} is “{value}”, but must be month and day of every year, such as {default}."
            ) from None
        return day.month, day.day

    def scheme(self, name: str, default: str) -> str:
        """Reads the scheme by which an app is opened; none of those that a browser opens itself."""
        value = self.optional(name, default).lower()
        if not _SCHEME.fullmatch(value) or value in _SCHEMES_OF_BROWSERS:
            raise ConfigError(
                f"{_PREFIX}{name} is “{value}”, but must be the scheme of an app, such as {default}."
            )
        return value

    def secrets(self, name: str, *, most: int) -> list[str]:
        return _read_secrets(name, self.required(name, _HOW_TO_MAKE), most=most)

    def credential(self, name: str, credential: str) -> str:
        """Reads a secret that systemd hands over under that name, else the file of the setting."""
        handed_over = Path(self._environ.get("CREDENTIALS_DIRECTORY", "/nonexistent"), credential)
        path = str(handed_over) if handed_over.exists() else self.required(name, _HOW_TO_MAKE)
        (secret,) = _read_secrets(name, path, most=1)
        return secret


def _read_secrets(name: str, path: str, *, most: int) -> list[str]:
    try:
        words = Path(path).read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not plain text"
        raise ConfigError(
            f"{_PREFIX}{name} names {path}, which cannot be read: {why}."
        ) from None  # the cause may quote the file
    if not words or len(words) > most or any(len(word) < _MIN_SECRET for word in words):
        form = "one word" if most == 1 else "one word, or the new and the former one,"
        raise ConfigError(f"{_PREFIX}{name} names {path}: not {form} of at least {_MIN_SECRET} characters.")
    return words
