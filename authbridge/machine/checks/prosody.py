"""Examines Prosody: whether it reads its configuration, and the hosts of organisers and guests in it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from authbridge.machine.checks import prosody_server
from authbridge.machine.checks.prosody_look import Look
from authbridge.machine.checks.prosody_token import examine_token_file
from authbridge.machine.files import PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.prosody_config import (
    EVERYWHERE,
    MAIN,
    Configuration,
    ConfigurationError,
    add_host,
    add_to_list,
    change_value,
    is_installed,
    lua,
    read_configuration,
    set_options,
)
from authbridge.machine.setup import Setup

_ANONYMOUS = "jitsi-anonymous"
_REPLACED = {_ANONYMOUS, "anonymous", "internal_hashed", "internal_plain"}
_FOLDERS = ("mod_auth_external", "mod_meeting_rules", "authbridge")
_LEVELS = {"ok": Level.OK, "note": Level.NOTE, "warning": Level.WARNING, "error": Level.ERROR}


def examine(plan: PlannedChanges, setup: Setup) -> Iterator[Finding]:
    """Yields a finding for each check of Prosody; all of them also where it cannot be examined."""
    reading = "prosody-configuration"
    if not is_installed(plan):
        for each in (reading, *CHECKS):
            yield Finding(each, Level.OK, Remark("There is no Prosody on this machine."))
        return
    try:
        configuration = read_configuration(plan)
    except ConfigurationError as error:
        yield Finding(
            reading,
            Level.ERROR,
            Remark(error.sentence, **error.values),
            Remark("Nothing that depends on it was examined."),
            MAIN,
            "prosodyctl check config",
        )
        for each in CHECKS:
            yield Finding(each, Level.WARNING, Remark("Prosody's configuration could not be read."))
        return
    yield Finding(
        reading,
        Level.OK,
        Remark("Prosody %(version)s reads its configuration.", version=configuration.version),
    )
    for each, check in CHECKS.items():
        yield check(Look(each, plan, setup, configuration))


def _examine_module(look: Look) -> Finding:
    """Finds which file Prosody loads as mod_auth_external, and whether it is that of this AuthBridge."""
    before, setup = look.configuration, look.setup
    found = before.files.get("auth_external")
    if found is not None and _loads_ours(look, before):
        return look.ok(Remark("Prosody loads mod_auth_external from %(file)s.", file=found))
    return look.fault(
        Level.ERROR,
        (
            Remark("Prosody finds no mod_auth_external.")
            if found is None
            else Remark(
                "Prosody loads %(file)s as mod_auth_external, which is not that of this AuthBridge.",
                file=found,
            )
        ),
        Remark(
            "A module of the same name, as distributions ship it, or of another version, "
            "does not ask this service as it expects."
        ),
        where=before.place(EVERYWHERE, "plugin_paths") or found,
        line=f"plugin_paths = {{ {lua(setup.modules)}, … }}",
        fix=(lambda plan: _put_modules_first(plan, look)) if setup.host in before.hosts else None,
        is_mended=lambda after: _loads_ours(look, after),
    )


def _loads_ours(look: Look, configuration: Configuration) -> bool:
    # Before the first installation our modules are not there yet: then the folder alone has to be named.
    found, modules = configuration.files.get("auth_external"), look.setup.modules
    ours, real = f"{modules}/mod_auth_external/mod_auth_external.lua", look.plan.machine.real
    if found is None:
        named = modules in configuration.items(EVERYWHERE, "plugin_paths")
        return named and look.plan.read(ours) is None
    return real(found) == real(ours) or _is_a_copy(look, str(Path(found).parents[1]))


def _put_modules_first(plan: PlannedChanges, look: Look) -> None:
    """Plans that Prosody finds our modules; it takes the first file of a name."""
    modules, present = look.setup.modules, read_configuration(plan)
    if _loads_ours(look, present):
        return
    if modules in present.items(EVERYWHERE, "plugin_paths")[1:]:
        item = rf"{re.escape(lua(modules))}\s*[;,]?\s*"
        change_value(plan, EVERYWHERE, "plugin_paths", lambda value: re.sub(item, "", value))
    add_to_list(plan, EVERYWHERE, "plugin_paths", [modules], beside=look.setup.host)


def _is_a_copy(look: Look, folder: str) -> bool:
    texts = [
        {
            name.removeprefix(f"{place}/"): look.plan.read(name)
            for part in _FOLDERS
            for name in look.plan.names(f"{place}/{part}/*.lua")
        }
        for place in (folder, look.setup.modules)
    ]
    return bool(texts[1]) and texts[0] == texts[1]


def _examine_authentication(look: Look) -> Finding:
    """Finds whether organisers are asked for by our service: authentication, address and token."""
    setup, before = look.setup, look.configuration
    wanted = {
        "authentication": "external",
        "external_auth_url": setup.api_url,
        "external_auth_token_file": setup.token_file,
    }

    def is_kept(configuration: Configuration) -> bool:
        host = configuration.virtual_hosts.get(setup.host)
        return host is not None and all(
            (
                setup.api_url in configuration.items(setup.host, name)
                if name == "external_auth_url"
                else host.options.get(name) == value
            )
            for name, value in wanted.items()
        )

    if is_kept(before):
        return look.ok(Remark("Organisers of %(host)s log in through AuthBridge.", host=setup.host))
    why = Remark("Only with these three lines does Prosody ask the service whether an organiser may log in.")
    line = "; ".join(f"{name} = {lua(value)}" for name, value in wanted.items())
    if setup.host not in before.virtual_hosts:
        return look.fault(
            Level.ERROR,
            Remark("Prosody has no VirtualHost %(host)s.", host=setup.host),
            why,
            where=MAIN,
            line=f"AUTHBRIDGE_XMPP_HOST, or VirtualHost {lua(setup.host)}",
        )
    present = before.get(setup.host, "authentication")

    def fix(plan: PlannedChanges) -> None:
        _put_modules_first(plan, look)  # or Prosody would have a host that lets nobody in
        values = {name: lua(value) for name, value in wanted.items()}
        if setup.api_url in read_configuration(plan).items(setup.host, "external_auth_url"):
            del values["external_auth_url"]
        set_options(plan, setup.host, values)

    return look.fault(
        Level.ERROR,
        (
            Remark("%(host)s does not name this service or its token.", host=setup.host)
            if present == "external"
            else Remark(
                "%(host)s has authentication = %(present)s: organisers do not log in through AuthBridge.",
                host=setup.host,
                present=present,
            )
        ),
        why,
        where=before.place(setup.host, "authentication"),
        line=line,
        fix=fix if present in {*_REPLACED, "external"} else None,
        is_mended=lambda after: is_kept(after) and _loads_ours(look, after),
    )


def _examine_guests(look: Look) -> Finding:
    """Finds whether participants without an account come in as Jitsi's page expects it."""
    setup, before = look.setup, look.configuration
    guests = setup.guest_host

    def is_kept(configuration: Configuration) -> bool:
        return guests in configuration.virtual_hosts and (
            configuration.get(guests, "authentication") == _ANONYMOUS
            and configuration.get(guests, "c2s_require_encryption") is False
        )

    if is_kept(before):
        return look.ok(Remark("Participants come in at %(host)s without an account.", host=guests))
    why = Remark(
        "Participants have no account. With Jitsi's own provider a page that lost its connection "
        "goes on as the same person."
    )
    line = f'VirtualHost {lua(guests)}, authentication = "{_ANONYMOUS}", c2s_require_encryption = false'
    if "auth_jitsi-anonymous" not in before.files:
        return look.fault(
            Level.ERROR,
            Remark("Prosody finds no mod_auth_jitsi-anonymous: Jitsi's plugins are missing or too old."),
            why,
            line="apt install --only-upgrade jitsi-meet-prosody",
        )
    present = before.get(guests, "authentication") if guests in before.hosts else None

    def fix(plan: PlannedChanges) -> None:
        options = {"authentication": lua(_ANONYMOUS), "c2s_require_encryption": "false"}
        if guests in read_configuration(plan).hosts:
            set_options(plan, guests, options)
        else:
            traces = "; ".join(map(lua, prosody_server.GUEST_TRACES))
            options["modules_disabled"] = f"{{ {traces} }}"
            lines = [f"    {name} = {value}" for name, value in options.items()]
            add_host(plan, setup.host, [f"VirtualHost {lua(guests)} -- AuthBridge", *lines])

    return look.fault(
        Level.ERROR,
        (
            Remark("Prosody has no VirtualHost %(host)s.", host=guests)
            if guests not in before.virtual_hosts
            else Remark(
                "%(host)s has authentication = %(present)s, or asks for encryption that a proxy ends.",
                host=guests,
                present=present,
            )
        ),
        why,
        where=before.place(guests, "authentication") if present else "",
        line=line,
        fix=fix
        if present in {None, "anonymous", _ANONYMOUS} and setup.host in before.virtual_hosts
        else None,
        is_mended=is_kept,
    )


