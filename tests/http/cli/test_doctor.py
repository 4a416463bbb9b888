"""``authbridge doctor``: what it says, its exit codes, and that it mends nothing that it was not asked to."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from authbridge.cli import main
from authbridge.cli.doctor import ask_service
from authbridge.errors import ConfigError
from authbridge.machine import examination
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.programs import Answer
from authbridge.machine.setup import Setup

SITE = "/etc/nginx/sites-available/meet.test.conf"
LINE = "proxy_set_header X-Forwarded-For $remote_addr;"


def look_for_the_line(plan: PlannedChanges, setup: Setup) -> Iterator[Finding]:
    """A check of one line in one file."""
    if LINE in (plan.read(SITE) or ""):
        yield Finding("nginx-address", Level.OK, Remark("nginx passes the address on."))
        return
    yield Finding(
        "nginx-address",
        Level.ERROR,
        Remark("nginx of %(host)s passes no address on.", host=setup.host),
        Remark("Every browser looks like nginx itself."),
        f"{SITE}:2",
        LINE,
        lambda plan: plan.edit(SITE, lambda text: f"{text}{LINE}\n"),
    )


@pytest.fixture(name="root")
def make_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine's files, in which one line is missing."""
    monkeypatch.setattr(examination, "CHECKS", (look_for_the_line,))
    files = {"etc/authbridge/authbridge.env": "AUTHBRIDGE_XMPP_HOST=meet.test\n", SITE[1:]: "server {\n"}
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def run(root: Path, *arguments: str) -> Result:
    """Runs the command on that machine."""
    return CliRunner().invoke(main, ["doctor", "--root", str(root), *arguments])


def test_a_fault_is_said_with_its_why_and_its_line(root: Path) -> None:
    """Exit code 2, as monitoring has it; nothing is changed."""
    ended = run(root)

    assert ended.exit_code == 2
    assert ended.stdout.splitlines()[:6] == [
        "[error] nginx-address",
        "    nginx of meet.test passes no address on.",
        "    Every browser looks like nginx itself.",
        f"    {SITE}:2",
        f"        {LINE}",
        "    authbridge doctor --fix mends it.",
    ]
    assert "1 errors, 0 warnings, 0 notes, 0 checks in order." in ended.stdout
    assert (root / SITE[1:]).read_text(encoding="utf-8") == "server {\n"


def test_fix_mends_and_undo_takes_it_back(root: Path) -> None:
    """Both say what they changed; the second time there is nothing left to do."""
    site = root / SITE[1:]

    shown = run(root, "--fix", "--dry-run")
    assert (shown.exit_code, f"+{LINE}" in shown.stdout) == (0, True)
    assert site.read_text(encoding="utf-8") == "server {\n"

    mended = run(root, "--fix")
    assert mended.exit_code == 0
    assert f"+{LINE}" in mended.stderr
    assert "0 errors, 0 warnings, 0 notes, 1 checks in order." in mended.stdout
    assert "No finding has a change" in run(root, "--fix").stderr

    undone = run(root, "--undo")
    assert (undone.exit_code, undone.stdout) == (0, f"{SITE} is as before.\n")
    assert site.read_text(encoding="utf-8") == "server {\n"
    assert run(root, "--undo").stdout == "There is nothing to take back.\n"
    assert not (root / "var/lib/authbridge-changes").exists()


def test_programs_get_the_same_as_json(root: Path) -> None:
    """Each finding under its id, also what is well."""
    document = json.loads(run(root, "--json").stdout)
    assert document["counts"] == {"ok": 0, "note": 0, "warning": 0, "error": 1}
    assert document["findings"] == [
        {
            "id": "nginx-address",
            "level": "error",
            "what": "nginx of meet.test passes no address on.",
            "why": "Every browser looks like nginx itself.",
            "where": f"{SITE}:2",
            "line": LINE,
            "fix": True,
        }
    ]
    run(root, "--fix")
    assert json.loads(run(root, "--json").stdout)["findings"][0]["level"] == "ok"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "AuthBridge is not installed here."),
        ("", "AUTHBRIDGE_XMPP_HOST is not set"),
        ("AUTHBRIDGE_XMPP_HOST=meet.test\nAUTHBRIDGE_RETENTION_DAYS=x\n", "is not a number"),
    ],
)
def test_where_it_cannot_look_it_says_so(root: Path, text: str | None, sentence: str) -> None:
    """Exit code 3: monitoring must not take that for well."""
    settings = root / "etc/authbridge/authbridge.env"
    if text is None:
        settings.unlink()
    else:
        settings.write_text(text, encoding="utf-8")
    ended = run(root)
    assert ended.exit_code == 3
    assert sentence in ended.stderr


def test_what_others_write_commands_no_terminal(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a file may hold anything, also bytes that are no UTF-8."""

    def find_a_file(_plan: PlannedChanges, _setup: Setup) -> Iterator[Finding]:
        name = "/var/log/x\x1b[2J\x9b\udcff.log"
        yield Finding("log-old-files", Level.ERROR, Remark("%(file)s is old.", file=name), where=name)

    monkeypatch.setattr(examination, "CHECKS", (find_a_file,))
    ended = run(root)
    assert ended.exit_code == 2
    assert r"/var/log/x\x1b[2J\x9b\udcff.log is old." in ended.stdout
    (finding,) = json.loads(run(root, "--json").stdout)["findings"]
    assert finding["where"] == r"/var/log/x\x1b[2J\x9b\udcff.log"


class _OfSomebodyElse(Machine):
    """A machine on which the service's part of the report is what a test says."""

    answer = Answer(0, "", "")

    def run(self, *_command: str, patience: float = 60.0, text: str | None = None) -> Answer:  # noqa: ARG002
        return self.answer


def test_what_the_services_user_makes_up_is_a_finding_of_its_own(tmp_path: Path) -> None:
    """The findings about the machine are shown all the same, and all is not well."""
    machine = _OfSomebodyElse(tmp_path)
    machine.answer = Answer(0, '[{"id": "database", "what": {"sentence": "%(a)999999999s"}}]', "")
    (finding,) = ask_service(machine, [])
    assert (finding.id, finding.level) == ("database", Level.ERROR)
    assert "cannot be used" in str(finding.what)
    machine.answer = Answer(1, "", "x" * 1_000_000)
    with pytest.raises(ConfigError) as raised:
        ask_service(machine, [])
    assert len(str(raised.value)) < 2_000


def test_a_file_that_is_gone_meanwhile_is_not_well(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3, and not that of a warning."""

    def look_at_a_file(_plan: PlannedChanges, _setup: Setup) -> Iterator[Finding]:
        yield Finding("disk", Level.OK, Remark("%(size)s", size=(root / "gone").stat().st_size))

    monkeypatch.setattr(examination, "CHECKS", (look_at_a_file,))
    ended = run(root)
    assert ended.exit_code == 3
    assert "gone" in ended.stderr
