"""Reads Prosody's configuration with Prosody's own code, and changes single options in its text.

The configuration is a program in Lua: it is run by ``prosody_facts.lua``, never parsed here.  Only where an
option stands is looked up in the text, and whoever plans a change can have it tried first.
"""

import base64
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from authbridge.errors import AuthBridgeError
from authbridge.machine.files import Machine, PlannedChanges

MAIN = "/etc/prosody/prosody.cfg.lua"
EVERYWHERE = "*"
"""What Prosody calls the part of its configuration that holds for all hosts."""

Change = Callable[[PlannedChanges], None]

_PROGRAM = Path(__file__).with_name("prosody_facts.lua")
_SOURCE = "/usr/lib/prosody/util/startup.lua"
_OPTIONS = (  # none of them holds a secret
    "admins",
    "allow_registration",
    "authentication",
    "c2s_require_encryption",
    "c2s_stanza_size_limit",
    "component_module",
    "consider_bosh_secure",
    "consider_websocket_secure",
    "defined",
    "enabled",
    "external_auth_page",
    "external_auth_proxy_overwrites_address",
    "external_auth_token_file",
    "external_auth_url",
    "gc",
    "limits",
    "log",
    "main_muc",
    "modules_disabled",
    "modules_enabled",
    "password_hash",
    "plugin_paths",
    "storage",
    "trusted_proxies",
    "unlimited_jids",
)
_READ_ONLY = (  # a tree may be another's, and its code is run: it may read what we may, and change nothing
    *("setpriv", "--no-new-privs", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search", "--"),
)
_MODULES = ("auth_external", "auth_jitsi-anonymous", "meeting_rules")
_VALUE_ON_A_LINE = re.compile(r"""("[^"]*"|'[^']*'|\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|[\w.+*/]+)""")
_LAST_LINE_OF_A_TABLE = re.compile(r"(?:(?!--)[^}])*\}(?:\s*\})*")


class ConfigurationError(AuthBridgeError):
    """Raised when Prosody's configuration cannot be read; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where an option is set: a file, and the first and the last line of it, from 1 on."""

    file: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.file}:{self.first}"


@dataclass(frozen=True, slots=True)
class Host:
    """A VirtualHost or a Component, or what holds for all of them: its own options and where they stand.

    ``modules`` are those that Prosody loads there.  ``certificate`` is the file for TLS, ``not_after`` its
    last moment as OpenSSL prints it.  ``keys``: how many accounts are kept by a key of 20 bytes (SHA-1) and
    of 32 (SHA-256), where Prosody keeps accounts of that host itself.
    """

    options: Mapping[str, object]
    places: Mapping[str, Position]
    modules: frozenset[str]
    certificate: str | None = None
    not_after: str | None = None
    keys: Mapping[str, int] | None = None

    @property
    def is_component(self) -> bool:
        """Tells whether it is a Component."""
        return "component_module" in self.options


@dataclass(frozen=True, slots=True)
class Configuration:
    """What Prosody makes of its files.

    ``files`` says from which file Prosody would load a module; ``knows_unauthed_size``, whether this Prosody
    has a limit for what clients send before their login.
    """

    version: str
    knows_unauthed_size: bool
    hosts: Mapping[str, Host]
    files: Mapping[str, str]

    def get(self, host: str, option: str) -> object:
        """Returns the value that counts for that host, or None."""
        own = self.hosts[host].options if host in self.hosts else {}
        return own.get(option, self.hosts[EVERYWHERE].options.get(option))

    def place(self, host: str, option: str) -> Position | None:
        """Returns where the value stands that counts for that host."""
        own = self.hosts[host].places if host in self.hosts else {}
        return own.get(option, self.hosts[EVERYWHERE].places.get(option))

    def items(self, host: str, option: str) -> Sequence[str]:
        """Returns the value as a list of texts; one text alone is a list of it."""
        value = self.get(host, option)
        if isinstance(value, list):
            return [str(each) for each in value]
        return [] if value is None or value == {} else [str(value)]

    @property
    def virtual_hosts(self) -> Mapping[str, Host]:
        """Returns the VirtualHosts that are not switched off, by name."""
        return {
            name: host
            for name, host in self.hosts.items()
            if name != EVERYWHERE and not host.is_component and self.get(name, "enabled") is not False
        }

    def loads(self, module: str) -> list[str]:
        """Returns the hosts and components at which Prosody loads that module, sorted."""
        return sorted(name for name, host in self.hosts.items() if module in host.modules)


def is_installed(plan: PlannedChanges) -> bool:
    """Tells whether there is a Prosody, or at least its configuration."""
    return plan.read(MAIN) is not None or plan.read(_SOURCE) is not None