def _examine_claims(look: Look) -> Finding:
    """Finds whether what a page claims in a token is cleared: no host of this Prosody may take tokens."""
    configuration = look.configuration
    hosts = [
        name for name in configuration.virtual_hosts if configuration.get(name, "authentication") == "token"
    ]
    if not hosts:
        return look.ok(Remark("Claims in tokens, which nobody verifies here, are cleared from all sessions."))
    believers = [name for name in ("muc_wait_for_host", "token_affiliation") if configuration.loads(name)]
    return look.fault(
        Level.ERROR if believers else Level.WARNING,
        Remark("%(host)s takes Jitsi's tokens.", host=", ".join(sorted(hosts))),
        Remark(
            "What a page claims in a token then stays in its session on every host, also on that of the "
            "guests, where nobody verifies it."
        ),
        where=configuration.place(hosts[0], "authentication"),
        line="enabled = false",
    )


def _examine_rules(look: Look) -> Finding:
    """Finds whether the server keeps the rules of the meeting."""
    setup, before = look.setup, look.configuration
    meetings = _meetings(before, setup)
    if meetings is None:
        return look.fault(
            Level.WARNING,
            Remark("No Component of the meetings was found."),
            Remark("Rules of the meeting are kept where people meet."),
            line=f'Component "conference.{setup.host}" "muc"',
        )

    def is_kept(configuration: Configuration) -> bool:
        return "meeting_rules" in configuration.hosts[meetings].modules

    if is_kept(before):
        return look.ok(Remark("The server keeps the rules of the meeting at %(host)s.", host=meetings))
    return look.fault(
        Level.WARNING,
        Remark("mod_meeting_rules is not loaded at %(host)s.", host=meetings),
        Remark("The server keeps none of the rules of the meeting that the terms of use demand."),
        where=before.place(meetings, "modules_enabled"),
        line='modules_enabled = { "meeting_rules"; … }',
        fix=lambda plan: add_to_list(plan, meetings, "modules_enabled", ["meeting_rules"]),
        is_mended=is_kept,
    )


