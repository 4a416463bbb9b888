"""Tells which log files the programs around us write, and which write addresses to the system's log."""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from authbridge.machine.files import PlannedChanges

_NGINX = (
    "/etc/nginx/nginx.conf",
    "/etc/nginx/conf.d/*.conf",
    "/etc/nginx/sites-enabled/*",
    "/etc/nginx/snippets/*",
)
_OF_NGINX = re.compile(r"(?:^|[;{}\s])(access_log|error_log)\s+([^;\s]+)")
_NGINX_DEFAULTS = {"access_log": "/var/log/nginx/access.log", "error_log": "/var/log/nginx/error.log"}
_PROSODY = "/etc/prosody/prosody.cfg.lua"
_LUA_COMMENT = re.compile(r"--\[\[.*?\]\]|--[^\n]*", re.DOTALL)
_TO_SYSTEM = r'["\']\*?(?:syslog|console|stdout)["\']'
_CHATTY = r"(?:debug|info)"  # the levels at which Prosody names addresses
_TURN = "/etc/turnserver.conf"
_JICOFO_LOGGING = "/etc/jitsi/jicofo/logging.properties"
_PACKETS = re.compile(r"^\s*handlers\s*=.*XmppPacketsFileHandler", re.MULTILINE)
_OF_SYSLOG = re.compile(r"^\s*([^#$\s][^\s]*)\s+-?(/\S+)", re.MULTILINE)
_GENERAL = re.compile(r"(?:^|[;,])(?:\*|daemon|user|local\d)[,.]")
_OF_POSTGRESQL = re.compile(r"^[ \t]*(\w+)[ \t]*=?[ \t]*(?:'([^']*)'|([^#\s]+))", re.MULTILINE)
_ON = {"on", "true", "yes", "1"}


@dataclass(frozen=True, slots=True)
class Written:
    """What a program writes: log files, and addresses or names to the system's log (journald, rsyslog)."""

    files: tuple[str, ...] = ()
    in_system_log: bool = False


def _nginx(plan: PlannedChanges) -> Written | None:
    main = plan.read(_NGINX[0])
    if main is None:
        return None
    texts = [plan.read(name) or "" for pattern in _NGINX for name in plan.names(pattern)]
    said = [found for text in texts for found in _OF_NGINX.findall(re.sub(r"#[^\n]*", "", text))]
    missing = _NGINX_DEFAULTS.keys() - {word for word, _ in _OF_NGINX.findall(re.sub(r"#[^\n]*", "", main))}
    targets = [target.strip("\"'") for _, target in said] + [_NGINX_DEFAULTS[word] for word in missing]
    return Written(_absolute(targets), any(target.startswith("syslog:") for target in targets))


def _prosody(plan: PlannedChanges) -> Written | None:
    text = plan.read(_PROSODY)
    if text is None:
        return None
    said = _value_of_log(_LUA_COMMENT.sub("", text))
    if said is None:  # then it writes to its standard output, which is the journal
        return Written((), in_system_log=True)
    files = re.findall(r'["\'](/[^"\']+)["\']', said)
    return Written(_absolute(files), _is_chatty(said))


