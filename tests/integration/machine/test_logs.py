"""What the machine logs is kept as long as is promised, or a finding says so and the fix makes it so."""

import os
import re
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from authbridge.machine import journald, logrotate
from authbridge.machine.checks import logs
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Finding, Level
from authbridge.machine.logrotate import Endless
from authbridge.machine.mending import mend, take_back
from authbridge.machine.setup import Setup
from tests.support.jitsi_machine import Distribution, Release, lay_out

_SETUP = Setup("meet.example.org")
_SIX_DAYS = "[Journal]\nMaxRetentionSec=6day\nMaxFileSec=1day\n"
_RSYSLOG = "*.*;auth,authpriv.none\t\t-/var/log/syslog\nauth,authpriv.*\t/var/log/auth.log\n"


def _look(machine: Machine, setup: Setup) -> list[Finding]:
    return list(logs.examine(PlannedChanges(machine), setup))


def _levels(machine: Machine, setup: Setup = _SETUP) -> dict[str, Level]:
    return {finding.id: finding.level for finding in _look(machine, setup)}


def _found(machine: Machine, name: str) -> Finding:
    (finding,) = [each for each in _look(machine, _SETUP) if each.id == name]
    return finding


def _write(machine: Machine, name: str, text: str) -> None:
    path = machine.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _contents(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("release", "distribution"), [("2024", "debian12"), ("2026", "debian13")])
def test_a_stock_machine_keeps_too_long_is_mended_and_taken_back(
    tmp_path: Path, release: Release, distribution: Distribution
) -> None:
    """Each program's logs are red, then green, then byte for byte as before."""
    lay_out(tmp_path, release=release, distribution=distribution, secured=True)
    machine = Machine(tmp_path)
    _write(machine, "/etc/rsyslog.conf", _RSYSLOG)
    before = _contents(tmp_path)
    programs = {"log-nginx", "log-prosody", "log-jicofo", "log-videobridge", "log-syslog", "log-journald"}
    assert {name for name, level in _levels(machine).items() if level is Level.ERROR} == programs

    mended = mend(machine, _SETUP, by="doctor", look=_look)

    assert set(_levels(machine).values()) == {Level.OK}
    assert mended.restart == []
    assert not mend(machine, _SETUP, by="doctor", look=_look).changes

    take_back(machine, by="doctor")
    assert _contents(tmp_path) == before


def test_what_is_changed_is_little(tmp_path: Path) -> None:
    """Comments, scripts and whatever else the administrator has written stay."""
    machine = Machine(tmp_path)
    _write(machine, "/etc/nginx/nginx.conf", "http { access_log /var/log/nginx/access.log; }\n")
    _write(machine, logrotate.MAIN, "weekly\ninclude /etc/logrotate.d\n")
    _write(
        machine,
        "/etc/logrotate.d/nginx",
        """\
# ours since 2019
/var/log/nginx/*.log {
\tsize 100M # was weekly
\tweekly
\tmissingok
\trotate 52
\tnotifempty
\tpostrotate
\t\techo "rotate 52 { notifempty }"
\tendscript
}
""",
    )
    _write(machine, "/etc/logrotate.d/other", "/var/log/other.log {\n\trotate 52\n}\n")
    (change,) = mend(machine, _SETUP, by="doctor", look=lambda *it: [_only("log-nginx", *it)]).changes
    assert change.after == (change.before or "").replace(
        "\tsize 100M # was weekly\n\tweekly\n", "\tdaily\n", 1
    ).replace("\trotate 52\n", "\trotate 5\n", 1).replace("\tnotifempty\n", "\tifempty\n", 1)


