"""Settings: what is missing or wrong is told in a sentence, before anything starts."""

import re
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest

from authbridge.config import read_api_token, read_config, read_page_config
from authbridge.errors import ConfigError
from authbridge.login.limits import Limits
from authbridge.mail import MailServer

TOKEN = "t" * 64


@pytest.fixture(name="environ")
def make_environ(tmp_path: Path) -> dict[str, str]:
    """The least that must be set."""
    for name in ("token", "key"):
        (tmp_path / name).write_text(TOKEN + "\n")
    return {
        "AUTHBRIDGE_DATABASE_URL": "sqlite:////var/lib/authbridge/authbridge.db",
        "AUTHBRIDGE_API_TOKEN_FILE": str(tmp_path / "token"),
        "AUTHBRIDGE_SECRET_KEY_FILE": str(tmp_path / "key"),
        "AUTHBRIDGE_XMPP_HOST": "Meet.Example.org",
    }


def test_the_least_that_must_be_set_is_enough(environ: dict[str, str]) -> None:
    """Everything else has the defaults of the design."""
    config = read_config(environ)

    assert config.xmpp_host == "meet.example.org"
    assert read_api_token(config) == TOKEN
    assert (config.api_bind, config.bcrypt_cost) == ("127.0.0.1:8701", 10)
    assert config.panel_idle == timedelta(minutes=60)
    assert (config.retention_days, config.timezone.key) == (7, "Europe/Berlin")


def test_every_number_of_the_policy_is_a_setting(environ: dict[str, str]) -> None:
    """Each can be set, and none is mistaken for another."""
    for number, name in enumerate(asdict(Limits()), start=1000):
        environ[f"AUTHBRIDGE_LIMIT_{name.upper()}"] = str(number)

    limits = asdict(read_config(environ).limits)

    seconds = [
        round(each.total_seconds()) if isinstance(each, timedelta) else each for each in limits.values()
    ]
    assert seconds == list(range(1000, 1000 + len(limits)))


def test_the_example_documents_every_setting_with_its_default(environ: dict[str, str]) -> None:
    """What is commented out there is what counts without it."""
    example = (Path(__file__).parents[2] / "deploy" / "authbridge.env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^#(AUTHBRIDGE_\w+)=(\S+)$", example, re.MULTILINE))

    assert read_config({**environ, **shown}) == read_config(environ)
    assert read_page_config({**environ, **shown}) == read_page_config(environ)
    assert {f"AUTHBRIDGE_LIMIT_{name.upper()}" for name in asdict(Limits())} < set(shown)


@pytest.fixture(name="page_environ")
def leave_out_what_is_not_for_the_page(environ: dict[str, str]) -> dict[str, str]:
    """What the process of the login page has: neither database nor secret key."""
    return {name: value for name, value in environ.items() if "DATABASE" not in name and "KEY" not in name}


def test_the_login_page_needs_no_database_and_no_secret_key(page_environ: dict[str, str]) -> None:
    """The token of the service is enough, and no ``repr`` shows it."""
    config = read_page_config(page_environ)
    assert (config.xmpp_host, config.meet_url) == ("meet.example.org", "https://meet.example.org")
    assert (config.page_bind, config.api_bind) == ("127.0.0.1:8703", "127.0.0.1:8701")
    assert config.api_token == TOKEN
    assert TOKEN not in repr(config)


def test_systemd_hands_the_token_over(page_environ: dict[str, str], tmp_path: Path) -> None:
    """As a credential of the unit; the file of the setting need not be readable then."""
    handed_over = tmp_path / "credentials"
    handed_over.mkdir()
    page_environ |= {
        "CREDENTIALS_DIRECTORY": str(handed_over),
        "AUTHBRIDGE_API_TOKEN_FILE": "/nonexistent/api-token",
    }
    with pytest.raises(ConfigError, match="AUTHBRIDGE_API_TOKEN_FILE names /nonexistent/api-token"):
        read_page_config(page_environ)
    (handed_over / "api-token").write_text("u" * 64 + "\n")
    assert read_page_config(page_environ).api_token == "u" * 64