def _value_of_log(text: str) -> str | None:
    start = re.search(r"^[ \t]*log[ \t]*=\s*", text, re.MULTILINE)
    if start is None:
        return None
    if text[start.end() : start.end() + 1] != "{":
        return text[start.end() :].partition("\n")[0]
    depth = 0
    for position in range(start.end(), len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[start.end() : position + 1]
    return text[start.end() :]


def _is_chatty(said: str) -> bool:
    if re.fullmatch(rf"\s*{_TO_SYSTEM}[\s;]*", said):
        return True
    if re.search(rf"\b{_CHATTY}\s*=\s*{_TO_SYSTEM}", said):
        return True
    for sink in re.findall(r"\{(?:[^{}]|\{[^{}]*\})*\}", said.strip().removeprefix("{")):
        if re.search(rf"\bto\s*=\s*{_TO_SYSTEM}", sink):
            levels = re.search(r"levels\s*=\s*(\{[^}]*\}|[\"'][^\"']*[\"'])", sink)
            if levels is None or re.search(rf"\b{_CHATTY}\b", levels[1]):
                return True
    return False


def _jicofo(plan: PlannedChanges) -> Written | None:
    if not plan.names("/etc/jitsi/jicofo/*"):
        return None
    files = ["/var/log/jitsi/jicofo.log"]
    if _PACKETS.search(plan.read(_JICOFO_LOGGING) or ""):
        files.append("/var/log/jitsi/jicofo-xmpp.log.0")
    return Written(tuple(files))


def _videobridge(plan: PlannedChanges) -> Written | None:
    return Written(("/var/log/jitsi/jvb.log",)) if plan.names("/etc/jitsi/videobridge/*") else None


def _coturn(plan: PlannedChanges) -> Written | None:
    text = plan.read(_TURN)
    if text is None:
        return None
    if re.search(r"^[ \t]*syslog[ \t]*$", text, re.MULTILINE):
        return Written((), in_system_log=True)
    named = re.findall(r"^[ \t]*log-file[ \t]*=?[ \t]*(\S+)", text, re.MULTILINE)
    # Without a name it begins a file with its process and the day in the name, every day.
    file = named[-1].strip("\"'") if named else "/var/log/turnserver/turn.log"
    return (
        Written((), in_system_log=file in {"stdout", "-", "syslog"}) if file[0] != "/" else Written((file,))
    )


def _syslog(plan: PlannedChanges) -> Written | None:
    if plan.read("/etc/rsyslog.conf") is None:
        return None
    names = ["/etc/rsyslog.conf", *plan.names("/etc/rsyslog.d/*.conf")]
    rules = [rule for name in names for rule in _OF_SYSLOG.findall(plan.read(name) or "")]
    return Written(_absolute([file for selector, file in rules if _GENERAL.search(selector)]))


def _postgresql(plan: PlannedChanges) -> Written | None:
    clusters = [PurePosixPath(name).parent for name in plan.names("/etc/postgresql/*/*/postgresql.conf")]
    if not clusters:
        return None
    written = [_of_cluster(plan, *folder.parts[-2:]) for folder in clusters]
    return Written(
        tuple(file for each in written for file in each.files), any(each.in_system_log for each in written)
    )


def _of_cluster(plan: PlannedChanges, version: str, cluster: str) -> Written:
    folder, data = f"/etc/postgresql/{version}/{cluster}", f"/var/lib/postgresql/{version}/{cluster}"
    names = [
        f"{folder}/postgresql.conf",
        *plan.names(f"{folder}/conf.d/*.conf"),
        f"{data}/postgresql.auto.conf",
    ]
    said = {
        name.lower(): quoted or plain
        for text in names
        for name, quoted, plain in _OF_POSTGRESQL.findall(plan.read(text) or "")
    }
    destinations = {each.strip() for each in said.get("log_destination", "stderr").lower().split(",")}
    file = (
        f"/var/log/postgresql/postgresql-{version}-{cluster}.log"  # to which Debian's pg_ctlcluster leads it
    )
    if said.get("logging_collector", "off").lower() in _ON:
        # A new file each day, by its own settings, which no program ever deletes.
        log_folder = posixpath.join(data, said.get("log_directory", "log"))
        file = posixpath.join(log_folder, said.get("log_filename", "postgresql-%Y-%m-%d_%H%M%S.log"))
    return Written((file,) if destinations - {"syslog"} else (), "syslog" in destinations)


WRITTEN: Mapping[str, Callable[[PlannedChanges], Written | None]] = {
    "nginx": _nginx,
    "prosody": _prosody,
    "jicofo": _jicofo,
    "videobridge": _videobridge,
    "coturn": _coturn,
    "postgresql": _postgresql,
    "syslog": _syslog,
}
"""A function for each program; its answer is None where the program is not on the machine.

Each raises ``UnreadableFileError`` where a file of the program cannot be read.
"""


def _absolute(names: list[str]) -> tuple[str, ...]:
    files = (name for name in names if name.startswith("/") and not name.startswith("/dev/"))
    return tuple(dict.fromkeys(files))
