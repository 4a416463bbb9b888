"""Checks jicofo: who may open a meeting, how long it remembers a login, and what it writes into its log."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from authbridge.machine.advice import for_files
from authbridge.machine.files import PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.java_properties import find_property, read_properties, set_property
from authbridge.machine.jicofo_config import JicofoConfig, is_true, seconds
from authbridge.machine.places import NotUnderstoodError, if_possible
from authbridge.machine.setup import Setup
from authbridge.machine.website_config import sends_conference_requests

_FOLDER = "/etc/jitsi/jicofo"
CONFIG = f"{_FOLDER}/jicofo.conf"
_LEGACY = f"{_FOLDER}/sip-communicator.properties"
_START = f"{_FOLDER}/config"
_LOGGING = f"{_FOLDER}/logging.properties"
_LEGACY_URL = "org.jitsi.jicofo.auth.URL"
_AUTH = ("jicofo", "authentication")
_REQUESTS = ("jicofo", "rest", "conference-request", "enabled")
_LOGGER = "org.jitsi.jicofo.auth"
_PACKETS = "XmppPacketsFileHandler"
_QUIET = {"WARNING", "SEVERE", "OFF", "900", "1000"}
_LONGEST = 24 * 3600.0  # seconds: jicofo's own default
_OPTION = re.compile(r"""-D([\w.-]+)=([^\s"']*)""")

_WHY_AUTHENTICATION = Remark("Without it jicofo opens a meeting for everybody, and asks nobody to log in.")
_WHY_LIFETIME = Remark(
    "Jicofo opens meetings for a remembered login without a password. AuthBridge ends it with a suspension; "
    "a short lifetime is one more safeguard."
)
_WHY_REQUESTS = Remark(
    "Such a request goes past Prosody: "
    "a remembered login that was ended while Prosody was away is not noticed there."
)
_WHY_LOG = Remark(
    "It holds session-ids: with one of them, anybody can open meetings as that organiser for a day."
)


def examine(plan: PlannedChanges, setup: Setup) -> Iterator[Finding]:
    """Yields the findings about jicofo: authentication, remembered logins, HTTP requests, and its logs."""
    checks: dict[str, Callable[[PlannedChanges, Setup, partial[Finding]], Finding]] = {
        "jicofo-authentication": _authentication,
        "jicofo-remembered-login": _remembered_login,
        "jicofo-conference-request": _conference_request,
        "jicofo-log": _log,
        "jicofo-packet-log": _packet_log,
        "jicofo-log-files": _log_files,
    }
    is_there = any(plan.read(name) is not None for name in (CONFIG, _LEGACY, _START))
    for finding_id, check in checks.items():
        finding = partial(Finding, finding_id)
        if not is_there:
            yield finding(Level.OK, Remark("There is no jicofo on this machine."))
            continue
        try:
            found = check(plan, setup, finding)
            yield replace(found, fix=found.fix and if_possible(plan, found.fix))
        except NotUnderstoodError as error:
            yield finding(
                Level.WARNING, Remark(error.sentence, **error.values), where=str(error.values["file"])
            )


def _authentication(plan: PlannedChanges, setup: Setup, finding: partial[Finding]) -> Finding:
    good = Remark("Only organisers of %(host)s open meetings.", host=setup.host)
    legacy = find_property(plan.read(_LEGACY) or "", _LEGACY_URL)
    wanted = f"XMPP:{setup.host}"
    # jicofo believes these before jicofo.conf (AuthConfig.kt).
    if legacy is not None:
        if legacy.value == wanted:
            return finding(Level.OK, good)
        what = Remark("Jicofo lets others open meetings than the organisers of %(host)s.", host=setup.host)
        is_xmpp = legacy.value.startswith("XMPP:")
        fix = partial(_set_legacy, value=wanted) if is_xmpp else None
        where = f"{_LEGACY}:{legacy.line}"
        return finding(Level.ERROR, what, _WHY_AUTHENTICATION, where, f"{_LEGACY_URL}={wanted}", fix)
    option = _started_with(plan).get(_LEGACY_URL)
    if option is not None:
        if option == wanted:
            return finding(Level.OK, good)
        what = Remark("Jicofo lets others open meetings than the organisers of %(host)s.", host=setup.host)
        return finding(Level.ERROR, what, _WHY_AUTHENTICATION, _START, f"-D{_LEGACY_URL}={wanted}")
    config = _config(plan)
    kind = config.value(*_AUTH, "type")
    is_enabled = is_true(config.value(*_AUTH, "enabled"))
    login_url = config.value(*_AUTH, "login-url")
    if is_enabled and kind == "XMPP" and login_url == setup.host:
        return finding(Level.OK, good)
    line = f'{".".join(_AUTH)} {{ enabled = true, type = XMPP, login-url = "{setup.host}" }}'
    where = config.where(*_AUTH, "type")
    if is_enabled and kind not in {None, "XMPP", "NONE"}:
        what = Remark("Jicofo takes logins of the type %(type)s, and none of AuthBridge's.", type=kind)
        return finding(Level.ERROR, what, _WHY_AUTHENTICATION, where, line)
    what = Remark("Jicofo does not take the logins of %(host)s.", host=setup.host)
    if plan.read(_config_name(plan)) is None and plan.read(_LEGACY) is not None:
        # A jicofo of before 2021, which has no other file.
        line, fix = f"{_LEGACY_URL}={wanted}", partial(_set_legacy, value=wanted)
        return finding(Level.ERROR, what, _WHY_AUTHENTICATION, _LEGACY, line, fix)
    fix = partial(_require_login, host=setup.host)
    return finding(Level.ERROR, what, _WHY_AUTHENTICATION, where, line, fix)


def _require_login(plan: PlannedChanges, host: str) -> None:
    for name, value in (("enabled", "true"), ("type", "XMPP"), ("login-url", f'"{host}"')):
        _put(plan, value, *_AUTH, name)


def _set_legacy(plan: PlannedChanges, value: str) -> None:
    plan.edit(_LEGACY, lambda text: set_property(text, _LEGACY_URL, value))


def _remembered_login(plan: PlannedChanges, _setup: Setup, finding: partial[Finding]) -> Finding:
    legacy = plan.read(_LEGACY) or ""
    old_lifetime = find_property(legacy, "org.jitsi.jicofo.auth.AUTH_LIFETIME")
    old_off = find_property(legacy, "org.jitsi.jicofo.auth.DISABLE_AUTOLOGIN")
    config = _config(plan)
    path = (*_AUTH, "authentication-lifetime")
    is_off = old_off is not None and is_true(old_off.value)
    if is_off or config.value(*_AUTH, "enable-auto-login") in {"false", "no", "off"}:
        return finding(Level.OK, Remark("Jicofo remembers a login for one meeting."))
    said = (old_lifetime.value if old_lifetime else config.value(*path)) or "24 hours"
    lifetime = seconds(said)
    if lifetime is not None and lifetime <= _LONGEST:
        return finding(Level.OK, Remark("Jicofo remembers a login for %(lifetime)s at most.", lifetime=said))
    what = Remark("Jicofo remembers a login for %(lifetime)s.", lifetime=said)
    if old_lifetime is not None:
        line = f"org.jitsi.jicofo.auth.AUTH_LIFETIME={_LONGEST * 1000:.0f}"
        return finding(Level.WARNING, what, _WHY_LIFETIME, f"{_LEGACY}:{old_lifetime.line}", line)
    return finding(
        Level.WARNING,
        what,
        _WHY_LIFETIME,
        config.where(*path),
        f"{'.'.join(path)} = 24 hours",
        lambda plan: _put(plan, "24 hours", *path),
    )


def _conference_request(plan: PlannedChanges, setup: Setup, finding: partial[Finding]) -> Finding:
    config = _config(plan)
    answers = [config.value("jicofo", "rest", "enabled"), config.value(*_REQUESTS)]
    if {"false", "no", "off"} & set(answers):
        return finding(Level.OK, Remark("Jicofo takes no requests for a meeting over HTTP."))
    return finding(
        Level.WARNING,
        Remark("Jicofo takes requests for a meeting over HTTP too."),
        _WHY_REQUESTS,
        config.where(*_REQUESTS),
        f"{'.'.join(_REQUESTS)} = false",
        partial(_take_no_requests, setup=setup),
    )


def _take_no_requests(plan: PlannedChanges, setup: Setup) -> None:
    # As long as the website sends its requests there, no meeting would open any more.
    if not sends_conference_requests(plan, setup):
        _put(plan, "false", *_REQUESTS)


def _log(plan: PlannedChanges, _setup: Setup, finding: partial[Finding]) -> Finding:
    name = _logging(plan)
    text = plan.read(name)
    if text is None:
        what = Remark("%(file)s is missing: what jicofo writes into its log is unknown.", file=name)
        return finding(Level.WARNING, what, _WHY_LOG, name)
    loud = _loud_keys(text)
    if not loud:
        return finding(Level.OK, Remark("Jicofo writes no session-ids into its log."))
    present = find_property(text, loud[0])
    return finding(
        Level.WARNING,
        Remark("Jicofo writes session-ids into its log."),
        _WHY_LOG,
        f"{name}:{present.line}" if present else name,
        f"{loud[0]}=WARNING",
        lambda plan: plan.edit(name, _quieten),
    )


def _loud_keys(text: str) -> list[str]:
    """Returns the keys of the levels that have to be WARNING, or higher, and are not."""
    levels = {each.key: each.value.upper() for each in read_properties(text) if each.key.endswith(".level")}
    below = [key for key in levels if key.startswith(f"{_LOGGER}.") and levels[key] not in _QUIET]
    own = f"{_LOGGER}.level"
    above = [_LOGGER.rsplit(".", up)[0] + ".level" for up in range(_LOGGER.count(".") + 1)]
    level = next((levels[key] for key in (*above, ".level") if key in levels), "INFO")
    return [*([own] if level not in _QUIET and own not in below else []), *below]


def _quieten(text: str) -> str:
    for key in _loud_keys(text):
        text = set_property(text, key, "WARNING")
    return text


def _packet_log(plan: PlannedChanges, _setup: Setup, finding: partial[Finding]) -> Finding:
    name = _logging(plan)
    handlers = find_property(plan.read(name) or "", "handlers")
    if handlers is None or _PACKETS not in handlers.value:
        return finding(Level.OK, Remark("Jicofo keeps no file of what it says to Prosody."))
    rest = ", ".join(each for each in re.split(r"[\s,]+", handlers.value) if _PACKETS not in each)
    return finding(
        Level.WARNING,
        Remark("Jicofo writes all that it says to Prosody into a file."),
        _WHY_LOG,
        f"{name}:{handlers.line}",
        f"handlers= {rest}",
        lambda plan: plan.edit(name, lambda text: set_property(text, "handlers", rest)),
    )


def _log_files(plan: PlannedChanges, _setup: Setup, finding: partial[Finding]) -> Finding:
    machine, names = plan.machine, plan.names("/var/log/jitsi/jicofo*")
    opened = [name for name in names if _is_open(machine.real(name))]
    if opened:
        what = Remark("Everybody on this machine can read jicofo's log.")
        return finding(Level.WARNING, what, _WHY_LOG, opened[0], for_files(machine, opened, "chmod", "o-rwx"))
    return finding(Level.OK, Remark("Only jicofo and its group can read its log."))


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o004 and path.parent.stat().st_mode & 0o001)


def _started_with(plan: PlannedChanges) -> dict[str, str]:
    lines = (plan.read(_START) or "").splitlines()
    return dict(_OPTION.findall("\n".join(line for line in lines if not line.lstrip().startswith("#"))))


def _config_name(plan: PlannedChanges) -> str:
    return _started_with(plan).get("config.file", CONFIG)


def _logging(plan: PlannedChanges) -> str:
    return _started_with(plan).get("java.util.logging.config.file", _LOGGING)


def _config(plan: PlannedChanges) -> JicofoConfig:
    options = _started_with(plan)
    if any(name.startswith("jicofo.") for name in options):
        # They count before the file does.
        raise NotUnderstoodError(
            "%(file)s sets options of jicofo's, which are not followed here.", file=_START
        )
    name = _config_name(plan)
    return JicofoConfig(name, plan.read(name) or "")


def _put(plan: PlannedChanges, value: str, *path: str) -> None:
    name = _config_name(plan)
    plan.edit(name, lambda text: JicofoConfig(name, text).put(value, *path))
