"""Whether doctor has Prosody believe the addresses of browsers: only where, and while, that is right."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from authbridge.machine.checks import address
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.findings import Level
from authbridge.machine.programs import Answer
from tests.support.doctor import change, find, mend
from tests.support.jitsi_machine import HOST, HOST_FILE, SITE
from tests.support.prosody_machine import SETUP, lay_machine

_OPTION = "external_auth_proxy_overwrites_address"
_HOST_FILE, _SITE = f"/{HOST_FILE}", f"/{SITE}"
_LINE = "proxy_set_header X-Forwarded-For $remote_addr;"
_OVERWRITTEN = [
    f"[ok] https://{HOST}/http-bind: a forged address was overwritten; Prosody sees 192.0.2.1.",
    f"[ok] https://{HOST}/xmpp-websocket: a forged address was overwritten; Prosody sees 192.0.2.1.",
]
_PROVED = [
    *_OVERWRITTEN,
    "[note] The proxy overwrites forged addresses: set the option; until then … unknown.",
]


def _answer(lines: Sequence[str]) -> Answer:
    signed = [{"host": HOST, "sign": line[1 : line.index("]")], "line": line} for line in lines]
    return Answer(0, json.dumps({"findings": signed}), "")


class Asked(Machine):
    """A tree with a running Prosody, whose check says these lines."""

    def __init__(self, root: Path, *lines: str) -> None:
        super().__init__(root)
        self._answer = _answer(lines)

    def run(self, *command: str, patience: float = 60, text: str | None = None) -> Answer | None:  # noqa: ARG002 - asks nobody
        """Answers for prosodyctl alone."""
        assert command == ("prosodyctl", "mod_auth_external", "check", "--json", f"https://{HOST}")
        return self._answer


@pytest.fixture(name="machine")
def make_machine(tmp_path: Path) -> Machine:
    """A secure domain whose Prosody asks AuthBridge, behind a stock nginx with the line that it lacks."""
    machine = lay_machine(tmp_path, "13", secured=True)
    change(machine, _HOST_FILE, 'authentication = "internal_hashed"', 'authentication = "external"')
    change(
        machine, _SITE, "        tcp_nodelay on;\n    }\n\n    # the", f"        {_LINE}\n    }}\n\n    # the"
    )
    return machine


def _vouch(machine: Machine) -> None:
    change(machine, _HOST_FILE, '"external"', f'"external"\n    {_OPTION} = true')


def test_what_was_proved_is_set(machine: Machine) -> None:
    """One line below the host, when both ways overwrite a forged address."""
    proved = Asked(machine.root, *_PROVED)
    assert mend(address.examine, proved, SETUP, "prosody-address").strip("+ ").startswith(f"{_OPTION} = true")


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="no answer"),
        pytest.param(_OVERWRITTEN, id="no verdict"),
        pytest.param(_PROVED[1:], id="one way of two"),
        pytest.param(
            [*_PROVED, "[warning] If that is a proxy in between, every browser looks like it: do not …"],
            id="a gateway between",
        ),
    ],
)
def test_what_was_not_proved_is_not_set(machine: Machine, lines: list[str]) -> None:
    """However right the files look."""
    finding = find(address.examine, Asked(machine.root, *lines), SETUP, "prosody-address")
    assert (finding.level, finding.fix) == (Level.NOTE, None)
    assert finding.line == f"prosodyctl mod_auth_external check https://{HOST}"


def test_without_a_running_prosody_nothing_is_set(machine: Machine) -> None:
    """Files alone prove nothing."""
    finding = find(address.examine, machine, SETUP, "prosody-address")
    assert (finding.level, finding.fix) == (Level.NOTE, None)


def test_a_check_that_came_past_the_faulty_way_proves_nothing(machine: Machine) -> None:
    """It tries two ways; the files may have a third."""
    change(machine, _SITE, "    # xmpp", "    location /x { proxy_pass http://prosody; }\n    # xmpp")
    finding = find(address.examine, Asked(machine.root, *_PROVED), SETUP, "prosody-address")
    assert (finding.level, finding.fix) == (Level.NOTE, None)


def test_what_is_true_stays_set(machine: Machine) -> None:
    """All is well."""
    _vouch(machine)
    right = [*_OVERWRITTEN, f"[ok] {_OPTION} = true is right."]
    assert find(address.examine, Asked(machine.root, *right), SETUP, "prosody-address").level is Level.OK


@pytest.mark.parametrize("by", ["files", "check"])
def test_what_is_no_longer_true_is_taken_back(machine: Machine, by: str) -> None:
    """Forged addresses count as unknown then, as all others do."""
    _vouch(machine)
    lines = []
    if by == "files":
        change(machine, _SITE, f"        {_LINE}\n    }}\n\n    # the", "    }\n\n    # the")
    else:
        lines = [f"[error] {_OPTION} is true, and must not be."]
    asked = Asked(machine.root, *lines)
    finding = find(address.examine, asked, SETUP, "prosody-address")
    assert finding.level is Level.ERROR
    assert finding.where.startswith(f"{_HOST_FILE}:")
    assert _changes(asked) == [f"-    {_OPTION} = true", f"+    {_OPTION} = false"]


def _changes(machine: Machine) -> list[str]:
    plan = PlannedChanges(machine)
    fix = find(address.examine, machine, SETUP, "prosody-address").fix
    assert fix is not None
    fix(plan)
    (only,) = plan.changes()
    return [line for line in only.diff().splitlines()[2:] if line[:1] in "+-"]


def test_before_prosody_asks_authbridge_there_is_nothing_to_set(tmp_path: Path) -> None:
    """It is a note as afterwards, so that to set up AuthBridge makes nothing worse."""
    machine = lay_machine(tmp_path / "stock", "13")
    finding = find(address.examine, Asked(machine.root), SETUP, "prosody-address")
    assert (finding.level, finding.fix) == (Level.NOTE, None)
    assert find(address.examine, Machine(tmp_path / "none"), SETUP, "prosody-address").level is Level.OK
