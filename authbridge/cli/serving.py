"""``authbridge serve`` and ``authbridge prosody-config``."""

import os
import sys
from pathlib import Path

import click

import authbridge
from authbridge.cli.operator import Operator, pass_operator
from authbridge.errors import ConfigError

_ROOT = Path(authbridge.__file__).parents[1]  # holds wsgi.py and prosody_mod

# A thread waits for most of its time: for bcrypt, which lets the others run, or for the database.
_THREADS = 64
_GRACE = 2  # seconds that a login under way gets at a restart; Prosody asks again


@click.command()
@pass_operator
def serve(operator: Operator) -> None:
    """Run the auth service that Prosody asks, until it is stopped."""
    bind = operator.config.api_bind
    operator.database  # noqa: B018 - a wrong version is better said here than by a worker
    arguments = {
        "--bind": bind,
        "--workers": "1",  # what it remembers lives in one process
        "--worker-class": "gthread",
        "--threads": str(_THREADS),
        "--graceful-timeout": str(_GRACE),
        "--pythonpath": str(_ROOT),
    }
    options = [part for pair in arguments.items() for part in pair]
    sys.stdout.flush()
    # -P: neither code nor a gunicorn.conf.py from the folder in which somebody starts it.
    os.execv(  # noqa: S606 - no shell; systemd and Ctrl-C must reach gunicorn itself
        sys.executable,
        [sys.executable, "-P", "-m", "gunicorn", *options, "--no-control-socket", "wsgi:api"],
    )


@click.command("prosody-config")
@click.option("--host", required=True, help="The VirtualHost on which organisers log in.")
@pass_operator
def prosody_config(operator: Operator, host: str) -> None:
    """Print the lines for Prosody's configuration, ready to paste."""
    config = operator.config
    if host.lower() != config.xmpp_host:
        message = f"The service answers for {config.xmpp_host} (AUTHBRIDGE_XMPP_HOST), not for {host}."
        raise ConfigError(message)
    click.echo(
        _PROSODY_LINES.format(
            host=_lua(config.xmpp_host),
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
-- Fewer pauses of a busy Prosody, as in Jitsi's own image:
gc = {{ mode = "incremental", threshold = 400, speed = 250, step_size = 13 }}

-- In the existing block of this host, in place of its "authentication" line:
VirtualHost {host}
    authentication = "external"
    external_auth_url = {url}
    external_auth_token_file = {token_file}"""


def _lua(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