@pytest.mark.parametrize("scheme", ["https", "JavaScript", "data", "intent", "org jitsi", "x://", "1x", "ü"])
@pytest.mark.parametrize("name", ["AUTHBRIDGE_MOBILE_SCHEME", "AUTHBRIDGE_DESKTOP_SCHEME"])
def test_an_app_has_a_scheme_of_its_own(page_environ: dict[str, str], name: str, scheme: str) -> None:
    """None that a browser would run or open itself."""
    with pytest.raises(ConfigError, match=f"{name} is “{re.escape(scheme.lower())}”"):
        read_page_config(page_environ | {name: scheme})


def test_a_mail_is_sent_where_server_and_recipient_are_set(environ: dict[str, str]) -> None:
    """Its password is read when a mail is sent, not by the services, which need no right to read it."""
    mail = {
        "AUTHBRIDGE_ALERT_MAIL_TO": "it@kmz.test, leitung@kmz.test",
        "AUTHBRIDGE_SMTP_HOST": "mail.kmz.test",
    }
    login = {"AUTHBRIDGE_SMTP_USER": "authbridge", "AUTHBRIDGE_SMTP_PASSWORD_FILE": "/nowhere/password"}

    assert read_config(environ).alert_mail is None
    for name, value in mail.items():
        assert read_config({**environ, name: value}).alert_mail is None
    assert read_config({**environ, **mail}).alert_mail == MailServer(
        "mail.kmz.test", 587, "it@kmz.test", ("it@kmz.test", "leitung@kmz.test")
    )
    server = read_config({**environ, **mail, **login}).alert_mail
    assert server is not None
    assert (server.user, server.password_file) == ("authbridge", Path("/nowhere/password"))
    with pytest.raises(ConfigError, match="AUTHBRIDGE_SMTP_PASSWORD_FILE is not set"):
        read_config({**environ, **mail, "AUTHBRIDGE_SMTP_USER": "authbridge"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SYNTHETIC_LOGIN_URL", "http://meet.test/http-bind"),
        ("SYNTHETIC_LOGIN_URL", "https://meet.test"),
        ("SYNTHETIC_LOGIN_URL", "https://anna:geheim@meet.test/http-bind"),
        ("ALERT_MAIL_TO", "it"),
        ("ALERT_MAIL_TO", "it@kmz.test\nBcc: all@kmz.test"),
        ("SMTP_FROM", "a@kmz.test, b@kmz.test"),
        ("SMTP_HOST", "mail kmz"),
        ("SMTP_PORT", "0"),
    ],
)
def test_what_cannot_be_a_login_or_a_mail_is_told(environ: dict[str, str], name: str, value: str) -> None:
    """No password in clear over a network, and no second header."""
    environ |= {"AUTHBRIDGE_ALERT_MAIL_TO": "it@kmz.test", "AUTHBRIDGE_SMTP_HOST": "mail.kmz.test"}

    with pytest.raises(ConfigError, match=f"AUTHBRIDGE_{name} is"):
        read_config({**environ, f"AUTHBRIDGE_{name}": value})