@pytest.mark.parametrize(
    "directives",
    {
        Endless.SILENCE: "daily\nrotate 6\nnotifempty",
        Endless.SIZE: "daily\nsize 1M\nrotate 6",
        Endless.LEAST_SIZE: "daily\nrotate 6\nminsize 1M",
        Endless.LEAST_AGE: "daily\nrotate 6\nminage 3",
        Endless.COPY: "daily\nrotate 6\ncopy",
        Endless.MAIL: "daily\nrotate 6\nmail admin",
        Endless.NO_LIMIT: "daily\nrotate -1",
    }.items(),
    ids=lambda kind: kind[0],
)
@pytest.mark.parametrize("is_inherited", [False, True])
def test_each_way_to_keep_lines_for_ever(
    tmp_path: Path, directives: tuple[Endless, str], *, is_inherited: bool
) -> None:
    """Said in the block or inherited by it; another log of another block stays as it is."""
    cause, rules = directives
    machine = Machine(tmp_path)
    _write(machine, "/etc/jitsi/jicofo/jicofo.conf", "")
    outside, inside = (rules, "") if is_inherited else ("", rules)
    other = "/var/log/other.log {\n\tmonthly\n}\n"
    text = f"{outside}\n{other}/var/log/jitsi/jicofo.log {{\n\tmissingok\n{inside}\n}}\n"
    _write(machine, logrotate.MAIN, text)
    (_, block) = logrotate.read_blocks(PlannedChanges(machine))
    assert logrotate.longest_life(block, "/var/log/jitsi/jicofo.log", machine) is cause
    found = _found(machine, "log-jicofo")
    assert found.level is Level.ERROR
    assert "/var/log/jitsi/jicofo.log" in str(found.what)
    mend(machine, _SETUP, by="doctor", look=lambda *it: [_only("log-jicofo", *it)])
    assert _found(machine, "log-jicofo").level is Level.OK
    mended = machine.read(logrotate.MAIN) or ""
    assert other in mended
    assert mended.startswith(outside)
    take_back(machine, by="doctor")
    assert machine.read(logrotate.MAIN) == text


def _only(name: str, machine: Machine, setup: Setup) -> Finding:
    return next(each for each in _look(machine, setup) if each.id == name)


def test_a_log_that_nothing_rotates_gets_a_file_of_its_own(tmp_path: Path) -> None:
    """A second site with a log elsewhere; logrotate may rotate it as the user of its folder."""
    machine = Machine(tmp_path)
    _write(machine, "/etc/nginx/nginx.conf", "http { access_log /srv/logs/a.log; error_log stderr; }\n")
    _write(machine, "/etc/nginx/sites-enabled/b", "server { access_log /srv/logs/b.log combined; #x\n}\n")
    _write(machine, logrotate.MAIN, "include /etc/logrotate.d\n")
    _write(machine, "/etc/logrotate.d/a", "/srv/logs/a.log { \n daily\n rotate 6\n}\n")
    found = _found(machine, "log-nginx")
    assert found.level is Level.ERROR
    assert "/srv/logs/b.log" in str(found.what)
    mend(machine, _SETUP, by="doctor", look=lambda *it: [_only("log-nginx", *it)])
    own = machine.read("/etc/logrotate.d/authbridge-nginx")
    assert own is not None
    assert own == found.line
    assert _found(machine, "log-nginx").level is Level.OK


def test_a_folder_that_others_may_write_to_needs_a_user(tmp_path: Path) -> None:
    """Logrotate skips it otherwise, and says so only in its own log."""
    machine = Machine(tmp_path)
    _write(machine, "/etc/jitsi/videobridge/jvb.conf", "")
    folder = machine.path("/var/log/jitsi")
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    block = "/var/log/jitsi/jvb.log {\n  daily\n  rotate 6\n}\n"
    _write(machine, logrotate.MAIN, f"su root adm\n{block}")
    assert _found(machine, "log-videobridge").level is Level.OK
    _write(machine, logrotate.MAIN, block)
    found = _found(machine, "log-videobridge")
    assert "is never rotated" in str(found.what)
    mend(machine, _SETUP, by="doctor", look=lambda *it: [_only("log-videobridge", *it)])
    user = f"{folder.owner()} {folder.group()}"
    assert machine.read(logrotate.MAIN) == block.replace("  daily", f"  su {user}\n  daily")
    assert _found(machine, "log-videobridge").level is Level.OK


def test_coturn_writes_to_the_systems_log_again(tmp_path: Path) -> None:
    """Without "syslog" it begins a file each day that nobody ever deletes."""
    machine = Machine(tmp_path)
    _write(machine, "/etc/turnserver.conf", "use-auth-secret\n#syslog\nlog-file=/var/log/turn.log")
    _write(machine, logrotate.MAIN, "include /etc/logrotate.d\n")
    found = _found(machine, "log-coturn")
    assert (found.level, found.line, found.where) == (Level.ERROR, "syslog", "/etc/turnserver.conf")
    mend(machine, _SETUP, by="doctor", look=lambda *it: [_only("log-coturn", *it)])
    assert (machine.read("/etc/turnserver.conf") or "").endswith("log-file=/var/log/turn.log\nsyslog\n")
    assert _found(machine, "log-coturn").level is Level.OK


