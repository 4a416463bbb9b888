"""Finds which logs of the machine are kept for longer than is promised, by what really deletes them."""

import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import PurePosixPath

from authbridge.machine import journald, logrotate
from authbridge.machine.files import PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.logrotate import Block, Endless
from authbridge.machine.setup import Setup
from authbridge.machine.written_logs import WRITTEN, Written

_DAY = 86_400  # seconds
_DELAY = _DAY // 4  # logrotate's timer may be an hour late, and a machine may have been off at night
_LAST_RUN = 2 * _DAY
_STATE = "/var/lib/logrotate/status"
_JOURNALD = "/etc/systemd/journald.conf.d/zz-authbridge.conf"  # read last
_TURN = "/etc/turnserver.conf"
_JICOFO_LOGGING = "/etc/jitsi/jicofo/logging.properties"
_PACKETS = re.compile(r"^(\s*handlers\s*=.*?)\s*,?\s*[\w.]*\bXmppPacketsFileHandler\b", re.MULTILINE)
_ROTATED = "*[0-9zt]"  # .1, .2.gz, .3.xz, .4.bz2, .5.zst, -20261128
_TITLES = {
    "nginx": "nginx",
    "prosody": "Prosody",
    "jicofo": "jicofo",
    "videobridge": "jitsi-videobridge",
    "coturn": "coturn",
    "postgresql": "PostgreSQL",
    "syslog": "rsyslog",
}
_USERS = {
    "jicofo": ("su jicofo jitsi",),
    "videobridge": ("su jvb jitsi",),
    "postgresql": ("su root postgres",),
}  # a group may write to their folder
_CAUSES: Mapping[Endless, Remark] = {
    Endless.SILENCE: Remark(
        "%(file)s is not rotated while nothing is logged: its last lines stay for any time."
    ),
    Endless.SIZE: Remark("%(file)s is rotated by its size alone: its lines stay for any time."),
    Endless.LEAST_SIZE: Remark("%(file)s is not rotated while it is small: its lines stay for any time."),
    Endless.LEAST_AGE: Remark(
        "%(file)s is not rotated while something is logged every day: its lines stay for any time."
    ),
    Endless.COPY: Remark("%(file)s is copied and never emptied."),
    Endless.MAIL: Remark("%(file)s is sent by e-mail before it is deleted, and stays in a mailbox."),
    Endless.NO_LIMIT: Remark("Any number of old files of %(file)s is kept."),
    Endless.UNSAFE_FOLDER: Remark(
        "%(file)s is never rotated: others may write to its folder, and logrotate wants to be told a user."
    ),
}


def examine(plan: PlannedChanges, setup: Setup) -> Iterator[Finding]:
    """Yields a finding for each program that logs, and for what deletes the logs.

    Raises:
        UnreadableFileError: A file cannot be read.
    """
    written = {program: read(plan) for program, read in WRITTEN.items()}
    blocks = logrotate.read_blocks(plan)
    talkative = [_TITLES[name] for name, its in written.items() if its is not None and its.in_system_log]
    for program, its in written.items():
        level = Level.WARNING if program == "syslog" and not talkative else Level.ERROR
        yield _of_program(plan, setup, blocks, (program, its), level)
    yield _of_journal(plan, setup, talkative)
    yield _of_logrotate(plan)
    yield _of_old_files(
        plan, setup, [file for its in written.values() if its is not None for file in its.files]
    )


def _of_program(
    plan: PlannedChanges,
    setup: Setup,
    blocks: list[Block],
    named: tuple[str, Written | None],
    level: Level,
) -> Finding:
    program, its = named
    title, days = _TITLES[program], setup.retention_days
    if its is None:
        return _ok(f"log-{program}", Remark("%(program)s is not on this machine.", program=title))
    lives = [(file, _life(plan, blocks, file)) for file in its.files]
    too_long = [(file, life) for file, life in lives if not isinstance(life, int) or life > days]
    if not lives:
        return _ok(f"log-{program}", Remark("%(program)s writes to the system's log only.", program=title))
    if not too_long:
        longest = max(life for _, life in lives if isinstance(life, int))
        return _ok(
            f"log-{program}",
            Remark(
                "Lines of %(program)s are deleted after %(days)s days at most.", program=title, days=longest
            ),
        )
    file, life = too_long[0]
    block = logrotate.block_of(blocks, file)
    return Finding(
        f"log-{program}",
        level,
        _what(file, life, days),
        Remark(
            "Addresses and names are promised to be gone after %(days)s days. All logs of the same block of"
            " logrotate's file are rotated alike; one that a pattern finds is first rotated a day later.",
            days=days,
        ),
        where=f"{block.file}:{block.line}" if block else _where_uncovered(program, file),
        line=_line(block, program, file, days),
        fix=None
        if any(map(_is_collected, its.files))
        else partial(_shorten, program=program, files=[name for name, _ in too_long], days=days),
    )


