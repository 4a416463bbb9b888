"""One command installs, a second time it changes nothing, and one command takes all of it back."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from authbridge.installation import jitsi
from authbridge.installation.record import Record
from authbridge.machine.files import Machine
from authbridge.machine.login_page import SOCKET
from authbridge.machine.mending import mend
from authbridge.machine.page_switch import plan_on, switch_on
from authbridge.machine.setup import Setup, read_setup
from tests.integration.installation.conftest import PANEL, Install, tree
from tests.support.jitsi_machine import HOST, HOST_FILE
from tests.support.prosody_machine import lay_prosody
from tests.support.tree_system import TreeSystem

_TOKEN = "/etc/authbridge/api-token"
_SETTINGS = "/etc/authbridge/authbridge.env"


def test_it_brings_about_what_the_services_need(install: Install, machine: Machine) -> None:
    """Program, users, secrets, settings, units, database, the panel's site."""
    assert install() == 0
    system = TreeSystem(machine)
    assert system.is_member("prosody", "authbridge-token")
    assert not system.is_member("authbridge", "authbridge-token")
    assert machine.path(_TOKEN).stat().st_mode & 0o777 == 0o640
    assert machine.path("/etc/authbridge/secret-key").read_text() != machine.path(_TOKEN).read_text()
    assert machine.path("/var/lib/authbridge").stat().st_mode & 0o777 == 0o700
    settings = system.settings()
    assert settings["AUTHBRIDGE_XMPP_HOST"] == HOST
    assert settings["AUTHBRIDGE_PANEL_URL"] == f"https://{PANEL}"
    assert machine.path("/opt/authbridge").is_symlink()
    assert machine.path("/usr/local/bin/authbridge").stat().st_mode & 0o777 == 0o755
    for link in (
        "sockets.target.wants/authbridge-api.socket",
        "timers.target.wants/authbridge-backup.timer",
        "timers.target.wants/authbridge-doctor.timer",
        "timers.target.wants/authbridge-synthetic-login.timer",
    ):
        assert (machine.root / "etc/systemd/system" / link).is_symlink()
    assert (machine.root / f"etc/nginx/sites-enabled/{PANEL}.conf").is_symlink()
    assert "example.org/fullchain" in (machine.read(f"/etc/nginx/sites-available/{PANEL}.conf") or "")
    assert system.authbridge("/opt/authbridge", "staff", "list").startswith("There is no staff yet.")


