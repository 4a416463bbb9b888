"""Tells what leads to the login page on this machine, and plans it; never writes.

It is an option of Prosody, a place in nginx, a systemd socket, and one line of the website's settings.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from authbridge.errors import AuthBridgeError
from authbridge.machine.files import PlannedChanges
from authbridge.machine.nginx_config import Directive, Levels, named, read_nginx, walk
from authbridge.machine.places import NotUnderstoodError, insert_after
from authbridge.machine.prosody_config import set_options
from authbridge.machine.proxied import (
    Proxied,
    of_host,
    overwrite_addresses,
    server_names,
    to_prosody,
)
from authbridge.machine.setup import Setup
from authbridge.machine.website_config import WebsiteConfig, edit_website

PATH = "/_authbridge/"
OPTION = "external_auth_page"
SOCKET, SERVICE = "authbridge-page.socket", "authbridge-page.service"
SOCKET_LINK = f"/etc/systemd/system/sockets.target.wants/{SOCKET}"
SNIPPET = "/etc/nginx/snippets/authbridge-login-page.conf"
INCLUDE = "include snippets/authbridge-login-page.conf;"

_PORT = "8703"  # as in authbridge-page.socket
_TEXT = Path(__file__).parents[2] / "deploy/nginx/login-page.conf"
_UNLOGGED = {"error_log": "error_log /var/log/nginx/error.log crit;", "access_log": "access_log off;"}
_QUIET = {"crit", "alert", "emerg"}
_FORMAT_WITH_ADDRESS = re.compile(r"\$\{?(request|request_uri|args|query_string|arg_token)\b")


class NoPlaceError(AuthBridgeError):
    """Raised when nginx has no server from which browsers reach Prosody's login under that name."""


def address(setup: Setup) -> str:
    """Returns where the website sends people to log in; the website fills in ``{state}``."""
    return f"https://{setup.host}{PATH}auth?state={{state}}"


def sends_people(website: WebsiteConfig, setup: Setup) -> bool:
    """Tells whether the website certainly sends people to the login page."""
    try:
        return website.value("tokenAuthUrl") == address(setup)
    except NotUnderstoodError:
        return False


def places(nginx: Sequence[Directive], setup: Setup) -> list[Proxied]:
    """Returns each place from which browsers reach the login page under Jitsi's name."""
    return [each for each in of_host(nginx, setup.host) if _is_the_page(each.directive)]


def login_places(nginx: Sequence[Directive], setup: Setup) -> list[Proxied]:
    """Returns each place from which browsers reach Prosody's login under Jitsi's name."""
    return [each for each in to_prosody(nginx) if setup.host in server_names(each.levels)]


def serves(each: Proxied, nginx: Sequence[Directive]) -> bool:
    """Tells whether that place takes all addresses of the login page before Jitsi's patterns see them."""
    return any(
        location.block is not None and each.directive in location.block
        for location, _ in walk(nginx)
        if location.name == "location" and location.arguments == ("^~", PATH)
    )


def logs_tokens(nginx: Sequence[Directive], each: Proxied) -> bool:
    """Tells whether nginx writes the address that a browser asks there into a log, and the token with it."""
    return any(_is_written(nginx, each.levels, log) for log in _UNLOGGED)


def is_of_this_release(plan: PlannedChanges) -> bool:
    """Tells whether our file for nginx is as this release has it, or is not there; no upgrade writes it."""
    return plan.read(SNIPPET) in {None, _snippet()}


def plan_for_prosody(plan: PlannedChanges, setup: Setup) -> None:
    """Plans that Prosody takes tokens on the organisers' host.

    Raises:
        ConfigurationError: Prosody's configuration cannot be read.
    """
    # Not where `authbridge doctor` adds lines: changes side by side cannot be taken back one by one.
    set_options(plan, setup.host, {OPTION: "true"}, below="external_auth_token_file")


def plan_for_nginx(plan: PlannedChanges, setup: Setup) -> None:
    """Plans the place of the login page, with the browsers' own addresses, and that no token is logged.

    Raises:
        NoPlaceError: nginx has no server where it could stand.
        NotUnderstoodError: nginx' configuration is not understood.
    """
    plan.write(SNIPPET, _snippet())
    while (near := _server_without_page(read_nginx(plan) or (), setup)) is not None:
        _add_behind(plan, near, f"{INCLUDE} # AuthBridge")
    overwrite_addresses(plan, lambda nginx: places(nginx, setup))
    while (written := next(_mendable_logs(read_nginx(plan) or (), setup), None)) is not None:
        place, log = written
        _add_behind(plan, place.directive, _UNLOGGED[log])


def plan_for_socket(plan: PlannedChanges) -> None:
    """Plans that systemd listens for the login page, from each start of the machine on."""
    plan.link(SOCKET_LINK, f"/etc/systemd/system/{SOCKET}")


def plan_for_website(plan: PlannedChanges, setup: Setup) -> None:
    """Plans that the website sends people to the login page.

    Raises:
        NotUnderstoodError: It is not certain what the website's settings set.
    """
    edit_website(plan, setup, f"'{address(setup)}'", "tokenAuthUrl")


def _snippet() -> str:
    return _TEXT.read_text(encoding="utf-8")


def _add_behind(plan: PlannedChanges, near: Directive, line: str) -> None:
    plan.edit(near.file, lambda text: insert_after(text, near.start, near.end, line, comment=r"\#[^\n\r]*"))


def _is_the_page(directive: Directive) -> bool:
    return directive.arguments[0].rstrip("/").endswith(f":{_PORT}")


def _server_without_page(nginx: Sequence[Directive], setup: Setup) -> Directive | None:
    """Returns what the page shall stand behind in a server that has no place for it; None: all have."""
    logins = login_places(nginx, setup)
    if not logins:
        raise NoPlaceError("nginx has no server of %(host)s that leads to Prosody.", host=setup.host)
    for each in logins:
        server = next(level for level in each.levels if named(level, "server_name"))
        if not any(location.name == "location" and location.arguments[-1:] == (PATH,) for location in server):
            return next(part for part in server if _holds(part, each.directive))
    return None


def _holds(outer: Directive, inner: Directive) -> bool:
    return any(each is inner for each, _ in walk((outer,)))


def _mendable_logs(nginx: Sequence[Directive], setup: Setup) -> Iterator[tuple[Proxied, str]]:
    for each in login_places(nginx, setup):
        for log in _UNLOGGED:
            # What somebody has written into the place itself is theirs to change.
            if not named(each.levels[0], log) and _is_written(nginx, each.levels, log):
                yield each, log


def _is_written(nginx: Sequence[Directive], levels: Levels, log: str) -> bool:
    # A block with logs of its own inherits none; without any, nginx writes all of the request.
    logs = next((found for level in levels if (found := named(level, log))), None)
    if logs is None:
        return True
    targets = {each.arguments[0] for each in logs}
    if log == "error_log":
        return any(each.arguments[0] != "/dev/null" and not _QUIET & set(each.arguments) for each in logs)
    return "off" not in targets and any(_has_address(nginx, each.arguments[1:]) for each in logs)


def _has_address(nginx: Sequence[Directive], options: Sequence[str]) -> bool:
    name = options[0] if options and "=" not in options[0] else "combined"
    formats = [each for each, _ in walk(nginx) if each.name == "log_format" and each.arguments[0] == name]
    return not formats or any(_FORMAT_WITH_ADDRESS.search("".join(each.arguments[1:])) for each in formats)