def _life(plan: PlannedChanges, blocks: list[Block], file: str) -> int | Endless | None:
    block = logrotate.block_of(blocks, file)
    return None if block is None else logrotate.longest_life(block, file, plan.machine)


def _what(file: str, life: int | Endless | None, days: int) -> Remark:
    if life is None:
        return Remark("Nothing rotates %(file)s: its lines stay for ever.", file=file)
    if isinstance(life, Endless):
        return Remark(_CAUSES[life].sentence, file=file)
    return Remark(
        "%(file)s and its old files keep lines for up to %(found)s days; %(promised)s are promised.",
        file=file,
        found=life,
        promised=days,
    )


def _shorten(plan: PlannedChanges, *, program: str, files: Sequence[str], days: int) -> None:
    for file in files:
        block = logrotate.block_of(logrotate.read_blocks(plan), file)
        if block is None:
            _cover(plan, program, file, days)
        else:
            plan.edit(
                block.file,
                partial(logrotate.shorten, block=block, log=file, machine=plan.machine, days=days),
            )


def _cover(plan: PlannedChanges, program: str, file: str, days: int) -> None:
    if program == "coturn":
        plan.edit(_TURN, lambda text: _ended(text) + "syslog\n")
    elif _is_packets(file):
        plan.edit(_JICOFO_LOGGING, lambda text: _PACKETS.sub(r"\1", text))
    else:
        block = logrotate.block_for(file, days, *_USERS.get(program, ()))
        plan.edit(_own_file(program), lambda text: text + block)


def _where_uncovered(program: str, file: str) -> str:
    if _is_collected(file):
        return str(PurePosixPath(file).parent)
    if program == "coturn":
        return _TURN
    return _JICOFO_LOGGING if _is_packets(file) else _own_file(program)


def _line(block: Block | None, program: str, file: str, days: int) -> str:
    if block is not None:
        return f"daily\nrotate {logrotate.most_files(block, file, days)}\nifempty"
    if _is_collected(file):
        return "ALTER SYSTEM SET logging_collector = off;"
    if program == "coturn":
        return "syslog"
    if _is_packets(file):
        return "handlers= java.util.logging.ConsoleHandler"
    return logrotate.block_for(file, days, *_USERS.get(program, ()))


def _is_packets(file: str) -> bool:
    return "/jicofo-xmpp.log" in file


def _is_collected(file: str) -> bool:
    return "%" in file  # a name with the moment in it: each begins a file that nothing ever rotates


def _own_file(program: str) -> str:
    return f"{logrotate.FOLDER}/authbridge-{program}"


def _ended(text: str) -> str:
    return text if text.endswith("\n") or not text else f"{text}\n"