@pytest.mark.parametrize(("value", "remembers"), [("yes", True), ("No", False), ("", True)])
def test_remembering_can_be_turned_off(
    environ: dict[str, str],
    value: str,
    remembers: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    """The service then hashes every login, and no owner passes a wait."""
    environ["AUTHBRIDGE_REMEMBER_CREDENTIALS"] = value

    assert read_config(environ).remember_credentials is remembers


@pytest.mark.parametrize("value", ["02-29", "31.07.", "9-30", "W40-1", "13-01", "09-31"])
def test_the_end_of_the_school_year_is_a_day_of_every_year(environ: dict[str, str], value: str) -> None:
    """Month and day; 30 September, unless the operator says otherwise."""
    assert read_config(environ).school_year_ends == (9, 30)
    assert read_config({**environ, "AUTHBRIDGE_SCHOOL_YEAR_ENDS": "07-31"}).school_year_ends == (7, 31)

    with pytest.raises(ConfigError, match="AUTHBRIDGE_SCHOOL_YEAR_ENDS"):
        read_config({**environ, "AUTHBRIDGE_SCHOOL_YEAR_ENDS": value})


def test_no_secret_is_in_its_representation(environ: dict[str, str]) -> None:
    """A config may be logged by mistake."""
    environ["AUTHBRIDGE_DATABASE_URL"] = "postgresql://authbridge:hunter2@db.example.org/authbridge"

    text = repr(read_config(environ))

    assert TOKEN not in text
    assert "hunter2" not in text


@pytest.mark.parametrize("name", ["DATABASE_URL", "API_TOKEN_FILE", "SECRET_KEY_FILE", "XMPP_HOST"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_setting_is_named(environ: dict[str, str], name: str, value: str | None) -> None:
    """The sentence says which variable to set."""
    environ.pop(f"AUTHBRIDGE_{name}")
    if value is not None:
        environ[f"AUTHBRIDGE_{name}"] = value

    with pytest.raises(ConfigError, match=f"AUTHBRIDGE_{name} is not set"):
        read_config(environ)


@pytest.mark.parametrize("content", ["", "short", f"{TOKEN} {TOKEN} {TOKEN}", "\N{SNOWMAN}" * 40])
def test_a_useless_secret_is_refused_without_quoting_it(
    environ: dict[str, str], tmp_path: Path, content: str
) -> None:
    """A secret is a word of at least 32 characters of plain text."""
    config = read_config(environ)
    for name in ("token", "key"):
        (tmp_path / name).write_text(content)

    with pytest.raises(ConfigError, match="AUTHBRIDGE_API_TOKEN_FILE") as token_raised:
        read_api_token(config)
    with pytest.raises(ConfigError, match="AUTHBRIDGE_SECRET_KEY_FILE") as key_raised:
        read_config(environ)

    assert not content or content not in f"{token_raised.value} {key_raised.value}"


def test_a_former_secret_key_stands_below_the_new_one(environ: dict[str, str], tmp_path: Path) -> None:
    """The first line counts; neither is in a repr; a third is a mistake."""
    assert read_config(environ).former_secret_key is None
    keys = "n" * 64, "f" * 64, "t" * 64
    (tmp_path / "key").write_text("\n".join(keys[:2]) + "\n")

    config = read_config(environ)

    assert (config.secret_key, config.former_secret_key) == (keys[0].encode(), keys[1].encode())
    assert not [key for key in keys if key in repr(config)]
    (tmp_path / "key").write_text("\n".join(keys))
    with pytest.raises(ConfigError, match="one word, or the new and the former one"):
        read_config(environ)


def test_the_token_is_read_by_the_service_alone(environ: dict[str, str], tmp_path: Path) -> None:
    """No other process, the panel's least of all, needs to be able to read it."""
    (tmp_path / "token").unlink()
    assert read_config(environ).secret_key


def test_a_secret_that_cannot_be_read_is_named(environ: dict[str, str], tmp_path: Path) -> None:
    """The sentence says which file."""
    environ["AUTHBRIDGE_SECRET_KEY_FILE"] = str(tmp_path / "nowhere")

    with pytest.raises(ConfigError, match="nowhere, which cannot be read: No such file"):
        read_config(environ)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("XMPP_HOST", "https://meet.example.org"),
        ("XMPP_HOST", '"meet.example.org"'),
        ("XMPP_HOST", "meet example org"),
        ("API_BIND", "0.0.0.0:8701"),
        ("API_BIND", "127.0.0.1"),
        ("API_BIND", "127.0.0.1:99999"),
        ("API_BIND", "localhost:8701"),
        ("RETENTION_DAYS", "0"),
        ("PANEL_IDLE_MINUTES", "4"),
        ("PANEL_IDLE_MINUTES", "121"),
        ("RETENTION_DAYS", "57"),
        ("RETENTION_DAYS", "7.5"),
        ("BCRYPT_COST", "3"),
        ("BCRYPT_COST", "17"),
        ("BCRYPT_COST", "ten"),
        ("TIMEZONE", "Berlin"),
        ("TIMEZONE", "../../etc/passwd"),
        ("REMEMBER_CREDENTIALS", "maybe"),
        ("LIMIT_PAIR_GUESSES", "0"),
        ("LIMIT_FIRST_WAIT", "-1"),
        ("LIMIT_FIRST_WAIT", "30s"),
    ],
)
def test_a_value_out_of_bounds_is_refused(environ: dict[str, str], name: str, value: str) -> None:
    """The sentence says which variable, and what it may be."""
    environ[f"AUTHBRIDGE_{name}"] = value

    with pytest.raises(ConfigError, match=f"AUTHBRIDGE_{name} is"):
        read_config(environ)