_POSTGRESQL = """\
/var/log/postgresql/*.log {
       weekly
       rotate 10
       copytruncate
       compress
       notifempty
       su root root
}
"""  # as Debian's postgresql-common has it


def _lay_postgresql(machine: Machine, settings: str = "") -> None:
    _write(machine, "/etc/postgresql/15/main/postgresql.conf", "port = 5432\n")
    _write(machine, "/etc/postgresql/15/main/conf.d/ours.conf", settings)
    _write(machine, logrotate.MAIN, "include /etc/logrotate.d\n")
    _write(machine, "/etc/logrotate.d/postgresql-common", _POSTGRESQL)


def test_postgresql_keeps_its_log_for_ten_weeks(tmp_path: Path) -> None:
    """Red, mended in Debian's own block, and taken back; old files are found, too."""
    machine = Machine(tmp_path)
    _write(machine, "/etc/rsyslog.conf", "")
    assert _found(machine, "log-postgresql").level is Level.OK
    _lay_postgresql(machine)
    _write(machine, "/var/log/postgresql/postgresql-15-main.log.9.gz", "x\n")
    os.utime(machine.path("/var/log/postgresql/postgresql-15-main.log.9.gz"), times=(0, 0))
    found = _found(machine, "log-postgresql")
    assert (found.level, found.where) == (Level.ERROR, "/etc/logrotate.d/postgresql-common:1")
    assert "/var/log/postgresql/postgresql-15-main.log" in str(found.what)
    mend(machine, _SETUP, by="doctor", look=lambda *it: [_only("log-postgresql", *it)])
    assert _found(machine, "log-postgresql").level is Level.OK
    assert "rotate 5\n       copytruncate" in (machine.read("/etc/logrotate.d/postgresql-common") or "")
    assert _found(machine, "log-old-files").level is Level.ERROR
    take_back(machine, by="doctor")
    assert machine.read("/etc/logrotate.d/postgresql-common") == _POSTGRESQL


def test_postgresql_with_files_that_nothing_deletes(tmp_path: Path) -> None:
    """Its own collector begins a file each day, wherever it is switched on; a person switches it off."""
    machine = Machine(tmp_path)
    _lay_postgresql(machine, "logging_collector = on\n")
    found = _found(machine, "log-postgresql")
    assert (found.level, found.fix) == (Level.ERROR, None)
    assert "/var/lib/postgresql/15/main/log/" in str(found.what)
    assert "logging_collector = off" in found.line
    name = "/var/lib/postgresql/15/main/postgresql.auto.conf"
    _write(machine, name, "logging_collector = 'off' # last\n")
    mend(machine, _SETUP, by="doctor", look=lambda *it: [_only("log-postgresql", *it)])
    assert _found(machine, "log-postgresql").level is Level.OK


def test_postgresql_in_the_systems_log(tmp_path: Path) -> None:
    """Then the journal's life counts."""
    machine = Machine(tmp_path)
    _lay_postgresql(machine, "log_destination = 'syslog'\n")
    assert _found(machine, "log-postgresql").level is Level.OK
    assert "PostgreSQL" in str(_found(machine, "log-journald").what)