def _of_journal(plan: PlannedChanges, setup: Setup, talkative: Sequence[str]) -> Finding:
    days = setup.retention_days
    life = journald.longest_life(journald.read_settings(plan))
    if life is not None and life <= days * _DAY:
        return _ok(
            "log-journald",
            Remark("The journal deletes lines after %(days)s days at most.", days=life // _DAY),
        )
    lines = f"MaxRetentionSec={days}day\nMaxFileSec=1day\n"
    fix = partial(PlannedChanges.write, name=_JOURNALD, text=f"[Journal]\n{lines}")
    later = _overruled_by(plan, fix, days)
    return Finding(
        "log-journald",
        Level.ERROR if talkative else Level.WARNING,
        Remark(
            "The journal keeps lines for longer than %(days)s days; addresses in it come from: %(programs)s.",
            days=days,
            programs=", ".join(talkative) or "sshd",
        ),
        Remark(
            "Addresses and names are promised to be gone after %(days)s days. The journal deletes whole files"
            " by their first line, and never the present one: MaxFileSec, usually a month, counts too.",
            days=days,
        ),
        where=later or _JOURNALD,
        line=lines.strip(),
        fix=None if later else fix,
    )


def _overruled_by(plan: PlannedChanges, fix: Callable[[PlannedChanges], None], days: int) -> str:
    """Returns the drop-in that is read after ours and says something else, or nothing."""
    mended = PlannedChanges(plan.machine)
    fix(mended)
    settings = journald.read_settings(mended)
    life = journald.longest_life(settings)
    if life is not None and life <= days * _DAY:
        return ""
    others = (settings[name].file for name in ("MaxRetentionSec", "MaxFileSec") if name in settings)
    return next((file for file in others if file != _JOURNALD), "")


def _of_logrotate(plan: PlannedChanges) -> Finding:
    machine = plan.machine
    if plan.read(logrotate.MAIN) is None:
        return Finding(
            "logrotate",
            Level.ERROR,
            Remark("logrotate is not installed: nothing deletes old logs."),
            line="apt-get install logrotate",
        )
    ran = machine.real(_STATE)
    if ran.exists() and time.time() - ran.stat().st_mtime > _LAST_RUN:
        return Finding(
            "logrotate",
            Level.ERROR,
            Remark("logrotate has not run for two days: no log is deleted in time."),
            where=_STATE,
            line="systemctl enable --now logrotate.timer",
        )
    timer = machine.run("systemctl", "is-enabled", "logrotate.timer")
    masked = machine.path("/etc/systemd/system/logrotate.timer")
    is_masked = masked.is_symlink() and str(masked.readlink()) == "/dev/null"
    if is_masked or (timer is not None and timer.code != 0 and not plan.names("/etc/cron.daily/logrotate")):
        return Finding(
            "logrotate",
            Level.ERROR,
            Remark("logrotate's timer is off: no log is ever deleted."),
            line="systemctl unmask logrotate.timer; systemctl enable --now logrotate.timer",
        )
    said = machine.run("logrotate", "--debug", logrotate.MAIN)
    if said is None:
        return _ok("logrotate", Remark("logrotate is set up to run every day."))
    if faults := re.findall(r"^error: (.+)$", said.errors, re.MULTILINE):
        return Finding(
            "logrotate",
            Level.ERROR,
            Remark("logrotate refuses a part of its files: %(fault)s", fault=faults[0]),
            Remark("What it refuses is not rotated, and never deleted."),
            where=logrotate.MAIN,
            line=f"logrotate --debug {logrotate.MAIN}",
        )
    return _ok("logrotate", Remark("logrotate runs every day, and refuses nothing."))


def _of_old_files(plan: PlannedChanges, setup: Setup, files: Sequence[str]) -> Finding:
    limit = time.time() - setup.retention_days * _DAY - _DELAY
    patterns = dict.fromkeys(_pattern(file) for file in files)
    old = [
        name
        for pattern in patterns
        for name in plan.names(pattern)
        if fnmatchcase(name, _ROTATED) and plan.machine.real(name).stat().st_mtime < limit
    ]
    if not old:
        return _ok("log-old-files", Remark("No old file of a log is left over."))
    return Finding(
        "log-old-files",
        Level.ERROR,
        Remark("%(count)s old files of logs are older than is promised.", count=len(old)),
        Remark(
            "Once fewer old files are kept, or under other names, logrotate leaves the rest for ever: a"
            " person has to delete them."
        ),
        where=old[0],
        line="; ".join(_deletion(pattern, setup.retention_days) for pattern in patterns),
    )


def _pattern(file: str) -> str:
    folder = PurePosixPath(file).parent
    return f"{file}*" if str(folder) == "/var/log" else f"{folder}/*"


def _deletion(pattern: str, days: int) -> str:
    folder, _, name = pattern.rpartition("/")
    only = f" -name {shlex.quote(name)}" if name != "*" else ""
    # Neither find nor its -delete follows a link.
    command = f"find {shlex.quote(folder)} -maxdepth 1 -type f{only} -name '{_ROTATED}'"
    return f"{command} -mtime +{days - 1} -delete"


def _ok(name: str, what: Remark) -> Finding:
    return Finding(name, Level.OK, what)
