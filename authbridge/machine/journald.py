"""Reads how long journald keeps what was written to it.

Measured with the real journald 252: an archived file goes when its *first* entry is ``MaxRetentionSec`` old;
the file that is written to is never deleted, and is archived with the first entry after ``MaxFileSec`` (a
month, where nobody says otherwise).  So the oldest line is as old as the longer of the two.  Since systemd
257 nothing but ``MaxFileSec`` archives the present file.  ``journalctl --vacuum-time`` leaves it alone, too.
"""

import re
from dataclasses import dataclass

from authbridge.machine.files import PlannedChanges

MAIN = "systemd/journald.conf"
_FOLDERS = ("/etc", "/run", "/usr/local/lib", "/usr/lib")  # of one name, the first counts
_UNITS = {
    1: ("", "s", "sec", "second", "seconds"),
    60: ("m", "min", "minute", "minutes"),
    3_600: ("h", "hr", "hour", "hours"),
    86_400: ("d", "day", "days"),
    604_800: ("w", "week", "weeks"),
    2_629_800: ("M", "month", "months"),
    31_557_600: ("y", "year", "years"),
}
_SECONDS = {unit: seconds for seconds, units in _UNITS.items() for unit in units}
_MONTH = 2_629_800
_ASSIGNMENT = re.compile(r"\s*([A-Za-z]\w*)\s*=\s*(.*?)\s*$")


@dataclass(frozen=True, slots=True)
class Setting:
    """What is said, and in which file."""

    value: str
    file: str


def read_settings(plan: PlannedChanges) -> dict[str, Setting]:
    """Returns the settings in force: of the main file, then of its drop-ins by name; the last one holds.

    Raises:
        UnreadableFileError: A file cannot be read.
    """
    main = next((name for name in (f"{folder}/{MAIN}" for folder in _FOLDERS) if plan.read(name)), None)
    drop_ins: dict[str, str] = {}
    for folder in _FOLDERS:
        for name in plan.names(f"{folder}/{MAIN}.d/*.conf"):
            drop_ins.setdefault(name.rpartition("/")[2], name)
    settings: dict[str, Setting] = {}
    for name in (*([main] if main else []), *(drop_ins[each] for each in sorted(drop_ins))):
        for key, value in _read(plan.read(name) or ""):
            settings[key] = Setting(value, name)
    return settings


def longest_life(settings: dict[str, Setting]) -> int | None:
    """Returns for how many seconds a line can be kept; None: there is no such number."""
    if (storage := settings.get("Storage")) is not None and storage.value == "none":
        return 0
    kept = _seconds(settings, "MaxRetentionSec", 0)
    present = _seconds(settings, "MaxFileSec", _MONTH)
    return max(kept, present) if kept and present else None


def _read(text: str) -> list[tuple[str, str]]:
    section, found = "", []
    for line in text.splitlines():
        if (heading := re.fullmatch(r"\[(.*)\]", line.strip())) is not None:
            section = heading[1]
        elif section == "Journal" and (said := _ASSIGNMENT.match(line)) is not None:
            found.append((said[1], said[2]))
    return found


def _seconds(settings: dict[str, Setting], name: str, default: int) -> int:
    if name not in settings or not settings[name].value:
        return default
    parts = re.findall(r"(\d+)\s*([A-Za-z]*)", settings[name].value)
    return sum(int(number) * _SECONDS.get(unit, 0) for number, unit in parts)