def read_configuration(plan: PlannedChanges) -> Configuration:
    """Returns what Prosody makes of its files as they shall be.

    Raises:
        ConfigurationError: There is no Prosody that could read them, or it refuses them.
    """
    if plan.read(_SOURCE) is None:
        raise ConfigurationError("There is no Prosody in %(folder)s.", folder="/usr/lib/prosody")
    machine = plan.machine
    root = "" if machine.is_live else str(machine.root.resolve())
    changed = {
        change.name: change.after
        for change in plan.changes()
        if change.after is not None and not change.is_link
    }
    question = {
        "overlay": {
            f"/{machine.real(name).relative_to(machine.root)}": base64.b64encode(
                text.encode("utf-8", "surrogateescape")
            ).decode()
            for name, text in changed.items()
        },
        "options": _OPTIONS,
        "modules": _MODULES,
    }
    here = Machine()  # Lua is a program of the machine that we run on, also where the files are another's
    rights = _READ_ONLY if os.geteuid() == 0 and not machine.is_live else ()
    answer = here.run(*rights, "lua5.4", "-E", str(_PROGRAM), root, text=json.dumps(question))
    if answer is None or answer.code != 0:
        reason = "lua5.4" if answer is None else (answer.errors.strip().splitlines() or ["lua5.4"])[0]
        raise ConfigurationError("Prosody's own code could not be run: %(reason)s", reason=reason)
    facts = json.loads(answer.output)
    if "fault" in facts:
        raise ConfigurationError("Prosody refuses its configuration: %(reason)s", reason=facts["fault"])
    return Configuration(
        version=facts["version"],
        knows_unauthed_size=facts["knows_unauthed_size"],
        hosts={name: _host(plan, fields) for name, fields in facts["hosts"].items()},
        files=dict(facts["files"]),
    )


def tried(plan: PlannedChanges, change: Change, is_mended: Callable[[Configuration], bool]) -> Change | None:
    """Returns the change if Prosody then reads what is wanted; None: a person has to make it."""
    trial = PlannedChanges(plan.machine)
    for each in plan.changes():
        trial.write(each.name, each.after, mode=each.mode, owner=each.owner)
    change(trial)
    try:
        return change if is_mended(read_configuration(trial)) else None
    except ConfigurationError:
        return None


def set_options(
    plan: PlannedChanges,
    host: str,
    values: Mapping[str, str],
    *,
    beside: str = "",
    below: str = "authentication",
) -> None:
    """Plans these values, given as Lua, for that host; comments and the order of the file stay.

    An option that is not set there yet is written below the option ``below`` of the host, or its head;
    for :data:`EVERYWHERE`, in the file of the VirtualHost ``beside`` and above it.
    """
    configuration = read_configuration(plan)
    places = configuration.hosts[host].places
    missing = [f"{name} = {value} -- AuthBridge" for name, value in values.items() if name not in places]
    file, line = _anchor(configuration, host, beside, below)
    if missing:  # first: it stands at or below what is replaced in the same block
        plan.edit(file, lambda text: _insert(text, line, missing, is_indented=host != EVERYWHERE))
    for name in sorted(values.keys() & places.keys(), key=lambda name: -places[name].last):
        place = places[name]
        offset = len(missing) if place.file == file and place.last > line else 0
        _change_value(plan, place, name, offset, _always(values[name]))


def add_to_list(
    plan: PlannedChanges, host: str, option: str, items: Sequence[str], *, beside: str = ""
) -> None:
    """Plans that this list of the host begins with these items, besides those that it holds."""
    configuration = read_configuration(plan)
    place = configuration.hosts[host].places.get(option)
    present = configuration.items(host, option) if place else []
    new = [lua(item) for item in items if item not in present]
    if place is None:
        set_options(plan, host, {option: f"{{ {'; '.join(new)} }}"}, beside=beside)
    elif new:
        _change_value(plan, place, option, 0, lambda value: _begin_list(value, new))


def change_value(plan: PlannedChanges, host: str, option: str, change: Callable[[str], str]) -> None:
    """Plans a change of the text of a value, if the option stands at that host as one assignment."""
    if place := read_configuration(plan).place(host, option):
        _change_value(plan, place, option, 0, change)


def add_host(plan: PlannedChanges, after: str, lines: Sequence[str]) -> None:
    """Plans a block of lines behind that of the host ``after``, and its blank line."""
    configuration = read_configuration(plan)
    head = configuration.hosts[after].places["defined"]
    heads = [
        place.first
        for host in configuration.hosts.values()
        for option, place in host.places.items()
        if option in {"defined", "component_module"} and place.file == head.file and place.first > head.first
    ]
    plan.edit(head.file, lambda text: _insert_block(text, min(heads, default=None), lines))


