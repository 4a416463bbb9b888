"""The service starts quickly, for it reads nothing that it does not need; and says why where it cannot."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.http.conftest import Run
from workbench import ROOT
from workbench.processes import free_port

PATIENCE = 60  # seconds; a test that needs them has failed

COMMANDS = (
    *("db", "school", "organiser", "staff", "suspend", "reinstate", "lockout", "node"),
    *("serve", "panel", "page", "prosody-config", "simulate", "purge"),
)

# Each of them costs tenths of a second; the panel, the letters, staff's passwords and migrations need them.
OTHERS = {
    "alembic",
    "babel",
    "click",
    "flask",
    "jinja2",
    "mako",
    "markdown_it",
    "weasyprint",
    "wtforms",
    "zxcvbn",
}


# What leads to a database, to hashes and to keys.
NOT_FOR_THE_PAGE = {
    *("alembic", "bcrypt", "cryptography", "jwt", "prometheus_client", "psycopg", "sqlalchemy"),
    *("flask_login", "flask_wtf", "webauthn", "weasyprint", "wtforms", "zxcvbn"),
}


def read_by(code: str, environ: Mapping[str, str] | None = None) -> set[str]:
    """The libraries that are read when that code is run."""
    asked = f"import sys; {code}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", asked],
        cwd=ROOT,
        env=os.environ | (environ or {}),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("code", "needless"),
    [
        pytest.param("import wsgi, authbridge.serving", OTHERS, id="the process that answers"),
        pytest.param(
            "import authbridge.cli.serving", OTHERS - {"click"} | {"sqlalchemy"}, id="the one that starts it"
        ),
    ],
)
def test_the_service_reads_nothing_that_it_does_not_need(code: str, needless: set[str]) -> None:
    """A restart has two seconds, in which logins wait."""
    assert not read_by(code) & needless


def test_the_login_page_reads_nothing_that_leads_to_secrets(environ: dict[str, str]) -> None:
    """It is the process nearest to the internet; here it is built as gunicorn builds it."""
    read = read_by("import wsgi; wsgi.login()", environ)
    assert "flask" in read
    assert not read & NOT_FOR_THE_PAGE


@pytest.mark.parametrize("command", ["serve", "panel"])
@pytest.mark.parametrize(
    ("changed", "code", "sentence"),
    [
        ({}, 4, "does not exist yet. Please run: authbridge db upgrade"),
        ({"AUTHBRIDGE_XMPP_HOST": ""}, 3, "AUTHBRIDGE_XMPP_HOST"),
    ],
)
def test_a_service_that_cannot_start_says_why_and_ends(
    environ: dict[str, str], command: str, changed: dict[str, str], code: int, sentence: str
) -> None:
    """Once, with the exit code of the command line; trying again is systemd's business."""
    binds = {f"AUTHBRIDGE_{name}_BIND": f"127.0.0.1:{free_port()}" for name in ("API", "PANEL")}
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "authbridge", command],
        cwd=ROOT,
        env=os.environ | environ | binds | {"AUTHBRIDGE_PANEL_URL": "https://panel.test"} | changed,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == code, done.stderr
    assert done.stderr.count(sentence) == 1, done.stderr


def test_a_login_page_that_cannot_start_says_why(environ: dict[str, str]) -> None:
    """It lacks neither database nor secret key, but the token that it shows to the service."""
    lacking = {
        "AUTHBRIDGE_DATABASE_URL": "",
        "AUTHBRIDGE_SECRET_KEY_FILE": "",
        "AUTHBRIDGE_API_TOKEN_FILE": "",
    }
    done = subprocess.run(
        [sys.executable, "-m", "authbridge", "page", "serve"],
        cwd=ROOT,
        env=os.environ | environ | lacking,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert "AUTHBRIDGE_API_TOKEN_FILE is not set" in done.stderr


def test_every_command_is_there(run: Run) -> None:
    """Each is read when it is asked for; the help names them all."""
    shown = run("--help").stdout
    for name in COMMANDS:
        assert f"  {name} " in shown
        assert "Usage:" in run(name, "--help").stdout
    assert "No such command" in run("no-such", code=2).stderr
