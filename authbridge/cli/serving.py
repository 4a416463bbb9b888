"""Adds the commands that become a service (``serve``, ``panel``, ``page serve``), and ``prosody-config``."""

import os
import sys
from pathlib import Path

import click

import authbridge
from authbridge.cli.cache_handover import hand_over
from authbridge.cli.operator import Operator, pass_operator
from authbridge.errors import ConfigError
from authbridge.login.password_cache import layout_of

_ROOT = Path(authbridge.__file__).parents[1]  # holds wsgi.py and prosody_mod


_PANEL_THREADS = 16  # staff are few; printing and hashing have threads of their own
# Each waits for one answer of the service, which has 600: with the 512 logins of a Prosody, some are left.
_PAGE_THREADS = 64


@click.command()
@pass_operator
def serve(operator: Operator) -> None:
    """Run the auth service that Prosody asks, until it is stopped."""
    config = operator.config
    hand_over(os.environ, layout_of(config.limits, remember=config.remember_credentials))
    _become_gunicorn("wsgi:api()", {"--bind": config.api_bind})


@click.command()
@pass_operator
def panel(operator: Operator) -> None:
    """Run the panel of the staff, until it is stopped."""
    if operator.config.panel_url is None:
        raise ConfigError("AUTHBRIDGE_PANEL_URL is not set: for example https://panel.example.org.")
    _become_gunicorn("wsgi:panel()", {"--bind": operator.config.panel_bind, "--threads": str(_PANEL_THREADS)})


@click.command("serve")
@pass_operator
def serve_page(operator: Operator) -> None:
    """Run the login page, until it is stopped; it needs no database and no secret key."""
    _become_gunicorn(
        "wsgi:login()", {"--bind": operator.page_config.page_bind, "--threads": str(_PAGE_THREADS)}
    )


def _become_gunicorn(application: str, own_options: dict[str, str]) -> None:
    # -P: no code from the folder in which somebody starts it.
    gunicorn = [sys.executable, "-P", "-m", "gunicorn"]
    options = {
        "--config": "python:authbridge.gunicorn_conf",
        "--pythonpath": str(_ROOT),
        **own_options,
    }
    arguments = [part for pair in options.items() for part in pair]
    sys.stdout.flush()
    # No shell, no child: systemd and Ctrl-C must reach gunicorn itself.
    os.execv(sys.executable, [*gunicorn, *arguments, application])  # noqa: S606


@click.command("prosody-config")
@click.option("--host", required=True, help="The VirtualHost on which organisers log in.")
@pass_operator
def prosody_config(operator: Operator, host: str) -> None:
    """Print the lines for Prosody's configuration, ready to paste."""
    config = operator.config
    if host.lower() != config.xmpp_host:
        raise ConfigError(
            f"The service answers for {config.xmpp_host} (AUTHBRIDGE_XMPP_HOST), not for {host}."
        )
    click.echo(
        _PROSODY_LINES.format(
            host=_lua(config.xmpp_host),
            meetings=_lua(f"conference.{config.xmpp_host}"),
            modules=_lua(str(_ROOT / "prosody_mod")),
            url=_lua(f"http://{config.api_bind}"),
            token_file=_lua(str(config.api_token_file.absolute())),
        )
    )


_PROSODY_LINES = """\
-- At the top, outside of any VirtualHost (add the folder if plugin_paths exists already):
plugin_paths = {{ {modules} }}
consider_bosh_secure = true
consider_websocket_secure = true
gc = {{ mode = "generational" }}  -- a login then takes Prosody half the time

-- In the existing block of this host, in place of its "authentication" line:
VirtualHost {host}
    authentication = "external"
    external_auth_url = {url}
    external_auth_token_file = {token_file}

-- In the existing block of Jitsi's meetings, one more in its "modules_enabled": the rules of the meeting.
Component {meetings} "muc"
    modules_enabled = {{ "meeting_rules" }}"""


def _lua(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