def test_jicofo_writes_no_packets(tmp_path: Path) -> None:
    """The handler that writes each packet into files of its own is taken out, the other one stays."""
    machine = Machine(tmp_path)
    name = "/etc/jitsi/jicofo/logging.properties"
    _write(
        machine,
        name,
        "#handlers= a.XmppPacketsFileHandler\nhandlers= a.Console, b.c.XmppPacketsFileHandler, d\n",
    )
    _write(machine, logrotate.MAIN, "/var/log/jitsi/jicofo.log {\n\tdaily\n\trotate 6\n}\n")
    assert _found(machine, "log-jicofo").level is Level.ERROR
    mend(machine, _SETUP, by="doctor", look=lambda *it: [_only("log-jicofo", *it)])
    assert machine.read(name) == "#handlers= a.XmppPacketsFileHandler\nhandlers= a.Console, d\n"
    assert _found(machine, "log-jicofo").level is Level.OK


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ('log = { info = "/var/log/p/a"; { levels = { "error" }; to = "syslog" }; }', Level.WARNING),
        ('log = { { levels = { min = "info" }, to = "syslog" } }', Level.ERROR),
        ('log = { info = "*syslog" } -- error only', Level.ERROR),
        ('log = "*console"', Level.ERROR),
        ('-- log = "*console"\nlog = { warn = "*console" }', Level.WARNING),
        ("", Level.ERROR),
    ],
)
def test_who_names_addresses_in_the_journal_makes_it_worse(tmp_path: Path, said: str, level: Level) -> None:
    """A journal with faults alone is a warning; with addresses in it a promise is broken."""
    machine = Machine(tmp_path)
    _write(machine, "/etc/prosody/prosody.cfg.lua", f'{said}\nVirtualHost "x"\n')
    assert _found(machine, "log-journald").level is level


@pytest.mark.parametrize(
    ("files", "seconds"),
    [
        ({}, None),
        ({"/etc/systemd/journald.conf": "[Journal]\nMaxRetentionSec=7day\n"}, 2_629_800),
        ({"/etc/systemd/journald.conf": "[Journal]\nMaxRetentionSec=1week\nMaxFileSec=1day\n"}, 604_800),
        ({"/etc/systemd/journald.conf": "[Journal]\n#MaxRetentionSec=1\nMaxFileSec=1d 2h\n"}, None),
        ({"/etc/systemd/journald.conf": "[Other]\nStorage=none\n"}, None),
        ({"/etc/systemd/journald.conf": "[Journal]\nStorage=none\n"}, 0),
        (
            {
                "/usr/lib/systemd/journald.conf.d/50.conf": _SIX_DAYS,
                "/etc/systemd/journald.conf.d/60.conf": "[Journal]\nMaxRetentionSec=90day\n",
            },
            7_776_000,
        ),
        (
            {
                "/usr/lib/systemd/journald.conf.d/50.conf": _SIX_DAYS,
                "/etc/systemd/journald.conf.d/50.conf": "[Journal]\nMaxFileSec=1day\n",
            },
            None,
        ),
        ({"/etc/systemd/journald.conf": "[Journal]\nMaxRetentionSec=6day\nMaxFileSec=\n"}, 2_629_800),
    ],
)
def test_the_journals_settings_are_read_in_their_order(
    tmp_path: Path, files: dict[str, str], seconds: int | None
) -> None:
    """Drop-ins by name, those below /etc in place of the distribution's."""
    machine = Machine(tmp_path)
    for name, text in files.items():
        _write(machine, name, text)
    assert journald.longest_life(journald.read_settings(PlannedChanges(machine))) == seconds


def test_a_drop_in_that_is_read_after_ours_is_named(tmp_path: Path) -> None:
    """Whose file it is decides: a person."""
    machine = Machine(tmp_path)
    name = "/etc/systemd/journald.conf.d/zzz.conf"
    _write(machine, name, "[Journal]\nMaxRetentionSec=1year\n")
    found = _found(machine, "log-journald")
    assert found.fix is None
    assert found.where == name


def test_old_files_that_logrotate_has_forgotten_are_found(tmp_path: Path) -> None:
    """After "rotate 52" became "rotate 6", the files 8 to 52 stay for ever; a person deletes them."""
    machine = Machine(tmp_path)
    _write(machine, "/etc/prosody/prosody.cfg.lua", 'log = { info = "/var/log/prosody/prosody.log" }\n')
    for name, days in (("prosody.log", 30), ("prosody.log.1", 1), ("prosody.log.6.gz", 6.9)):
        _write(machine, f"/var/log/prosody/{name}", "x\n")
        then = time.time() - days * 86_400
        os.utime(machine.path(f"/var/log/prosody/{name}"), times=(then, then))
    assert _found(machine, "log-old-files").level is Level.OK
    _write(machine, "/var/log/prosody/prosody.log.9.gz", "x\n")
    os.utime(machine.path("/var/log/prosody/prosody.log.9.gz"), times=(0, 0))
    found = _found(machine, "log-old-files")
    assert found.level is Level.ERROR
    assert found.fix is None
    command = found.line.replace("find /var/log/", f"find {tmp_path}/var/log/")
    subprocess.run(command, shell=True, check=True)  # noqa: S602 - the very line that a person is told
    assert machine.names("/var/log/prosody/*") == [
        "/var/log/prosody/prosody.log",
        "/var/log/prosody/prosody.log.1",
        "/var/log/prosody/prosody.log.6.gz",
    ]
    assert _found(machine, "log-old-files").level is Level.OK