def lua(text: str) -> str:
    """Returns a text as Lua writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _always(value: str) -> Callable[[str], str]:
    return lambda _: value


def _host(plan: PlannedChanges, fields: Mapping[str, object]) -> Host:
    def table(name: str) -> Mapping[str, object]:
        value = fields.get(name)
        return value if isinstance(value, dict) else {}

    certificate = table("certificate")
    modules = fields.get("modules")
    places = {name: _place(plan, name, found) for name, found in table("places").items()}
    return Host(
        options=table("options"),
        places=places,
        modules=frozenset(modules if isinstance(modules, list) else ()),
        certificate=_text(certificate.get("file")),
        not_after=_text(certificate.get("not_after")),
        keys={name: int(str(count)) for name, count in table("keys").items()} if "keys" in fields else None,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _place(plan: PlannedChanges, option: str, found: object) -> Position:
    # Lua says on which line the assignment ends.
    fields = found if isinstance(found, dict) else {}
    file, last = str(fields["file"]), int(fields["line"])
    lines, assignment = (plan.read(file) or "").splitlines(), _assignment(option)
    first = next((number for number in range(last, 0, -1) if assignment.search(lines[number - 1])), last)
    return Position(file, first, last)


def _assignment(option: str) -> re.Pattern[str]:
    return re.compile(rf"^(?:(?!--).)*?(?<![\w.:]){re.escape(option)}\s*=(?!=)[ \t]*")


def _anchor(configuration: Configuration, host: str, beside: str, below: str) -> tuple[str, int]:
    if host != EVERYWHERE:
        places = configuration.hosts[host].places
        place = places.get(below) or places.get("component_module") or places["defined"]
        return place.file, place.last
    file = configuration.hosts[beside].places["defined"].file
    above = [place for place in configuration.hosts[EVERYWHERE].places.values() if place.file == file]
    return file, max((place.last for place in above), default=0)


def _insert(text: str, line: int, new: Sequence[str], *, is_indented: bool) -> str:
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    blank = ""
    if is_indented:
        below = lines[line] if line < len(lines) else ""
        here = re.match(r"[ \t]*", lines[line - 1])
        blank = (here and here[0]) or _indentation(below)
    if line and not lines[line - 1].endswith("\n"):
        lines[line - 1] += end
    lines[line:line] = [f"{blank}{each}{end}" for each in new]
    return "".join(lines)


def _indentation(line: str) -> str:
    found = re.match(r"[ \t]+(?=\S)", line)
    return found[0] if found else "    "


def _insert_block(text: str, before: int | None, new: Sequence[str]) -> str:
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    block = [f"{each}{end}" for each in new]
    if before is None:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += end
        return "".join([*lines, end, *block])
    at = before - 1
    while at and lines[at - 1].lstrip().startswith("--"):  # the comment of what follows
        at -= 1
    lines[at:at] = [*block, end]
    return "".join(lines)


def _change_value(
    plan: PlannedChanges, place: Position, option: str, offset: int, change: Callable[[str], str]
) -> None:
    def edit(text: str) -> str:
        lines = text.splitlines(keepends=True)
        first, last = place.first + offset - 1, place.last + offset - 1
        start = _assignment(option).search(lines[first])
        if start is None:
            return text
        if first == last:
            value = _VALUE_ON_A_LINE.match(lines[first], start.end())
            end = value and value.end()
        else:
            value = _LAST_LINE_OF_A_TABLE.match(lines[last])
            end = value and value.end()
        if end is None:
            return text
        span = "".join(lines[first : last + 1])
        stop = len(span) - len(lines[last]) + end
        changed = span[: start.end()] + change(span[start.end() : stop]) + span[stop:]
        return "".join([*lines[:first], changed, *lines[last + 1 :]])

    plan.edit(place.file, edit)


def _begin_list(value: str, new: Sequence[str]) -> str:
    head, brace, rest = value.partition("{")
    items = "".join(f"{item}; " for item in new)
    if brace and (below := re.match(r"([ \t]*(?:--[^\n]*)?\r?\n)([ \t]*)", rest)):
        end = "\r\n" if below[1].endswith("\r\n") else "\n"
        lines = "".join(f"{below[2]}{item}; -- AuthBridge{end}" for item in new)
        return f"{head}{{{below[1]}{lines}{rest[below.end(1) :]}"
    return f"{head}{{ {items}{rest.lstrip()}" if brace else value
