"""How long logrotate keeps a line is measured with the real program, over weeks that pass in seconds."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from authbridge.machine import logrotate
from authbridge.machine.files import Machine, PlannedChanges
from authbridge.machine.logrotate import Cause

_BEGIN = datetime(2026, 6, 28, 0, 5, tzinfo=UTC)  # July and August are the longest two months
_DAYS = 80
_LOG = "prosody.log"
_WHEN: dict[str, Callable[[int], bool]] = {
    "every-day": lambda _: True,
    "before-the-holidays": lambda day: day < 3,
    "once-a-week": lambda day: day % 7 == 1,
    "once-a-month": lambda day: day % 31 == 3,
}


@dataclass(frozen=True)
class _Setting:
    """How the block names the log, and when and for how long logrotate runs."""

    named: str = _LOG
    begin: datetime = _BEGIN
    days: int = _DAYS


_USUAL = _Setting()


def _simulate(
    folder: Path, directives: str, is_written: Callable[[int], bool], setting: _Setting = _USUAL
) -> int:
    """Lets logrotate run once a day, lines follow it; returns for how many days one was kept at most."""
    logs, state, conf = folder / "logs", folder / "state", folder / "conf"
    logs.mkdir(parents=True)
    log = logs / _LOG
    conf.write_text(f"{logs}/{setting.named} {{\n{directives}\nmissingok\n}}\n", encoding="ascii")
    for path, mode in ((conf, 0o644), (logs, 0o755)):
        path.chmod(mode)
    written: dict[str, int] = {}
    longest = 0
    for day in range(setting.days):
        now = setting.begin + timedelta(days=day)
        _rotate(now, conf, state)
        kept = "".join(_content(path) for path in logs.iterdir()).split()
        longest = max([longest, *(day - written[line] for line in written.keys() - set(kept))])
        written = {line: its_day for line, its_day in written.items() if line in kept}
        if is_written(day):
            with log.open("a", encoding="ascii") as file:
                file.write(f"day{day}\n")
            written[f"day{day}"] = day
        elif not log.exists():
            log.touch()
        for path in logs.iterdir():  # what was written just now, by the clock of the machine that we run on
            if path.stat().st_mtime > now.timestamp():
                # As late as can be: with the last line before the next rotation.
                late = now + timedelta(hours=23, minutes=59)
                os.utime(path, times=(late.timestamp(), late.timestamp()))
    return max([longest, *(setting.days - its_day for its_day in written.values())])


def _rotate(now: datetime, conf: Path, state: Path) -> None:
    subprocess.run(  # noqa: S603
        ["/usr/bin/faketime", "-f", f"@{now:%Y-%m-%d %H:%M:%S}", "/usr/sbin/logrotate", "-s", state, conf],
        check=True,
        env={"TZ": "UTC", "NO_FAKE_STAT": "1", "PATH": os.environ["PATH"]},
    )


def _content(path: Path) -> str:
    if path.suffix == ".gz":
        return subprocess.run(  # noqa: S603
            ["/bin/gunzip", "-c", path], check=True, capture_output=True, text=True
        ).stdout
    return path.read_text(encoding="ascii")


def _expected(folder: Path, directives: str, named: str = _LOG) -> int | Cause:
    """Returns what we compute for the same lines."""
    main = folder / "tree/etc/logrotate.conf"
    main.parent.mkdir(parents=True)
    main.write_text(f"/var/log/{named} {{\n{directives}\n}}\n", encoding="ascii")
    machine = Machine(folder / "tree")
    (block,) = logrotate.read_blocks(PlannedChanges(machine))
    return logrotate.longest_life(block, "/var/log/prosody.log", machine)


_KINDS = [
    "daily\nrotate 6\nifempty",
    "daily\nrotate 7\nifempty",
    "daily\nrotate 0\nnotifempty",
    "daily\nrotate 1\ndelaycompress\ncompress",
    "daily\nrotate 14\nnotifempty\ncompress\ndelaycompress",
    "daily\nrotate 7\nmaxage 7\nnotifempty",
    "daily\nrotate 99\nmaxage 5",
    "daily\nrotate 99\nmaxage 6\ndateext",
    "daily\nrotate -1\nmaxage 3\ncompress",
    "daily\nrotate -1",
    "daily\nrotate 6\ncopytruncate",
    "daily\nrotate 6\ndateext",
    "daily\nrotate 6\ncopy",
    "daily\nrotate 6\nminsize 1k",
    "daily\nrotate 6\nmaxsize 4",
    "daily\nrotate 6\nminage 2",
    "hourly\nrotate 6",
    "hourly\nsize 100M\nrotate 24",
    "size 100M\nhourly\nrotate 24",
    "rotate 6",
    "weekly\nrotate 3",
    "weekly\nrotate 9\nmaxage 6",
    "weekly\nrotate 9\nmaxage 7",
    "weekly 3\nrotate 1",
    "monthly\nrotate 0",
    "monthly\nrotate 1",
    "daily\nrotate 4\nstart 0",
    "daily\nrotate 3\nmaxage 30\nmissingok\ncreate",
]


@pytest.mark.soak
@pytest.mark.parametrize("directives", _KINDS)
def test_the_computed_life_is_the_longest_that_is_seen(tmp_path: Path, directives: str) -> None:
    """Neither is a line kept for longer, nor is a rule called worse than it is."""
    seen = {when: _simulate(tmp_path / when, directives, is_written) for when, is_written in _WHEN.items()}
    expected = _expected(tmp_path, directives)
    if isinstance(expected, Cause):
        assert max(seen.values()) >= _DAYS - 10, seen
    elif "maxage" in directives and "rotate 3" not in directives:
        # Up to 3.21 a day and a minute are more than one day; since then only two days are.
        period = 7 if "weekly" in directives else 1
        assert max(seen.values()) in {expected - period, expected}, seen
    else:
        assert max(seen.values()) == expected, seen


@pytest.mark.soak
@pytest.mark.parametrize("directives", _KINDS)
def test_after_the_fix_no_line_outlives_the_promise(tmp_path: Path, directives: str) -> None:
    """Whatever was said before, seven days later it is gone."""
    text = f"/var/log/prosody.log {{\n{directives}\n}}\n"
    machine = Machine(tmp_path)
    main = machine.path(logrotate.MAIN)
    main.parent.mkdir(parents=True)
    main.write_text(text, encoding="ascii")
    (block,) = logrotate.read_blocks(PlannedChanges(machine))
    mended = logrotate.shorten(text, block, "/var/log/prosody.log", machine, 7)
    directives = mended.partition("{\n")[2].rpartition("}")[0]
    setting = _Setting(days=40)
    seen = {
        when: _simulate(tmp_path / when, directives, is_written, setting)
        for when, is_written in _WHEN.items()
    }
    assert max(seen.values()) <= 7, (directives, seen)


@pytest.mark.parametrize(
    ("directives", "days"), [("daily\nrotate 6\nifempty", 7), ("daily\nrotate 7\nmaxage 7\nnotifempty", 14)]
)
def test_silence_after_the_last_line(tmp_path: Path, directives: str, days: int) -> None:
    """Nobody meets for two weeks: with "notifempty" the last lines are still there, without they are not."""
    assert _simulate(tmp_path / "logs", directives, _WHEN["before-the-holidays"], _Setting(days=14)) == days


@pytest.mark.soak
@pytest.mark.parametrize(
    ("directives", "begin"),
    [
        ("daily\nrotate 6", _BEGIN),
        ("daily\nrotate 0", _BEGIN),
        ("weekly\nrotate 2", datetime(2026, 6, 27, 0, 5, tzinfo=UTC)),  # a Saturday: first seen on Sunday
        ("monthly\nrotate 0", datetime(2026, 6, 30, 0, 5, tzinfo=UTC)),
    ],
)
def test_a_log_that_is_found_by_a_pattern_is_rotated_a_day_later(
    tmp_path: Path, directives: str, begin: datetime
) -> None:
    """When logrotate sees it first, it takes it for rotated."""
    setting = _Setting("*.log", begin)
    seen = {
        when: _simulate(tmp_path / when, directives, is_written, setting)
        for when, is_written in _WHEN.items()
    }
    assert max(seen.values()) == _expected(tmp_path, directives, "*.log"), seen
