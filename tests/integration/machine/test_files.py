"""What a machine's files say, and what is planned for them."""

import os
import socket
from pathlib import Path

import pytest

from authbridge.machine.files import Change, Machine, PlannedChanges, UnreadableFileError


def test_absolute_links_stay_below_the_root(tmp_path: Path) -> None:
    """A tree of files never leads to the real machine."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/real").write_text("below", encoding="utf-8")
    (tmp_path / "etc/link").symlink_to("/etc/real")
    (tmp_path / "etc/up").symlink_to("../../../etc/real")
    machine = Machine(tmp_path)
    assert machine.read("/etc/link") == "below"
    assert machine.read("/etc/up") == "below"
    assert machine.names("/etc/*") == ["/etc/link", "/etc/real", "/etc/up"]


def test_links_in_a_circle_are_said_to_be_so(tmp_path: Path) -> None:
    """A file that leads nowhere is a sentence, not an endless loop."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(UnreadableFileError, match="circle"):
        Machine(tmp_path).read("/a")


def test_every_byte_comes_back(tmp_path: Path) -> None:
    """What is no UTF-8, and another's line ends, stay as they are."""
    (tmp_path / "latin").write_bytes(b"K\xf6ln\r\n\xff")
    plan = PlannedChanges(Machine(tmp_path))
    plan.edit("/latin", lambda text: text)
    assert plan.changes() == []


@pytest.mark.parametrize(
    "line",
    [
        'external_service_secret = "s3cr3t"',
        'password: "s3cr3t"',
        "passwd=s3cr3t",
        "user=turn:s3cr3t",
        'proxy_set_header Authorization "s3cr3t";',
    ],
)
def test_a_diff_shows_the_change_and_hides_secrets_beside_it(line: str) -> None:
    """What is shown on a terminal holds no password."""
    before = f'{line}\ntoken_file = "/etc/token"\nauthentication = "anonymous"\n'
    diff = Change("/etc/x.cfg.lua", before, before.replace("anonymous", "external")).diff()
    assert '-authentication = "anonymous"\n+authentication = "external"\n' in diff
    assert "s3cr3t" not in diff
    assert ' token_file = "/etc/token"\n' in diff, "where a secret stands is none"


def test_a_plan_reads_as_if_it_were_done(tmp_path: Path) -> None:
    """The next check sees what an earlier one has planned, the disk does not."""
    (tmp_path / "old").write_text("old\n", encoding="utf-8")
    plan = PlannedChanges(Machine(tmp_path))
    plan.write("/new", "new\n")
    plan.write("/old", None)
    assert plan.read("/new") == "new\n"
    assert plan.read("/old") is None
    assert plan.names("/*") == ["/new"]
    assert (tmp_path / "old").exists()


@pytest.mark.parametrize("kind", ["fifo", "folder", "endless", "socket"])
def test_what_is_no_file_is_not_waited_for(kind: str, tmp_path: Path) -> None:
    """Jicofo's and Prosody's users own folders in which root reads: a FIFO would hold root up for ever."""
    path = tmp_path / "jicofo.conf"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "endless":
            path.touch()
            os.truncate(path, 1024**4)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(path))
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        Machine(tmp_path).read("/jicofo.conf")


def test_a_masked_file_is_empty() -> None:
    """As systemd has it: a link to /dev/null says that there is nothing."""
    assert Machine().read("/dev/null") == ""