def test_a_dry_run_changes_nothing(
    install: Install, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what would be done: before the installation, after it, and before it is taken back."""
    before = tree(machine)
    assert install("--host", HOST, "--panel", PANEL, "--dry-run") == 0
    assert tree(machine) == before
    assert "+AUTHBRIDGE_XMPP_HOST" in capsys.readouterr().out
    install()
    installed = tree(machine)
    assert install("--undo", "--dry-run") == 0
    assert tree(machine) == installed


def test_a_second_time_it_changes_nothing_and_says_so(
    install: Install, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be given as often as one likes."""
    install()
    installed = tree(machine)
    capsys.readouterr()
    assert install() == 0
    assert tree(machine) == installed
    assert "nothing was changed" in capsys.readouterr().out


def test_taken_back_all_is_byte_for_byte_as_before(install: Install, machine: Machine) -> None:
    """Nothing of it is left, not even an empty folder."""
    before = tree(machine)
    install()
    assert install("--undo") == 0
    assert tree(machine) == before


def test_data_are_moved_to_a_place_of_safety(
    install: Install, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who takes the installation back does not lose the schools, nor the key to what is in the database."""
    before = tree(machine)
    install()
    TreeSystem(machine).authbridge("/opt/authbridge", "school", "add", "ohg", "Otto-Hahn-Gymnasium")
    secret = machine.read("/etc/authbridge/secret-key")
    assert install("--undo") == 0
    (safe,) = machine.root.glob("var/backups/authbridge-*")
    assert f"/{safe.relative_to(machine.root)}" in capsys.readouterr().out
    assert safe.stat().st_mode & 0o777 == 0o700
    assert (safe / "etc-authbridge/secret-key").read_text() == secret
    with closing(sqlite3.connect(safe / "var-lib-authbridge/authbridge.db")) as database:
        assert database.execute("SELECT code FROM schools").fetchall() == [("ohg",)]
    assert {
        name: each for name, each in tree(machine).items() if not name.startswith("var/backups/")
    } == before


def test_the_operators_own_settings_stay(install: Install, machine: Machine) -> None:
    """They are never overwritten, and taken back they are moved, not removed."""
    install()
    path = machine.path(_SETTINGS)
    theirs = path.read_text().replace("#AUTHBRIDGE_RETENTION_DAYS=7", "AUTHBRIDGE_RETENTION_DAYS=14")
    path.write_text(theirs)
    install()
    assert path.read_text() == theirs
    install("--undo")
    (safe,) = machine.root.glob("var/backups/authbridge-*")
    assert (safe / "etc-authbridge/authbridge.env").read_text() == theirs


def test_a_site_that_somebody_changed_stays(
    install: Install, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """The addresses that may open the panel are the administrator's."""
    install()
    site = machine.path(f"/etc/nginx/sites-available/{PANEL}.conf")
    theirs = site.read_text().replace("# allow 192.0.2.0/24;", "allow 198.51.100.0/24;")
    site.write_text(theirs)
    capsys.readouterr()
    assert install() == 0
    assert site.read_text() == theirs
    assert "somebody has changed it" in capsys.readouterr().out


def test_the_panel_comes_later(install: Install, machine: Machine) -> None:
    """An installation without a panel gets one by the same command; settings that are there stay."""
    before = tree(machine)
    install("--host", HOST)
    assert not machine.path("/etc/systemd/system/authbridge-panel.service").exists()
    install("--panel", PANEL)
    assert TreeSystem(machine).settings()["AUTHBRIDGE_PANEL_URL"] == f"https://{PANEL}"
    assert machine.path("/etc/systemd/system/authbridge-panel.service").exists()
    install("--undo")
    assert tree(machine) == before


def test_without_a_certificate_the_site_waits(
    install: Install, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nginx would not start with a site that names a file which is not there."""
    machine.path(f"/etc/letsencrypt/live/{PANEL}/fullchain.pem").unlink()
    install()
    link = machine.path(f"/etc/nginx/sites-enabled/{PANEL}.conf")
    assert not link.is_symlink()
    assert f"certbot certonly --nginx -d {PANEL}" in capsys.readouterr().out
    machine.path(f"/etc/letsencrypt/live/{PANEL}/fullchain.pem").write_text("a certificate\n")
    install()
    assert link.is_symlink()


def test_a_certificate_from_elsewhere_is_remembered(install: Install, machine: Machine) -> None:
    """An upgrade is given without it."""
    for name in ("panel.crt", "panel.key"):
        machine.path(f"/etc/ssl/{name}").parent.mkdir(exist_ok=True)
        machine.path(f"/etc/ssl/{name}").write_text("a certificate\n")
    files = ("--certificate", "/etc/ssl/panel.crt", "--certificate-key", "/etc/ssl/panel.key")
    install("--host", HOST, "--panel", PANEL, *files)
    installed = tree(machine)
    assert "ssl_certificate_key /etc/ssl/panel.key;" in (
        machine.read(f"/etc/nginx/sites-available/{PANEL}.conf") or ""
    )
    install()
    assert tree(machine) == installed


def test_an_installation_by_hand_is_taken_over_and_given_back(install: Install, machine: Machine) -> None:
    """The folder of a former release is set aside, and stands in its place again afterwards."""
    by_hand = machine.path("/opt/authbridge")
    by_hand.mkdir()
    (by_hand / "README.md").write_text("by hand\n")
    before = tree(machine)
    assert install() == 0
    assert by_hand.is_symlink()
    install("--undo")
    assert tree(machine) == before


def test_the_services_user_leaves_the_group_of_the_token_and_comes_back(
    install: Install, machine: Machine
) -> None:
    """Former releases had it there: the panel runs as that user too.  Undone, it is as somebody had it."""
    for file, line in (("passwd", "authbridge:x:0:0::/:/bin/false"), ("group", "authbridge:x:0:")):
        path = machine.path(f"/etc/{file}")
        path.write_text(f"{path.read_text()}{line}\n")
    path.write_text(f"{path.read_text()}authbridge-token:x:0:prosody,authbridge\n")
    before = tree(machine)
    assert install() == 0
    assert "authbridge-token:x:0:prosody\n" in path.read_text()
    assert install("--undo") == 0
    assert tree(machine) == before


def test_an_upgrade_takes_the_services_user_out_of_the_group(install: Install, machine: Machine) -> None:
    """As the installer of a former release had put it there."""
    before = tree(machine)
    install()
    TreeSystem(machine).add_member("authbridge", "authbridge-token")
    Record(machine).note("members", "authbridge")
    assert install() == 0
    assert not TreeSystem(machine).is_member("authbridge", "authbridge-token")
    assert install("--undo") == 0
    assert tree(machine) == before


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda root: (root / "etc/os-release").write_text('ID=debian\nVERSION_ID="11"\n'), "Debian 13"),
        (lambda root: (root / HOST_FILE).write_text('VirtualHost "other.example.org"\n'), "VirtualHost"),
        (lambda root: (root / "etc/jitsi/jicofo/jicofo.conf").unlink(), "jicofo is not installed"),
    ],
)
def test_what_cannot_succeed_is_refused_at_once(
    spoil: object, words: str, install: Install, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence says why, and nothing is changed."""
    assert callable(spoil)
    spoil(machine.root)
    before = tree(machine)
    assert install() == 1
    assert words in capsys.readouterr().err
    assert tree(machine) == before


def test_two_do_not_run_at_once(
    install: Install, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second one stops at once."""
    with Record(machine).lock():
        assert install() == 1
    assert "Another installer" in capsys.readouterr().err


def test_the_code_of_the_first_member_of_staff_never_stands_in_a_file(
    install: Install, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where standard output is no terminal, the command is named that shows it."""
    assert install("--host", HOST, "--panel", PANEL, "--admin", "anna") == 0
    assert "authbridge staff add anna --role admin" in capsys.readouterr().out
    assert "no staff" in TreeSystem(machine).authbridge("/opt/authbridge", "staff", "list")


def test_only_files_of_the_program_are_copied(install: Install, machine: Machine, next_clone: Path) -> None:
    """No bytecode, no history, nothing that lies about in the clone."""
    (next_clone / ".git").mkdir()
    (next_clone / "authbridge/__pycache__").mkdir()
    (next_clone / "authbridge/__pycache__/api.cpython-311.pyc").write_bytes(b"old")
    install(clone=next_clone)
    program = machine.real("/opt/authbridge")
    assert not (program / ".git").exists()
    assert not list(program.glob("authbridge/**/*.pyc"))
    assert (program / "prosody_mod/mod_auth_external/mod_auth_external.lua").is_file()


def test_killed_between_the_change_and_the_restart_it_still_asks_for_it(
    install: Install, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second run finds nothing to change any more; Prosody works by its former files all the same."""

    def mend_and_die(machine: Machine, setup: Setup, *, by: str) -> None:
        mend(machine, setup, by=by)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(jitsi, "mend", mend_and_die)
        with pytest.raises(SystemExit):
            install()
    capsys.readouterr()

    assert install() == 0

    said = capsys.readouterr().out
    assert "Change these files" not in said
    assert "systemctl restart jicofo" in said


def test_the_login_page_waits_for_its_command(install: Install, machine: Machine) -> None:
    """Its units are there, and nothing starts them; taken back, all goes that the command has changed."""
    lay_prosody(machine.root, "13")
    before = tree(machine)
    install()
    folder = machine.root / "etc/systemd/system"
    assert (folder / "authbridge-page.service").is_file()
    assert not list(folder.glob("*.wants/authbridge-page.*"))

    setup = read_setup(machine)
    switch_on(machine, plan_on(machine, setup, HOST), setup)
    assert list(folder.glob("*.wants/authbridge-page.*")) == [folder / "sockets.target.wants" / SOCKET]
    on = tree(machine)
    assert install() == 0
    assert tree(machine) == on

    assert install("--undo") == 0
    assert tree(machine) == before
