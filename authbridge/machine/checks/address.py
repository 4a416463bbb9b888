"""Checks whether the addresses of browsers can be believed, and whether Prosody does."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from authbridge.machine.files import PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.nginx_config import read_nginx
from authbridge.machine.places import Fix, NotUnderstoodError
from authbridge.machine.programs import Answer
from authbridge.machine.prosody_config import (
    Configuration,
    ConfigurationError,
    is_installed,
    read_configuration,
    set_options,
    tried,
)
from authbridge.machine.proxied import Proxied, to_prosody
from authbridge.machine.setup import Setup

_OPTION = "external_auth_proxy_overwrites_address"
_PATHS = ("/http-bind", "/xmpp-websocket")
_WHY = Remark(
    "Without addresses, no network of a school is known, and attackers cannot be told from its teachers; "
    "with forged ones, anybody can pretend to be in a school's network."
)


def examine(plan: PlannedChanges, setup: Setup) -> Iterator[Finding]:
    """Yields the finding about the option with which an administrator vouches for nginx."""
    finding = partial(Finding, "prosody-address")
    if not is_installed(plan):
        yield finding(Level.OK, Remark("There is no Prosody on this machine."))
        return
    try:
        configuration = read_configuration(plan)
    except ConfigurationError:
        yield finding(Level.WARNING, Remark("Prosody's configuration could not be read."))
        return
    if configuration.get(setup.host, "authentication") != "external":
        yield finding(Level.NOTE, Remark("Prosody does not ask AuthBridge yet: it passes no addresses on."))
    elif configuration.get(setup.host, _OPTION) is True:
        yield _vouched(plan, setup, configuration, finding)
    else:
        yield _not_vouched(plan, setup, finding)


def overwrites(answer: Answer | None) -> bool:
    """Tells whether the module's check has seen a forged address overwritten on both ways to Prosody.

    ``answer`` is that of ``prosodyctl mod_auth_external check --json https://HOST``, or None: there is none.
    """
    lines = [each["line"] for each in _findings(answer)]
    return (
        all(any(f"{path}: a forged address was overwritten" in line for line in lines) for path in _PATHS)
        and any(_is_verdict(line) for line in lines)
        and not any("every browser looks like it" in line for line in lines)
    )


def _is_verdict(line: str) -> bool:
    return f"{_OPTION} = true is right" in line or "overwrites forged addresses: set the option" in line


def _findings(answer: Answer | None) -> Sequence[Mapping[str, str]]:
    try:
        found = json.loads(answer.output)["findings"] if answer else []
        return [{"sign": str(each["sign"]), "line": str(each["line"])} for each in found]
    except (ValueError, KeyError, TypeError):
        return []


def _vouched(
    plan: PlannedChanges, setup: Setup, configuration: Configuration, finding: partial[Finding]
) -> Finding:
    places = _places(plan)
    is_disproved = any(
        each["sign"] == "error" and f"{_OPTION} is true, and must not be" in each["line"]
        for each in _findings(_check(plan, setup))
    )
    if not is_disproved and all(each.is_sound for each in places):
        return finding(Level.OK, Remark("Prosody believes the addresses that nginx passes on."))
    return finding(
        Level.ERROR,
        Remark("Prosody believes that nginx overwrites forged addresses, but nginx does not."),
        _WHY,
        str(configuration.place(setup.host, _OPTION) or ""),
        f"{_OPTION} = false",
        _fix(plan, setup, value=False),
    )


def _not_vouched(plan: PlannedChanges, setup: Setup, finding: partial[Finding]) -> Finding:
    places = _places(plan)
    command = f"prosodyctl mod_auth_external check https://{setup.host}"
    is_proved = bool(places) and all(each.is_sound for each in places) and overwrites(_check(plan, setup))
    if not is_proved:
        what = Remark("The addresses of browsers count as unknown.")
        return finding(Level.NOTE, what, _WHY, line=command)
    return finding(
        Level.WARNING,
        Remark("Nginx overwrites forged addresses, and Prosody is not told so."),
        _WHY,
        line=f"{_OPTION} = true",
        fix=_fix(plan, setup, value=True),
    )


def _fix(plan: PlannedChanges, setup: Setup, *, value: bool) -> Fix | None:
    values = {_OPTION: "true" if value else "false"}
    return tried(
        plan,
        lambda plan: set_options(plan, setup.host, values, beside=setup.host),
        lambda after: after.get(setup.host, _OPTION) is value,
    )


def _check(plan: PlannedChanges, setup: Setup) -> Answer | None:
    return plan.machine.run("prosodyctl", "mod_auth_external", "check", "--json", f"https://{setup.host}")


def _places(plan: PlannedChanges) -> Sequence[Proxied]:
    try:
        return to_prosody(read_nginx(plan) or ())
    except NotUnderstoodError:
        return ()
