"""``prosodyctl mod_auth_external check`` says what is wrong and how to fix it, and never the token."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from authbridge.storage.database import Database
from authbridge.storage.models import Base, LoginAttempt, ProsodyNode
from tests.support.login_server import VERSIONS
from workbench import ROOT
from workbench.processes import PATIENCE, free_port, is_answering
from workbench.prosody import GENERATIONAL, HOST, Prosody
from workbench.service import Service

_CONFIG = """\
run_as_root = {as_root}
data_path = "{folder}"; pidfile = "{folder}/prosody.pid"; certificates = "{folder}"
plugin_paths = {{ "{modules}" }}
log = {{ {log_level} = "{folder}/prosody.log" }}
storage = "{storage}"
consider_bosh_secure = true; consider_websocket_secure = true
{above}
modules_enabled = {{ {enabled} }}

VirtualHost "{host}"
  authentication = "{authentication}"
  external_auth_url = "{url}"
  external_auth_token_file = "{token_file}"
VirtualHost "guest.{host}"
  authentication = "anonymous"
{below}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """What the administrator of one Prosody has written down."""

    version: str
    folder: Path
    url: str
    token_file: Path
    host: str = HOST
    authentication: str = "external"
    enabled: str = '"saslauth", "bosh", "websocket"'
    log_level: str = "info"
    above: str = GENERATIONAL  # lines above all hosts
    below: str = ""  # and beneath them
    storage: str = "memory"

    def check(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the command; whatever it says, the token is not in it."""
        config = self.folder / "prosody.cfg.lua"
        config.write_text(
            _CONFIG.format(
                as_root="true" if os.geteuid() == 0 else "false",
                folder=self.folder,
                modules=ROOT / "prosody_mod",
                log_level=self.log_level,
                above=self.above,
                below=self.below,
                storage=self.storage,
                enabled=self.enabled,
                host=self.host,
                authentication=self.authentication,
                url=self.url,
                token_file=self.token_file,
            )
        )
        prosodyctl = Prosody(self.version, self.folder, {}).prosodyctl
        done = subprocess.run(  # noqa: S603 - our own command line
            ["lua5.4", str(prosodyctl), "--config", str(config), "mod_auth_external", "check", *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        if self.token_file.is_file():
            assert self.token_file.read_text().strip() not in done.stdout + done.stderr
        return done


@pytest.fixture(name="service", scope="module")
def start_service(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Service]:
    """A running service, for all of these stories; none of them changes anything in it."""
    service = Service(tmp_path_factory.mktemp("service"))
    shutil.copy(sqlite_template, service.folder / "authbridge.db")
    service.start()
    service.process.await_ready(lambda: is_answering(service.port, "/readyz"))  # its first purge is done
    yield service
    service.stop()


@pytest.fixture(name="server", params=VERSIONS)
def make_server(request: pytest.FixtureRequest, tmp_path: Path, service: Service) -> Server:
    """A Prosody where all is well."""
    return Server(request.param, tmp_path, service.url, service.token_file)


def findings(done: subprocess.CompletedProcess[str], sign: str) -> list[str]:
    """The lines with that sign."""
    assert done.stderr == ""
    return [line.strip() for line in done.stdout.splitlines() if f"[{sign}]" in line]


def test_a_jitsi_that_cannot_be_guarded_is_no_plain_prosody(server: Server) -> None:
    """Two components in front of jicofo, or one of before 2021, are a warning with a remedy."""
    target = f'target_address = "focus@auth.{HOST}"'
    two = "".join(f'Component "{name}" "client_proxy"\n  {target}\n' for name in ("a.test", "b.test"))
    several = findings(replace(server, below=two).check(), "warning")
    assert ["external_auth_focus" in line and "a.test, b.test" in line for line in several] == [True]

    external = f'Component "focus.{HOST}"\n  component_secret = "{secrets.token_hex(8)}"\n'
    older = findings(replace(server, below=external).check(), "warning")
    assert [f"focus.{HOST} is an external component" in line for line in older] == [True]


@pytest.mark.parametrize(
    ("subscription", "sign"), [("both", "ok"), ("from", "ok"), ("to", "warning"), (None, "warning")]
)
def test_meetings_are_not_guarded_by_a_component_that_knows_no_jicofo(
    server: Server, subscription: str | None, sign: str
) -> None:
    """Jitsi's packages make the component a contact of jicofo's account; without that no meeting begins."""
    jitsi = (
        f'VirtualHost "auth.{HOST}"\n  authentication = "internal_hashed"\n'
        f'Component "conference.{HOST}" "muc"\n'
        f'Component "focus.{HOST}" "client_proxy"\n  target_address = "focus@auth.{HOST}"\n'
    )
    if subscription is not None:
        roster = server.folder / f"auth.{HOST}".replace(".", "%2e") / "roster"
        roster.mkdir(parents=True)
        contact = f'["focus.{HOST}"] = {{ ["subscription"] = "{subscription}" }};'
        (roster / "focus.dat").write_text(f"return {{ {contact} }};\n")

    done = replace(server, below=jitsi, storage="internal").check(HOST)
    words = {
        "ok": f"Meetings at conference.{HOST} are guarded",
        "warning": f"focus.{HOST} does not hear of jicofo",
    }
    assert [words[sign] in line for line in findings(done, sign)].count(True) == 1
    other = "warning" if sign == "ok" else "ok"
    assert words[other] not in done.stdout


def test_the_login_page(server: Server) -> None:
    """The option on the host that asks, the service that knows the tokens, and what shuts them out."""
    opened = f"{GENERATIONAL}\nexternal_auth_page = true"
    done = replace(server, above=opened).check()
    said = findings(done, "ok")
    assert [line for line in said if line.startswith("[ok] Organisers may come by the login page")]
    assert f"[ok] {server.url} knows the tokens of the login page." in said
    shut = replace(server, above=f'{opened}\ndisable_sasl_mechanisms = {{ "ANONYMOUS" }}').check()
    assert ["disable_sasl_mechanisms" in line for line in findings(shut, "error")] == [True]
    assert "login page" not in server.check().stdout


def test_the_rules_of_the_meeting(server: Server) -> None:
    """Which are kept, what is wrong with an option, and how participants must come in."""
    jitsi = (
        f'Component "conference.{HOST}" "muc"\n  modules_enabled = {{ "meeting_rules" }}\n  {{option}}\n'
        f'Component "focus.{HOST}" "client_proxy"\n  target_address = "focus@auth.{HOST}"\n'
    )
    kept = replace(server, below=jitsi.replace("{option}", "meeting_rules_names = false")).check()
    assert "[ok] The server keeps these rules of the meeting: schools, protection," in kept.stdout
    assert "switched off: names." in kept.stdout
    (guests,) = findings(kept, "error")
    assert f'authentication = "jitsi-anonymous" below VirtualHost "guest.{HOST}"' in guests

    odd = replace(server, below=jitsi.replace("{option}", 'meeting_rules_grace = "45"')).check()
    assert any("Option meeting_rules_grace must be a number" in line for line in findings(odd, "error"))


def test_authentication_above_all_hosts_is_not_mended_in_the_service(server: Server) -> None:
    """For jicofo's host the advice is a line there; another host for the service would lock everybody out."""
    options = f'external_auth_url = "{server.url}"; external_auth_token_file = "{server.token_file}"'
    done = replace(
        server,
        above=f'{GENERATIONAL}\nauthentication = "external"; {options}',
        below=f'VirtualHost "auth.{HOST}"\n',
    ).check(f"auth.{HOST}")
    errors = findings(done, "error")
    assert [f'below VirtualHost "auth.{HOST}"' in line for line in errors] == [True]
    assert "AUTHBRIDGE_XMPP_HOST" not in done.stdout


def test_the_garbage_collector_is_named_with_the_line_to_set(server: Server) -> None:
    """As it comes, or as Jitsi's containers have it, is a note; with the line in it, all is in order."""
    for line, words in (
        ("", "works as it comes"),
        (
            'gc = { mode = "incremental"; threshold = 400; speed = 250; step_size = 13 }',
            'gc = { mode = "incremental", speed = 250, step_size = 13, threshold = 400 }',
        ),
    ):
        done = replace(server, above=line).check()
        notes = [note for note in findings(done, "note") if "garbage collector" in note]
        assert (done.returncode, len(notes)) == (0, 1)
        assert words in notes[0]
        fix = notes[0].partition("Fix: ")[2].partition(" outside")[0]
        assert fix == GENERATIONAL

    assert any(GENERATIONAL in line for line in findings(server.check(), "ok"))


@pytest.mark.parametrize("arguments", [(), (HOST,), (HOST.upper(),)])
def test_all_in_order(server: Server, service: Service, arguments: tuple[str, ...]) -> None:
    """Where all is well the command says so, ends with 0, and leaves no trace: no login, no node."""
    done = server.check(*arguments)

    assert (done.returncode, findings(done, "error"), findings(done, "warning")) == (0, [], [])
    for words in (f"accepts the token and answers for {HOST}", "tells of suspensions"):
        assert any(words in line for line in findings(done, "ok"))
    assert (count_rows(service, LoginAttempt), count_rows(service, ProsodyNode)) == (0, 0)


def test_service_down(server: Server) -> None:
    """A service that does not run is an error, with the command that starts it."""
    url = f"http://127.0.0.1:{free_port()}"
    done = replace(server, url=url).check()

    assert done.returncode == 1
    [error] = findings(done, "error")
    assert f"{url} cannot be reached: connection refused" in error
    assert "systemctl start authbridge-api" in error


def test_service_hangs(server: Server) -> None:
    """A service that accepts and says nothing is an error after five seconds, not after minutes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        done = replace(server, url=url).check()

    assert time.monotonic() - started < 30
    assert done.returncode == 1
    [error] = findings(done, "error")
    assert f"{url} gives no answer in time" in error


def test_wrong_token(server: Server) -> None:
    """A token that the service refuses is an error which names both options."""
    token_file = server.folder / "api-token"
    token_file.write_text(secrets.token_hex(32))
    done = replace(server, token_file=token_file).check()

    assert done.returncode == 1
    [error] = findings(done, "error")
    assert "refuses the token" in error
    assert "external_auth_token_file" in error
    assert "AUTHBRIDGE_API_TOKEN_FILE" in error


def test_token_missing(server: Server) -> None:
    """A token file that is not there is an error; the rest is checked all the same."""
    done = replace(server, token_file=server.folder / "nowhere").check()

    assert done.returncode == 1
    [error] = findings(done, "error")
    assert "No such file or directory" in error
    assert any("is ready" in line for line in findings(done, "ok"))


def test_token_unreadable(server: Server) -> None:
    """A token file that cannot be read, as a folder cannot even by root, is an error with its remedy."""
    token_file = server.folder / "api-token"
    token_file.mkdir()
    done = replace(server, token_file=token_file).check()

    assert done.returncode == 1
    [error] = findings(done, "error")
    assert f"chmod 640 {token_file}" in error


def test_token_open_to_others(server: Server, service: Service) -> None:
    """A token file that every local user may read is a warning."""
    token_file = server.folder / "api-token"
    token_file.write_text(service.token_file.read_text())
    token_file.chmod(0o644)
    done = replace(server, token_file=token_file).check()

    assert done.returncode == 0
    [warning] = findings(done, "warning")
    assert f"chmod o= {token_file}" in warning


def test_wrong_host(server: Server) -> None:
    """A service that answers for another host is an error with both names."""
    done = replace(server, host="other.test").check()

    assert done.returncode == 1
    [error] = findings(done, "error")
    assert "does not answer for other.test" in error
    assert f"this service answers for {HOST}" in error


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        pytest.param("unknown.test", 'There is no VirtualHost "unknown.test"', id="unknown"),
        pytest.param(f"guest.{HOST}", f"guest.{HOST} does not ask AuthBridge", id="of other kind"),
    ],
)
def test_host_argument_that_fits_none(server: Server, argument: str, words: str) -> None:
    """A host that is unknown, or authenticates otherwise, is an error with a remedy."""
    done = server.check(argument)

    assert done.returncode == 1
    [error] = findings(done, "error")
    assert words in error
    assert "Fix: " in error


def test_no_host_asks(server: Server) -> None:
    """A Prosody in which no host asks the service is told what to add."""
    done = replace(server, authentication="internal_hashed").check()

    assert done.returncode == 1
    [error] = findings(done, "error")
    assert 'add authentication = "external"' in error


def test_neighbours_that_harm(server: Server) -> None:
    """A log at debug level, mod_limit_auth and a needless entry are warnings; logins work all the same."""
    done = replace(
        server, log_level="debug", enabled='"saslauth", "bosh", "limit_auth", "auth_external"'
    ).check()

    assert done.returncode == 0
    warnings = " ".join(findings(done, "warning"))
    assert all(words in warnings for words in ("level debug", "mod_limit_auth", "auth_external is listed"))


def test_a_host_that_is_switched_off_takes_no_tokens(server: Server) -> None:
    """Jitsi's packages bring one for customers of its telephony: claims are cleared all the same."""
    telephony = 'VirtualHost "jigasi.meet.jitsi"\n  enabled = {}\n  authentication = "token"\n'
    assert findings(replace(server, below=telephony.format("false")).check(), "warning") == []
    assert len(findings(replace(server, below=telephony.format("true")).check(), "warning")) == 1


def test_the_same_as_json(server: Server) -> None:
    """Each line with its sign, for programs; the exit code is the same."""
    plain, answer = server.check(HOST), server.check("--json", HOST)
    lines = [finding["line"] for finding in json.loads(answer.stdout)["findings"]]
    assert (answer.returncode, answer.stderr) == (0, "")
    assert lines == [line.strip() for line in plain.stdout.splitlines()[1:]]

    nobody = replace(server, authentication="internal_hashed").check("--json", HOST)
    assert nobody.returncode == 1
    assert [finding["sign"] for finding in json.loads(nobody.stdout)["findings"]] == ["error"]


def test_usage(server: Server) -> None:
    """Too many arguments are answered with the usage."""
    done = server.check(HOST, HOST)
    assert (done.returncode, done.stdout) == (
        1,
        "Usage: prosodyctl mod_auth_external check [--json] [HOST | URL]\n",
    )


def count_rows(service: Service, model: type[Base]) -> int:
    """Returns how many rows that table of the service has."""
    database = Database(service.database_url)
    try:
        with database.read_session() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0
    finally:
        database.engine.dispose()