def _meetings(configuration: Configuration, setup: Setup) -> str | None:
    named = configuration.get(setup.host, "main_muc")
    for name in (named, f"conference.{setup.host}", f"muc.{setup.host}"):
        host = configuration.hosts.get(str(name))
        if host is not None and host.options.get("component_module") == "muc":
            return str(name)
    return None


def _examine_transports(look: Look) -> Finding:
    """Finds whether browsers behind the proxy are offered a login over BOSH and WebSocket."""
    setup, before = look.setup, look.configuration

    def missing(configuration: Configuration) -> list[str]:
        return [
            f"consider_{name}_secure"
            for name in ("bosh", "websocket")
            if configuration.loads(name)
            and configuration.get(EVERYWHERE, f"consider_{name}_secure") is not True
        ]

    if not (before.loads("bosh") or before.loads("websocket")):
        return look.fault(
            Level.ERROR,
            Remark("Neither mod_bosh nor mod_websocket is loaded."),
            Remark("No browser can log in."),
            where=before.place(setup.host, "modules_enabled"),
            line='modules_enabled = { "bosh"; "websocket"; … }',
        )
    faults = missing(before)
    if not faults:
        return look.ok(Remark("Browsers are offered a login over BOSH and WebSocket."))
    return look.fault(
        Level.ERROR,
        Remark("%(options)s is not set.", options=", ".join(faults)),
        Remark(
            "The proxy ends HTTPS, and what comes from it counts as unencrypted, unless it says otherwise: "
            "Prosody then offers no login (“No stream features”)."
        ),
        where=before.place(EVERYWHERE, faults[0]),
        line="; ".join(f"{name} = true" for name in faults),
        fix=lambda plan: set_options(plan, EVERYWHERE, dict.fromkeys(faults, "true"), beside=setup.host),
        is_mended=lambda after: not missing(after),
    )


def _examine_by_prosody(look: Look) -> Finding:
    """Finds what the module's own check says, on the machine itself."""
    machine, host = look.plan.machine, look.setup.host
    command = ("prosodyctl", "mod_auth_external", "check", "--json", host)
    if not machine.is_live:
        return look.ok(Remark("Prosody's own check runs on the machine itself only."))
    unknown = Remark("Whether Prosody and the service understand each other remains unknown.")
    if look.configuration.get(host, "authentication") != "external":
        what = Remark("Prosody's own check waits until organisers log in through AuthBridge.")
        return look.fault(Level.ERROR, what, unknown, line=" ".join(command))
    answer = machine.run(*command)
    try:
        said = json.loads(answer.output) if answer else {}
        found = [(_LEVELS[each["sign"]], each["line"]) for each in said["findings"]]
    except (ValueError, KeyError, TypeError):
        return look.fault(
            Level.ERROR,
            Remark("Prosody's own check gives no answer that can be read."),
            unknown,
            line=" ".join(command),
        )
    level = max((level for level, _ in found), key=lambda level: level.rank, default=Level.OK)
    if level is Level.OK:
        return look.ok(Remark("Prosody's own check finds all in order."))
    counts = [sum(each is wanted for each, _ in found) for wanted in (Level.ERROR, Level.WARNING)]
    return look.fault(
        level,
        Remark(
            "Prosody's own check finds %(errors)s errors and %(warnings)s warnings.",
            errors=counts[0],
            warnings=counts[1],
        ),
        Remark("It has read the configuration, and asked the service with the token."),
        line="\n".join(text for each, text in found if each is not Level.OK),
    )


CHECKS: Mapping[str, Callable[[Look], Finding]] = {
    "prosody-module": _examine_module,
    "prosody-authentication": _examine_authentication,
    "prosody-guests": _examine_guests,
    "prosody-claims": _examine_claims,
    "prosody-rules": _examine_rules,
    "prosody-transports": _examine_transports,
    "prosody-token-file": examine_token_file,
    **prosody_server.CHECKS,
    "prosody-check": _examine_by_prosody,
}
"""Each check by the id of its finding."""
