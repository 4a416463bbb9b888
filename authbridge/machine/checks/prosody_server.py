"""Examines what holds for Prosody as a whole: log, limits, proxies, modules, accounts, certificates."""

import re
import ssl
import time
from collections.abc import Callable, Mapping

from authbridge.machine.checks.prosody_look import Look
from authbridge.machine.files import PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.prosody_config import (
    EVERYWHERE,
    Configuration,
    add_to_list,
    change_value,
    lua,
    set_options,
)
from authbridge.machine.trusted_networks import trusts_strangers

_GC = {"mode": "generational"}
_GC_LINE = '{ mode = "generational" }'  # as `authbridge prosody-config` prints it
_STANZA_LIMIT = 10 * 1024 * 1024  # bytes; what Jitsi's mod_limits_exception allows jicofo
_LOOPBACK = ["127.0.0.1", "::1"]
_TRACES = ("account_activity", "bookmarks", "pep", "vcard4", "vcard_legacy")  # bookmarks brings pep with it
GUEST_TRACES = ("account_activity",)
"""Modules that keep something of participants: here a file for each of their pages, and nobody deletes it."""

_REGISTRATION = ("invites_register", "register", "register_ibr", "user_account_management")
_KEY_LENGTHS = {"SHA-1": "20", "SHA-256": "32"}
_SOON = 14 * 86_400.0  # seconds: time to renew a certificate by hand


def _examine_log(look: Look) -> Finding:
    """Finds whether a log is at level debug."""

    def is_kept(configuration: Configuration) -> bool:
        return not _logs_debug(configuration.get(EVERYWHERE, "log"))

    before = look.configuration
    if is_kept(before):
        return look.ok(Remark("No log of Prosody is at level debug."))
    return look.fault(
        Level.ERROR,
        Remark("A log of Prosody is at level debug."),
        Remark("Prosody then writes the passwords of browsers into it, in base64."),
        where=before.place(EVERYWHERE, "log"),
        line='log = { info = "/var/log/prosody/prosody.log" }',
        fix=lambda plan: change_value(plan, EVERYWHERE, "log", _without_debug),
        is_mended=is_kept,
    )


def _logs_debug(log: object) -> bool:
    """Tells whether that option sends debug messages anywhere, as core/loggingmanager.lua reads it."""
    if isinstance(log, str):
        return log.startswith("*")
    fields = log.items() if isinstance(log, dict) else enumerate(log if isinstance(log, list) else [], 1)
    return any(
        name == "debug" or (str(name).isdecimal() and (isinstance(sink, str) or _is_at_debug(sink)))
        for name, sink in fields
    )


def _is_at_debug(sink: object) -> bool:
    levels = sink.get("levels") if isinstance(sink, dict) else None
    named = levels.values() if isinstance(levels, dict) else levels if isinstance(levels, list) else [levels]
    return levels is None or "debug" in named


def _without_debug(value: str) -> str:
    lines = []
    for line in value.splitlines(keepends=True):
        code, dashes, comment = line.partition("--")
        code = re.sub(r"\bdebug(?=\s*=)|(?<=[\"'])debug(?=[\"'])", "info", code)
        lines.append(code + dashes + comment)
    return "".join(lines)


def _examine_collector(look: Look) -> Finding:
    """Finds whether Prosody's garbage collector is set as measured best."""

    def is_kept(configuration: Configuration) -> bool:
        return configuration.get(EVERYWHERE, "gc") == _GC

    before = look.configuration
    if is_kept(before):
        return look.ok(Remark("Prosody's garbage collector is set up as measured best."))
    return _set_everywhere(
        look,
        Level.NOTE,
        Remark("Prosody's garbage collector is not set up as measured best."),
        Remark("As it comes it takes half of the time of a login, and most of Prosody's one thread."),
        option="gc",
        value=_GC_LINE,
        is_mended=is_kept,
    )


def _examine_stanza_limit(look: Look) -> Finding:
    """Finds whether jicofo may send stanzas as large as Jitsi allows it, at every start."""
    before = look.configuration
    limit = before.get(EVERYWHERE, "c2s_stanza_size_limit")
    # Only Jitsi's module, and only where Prosody has a limit before the login, makes the order random.
    if not (before.items(EVERYWHERE, "unlimited_jids") and before.knows_unauthed_size) or limit is not None:
        return look.ok(Remark("jicofo may send stanzas as large as Jitsi allows it."))
    return _set_everywhere(
        look,
        Level.WARNING,
        Remark("unlimited_jids is set, and c2s_stanza_size_limit is not."),
        Remark(
            "This Prosody sets the limit anew at each login, in a random order with Jitsi's module: at some "
            "starts jicofo gets 256 KiB, and all meetings lose it when it sends more."
        ),
        option="c2s_stanza_size_limit",
        value=str(_STANZA_LIMIT),
        is_mended=lambda after: after.get(EVERYWHERE, "c2s_stanza_size_limit") == _STANZA_LIMIT,
    )