def test_logrotate_must_be_there_and_run(tmp_path: Path) -> None:
    """Rules that nobody carries out delete nothing."""
    machine = Machine(tmp_path)
    assert _found(machine, "logrotate").level is Level.ERROR
    _write(machine, logrotate.MAIN, "")
    assert _found(machine, "logrotate").level is Level.OK
    _write(machine, "/var/lib/logrotate/status", "")
    os.utime(machine.path("/var/lib/logrotate/status"), times=(0, 0))
    assert "has not run" in str(_found(machine, "logrotate").what)
    machine.path("/var/lib/logrotate/status").unlink()
    _write(machine, "/etc/systemd/system/x", "")
    machine.path("/etc/systemd/system/logrotate.timer").symlink_to("/dev/null")
    assert "timer is off" in str(_found(machine, "logrotate").what)


_NASTY = {
    "logrotate.conf": """\
weekly
rotate 4
# rotate 9
create
tabooext + .mine
include {folder}/d
notifempty
{folder}/logs/late.log {{
    minsize 1k
}}
""",
    "d/a": '"{folder}/logs/quoted.log"   {folder}/logs/two.log\n# of them\n{folder}/logs/three.log\n{{\n'
    "  daily missingok\n  rotate=3\n  prerotate\n    rotate 99\n    }}\n  endscript\n  ifempty\n}}\n",
    "d/b": "rotate 11\n{folder}/logs/after.log {{\n hourly\n size 5M\n}}\n",
    "d/c": "{folder}/logs/*.log {{\n daily\n rotate 1\n}}\n{folder}/logs/c.err {{ \n monthly\n}}\n",
    "d/d.mine": "{folder}/logs/d.err {{\n daily\n}}\n",
    "d/e.dpkg-new": "{folder}/logs/e.err {{\n daily\n}}\n",
    "d/.f.dpkg-new": "{folder}/logs/f.err {{\n daily\n notifempty\n maxage 2\n}}\n",
}


def test_the_files_are_read_as_logrotate_reads_them(tmp_path: Path) -> None:
    """Order, what is inherited, quotes, scripts, forbidden names: the real program says the same."""
    names = ("quoted.log", "two.log", "three.log", "after.log", "late.log")
    for name in (*names, "c.err", "d.err", "e.err", "f.err"):
        (tmp_path / "logs").mkdir(exist_ok=True)
        (tmp_path / "logs" / name).touch()
    for name, text in _NASTY.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.format(folder=tmp_path), encoding="ascii")
        path.chmod(0o644)
    said = subprocess.run(  # noqa: S603
        ["/usr/sbin/logrotate", "--debug", "--state", tmp_path / "state", tmp_path / "logrotate.conf"],
        check=False,
        capture_output=True,
        text=True,
    ).stderr
    real = re.findall(
        r"^rotating pattern: ([^{]*?) +(?:after )?(\w+)(?: days| bytes)? +\((\d+) rotations\)\n"
        r"empty log files are (not )?rotated(?:, only log files >= (\d+))?",
        said,
        re.MULTILINE,
    )
    plan = PlannedChanges(Machine())
    plan.write(logrotate.MAIN, f"include {tmp_path}/logrotate.conf\n")
    ours = [_as_logrotate_says(block) for block in logrotate.read_blocks(plan)]
    assert ours == [(tuple(shlex.split(patterns)), *rules) for patterns, *rules in real]


def _as_logrotate_says(block: logrotate.Block) -> tuple[object, ...]:
    rules = {slot: (directive.word, directive.argument) for slot, directive in block.rules.items()}
    periods = {"daily": "1", "size": str(5 * 1024**2)}
    return (
        block.patterns,
        periods.get(rules["period"][0], rules["period"][0]),
        rules["rotate"][1],
        "not " if rules.get("empty", ("", ""))[0] == "notifempty" else "",
        "1024" if "minsize" in rules else "",
    )