def _set_everywhere(  # noqa: PLR0913 - the parts of a finding
    look: Look,
    level: Level,
    what: Remark,
    why: Remark,
    *,
    option: str,
    value: str,
    is_mended: Callable[[Configuration], bool],
) -> Finding:
    host = look.setup.host
    return look.fault(
        level,
        what,
        why,
        where=look.configuration.place(EVERYWHERE, option),
        line=f"{option} = {value}",
        fix=(
            (lambda plan: set_options(plan, EVERYWHERE, {option: value}, beside=host))
            if host in look.configuration.hosts
            else None
        ),
        is_mended=is_mended,
    )


def _examine_connections(look: Look) -> Finding:
    """Finds whether connections are counted by address, which is the proxy's for every browser."""

    def is_kept(configuration: Configuration) -> bool:
        limits = configuration.get(EVERYWHERE, "limits")
        c2s = limits.get("c2s") if isinstance(limits, dict) else None
        return not isinstance(c2s, dict) or "max_connections_per_ip" not in c2s

    before = look.configuration
    if is_kept(before):
        return look.ok(Remark("Prosody does not count connections by address."))
    return look.fault(
        Level.ERROR,
        Remark("limits.c2s.max_connections_per_ip is set."),
        Remark("Every browser comes with the address of the proxy: together they are turned away."),
        where=before.place(EVERYWHERE, "limits"),
        line="limits = { c2s = { rate = … } }",
        fix=lambda plan: change_value(plan, EVERYWHERE, "limits", _without_count),
        is_mended=is_kept,
    )


def _without_count(value: str) -> str:
    count = r"max_connections_per_ip\s*=\s*\d+"
    whole = re.sub(rf"(?m)^[ \t]*{count}[ \t]*[;,]?[ \t]*\r?\n", "", value)
    return re.sub(rf"{count}\s*[;,]?[ \t]*", "", whole)


def _examine_proxies(look: Look) -> Finding:
    """Finds whose word about a client's address Prosody believes."""

    def is_kept(configuration: Configuration) -> bool:
        if configuration.get(EVERYWHERE, "trusted_proxies") is None:
            return True
        proxies = configuration.items(EVERYWHERE, "trusted_proxies")
        return _LOOPBACK[0] in proxies and not trusts_strangers(proxies)

    before = look.configuration
    if is_kept(before):
        return look.ok(Remark("Prosody believes its proxies, and nobody else, about addresses."))
    return _set_everywhere(
        look,
        Level.ERROR,
        Remark("trusted_proxies holds addresses of strangers, or not that of this machine."),
        Remark("Any client can then claim to be in a school's network, or every browser looks the same."),
        option="trusted_proxies",
        value=f"{{ {', '.join(map(lua, _LOOPBACK))} }}",
        is_mended=is_kept,
    )


def _examine_admins(look: Look) -> Finding:
    """Finds administrators of Prosody on hosts that are not Prosody's own."""
    before, setup = look.configuration, look.setup
    for host in before.hosts:
        for admin in before.items(host, "admins"):
            domain = admin.rpartition("@")[2]
            authentication = str(before.get(domain, "authentication")) if domain in before.hosts else ""
            if authentication.endswith("anonymous") or domain in {setup.host, setup.guest_host}:
                return look.fault(
                    Level.ERROR,
                    Remark("%(admin)s may administer Prosody.", admin=admin),
                    Remark("On that host a participant or an organiser could come to have that name."),
                    where=before.place(host, "admins"),
                    line="admins = { }",
                )
    return look.ok(Remark("No participant or organiser may administer Prosody."))


def _examine_traces(look: Look) -> Finding:
    """Finds modules that keep or publish something of organisers on our host."""
    return _examine_disabled(
        look,
        look.setup.host,
        _TRACES,
        Remark("Prosody keeps and publishes nothing of organisers besides AuthBridge."),
        lambda modules: Remark(
            "At %(host)s Prosody loads %(modules)s.", host=look.setup.host, modules=modules
        ),
        Remark(
            "They keep when each organiser was here last, outside of what is purged, "
            "and let organisers publish a name."
        ),
    )


def _examine_guest_traces(look: Look) -> Finding:
    """Finds modules that keep something of participants on the host of the guests."""
    return _examine_disabled(
        look,
        look.setup.guest_host,
        GUEST_TRACES,
        Remark("Prosody keeps nothing of participants."),
        lambda modules: Remark(
            "At %(host)s Prosody loads %(modules)s.", host=look.setup.guest_host, modules=modules
        ),
        Remark("It writes a file with the time for each page that joins, and nobody deletes them."),
    )


def _examine_registration(look: Look) -> Finding:
    """Finds modules with which clients make accounts or change passwords on our host."""
    return _examine_disabled(
        look,
        look.setup.host,
        _REGISTRATION,
        Remark("Accounts and passwords of organisers are changed in AuthBridge alone."),
        lambda modules: Remark(
            "At %(host)s Prosody lets clients register or change passwords: %(modules)s.",
            host=look.setup.host,
            modules=modules,
        ),
        Remark("Accounts of that host are AuthBridge's; what clients ask of these modules can only fail."),
    )


def _examine_disabled(
    look: Look,
    host: str,
    unwanted: tuple[str, ...],
    fine: Remark,
    what: Callable[[str], Remark],
    why: Remark,
) -> Finding:
    before = look.configuration

    def loaded(configuration: Configuration) -> list[str]:
        modules = configuration.hosts[host].modules if host in configuration.hosts else frozenset()
        return [name for name in unwanted if name in modules]

    found = loaded(before)
    if not found:
        return look.ok(fine)
    return look.fault(
        Level.WARNING,
        what(", ".join(found)),
        why,
        where=before.hosts[host].places.get("modules_disabled") or before.hosts[host].places.get("defined"),
        line=f"modules_disabled = {{ {'; '.join(map(lua, found))} }}",
        fix=lambda plan: add_to_list(plan, host, "modules_disabled", found),
        is_mended=lambda after: not loaded(after),
    )


def _examine_password_hash(look: Look) -> Finding:
    """Finds accounts of Prosody's own, above all jicofo's, that are kept by another hash than is set."""

    def hosts_locked_out(configuration: Configuration) -> list[str]:
        return [
            name
            for name, host in configuration.hosts.items()
            if host.keys
            and any(host.keys[key] for key in _KEY_LENGTHS.values() if key != _key(configuration, name))
        ]

    before = look.configuration
    locked_out = hosts_locked_out(before)
    if not locked_out:
        return look.ok(Remark("Prosody's own accounts are kept by the hash that is set."))
    host = locked_out[0]
    place = before.place(host, "password_hash")
    kept = [name for name, key in _KEY_LENGTHS.items() if (before.hosts[host].keys or {}).get(key)]
    line = f"password_hash = {lua(kept[0])}"

    def fix(plan: PlannedChanges) -> None:
        owner = host if "password_hash" in before.hosts[host].options else EVERYWHERE
        if place is None:
            set_options(plan, host, {"password_hash": lua(kept[0])})
        else:
            change_value(plan, owner, "password_hash", lambda _: lua(kept[0]))

    return look.fault(
        Level.ERROR,
        Remark("Accounts of %(host)s are kept by another hash than password_hash says.", host=host),
        Remark("None of them can log in any more, not even jicofo or a bridge: there are no meetings then."),
        where=place or before.hosts[host].places.get("defined"),
        line=line,
        fix=fix if len(kept) == 1 else None,
        is_mended=lambda after: host not in hosts_locked_out(after),
    )


def _key(configuration: Configuration, host: str) -> str | None:
    return _KEY_LENGTHS.get(str(configuration.get(host, "password_hash") or "SHA-1"))


def _examine_certificates(look: Look) -> Finding:
    """Finds hosts whose certificate is missing, or over, or soon over."""
    now, before = time.time(), look.configuration
    for name in (look.setup.host, f"auth.{look.setup.host}"):
        host = before.virtual_hosts.get(name)
        if host is None:
            continue
        left = ssl.cert_time_to_seconds(host.not_after) - now if host.not_after else 0.0
        if left > _SOON:
            continue
        return look.fault(
            Level.WARNING,
            (
                Remark("%(host)s has no certificate that Prosody can read.", host=name)
                if host.not_after is None
                else Remark("The certificate of %(host)s ends on %(day)s.", host=name, day=host.not_after)
            ),
            Remark("Programs that connect to Prosody itself, such as jicofo and the bridges, may refuse it."),
            where=host.certificate,
            line=f"prosodyctl cert generate {name}",
        )
    return look.ok(Remark("The certificates of Prosody's hosts are valid."))


def _examine_version(look: Look) -> Finding:
    """Finds Prosodys without the security fixes of May 2026, by what their code knows."""
    if look.configuration.knows_unauthed_size:
        return look.ok(
            Remark("Prosody %(version)s has the security fixes of May 2026.", version=_package_version(look))
        )
    return look.fault(
        Level.WARNING,
        Remark("Prosody %(version)s lacks the security fixes of May 2026.", version=_package_version(look)),
        Remark("Anybody can have it keep large stanzas before a login (CVE-2026-43507)."),
        line="Debian 13 with its backports (13.0.6), or Debian 12 with its own 0.12.3-1+deb12u1",
    )


def _package_version(look: Look) -> str:
    packages = (look.plan.read("/var/lib/dpkg/status") or "").split("\n\n")
    for package in packages:
        if package.startswith("Package: prosody\n") and (found := re.search(r"(?m)^Version: (.*)$", package)):
            return found[1]
    return look.configuration.version


CHECKS: Mapping[str, Callable[[Look], Finding]] = {
    "prosody-log": _examine_log,
    "prosody-collector": _examine_collector,
    "prosody-stanza-limit": _examine_stanza_limit,
    "prosody-connections": _examine_connections,
    "prosody-proxies": _examine_proxies,
    "prosody-admins": _examine_admins,
    "prosody-traces": _examine_traces,
    "prosody-guest-traces": _examine_guest_traces,
    "prosody-registration": _examine_registration,
    "prosody-password-hash": _examine_password_hash,
    "prosody-certificates": _examine_certificates,
    "prosody-version": _examine_version,
}
"""Each check by the id of its finding."""
